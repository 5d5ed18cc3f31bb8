"""An event stream by hand: what the page's socket does, message by message."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import websockets
from tests.programs.person import greeting
from tests.programs.server import Server

PATIENCE_S = 15.0


class Talk:
    """One WebSocket at a meeting's events, with or without a hello."""

    def __init__(self, server: Server, meeting_id: str, **headers: str) -> None:
        self.url = f"ws://127.0.0.1:{server.port}/api/v1/meetings/{meeting_id}/events"
        self.headers = headers
        self.seen: list[dict[str, Any]] = []
        self._socket: websockets.ClientConnection | None = None

    async def open(self, **options: Any) -> Talk:
        """Open the socket.

        Raises:
            websockets.InvalidStatus: the server refused the upgrade.
        """
        self._socket = await websockets.connect(
            self.url,
            additional_headers=self.headers,
            open_timeout=PATIENCE_S,
            ping_interval=None,
            compression=options.pop("compression", None),
            max_size=None,
            **options,
        )
        return self

    @property
    def socket(self) -> websockets.ClientConnection:
        """The open socket."""
        assert self._socket is not None
        return self._socket

    async def hello(self, connection: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Say hello for a joined connection and read the answer."""
        await self.say(greeting(connection) | changes)
        return await self.read("hello")

    async def say(self, message: Any) -> None:
        """Send one message; bytes and texts go as they are."""
        raw = isinstance(message, str | bytes)
        await self.socket.send(message if raw else json.dumps(message))

    async def read(self, kind: str) -> dict[str, Any]:
        """Read until a message whose `type` or `kind` is this one; pings are answered."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = json.loads(await self.socket.recv())
                self.seen.append(message)
                if message["type"] == "ping":
                    await self.say({"type": "pong", "id": message["id"]})
                if kind in (message["type"], message.get("kind")):
                    return message

    async def closed(self, within_s: float = PATIENCE_S) -> int:
        """Read until the server closes; answers the close code."""
        async with asyncio.timeout(within_s):
            try:
                while True:
                    self.seen.append(json.loads(await self.socket.recv()))
            except websockets.ConnectionClosed:
                pass
        assert self.socket.close_code is not None
        return self.socket.close_code

    async def close(self) -> None:
        """Close the socket as a closed tab does."""
        if self._socket is not None:
            await self._socket.close()
