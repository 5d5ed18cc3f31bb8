"""One person as a program: joins, leaves and keeps the log of everything the event stream said."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
import websockets
from tests.programs.server import Server
from tests.programs.wire import Answer, Wire

AUTH_SECRET = "an embedding program's key, for tests only: 0123456789"
"""Give it to servers as MOOT_AUTH_SECRET so that programs can be any number of persons."""
RESUMING = {1001, 1006, 1011, 1012, 4009, 4010, 4011, 4012, 4013}

SILENT_S = 12.0
"""A stream that says nothing for so long is dead, as the page takes it: servers ping every 5 s."""


def bearer(subject: str) -> str:
    """Make a token for one account of the embedding program."""
    now = int(time.time())
    claims = {"sub": subject.replace(" ", "-"), "aud": "moot", "iat": now, "exp": now + 6 * 3600}
    return jwt.encode(claims, AUTH_SECRET, algorithm="HS256")


def greeting(connection: dict[str, Any]) -> dict[str, Any]:
    """Make the hello that opens the event stream of a connection."""
    return {
        "type": "hello",
        "connection_id": connection["id"],
        "token": connection["token"],
        "fence": connection["fence"],
    }


@dataclass
class Stream:
    """One connection's event stream, read until it ends; resumes by itself like the page does.

    Attributes:
        log: (event_seq, kind) of every durable event in the order of arrival.
        state: participants by id, after snapshot and events.
        gaps: what broke the rules of the protocol: a gap, a repeat, a step back.
        closed: the last close code, None while open.
        hellos: how often a server has greeted it.
        server: the server that it is on, or was on last.
    """

    servers: Sequence[Server]
    meeting_id: str
    connection: dict[str, Any]
    log: list[tuple[int, str]] = field(default_factory=list)
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    epoch: int = 0
    event_seq: int = 0
    closed: int | None = None
    arrivals: dict[int, float] = field(default_factory=dict)
    snapshots: int = 0
    hellos: int = 0
    server: Server | None = None
    live: asyncio.Event = field(default_factory=asyncio.Event)
    _socket: websockets.ClientConnection | None = None

    async def run(self) -> None:
        """Read until the stream ends with a code that does not mean resume."""
        wait_s = 0.05
        servers = list(self.servers)
        while True:
            # As a balancer does, it leaves out the one that has just failed.
            server = random.choice(servers)
            servers = [each for each in self.servers if each is not server] or [server]
            try:
                await self._read(server)
                wait_s = 0.05
            except (OSError, websockets.InvalidMessage, websockets.InvalidStatus, TimeoutError):
                self.closed = 1006
            self.live.clear()
            if self.closed not in RESUMING:
                return
            await asyncio.sleep(random.uniform(0, wait_s))
            wait_s = min(wait_s * 2, 1.0)

    async def _read(self, server: Server) -> None:
        url = f"ws://127.0.0.1:{server.port}/api/v1/meetings/{self.meeting_id}/events"
        async with websockets.connect(
            url, open_timeout=5, compression=None, max_size=None, ping_interval=None
        ) as socket:
            self._socket = socket
            self.server = server
            hello = greeting(self.connection)
            if self.event_seq:
                hello["since"] = {"epoch": self.epoch, "event_seq": self.event_seq}
            await socket.send(json.dumps(hello))
            try:
                while True:
                    async with asyncio.timeout(SILENT_S):
                        frame = await socket.recv()
                    await self._take(socket, json.loads(frame))
            except websockets.ConnectionClosed:
                pass
            except TimeoutError:
                socket.transport.abort()
                raise
            self.closed = socket.close_code or 1006

    async def _take(self, socket: websockets.ClientConnection, message: dict[str, Any]) -> None:
        match message["type"]:
            case "hello":
                self.closed = None
                self.hellos += 1
                if message["resumed"]:
                    if message["epoch"] != self.epoch:
                        self.gaps.append("resumed into another epoch")
                else:
                    self._snapshot(message)
                self.live.set()
            case "snapshot":
                self._snapshot(message)
            case "event":
                seq = message["event_seq"]
                if seq != self.event_seq + 1:
                    self.gaps.append(f"{seq} after {self.event_seq}")
                self.event_seq = seq
                self.arrivals[seq] = time.monotonic()
                self.log.append((seq, message["kind"]))
                participant = (message.get("body") or {}).get("participant")
                if participant is not None:
                    self.state[participant["id"]] = participant
            case "ping":
                await socket.send(json.dumps({"type": "pong", "id": message["id"]}))
            case _:
                pass

    def _snapshot(self, message: dict[str, Any]) -> None:
        self.snapshots += 1
        self.epoch, self.event_seq = message["epoch"], message["event_seq"]
        self.state = {one["id"]: one for one in message["snapshot"]["participants"]}

    async def close(self) -> None:
        """Close the socket as a closed tab does."""
        if self._socket is not None:
            await self._socket.close()


class Person:
    """One person; every tab is a connection with a stream of its own."""

    def __init__(self, servers: Sequence[Server], name: str) -> None:
        self.servers = servers
        self.name = name
        self.token = bearer(name)
        # Tabs ask at the same time; a connection carries one request at a time.
        self._idle: dict[int, list[Wire]] = {server.port: [] for server in servers}
        self.tasks: set[asyncio.Task[None]] = set()

    async def ask(
        self,
        method: str,
        path: str,
        body: object | None = None,
        *,
        via: Server | None = None,
        **headers: str,
    ) -> Answer:
        """Send one command to one of the servers.

        Raises:
            ConnectionError: it is not known whether the command took effect.
        """
        server = via or random.choice(self.servers)
        idle = self._idle[server.port]
        wire = idle.pop() if idle else server.wire(Authorization=f"Bearer {self.token}")
        try:
            return await wire.ask(method, f"/api/v1{path}", body, **headers)
        finally:
            idle.append(wire)

    async def insist(
        self,
        method: str,
        path: str,
        body: object | None = None,
        *,
        within_s: float = 10.0,
        **headers: str,
    ) -> Answer:
        """Repeat a command until it is answered with something else than 503.

        Raises:
            TimeoutError: not within `within_s`.
        """
        deadline = time.monotonic() + within_s
        named: dict[str, Any] = dict(headers)
        while True:
            with contextlib.suppress(ConnectionError):
                answer = await self.ask(method, path, body, **named)
                if answer.status != 503:
                    return answer
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} was not answered within {within_s} s")
            await asyncio.sleep(random.uniform(0.02, 0.1))

    async def create(self, meeting_id: str, **options: Any) -> Answer:
        """Create or get a meeting."""
        return await self.ask("PUT", f"/meetings/{meeting_id}", {}, **options)

    async def join(self, meeting_id: str, **body: Any) -> Answer:
        """Join or rejoin with a fresh connection id."""
        body = {"name": self.name, "connection_id": str(uuid.uuid4()), **body}
        return await self.insist("PUT", f"/meetings/{meeting_id}/participants/me", body)

    def watch(self, meeting_id: str, connection: dict[str, Any]) -> Stream:
        """Open the event stream of a joined connection; it reads in the background."""
        stream = Stream(self.servers, meeting_id, connection)
        task = asyncio.create_task(stream.run())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return stream

    async def gone(self) -> None:
        """Stop every stream without a word, as a crashed browser does."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for wires in self._idle.values():
            for wire in wires:
                await wire.close()
