"""What does one change cost to be seen by everybody, and when is it seen?

200 watchers are in one meeting. One of them switches the microphone; each watcher notes when the
event arrives. Deliveries per CPU-second count the server's own CPU while changes come as fast as
the server answers them. Then some of the watchers stop reading: what the others notice of it, when
they are cut off and what they cost until then. Memory is that of idle event streams.

    python -m bench.fanout [--watchers 200] [--toggles 200] [--stalled 10] [--idle 2000]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import socket
import tempfile
import time
import uuid
from pathlib import Path

from tests.programs.person import AUTH_SECRET, bearer, greeting
from tests.programs.server import Server

from bench.figure import figure, percentile
from bench.process import cpu_s, rss_kib

MESSAGES = 100
"""Chat messages of a measurement; 400 kB for each reader."""


NARROW_BYTES = 4096
"""What the kernel may hold for a reader that will stall, so that the server soon notices."""


class Watcher(asyncio.Protocol):
    """The cheapest client there can be: it notes when bytes with an event's number arrive.

    It speaks just enough WebSocket (RFC 6455) to say hello and to answer pings, so that 200 of
    them cost less than the server they measure.
    """

    def __init__(self, path: str, port: int, hello: dict[str, object]) -> None:
        self._path = path
        self._port = port
        self._hello = hello
        self._buffer = bytearray()
        self._upgraded = False
        self.ready = asyncio.get_running_loop().create_future()
        self.seen: dict[int, float] = {}
        self.delivered = 0
        self.news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take bytes; note the events in them."""
        now = time.monotonic()
        self._buffer += data
        if not self._upgraded:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._buffer.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(bytes(self._buffer[:200]))
            del self._buffer[: end + 4]
            self._upgraded = True
            self._send(self._hello)
        while (frame := self._frame()) is not None:
            if frame.startswith(b'{"type":"event"'):
                self.delivered += 1
                message = json.loads(frame)
                self.seen[message["event_seq"]] = now
                self.news.set()
            elif frame.startswith(b'{"type":"ping"'):
                self._send({"type": "pong", "id": json.loads(frame)["id"]})
            elif frame.startswith(b'{"type":"hello"') and not self.ready.done():
                self.ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits for the hello."""
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError(bytes(self._buffer[:200])))

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

    def _send(self, message: dict[str, object]) -> None:
        payload = json.dumps(message).encode()
        size = (
            bytes([0x80 | len(payload)])
            if len(payload) < 126
            else b"\xfe" + len(payload).to_bytes(2, "big")
        )
        # A zero mask is a mask: the payload stays as it is.
        self._transport.write(b"\x81" + size + b"\0\0\0\0" + payload)

    async def saw_more_than(self, known: int) -> None:
        """Wait until an event above a number has arrived."""
        while max(self.seen, default=0) <= known:
            self.news.clear()
            await self.news.wait()

    def stall(self) -> None:
        """Read no more."""
        self._transport.pause_reading()

    def wake(self) -> None:
        """Read again, if only to learn that the other side has hung up."""
        self._transport.resume_reading()

    def close(self) -> None:
        """Drop the connection."""
        self._transport.abort()


async def _watch(
    server: Server, meeting_id: str, name: str, receive_bytes: int | None = None
) -> tuple[Watcher, dict[str, object], dict[str, str]]:
    headers = {"Authorization": f"Bearer {bearer(name)}"}
    wire = server.wire(**headers)
    answer = await wire.ask(
        "PUT",
        f"/api/v1/meetings/{meeting_id}/participants/me",
        {"name": name, "connection_id": str(uuid.uuid4())},
    )
    assert answer.status in (200, 201), (answer.status, answer.raw)
    await wire.close()
    connection = answer.body["connection"]
    hello = greeting(connection)
    path = f"/api/v1/meetings/{meeting_id}/events"
    loop = asyncio.get_running_loop()
    bare = socket.socket()
    if receive_bytes is not None:
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    bare.setblocking(False)
    await loop.sock_connect(bare, ("127.0.0.1", server.port))
    _, watcher = await loop.create_connection(lambda: Watcher(path, server.port, hello), sock=bare)
    await watcher.ready
    return watcher, connection, headers


async def _crowd(
    server: Server, meeting_id: str, watchers: int, *, narrow: int = 0
) -> list[tuple[Watcher, dict[str, object], dict[str, str]]]:
    await server.wire(Authorization=f"Bearer {bearer('watcher 0')}").ask(
        "PUT", f"/api/v1/meetings/{meeting_id}", {}
    )
    crowd = [
        await _watch(
            server,
            meeting_id,
            f"watcher {number}",
            NARROW_BYTES if number >= watchers - narrow else None,
        )
        for number in range(watchers)
    ]
    # The joins of the last ones are still on their way to the first.
    await asyncio.sleep(2)
    return crowd


async def _fan_out(server: Server, watchers: int, toggles: int) -> None:
    meeting_id = "FANOUT"
    crowd = await _crowd(server, meeting_id, watchers)
    _, connection, headers = crowd[0]
    wire = server.wire(
        **headers, Moot_Connection=str(connection["id"]), Moot_Fence=str(connection["fence"])
    )
    path = f"/api/v1/meetings/{meeting_id}/participants/me"
    everyone = [watcher for watcher, _, _ in crowd]
    seen_ms: list[float] = []
    for turn in range(toggles):
        known = max(everyone[0].seen, default=0)
        began = time.monotonic()
        answer = await wire.ask("PATCH", path, {"audio": turn % 2 == 0})
        assert answer.status == 200, (answer.status, answer.raw)
        await asyncio.gather(*(watcher.saw_more_than(known) for watcher in everyone))
        seen_ms += [(watcher.seen[max(watcher.seen)] - began) * 1000 for watcher in everyone]
        await asyncio.sleep(0.02)
    figure(
        "fanout", percentile(seen_ms, 0.5), "ms from mute to seen, p50", case=f"{watchers} watchers"
    )
    figure(
        "fanout",
        percentile(seen_ms, 0.99),
        "ms from mute to seen, p99",
        case=f"{watchers} watchers",
        aim="<= 100 ms",
    )

    # As fast as it answers: four people change something at once.
    wires = []
    for _, connection, headers in crowd[:4]:
        wires.append(
            server.wire(
                **headers,
                Moot_Connection=str(connection["id"]),
                Moot_Fence=str(connection["fence"]),
            )
        )
    before, cpu, began = sum(w.delivered for w in everyone), cpu_s(server.pid), time.monotonic()

    async def hurry(wire: object, offset: int) -> None:
        for turn in range(100):
            answer = await wire.ask("PATCH", path, {"video": (turn + offset) % 2 == 0})  # type: ignore[attr-defined]
            assert answer.status == 200, (answer.status, answer.raw)

    await asyncio.gather(*(hurry(wire, offset) for offset, wire in enumerate(wires)))
    await asyncio.sleep(0.5)
    delivered = sum(w.delivered for w in everyone) - before
    used = cpu_s(server.pid) - cpu
    figure(
        "fanout",
        delivered / used,
        "event deliveries per CPU-second, commands included",
        case=f"{watchers} watchers",
        aim=">= 60000",
    )
    figure(
        "fanout",
        delivered / (time.monotonic() - began),
        "event deliveries/s",
        case=f"{watchers} watchers",
    )
    for watcher in everyone:
        watcher.close()


async def _chat(server: Server, headers: dict[str, str], path: str, crowd: list[Watcher]) -> float:
    """Post long messages one after the other; give the p99 of when they are seen, in ms."""
    wire = server.wire(**headers)
    text = "x" * 3900
    seen_ms: list[float] = []
    for _ in range(MESSAGES):
        known = max(crowd[0].seen, default=0)
        began = time.monotonic()
        answer = await wire.ask("PUT", f"{path}/chat/{uuid.uuid4()}", {"text": text})
        assert answer.status == 201, (answer.status, answer.raw)
        await asyncio.gather(*(watcher.saw_more_than(known) for watcher in crowd))
        seen_ms += [(watcher.seen[max(watcher.seen)] - began) * 1000 for watcher in crowd]
    await wire.close()
    return percentile(seen_ms, 0.99)


async def _stall(server: Server, watchers: int, stalled: int) -> None:
    """Stop some readers; the others are measured before and after in the same way."""
    meeting_id = "STALLED"
    path = f"/api/v1/meetings/{meeting_id}"
    crowd = await _crowd(server, meeting_id, watchers, narrow=stalled)
    readers = [watcher for watcher, _, _ in crowd[:-stalled]]
    silent = [watcher for watcher, _, _ in crowd[-stalled:]]
    _, _, headers = crowd[0]
    await _chat(server, headers, path, readers)
    alone = await _chat(server, headers, path, readers)
    before = rss_kib(server.pid)
    peak = before
    ended = asyncio.Event()

    async def look() -> None:
        nonlocal peak
        while not ended.is_set():
            peak = max(peak, rss_kib(server.pid))
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    for watcher in silent:
        watcher.stall()
    closes = await _closes(server)
    began = time.monotonic()
    beside = 0.0
    while await _closes(server) < closes + stalled and time.monotonic() - began < 60:
        beside = max(beside, await _chat(server, headers, path, readers))
    took = time.monotonic() - began
    ended.set()
    await looking
    case = f"{stalled} stalled of {watchers}"
    figure(
        "fanout",
        beside,
        "ms from chat to seen by the others, p99",
        case=case,
        peer="none stalled",
        peer_value=alone,
        aim="<= 1.1 times",
    )
    cut_off = await _closes(server) - closes
    figure("fanout", cut_off, "stalled readers cut off", case=case, aim=str(stalled))
    figure("fanout", took, "s until all are cut off", case=case, aim="<= 10 s")
    figure("fanout", (peak - before) / stalled, "KiB a stalled reader", case=case, aim="<= 2048")
    for watcher in silent:
        watcher.wake()
    for watcher in (*readers, *silent):
        watcher.close()


async def _closes(server: Server) -> float:
    """Count the streams that were closed because they did not read."""
    said = (await server.wire(Connection="close").ask("GET", "/metrics")).raw.decode()
    for line in said.splitlines():
        if line.startswith('moot_stream_closes_total{code="4009"}'):
            return float(line.rpartition(" ")[2])
    return 0.0


async def _idle(server: Server, sockets: int) -> None:
    await server.wire(Authorization=f"Bearer {bearer('host of idle')}").ask(
        "PUT", "/api/v1/meetings/IDLE0000", {}
    )
    await asyncio.sleep(1)
    before = rss_kib(server.pid)
    crowd = []
    for number in range(sockets):
        meeting_id = f"IDLE{number // 20:04}"
        if number % 20 == 0:
            await server.wire(Authorization=f"Bearer {bearer('host of idle')}").ask(
                "PUT", f"/api/v1/meetings/{meeting_id}", {}
            )
        crowd.append((await _watch(server, meeting_id, f"idle {number}"))[0])
    await asyncio.sleep(2)
    after = rss_kib(server.pid)
    cpu = cpu_s(server.pid)
    await asyncio.sleep(5)
    figure(
        "fanout",
        (after - before) / sockets,
        "KiB a idle event stream",
        case=f"{sockets} streams",
        aim="<= 64 KiB",
    )
    figure(
        "fanout",
        (cpu_s(server.pid) - cpu) / 5 * 100,
        "% of a core while idle",
        case=f"{sockets} streams",
    )
    for watcher in crowd:
        watcher.close()


async def run(watchers: int, toggles: int, stalled: int, idle: int) -> None:
    """Measure and print the figures."""
    with tempfile.TemporaryDirectory(prefix="moot-fanout-") as folder:
        server = Server(Path(folder), MOOT_AUTH_SECRET=AUTH_SECRET, MOOT_LOG_LEVEL="warning")
        await server.start()
        try:
            await _fan_out(server, watchers, toggles)
            if stalled:
                await _stall(server, watchers, stalled)
            await _idle(server, idle)
        finally:
            server.stop()


def main() -> None:
    """Measure by command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--toggles", type=int, default=200)
    parser.add_argument("--stalled", type=int, default=10)
    parser.add_argument("--idle", type=int, default=2000)
    options = parser.parse_args()
    asyncio.run(run(options.watchers, options.toggles, options.stalled, options.idle))


if __name__ == "__main__":
    main()
