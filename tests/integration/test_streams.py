"""Many streams at once: stalled readers, fuzzing clients, idle sockets."""

import asyncio
import contextlib
import json
import socket
import time
import uuid

from tests.programs.fuzz import fuzz
from tests.programs.person import Person, greeting


async def test_stalled_readers_are_cut_off_and_slow_nobody(server, people, talks):
    """EVENT-5, C12: who does not read is closed with resume; the others get everything in time."""
    host = people("stall host")
    await host.create("STALLED")
    mine = (await host.join("STALLED")).body["connection"]
    good = await talks("STALLED")
    await good.hello(mine)
    stalled = [await _stalled(server, people(f"staller {n}"), "STALLED") for n in range(4)]
    waits = []
    text = "x" * 3900
    for _ in range(300):
        began = time.monotonic()
        path = f"/meetings/STALLED/chat/{uuid.uuid4()}"
        assert (await host.ask("PUT", path, {"text": text})).status == 201
        await good.read("chat.posted")
        waits.append(time.monotonic() - began)
    waits.sort()
    assert waits[len(waits) // 2] < 1.0
    for reader, writer in stalled:
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionError):
                while await reader.read(65_536):
                    pass
        writer.close()
    metrics = (await server.wire(Connection="close").ask("GET", "/metrics")).raw.decode()
    assert 'moot_stream_closes_total{code="4009"}' in metrics
    numbers = [m["event_seq"] for m in good.seen if m["type"] == "event"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def _stalled(server, person: Person, meeting_id: str):
    """Open a stream with the smallest buffers there are, say hello, and never read again."""
    connection = (await person.join(meeting_id)).body["connection"]
    bare = socket.socket()
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    bare.setblocking(False)
    await asyncio.get_running_loop().sock_connect(bare, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=bare, limit=2048)
    writer.write(
        f"GET /api/v1/meetings/{meeting_id}/events HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    hello = json.dumps(greeting(connection)).encode()
    mask = b"\0\0\0\0"
    writer.write(b"\x81" + bytes((0x80 | 126,)) + len(hello).to_bytes(2, "big") + mask + hello)
    await writer.drain()
    await asyncio.sleep(0.2)
    return reader, writer


async def test_fuzzing_clients_disturb_nobody(server):
    """F3: thousands of hostile messages from three clients; the fourth misses nothing."""
    assert await fuzz(server, frames=1500, seed=20261122) == []


async def test_idle_streams_are_cheap(server):
    """L3: a stream that only pings costs at most 64 KiB."""
    person = Person([server], "idle founder")
    await person.create("IDLE")

    def rss_kib() -> int:
        with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    async def open_one(number: int):
        one = Person([server], f"idler {number}")
        connection = (await one.join("IDLE")).body["connection"]
        stream = one.watch("IDLE", connection)
        await asyncio.wait_for(stream.live.wait(), 30)
        return one

    warm = [await open_one(number) for number in range(20)]
    before = rss_kib()
    idle = [await open_one(number) for number in range(20, 120)]
    each = (rss_kib() - before) / 100
    for one in (person, *warm, *idle):
        await one.gone()
    assert each <= 64


async def test_two_processes_on_one_folder_show_the_same(serve, people, talks):
    """EVENT-1: whoever is on another process sees the change within a second, in order."""
    first = await serve(MOOT_AUTH_SECRET="an embedding program's key, for tests only: 0123456789")
    second = await serve(data=first.data)
    ana, ben = people("two ana", first), people("two ben", second)
    await ana.create("TWO")
    a, b = (await ana.join("TWO")).body, (await ben.join("TWO")).body
    far = await talks("TWO", via=second)
    hello = await far.hello(b["connection"])
    numbers = []
    for hand in (True, False, True, False):
        began = time.monotonic()
        await ana.ask("PATCH", "/meetings/TWO/participants/me", {"hand": hand})
        event = await far.read("participant.updated")
        while event["body"]["participant"]["id"] != a["participant"]["id"]:
            event = await far.read("participant.updated")
        numbers.append(event["event_seq"])
        assert time.monotonic() - began < 5
    assert numbers == sorted(numbers)
    seen = [m["event_seq"] for m in far.seen if m["type"] == "event"]
    assert seen == list(range(hello["event_seq"] + 1, hello["event_seq"] + 1 + len(seen)))
