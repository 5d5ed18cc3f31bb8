"""Many streams at once: stalled readers, fuzzing clients, idle sockets."""

import asyncio
import contextlib
import json
import random
import socket
import time
import uuid

import websockets
from tests.programs.person import Person


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
    hello = json.dumps(
        {
            "type": "hello",
            "connection_id": connection["id"],
            "token": connection["token"],
            "fence": connection["fence"],
        }
    ).encode()
    mask = b"\0\0\0\0"
    writer.write(b"\x81" + bytes((0x80 | 126,)) + len(hello).to_bytes(2, "big") + mask + hello)
    await writer.drain()
    await asyncio.sleep(0.2)
    return reader, writer


def garbage(chance: random.Random) -> str | bytes:
    """Make a message that a broken or hostile client might send."""
    whole = [
        {"type": "ping", "id": chance.choice([1, "x", None, 1.5, [], {}])},
        {"type": "pong", "id": chance.randint(-5, 5)},
        {"type": "typing", "to": chance.choice([None, "x", str(uuid.uuid4()), 7])},
        {"type": "hello", "connection_id": "x", "token": "y", "fence": chance.randint(-9, 9)},
        {"type": chance.choice(["event", "snapshot", "", "\x00", "hello" * 9])},
    ]
    text = json.dumps(chance.choice(whole))
    match chance.randint(0, 5):
        case 0:
            return text
        case 1:
            return text[: chance.randint(0, len(text))]
        case 2:
            return chance.randbytes(chance.randint(0, 300))
        case 3:
            return "".join(chr(chance.randint(0, 0xD7FF)) for _ in range(chance.randint(0, 200)))
        case 4:
            return "[" * chance.randint(0, 9000)
        case _:
            return text.replace('"', chance.choice(["'", "", '"']), 1)


async def fuzz(server, frames: int, seed: int) -> None:
    """Send garbage from three clients at once while a fourth counts what it sees."""
    chance = random.Random(seed)
    victim = Person([server], f"fuzz victim {seed}")
    meeting_id = f"FUZZ{seed}"
    await victim.create(meeting_id)
    connection = (await victim.join(meeting_id)).body["connection"]
    stream = victim.watch(meeting_id, connection)
    await asyncio.wait_for(stream.live.wait(), 20)
    attackers = [Person([server], f"fuzz {seed} {n}") for n in range(3)]
    joined = [(await who.join(meeting_id)).body["connection"] for who in attackers]
    url = f"ws://127.0.0.1:{server.port}/api/v1/meetings/{meeting_id}/events"

    async def attack(connection, count):
        while count > 0:
            async with websockets.connect(url, compression=None, ping_interval=None) as ws:
                if chance.random() < 0.7:
                    await ws.send(
                        json.dumps(
                            {
                                "type": "hello",
                                "connection_id": connection["id"],
                                "token": connection["token"],
                                "fence": connection["fence"],
                            }
                        )
                    )
                with contextlib.suppress(websockets.ConnectionClosed):
                    for _ in range(chance.randint(1, 20)):
                        count -= 1
                        await ws.send(garbage(chance))
                        await asyncio.sleep(0)

    await asyncio.gather(*(attack(one, frames // 3) for one in joined))
    before = stream.event_seq
    async with asyncio.timeout(30):
        await victim.insist("PATCH", f"/meetings/{meeting_id}/participants/me", {"hand": True})
        while stream.event_seq <= before:
            await asyncio.sleep(0.05)
    assert stream.gaps == []
    assert stream.closed is None
    assert stream.snapshots == 1
    snapshot = await victim.ask("GET", f"/meetings/{meeting_id}/snapshot")
    for participant in snapshot.body["participants"]:
        assert stream.state[participant["id"]]["status"] == participant["status"]
    for who in (victim, *attackers):
        await who.gone()
    assert "Event stream failed" not in server.log
    assert "Traceback" not in server.log


async def test_fuzzing_clients_disturb_nobody(server):
    """F3: thousands of hostile messages from three clients; the fourth misses nothing."""
    await fuzz(server, frames=1500, seed=20261122)


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
