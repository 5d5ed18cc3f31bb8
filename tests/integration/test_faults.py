"""What goes wrong around a server: the clock, the disk, the database."""

import asyncio
import resource
import time
import uuid
from pathlib import Path

import pytest
from tests.programs.server import Server
from tests.servers.postgres import PostgresServer

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


@pytest.fixture
def own_postgres():
    """A PostgreSQL server that the test may restart."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


async def test_a_clock_that_steps_disconnects_nobody(serve, people, talks, tmp_path):
    """C10: an hour forward, two hours back: no leave, no expiry, numbers in order, 30 s linger."""
    assert FAKETIME.exists(), "apt-get install libfaketime"  # noqa: ASYNC240
    clock = tmp_path / "clock"
    clock.write_text("+0")
    server = await serve(
        LD_PRELOAD=str(FAKETIME),
        FAKETIME_TIMESTAMP_FILE=str(clock),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    ana, ben = people("clock ana", server), people("clock ben", server)
    await ana.create("CLOCK")
    mine, theirs = (await ana.join("CLOCK")).body, (await ben.join("CLOCK")).body
    stream, other = await talks("CLOCK", via=server), await talks("CLOCK", via=server)
    await stream.hello(mine["connection"])
    await other.hello(theirs["connection"])
    for step in ("+1h", "-1h", "+0", "-10s"):
        clock.write_text(step)
        for hand in (True, False):
            await ben.ask("PATCH", "/meetings/CLOCK/participants/me", {"hand": hand})
            event = await stream.read("participant.updated")
            assert event["body"]["participant"]["id"] == theirs["participant"]["id"]
        await asyncio.sleep(2.5)
    seat = await ana.ask("GET", "/meetings/CLOCK/participants/me")
    assert seat.body["participant"]["status"] == "connected"
    kinds = {m["kind"] for m in stream.seen if m["type"] == "event"}
    assert kinds <= {"participant.updated", "participant.joined"}
    statuses = {m["body"]["participant"]["status"] for m in stream.seen if m.get("kind") in kinds}
    assert statuses == {"connected"}
    numbers = [m["event_seq"] for m in stream.seen if m["type"] == "event"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_full_disk_refuses_writes_and_nothing_else(serve, people, talks):
    """C11: writes answer 507 or 503, reading and streams go on, and it heals by itself."""
    server = await serve()
    ana = people("disk ana", server)
    await ana.create("DISK")
    stream = await talks("DISK", via=server)
    await stream.hello((await ana.join("DISK")).body["connection"])
    size = max(path.stat().st_size for path in server.data.iterdir())
    hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size + 60_000, hard))
    kept, refused = [], None
    for _ in range(200):
        message = str(uuid.uuid4())
        answer = await ana.ask("PUT", f"/meetings/DISK/chat/{message}", {"text": "x" * 4000})
        if answer.status not in (200, 201):
            refused = answer
            break
        kept.append(message)
    assert refused is not None
    assert refused.status in (507, 503)
    assert refused.body["code"] in ("storage_full", "unavailable")
    assert (await ana.ask("GET", "/meetings/DISK/snapshot")).status == 200
    assert (await server.wire(Connection="close").ask("GET", "/livez")).status == 200
    await stream.say({"type": "ping", "id": "still there"})
    assert (await stream.read("pong"))["id"] == "still there"
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))
    began = time.monotonic()
    answer = await ana.insist("PATCH", "/meetings/DISK/participants/me", {"hand": True})
    while answer.status == 507 and time.monotonic() - began < 10:
        await asyncio.sleep(0.2)
        answer = await ana.insist("PATCH", "/meetings/DISK/participants/me", {"hand": True})
    assert answer.status == 200
    assert time.monotonic() - began < 10
    chat = await ana.ask("GET", "/meetings/DISK/chat?limit=200")
    assert {m["id"] for m in chat.body["messages"]} >= set(kept)
    assert "Traceback" not in server.log


async def test_restarted_database_is_503_for_a_moment(serve, people, own_postgres):
    """C4: `pg_ctl restart -m immediate` under load: 503 with Retry-After, then all is as it was."""
    url = own_postgres.url(own_postgres.create_database())
    server: Server = await serve(MOOT_DATABASE_URL=url)
    ana, ben = people("pg ana", server), people("pg ben", server)
    await ana.create("PGSTOP")
    stream = ana.watch("PGSTOP", (await ana.join("PGSTOP")).body["connection"])
    await ben.join("PGSTOP")
    await asyncio.wait_for(stream.live.wait(), 20)
    statuses: dict[int, int] = {}
    stop = asyncio.Event()

    async def load() -> None:
        hand = False
        while not stop.is_set():
            hand = not hand
            path = "/meetings/PGSTOP/participants/me"
            answer = await ben.ask("PATCH", path, {"hand": hand})
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if answer.status == 503:
                assert int(answer.headers["retry-after"]) >= 1
            await asyncio.sleep(0.01)

    running = asyncio.create_task(load())
    for _ in range(3):
        await asyncio.sleep(1.0)
        await asyncio.to_thread(own_postgres.restart)
        began = time.monotonic()
        while (await ana.ask("GET", "/meetings/PGSTOP/snapshot")).status != 200:
            assert time.monotonic() - began < 30
            await asyncio.sleep(0.1)
        live = await server.wire(Connection="close").ask("GET", "/livez")
        assert live.status == 200
    stop.set()
    await running
    assert set(statuses) <= {200, 503}
    assert statuses[200] > 0
    last = await ben.insist("PATCH", "/meetings/PGSTOP/participants/me", {"name": "after"})
    assert last.status == 200
    head = (await ana.insist("GET", "/meetings/PGSTOP/participants")).body["event_seq"]
    async with asyncio.timeout(30):
        while stream.event_seq < head:
            await asyncio.sleep(0.1)
    assert stream.gaps == []
    assert stream.state[last.body["participant"]["id"]]["name"] == "after"
    assert "Request failed" not in server.log
