"""The cheapest members that fan-out can have: they note when each event arrives, and read no more.

One WebSocket client (RFC 6455) and three dialects over it: moot's event stream, Socket.IO (engine
protocol 4) and NATS. They cost the machine alike, so that what differs is the servers.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import time
from typing import Any, cast


class Member(asyncio.Protocol):
    """One connection: upgraded, greeted in its dialect, then counting.

    Attributes:
        ready: done when the server counts this member in.
        arrivals: when each event arrived, in order.
        sample: the last event, as it came.
    """

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self._buffer = bytearray()
        self._is_upgraded = False
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self._answers: list[asyncio.Future[None]] = []
        self.arrivals: list[float] = []
        self.sample = b""
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        # uvloop's transports are not asyncio's class, only its shape.
        self._transport = transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take bytes; every whole frame goes to the dialect."""
        now = time.monotonic()
        self._buffer += data
        if not self._is_upgraded:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._buffer.startswith(b"HTTP/1.1 101"):
                self.connection_lost(ConnectionError(bytes(self._buffer[:200])))
                return
            del self._buffer[: end + 4]
            self._is_upgraded = True
            self.greet()
        while (frame := self._frame()) is not None:
            self.take(frame, now)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits."""
        for waiting in (self.ready, *self._answers):
            if not waiting.done():
                waiting.set_exception(exc or ConnectionError("the server has closed"))

    def _frame(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, at = buffer[1] & 0x7F, 2
        if length == 126:
            length, at = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, at = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < at + length:
            return None
        frame = bytes(buffer[at : at + length])
        del buffer[: at + length]
        return frame

    def send(self, payload: bytes, *, is_binary: bool = False) -> None:
        """Send one frame."""
        kind = b"\x82" if is_binary else b"\x81"
        if len(payload) < 126:
            size = bytes([0x80 | len(payload)])
        else:
            size = b"\xfe" + len(payload).to_bytes(2, "big")
        # A zero mask is a mask: the payload stays as it is.
        self._transport.write(kind + size + b"\0\0\0\0" + payload)

    def answer(self) -> asyncio.Future[None]:
        """Return what is done when the server has answered the change sent next."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers.append(waiting)
        return waiting

    def answered(self) -> None:
        """Let the oldest waiting change be done."""
        if self._answers:
            waiting = self._answers.pop(0)
            if not waiting.done():
                waiting.set_result(None)

    def arrived(self, event: bytes, now: float) -> None:
        """Note an event."""
        self.sample = event
        self.arrivals.append(now)
        self._news.set()

    async def has(self, count: int, deadline: float) -> None:
        """Wait until so many events have arrived, or until a time of the monotonic clock."""
        while len(self.arrivals) < count and (left_s := deadline - time.monotonic()) > 0:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left_s)

    def greet(self) -> None:
        """Say what the dialect begins with."""

    def take(self, frame: bytes, now: float) -> None:
        """Read one frame."""
        raise NotImplementedError

    def close(self) -> None:
        """Drop the connection."""
        self._transport.abort()


class MootMember(Member):
    """A reader of moot's event stream."""

    def __init__(self, port: int, path: str, hello: dict[str, Any]) -> None:
        super().__init__(port, path)
        self._hello = hello

    def greet(self) -> None:
        """Say hello with the connection's token."""
        self.send(json.dumps(self._hello).encode())

    def take(self, frame: bytes, now: float) -> None:
        """Count changes of participants; answer pings."""
        if frame.startswith(b'{"type":"event"'):
            if b'"participant.updated"' in frame:
                self.arrived(frame, now)
        elif frame.startswith(b'{"type":"ping"'):
            self.send(json.dumps({"type": "pong", "id": json.loads(frame)["id"]}).encode())
        elif frame.startswith(b'{"type":"hello"') and not self.ready.done():
            self.ready.set_result(None)


class SocketIoMember(Member):
    """A Socket.IO client: packets are text, `42` is an event, `43` an answer, `2` a ping."""

    def __init__(self, port: int) -> None:
        super().__init__(port, "/socket.io/?EIO=4&transport=websocket")

    def take(self, frame: bytes, now: float) -> None:
        """Count events; join the namespace; answer pings."""
        if frame.startswith(b"42"):
            self.arrived(frame, now)
        elif frame.startswith(b"43"):
            self.answered()
        elif frame == b"2":
            self.send(b"3")
        elif frame.startswith(b"0"):
            self.send(b"40")
        elif frame.startswith(b"40") and not self.ready.done():
            self.ready.set_result(None)

    async def change(self, event: bytes) -> None:
        """Send a change, and wait until the server has taken it."""
        done = self.answer()
        self.send(b'420["change",' + event + b"]")
        await done


class NatsMember(Member):
    """A NATS client: its protocol is a stream of lines in binary frames."""

    def __init__(self, port: int) -> None:
        super().__init__(port, "/")
        self._stream = bytearray()

    def take(self, frame: bytes, now: float) -> None:
        """Count messages; subscribe; answer pings."""
        stream = self._stream
        stream += frame
        while (end := stream.find(b"\r\n")) >= 0:
            line = bytes(stream[:end])
            if line.startswith(b"MSG "):
                whole = end + 2 + int(line.rpartition(b" ")[2]) + 2
                if len(stream) < whole:
                    return
                self.arrived(bytes(stream[end + 2 : whole - 2]), now)
                end = whole - 2
            elif line.startswith(b"INFO ") and not self.ready.done():
                told = b'CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1"}'
                self._answers.append(self.ready)
                self.send(told + b"\r\nSUB room 1\r\nPING\r\n", is_binary=True)
            elif line == b"PING":
                self.send(b"PONG\r\n", is_binary=True)
            elif line == b"PONG":
                self.answered()
            del stream[: end + 2]

    async def change(self, event: bytes) -> None:
        """Publish a change, and wait until the server has taken it."""
        done = self.answer()
        head = f"PUB room {len(event)}\r\n".encode()
        self.send(head + event + b"\r\nPING\r\n", is_binary=True)
        await done
