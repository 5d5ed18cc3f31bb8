"""How many durable joins per second does the store take by itself, without HTTP?

A join is what the control room does for one: lock the meeting, find the person, upsert the
participant and the connection, number the event; committed with fsync before it is answered. Every
person joins twice at about the same moment, as a double click does. Beside it, on the same kind of
database and with as many callers, the old way that moot replaces: the same statements, but the
participant is inserted where the look found none, and nobody waits in line or tries again.

    python -m bench.join_store [--store sqlite|postgres] [--seconds 5] [--callers 128]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from tests.contract.seats import NOW, join, new_connection, new_meeting, new_participant
from tests.programs.database import running_postgres

from bench.figure import figure, percentile
from moot.errors import Problem
from moot.model.ids import MeetingId, PersonId
from moot.store.port import Store, Transaction
from moot.store.postgres import PostgresStore
from moot.store.postgres_address import parse_address
from moot.store.postgres_errors import PostgresError
from moot.store.postgres_handle import PostgresHandle, number_statements
from moot.store.postgres_workers import PostgresTransaction
from moot.store.sqlite import SqliteStore, SqliteTransaction
from moot.store.statements import Dialect, Statements, load_statements

MEETINGS: Final = 200
_OLD_CALLERS: Final = 16
"""Threads of the old way, each with a connection; more only add errors."""

Keys = Iterator[tuple[MeetingId, PersonId]]
Attempt = Callable[[Callable[[Transaction], None]], bool]


def _keys(who: str) -> Keys:
    """Name a seat twice, then the next one; `who` keeps one measurement's people apart."""
    for number in itertools.count():
        at = number // 2
        yield MeetingId(f"STORE{at % MEETINGS}"), PersonId(f"{who}:{at:032x}")


async def _fill(store: Store) -> None:
    await store.migrate()
    await store.open()
    meetings = [new_meeting(f"STORE{at}") for at in range(MEETINGS)]

    def work(transaction: Transaction) -> None:
        for meeting in meetings:
            transaction.insert_meeting(meeting)

    await store.write(work)


class _Joins(NamedTuple):
    took_s: list[float]
    failed: int
    wall_s: float
    cpu_s: float


async def _join_all(store: Store, who: str, seconds: float, callers: int) -> _Joins:
    """Join as fast as the store answers."""
    keys = _keys(who)
    took: list[float] = []
    failed: list[Problem] = []
    began, used = time.monotonic(), time.process_time()

    async def caller() -> None:
        while (now := time.monotonic()) < began + seconds:
            meeting_id, person = next(keys)
            try:
                await store.write(partial(join, meeting_id=meeting_id, person=person))
                took.append(time.monotonic() - now)
            except Problem as problem:
                failed.append(problem)

    await asyncio.gather(*(caller() for _ in range(callers)))
    used = time.process_time() - used
    return _Joins(took, len(failed), time.monotonic() - began, used)


async def _new_way(store: Store, seconds: float, callers: int) -> _Joins:
    await _fill(store)
    await _join_all(store, "warm", 0.5, callers)
    joins = await _join_all(store, "guest", seconds, callers)
    await store.close()
    return joins


def _old_join(transaction: Transaction, meeting_id: MeetingId, person: PersonId) -> None:
    meeting = transaction.find_meeting(meeting_id)
    assert meeting is not None
    seat = transaction.find_participant(meeting.uid, person)
    if seat is None:
        seat = transaction.upsert_participant(new_participant(meeting, person_id=person))
    transaction.upsert_connection(new_connection(seat))
    transaction.append_event(meeting.uid, type="participant.joined", at=NOW, body=b"{}")


def _looking(dialect: Dialect) -> Statements:
    """Give the statements of the old way: an insert that trusts its look."""
    statements = dict(load_statements(dialect))
    insert, _, rest = statements["upsert_participant"].partition("ON CONFLICT")
    statements["upsert_participant"] = insert + rest[rest.index("RETURNING") :]
    return statements


def _old_way(connect: Callable[[], Attempt], seconds: float) -> tuple[int, int]:
    """Look, then insert, in threads; gives how many joins went well, and how many failed."""
    keys, guard = _keys("old"), threading.Lock()
    counts: list[tuple[int, int]] = []
    end = time.monotonic() + seconds

    def caller() -> None:
        attempt = connect()
        done = failed = 0
        while time.monotonic() < end:
            with guard:
                meeting_id, person = next(keys)
            if attempt(partial(_old_join, meeting_id=meeting_id, person=person)):
                done += 1
            else:
                failed += 1
        counts.append((done, failed))

    threads = [threading.Thread(target=caller) for _ in range(_OLD_CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done for done, _ in counts), sum(failed for _, failed in counts)


def _old_sqlite(path: Path) -> Callable[[], Attempt]:
    statements = _looking("sqlite")

    def connect() -> Attempt:
        handle = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
        handle.execute("PRAGMA synchronous=FULL")
        transaction = SqliteTransaction(handle, statements)

        def attempt(work: Callable[[Transaction], None]) -> bool:
            try:
                handle.execute("BEGIN")
                work(transaction)
                handle.execute("COMMIT")
            except sqlite3.Error:
                if handle.in_transaction:
                    handle.execute("ROLLBACK")
                return False
            return True

        return attempt

    return connect


def _old_postgres(url: str) -> Callable[[], Attempt]:
    statements = number_statements(_looking("postgres"))

    def connect() -> Attempt:
        handle = PostgresHandle(parse_address(url), statements)
        transaction = PostgresTransaction(handle)

        def attempt(work: Callable[[Transaction], None]) -> bool:
            try:
                handle.begin(writes=True)
                work(transaction)
                handle.commit()
            except PostgresError:
                handle.roll_back()
                return False
            return True

        return attempt

    return connect


@contextmanager
def _databases(kind: str) -> Iterator[tuple[Callable[[], Store], Callable[[], Attempt]]]:
    """Give a store to measure, and then the old way on the database that it has made."""
    if kind == "postgres":
        with running_postgres() as url:
            yield lambda: PostgresStore(url), _old_postgres(url)
        return
    with tempfile.TemporaryDirectory(prefix="moot-join-store-") as folder:
        path = Path(folder) / "moot.sqlite3"
        yield lambda: SqliteStore(path), _old_sqlite(path)


def run(kind: str, seconds: float, callers: int) -> None:
    """Measure one store and print its figures."""
    with _databases(kind) as (build, old):
        joins = asyncio.run(_new_way(build(), seconds, callers))
        done, failed = _old_way(old, seconds)
    rate = len(joins.took_s) / joins.wall_s
    aim = ">= 4000/s" if kind == "sqlite" else ">= 1500/s"
    peer = "look, then insert"
    figure(
        "join_store",
        rate,
        "durable joins/s",
        case=kind,
        aim=aim,
        peer=peer,
        peer_value=done / seconds,
    )
    figure(
        "join_store",
        joins.failed,
        "failed joins",
        case=kind,
        aim="0",
        peer=peer,
        peer_value=failed,
    )
    p99 = percentile(joins.took_s, 0.99) * 1000
    figure("join_store", p99, f"ms p99 with {callers} callers", case=kind)
    figure("join_store", joins.cpu_s / len(joins.took_s) * 1e6, "us of own CPU a join", case=kind)


def main() -> None:
    """Measure by command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgres"), action="append")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--callers", type=int, default=128)
    options = parser.parse_args()
    for kind in options.store or ("sqlite", "postgres"):
        run(kind, options.seconds, options.callers)


if __name__ == "__main__":
    main()
