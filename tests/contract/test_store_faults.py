"""What every shared store promises when things go wrong around it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import time
from pathlib import Path

import psycopg
import pytest
from tests.contract.seats import (
    NOW,
    join,
    new_meeting,
    new_message,
    new_participant,
    new_person,
    new_process,
)
from tests.contract.stores import build
from tests.contract.writer import CALLERS

from moot.store.migrations import REVISIONS
from moot.store.port import StoreUnusable
from moot.store.schema import metadata

_TABLES = tuple(metadata.tables)


def _execute(address: str, *statements: str) -> None:
    """Change a database behind moot's back."""
    if address.startswith("postgresql:"):
        with psycopg.connect(address, prepare_threshold=None) as connection:
            for statement in statements:
                connection.execute(statement)
        return
    with sqlite3.connect(address) as file:
        for statement in statements:
            file.execute(statement)
    file.close()


@pytest.mark.timeout(120)
async def test_a_killed_process_loses_nothing_it_has_acknowledged(shared_address: str) -> None:
    """JOIN-10: after `kill -9` at any moment every acknowledged event is there, and no gap."""
    store = build(shared_address)
    await store.migrate()
    await store.open()
    meeting = new_meeting()
    await store.write(lambda t: t.insert_meeting(meeting))
    acknowledged: set[int] = set()
    for seed in range(4):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.contract.writer",
            shared_address,
            meeting.id,
            cwd=Path(__file__).parents[2],
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        acknowledged.add(int(await process.stdout.readline()))  # it has begun
        await asyncio.sleep(random.Random(seed).uniform(0.05, 0.5))
        process.kill()
        acknowledged.update(map(int, (await process.stdout.read()).split(b"\n")[:-1]))
        await process.wait()
    assert len(acknowledged) > 4 * CALLERS
    events = await store.read(lambda t: t.list_events(meeting.uid, after=0, limit=1_000_000))
    stored = [event.event_seq for event in events]
    assert acknowledged <= set(stored)
    assert stored == list(range(1, len(stored) + 1))
    later = await store.write(lambda t: t.append_event(meeting.uid, type="x", at=NOW, body=b""))
    assert later.event_seq == len(stored) + 1
    await store.close()


async def test_processes_that_start_together_migrate_once(shared_address: str) -> None:
    """MEET-3: of several processes that start on an empty database, one makes the tables."""
    stores = [build(shared_address) for _ in range(4)]
    _empty(shared_address)
    steps = await asyncio.gather(*(store.migrate() for store in stores))
    assert sorted(len(taken) for taken in steps) == [0, 0, 0, len(REVISIONS)]
    await asyncio.gather(*(store.open() for store in stores))
    meeting = new_meeting()
    await stores[0].write(lambda t: t.insert_meeting(meeting))
    assert await stores[1].read(lambda t: t.find_meeting(meeting.id)) == meeting
    await asyncio.gather(*(store.close() for store in stores))


def _empty(address: str) -> None:
    if address.startswith("postgresql:"):
        tables = ", ".join((*_TABLES, "alembic_version"))
        _execute(address, f"DROP TABLE {tables}")


async def test_a_newer_schema_is_refused_with_a_sentence(shared_address: str) -> None:
    """JOIN-10: a database that a newer release has changed is left alone."""
    store = build(shared_address)
    await store.migrate()
    await store.close()
    _execute(shared_address, "UPDATE alembic_version SET version_num = '9999'")
    for attempt in (store.open, store.migrate):
        with pytest.raises(StoreUnusable, match="schema 9999, which is newer than this moot"):
            await attempt()
    await store.close()


async def test_a_column_of_a_later_release_disturbs_nobody(shared_address: str) -> None:
    """JOIN-10: this release works on a schema to which a later one has added."""
    store = build(shared_address)
    await store.migrate()
    added = [f"ALTER TABLE {table} ADD COLUMN later TEXT" for table in _TABLES]
    _execute(shared_address, *added, "ALTER TABLE meeting ADD COLUMN extra BIGINT DEFAULT 7")
    await store.open()
    meeting, person, process = new_meeting(), new_person(), new_process()
    await store.write(lambda t: t.insert_meeting(meeting))
    seat = await store.write(lambda t: join(t, meeting.id, person))
    again = await store.write(lambda t: join(t, meeting.id, person))
    assert again.id == seat.id
    message = new_message(seat)
    assert await store.write(lambda t: t.insert_message(message)) == message
    await store.write(lambda t: t.upsert_process(process))
    await store.write(
        lambda t: t.insert_idempotency(
            person, idempotency_key="k", fingerprint="f", response=b"r", at=NOW
        )
    )
    assert len(await store.read(lambda t: t.list_events(meeting.uid, after=0, limit=9))) == 2
    found = await store.read(lambda t: t.find_meeting(meeting.id))
    assert found is not None
    assert found.uid == meeting.uid
    assert await store.read(lambda t: t.list_processes(alive_since=NOW)) == [process]
    await store.close()


async def test_a_flood_is_refused_before_it_fills_the_memory(
    shared_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ERR-1: more work than may wait is `unavailable` at once, and what waits is done."""
    monkeypatch.setattr("moot.store.jobs.WAITING", 50)
    store = build(shared_address)
    await store.migrate()
    await store.open()
    meeting = new_meeting()
    await store.write(lambda t: t.insert_meeting(meeting))
    seats = [new_participant(meeting) for _ in range(400)]
    answers = await asyncio.gather(
        *(store.write(lambda t, s=s: t.upsert_participant(s)) for s in seats),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert refused
    assert {getattr(error, "retry_after_s", None) for error in refused} == {1}
    here = ("connected",)
    count = await store.read(lambda t: t.count_participants(meeting.uid, statuses=here))
    assert count == len(seats) - len(refused)
    await store.close()


async def test_a_heartbeat_goes_ahead_of_a_flood(
    shared_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JOIN-10: a process with more to write than it can is not taken for dead."""
    monkeypatch.setattr("moot.store.jobs.WAITING", 300)
    store = build(shared_address)
    await store.migrate()
    await store.open()
    process = new_process()
    await store.write(lambda t: t.upsert_process(process))
    done: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.002)
        done.append(number)

    flood = [
        asyncio.create_task(store.write(lambda _, number=number: work(number)))
        for number in range(310)
    ]
    await asyncio.sleep(0)
    beat = store.write_first(lambda t: (t.heartbeat(process.id, at=NOW + 1), len(done)))
    is_alive, before = await beat
    assert is_alive
    assert before < 150
    answers = await asyncio.gather(*flood, return_exceptions=True)
    assert any(isinstance(answer, Exception) for answer in answers)
    assert len(done) == sum(not isinstance(answer, Exception) for answer in answers)
    assert await store.write_first(lambda t: t.heartbeat(process.id, at=NOW + 2))
    await store.close()
