"""Many callers, many processes, one row."""

from __future__ import annotations

import asyncio
import sqlite3

import psycopg
import pytest
from tests.contract.racer import CALLERS, ROUNDS, complaints, looking_statements, race
from tests.contract.seats import create_or_get, new_meeting
from tests.contract.stores import build

from moot.model.ids import MeetingId
from moot.model.meeting import Meeting
from moot.store.port import Store, Transaction


async def _prepare(address: str) -> None:
    store = build(address)
    await store.migrate()
    await store.close()


@pytest.mark.timeout(180)
async def test_four_processes_make_one_row_per_key(shared_address: str) -> None:
    """MEET-3, JOIN-1: 4 processes of 16 callers make one meeting per id, one seat per person."""
    await _prepare(shared_address)
    history = await race(shared_address)
    assert complaints(history) == []
    assert sum(operation.kind == "put" for _, operation in history) > 4 * CALLERS * ROUNDS
    made = {key: operation.id for key, operation in history if operation.created}
    store = build(shared_address)
    await store.open()
    stored = await store.read(lambda t: t.list_meetings(after=None, limit=1000))
    seats = sum([len(await _seats(store, meeting)) for meeting in stored])
    await store.close()
    assert {meeting.id: meeting.uid for meeting in stored}.items() <= made.items()
    assert len(stored) + seats == len(made)


async def _seats(store: Store, meeting: Meeting) -> list[str]:
    """Read who sits in a meeting, and check that its events have no gap (EVENT-1)."""
    events = await store.read(lambda t: t.list_events(meeting.uid, after=0, limit=100_000))
    assert [event.event_seq for event in events] == list(range(1, len(events) + 1))
    found = await store.read(lambda t: t.list_participants(meeting.uid, statuses=("connected",)))
    assert sum(event.type == "participant.joined" for event in events) == len(found)
    return [seat.id for seat in found]


async def test_sixty_four_callers_make_one_row(store: Store) -> None:
    """MEET-4: of 64 who create the same meeting at once, one has made it and all get it."""
    for at in range(5):
        meetings = [new_meeting(f"SAME{at}") for _ in range(64)]
        answers = await asyncio.gather(
            *(store.write(lambda t, m=m: create_or_get(t, m)) for m in meetings)
        )
        assert sum(created for _, created in answers) == 1
        (first,) = {found.uid for found, _ in answers}
        assert {found.created_by for found, _ in answers} == {
            meeting.created_by for meeting in meetings if meeting.uid == first
        }


@pytest.mark.timeout(180)
async def test_the_canary_is_caught(shared_address: str) -> None:
    """MEET-3: a store that looks before it inserts, without a unique key, fails the same check."""
    await _prepare(shared_address)
    if shared_address.startswith("postgresql:"):
        # Prepared statements would not mind, but PgBouncer's server connections are shared.
        with psycopg.connect(shared_address, prepare_threshold=None) as connection:
            connection.execute("ALTER TABLE meeting DROP CONSTRAINT meeting_id_key")
    else:
        _drop_unique_key(shared_address)
    found = complaints(await race(shared_address, looks_first=True))
    assert any("two rows for one key" in complaint for complaint in found)


def _drop_unique_key(path: str) -> None:
    # SQLite cannot drop a constraint, so the table is made anew without it.
    with sqlite3.connect(path) as connection:
        (text,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'meeting'"
        ).fetchone()
        unique = "CONSTRAINT meeting_id_key UNIQUE (id)"
        assert unique in text
        connection.execute("DROP TABLE meeting")
        before, after = text.split(unique)
        connection.execute(before.rstrip().rstrip(",") + after)
    connection.close()


async def test_a_unique_violation_becomes_the_existing_row(
    shared_address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """MEET-3: a violation that reaches the store is found again as a row, and logged as a bug."""
    await _prepare(shared_address)
    store = build(shared_address, looking_statements(shared_address))
    await store.open()
    first = await store.write(lambda t: t.insert_meeting(new_meeting("ABC")))
    second = new_meeting("ABC")
    looked: list[bool] = []

    def work(t: Transaction) -> Meeting | None:
        t.insert_meeting(new_meeting())  # must be taken back with the violation
        found = t.find_meeting(MeetingId("ABC")) if looked else None
        looked.append(True)
        return found or t.insert_meeting(second)

    assert await store.write(work) == first
    meetings = await store.read(lambda t: t.list_meetings(after=None, limit=10))
    await store.close()
    assert len(meetings) == 2
    assert "Unique violation reached the store" in capsys.readouterr().out
