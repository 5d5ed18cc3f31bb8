"""Threads that run work on PostgreSQL, each with a connection of its own."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from moot.errors import Problem
from moot.model.ids import MeetingUid
from moot.model.meeting import Event
from moot.store.jobs import Job, Jobs, answer
from moot.store.outage import Outages
from moot.store.port import Transaction
from moot.store.postgres_errors import READ_ONLY, UNIQUE_VIOLATION, PostgresError, problem_of
from moot.store.postgres_handle import PostgresHandle, array
from moot.store.race import Race
from moot.store.rows import Parameters, Row
from moot.store.transaction import SqlTransaction

ATTEMPTS: Final = 6
"""How often one piece of work is tried when it collides with others, or its connection is lost."""
DOWN_S: Final = 0.5
"""After a failed connect, how long all work is `unavailable` at once instead of waiting in line for
the same failure."""


class PostgresTransaction(SqlTransaction):
    """A `Transaction` on a connection that somebody else begins and commits."""

    __slots__ = ("_handle",)

    def __init__(self, handle: PostgresHandle) -> None:
        self._handle = handle

    def _one(self, name: str, parameters: Parameters) -> Row | None:
        statement, result = self._handle.run(name, parameters)
        found = statement.rows(result)
        return found[0] if found else None

    def _all(self, name: str, parameters: Parameters) -> Sequence[Row]:
        statement, result = self._handle.run(name, parameters)
        return statement.rows(result)

    def _count(self, name: str, parameters: Parameters) -> int:
        _, result = self._handle.run(name, parameters)
        return result.command_tuples or 0

    def _list(self, values: Sequence[str]) -> object:
        return array(values)

    def append_event(
        self, meeting_uid: MeetingUid, *, type: str, at: int, body: bytes, audience: str = ""
    ) -> Event:
        """Number and store the event in one statement."""
        parameters: Parameters = {
            "meeting_uid": meeting_uid,
            "type": type,
            "at": at,
            "body": body,
            "audience": audience,
        }
        event_seq, epoch = self._must("append_event", parameters)
        return Event(event_seq=event_seq, epoch=epoch, **parameters)


class PostgresWorkers:
    """A fixed number of threads.

    Args:
        connect: opens a connection; called on the threads.
        size: threads, and thereby the most connections.
    """

    def __init__(self, connect: Callable[[], PostgresHandle], size: int) -> None:
        self._connect = connect
        self._jobs = Jobs()
        self._down_until = 0.0
        self._outages = Outages()
        # Daemons: a program that ends without `close` has been promised nothing it did not get.
        self._threads = [
            threading.Thread(target=self._run, name=f"moot-store-{at}", daemon=True)
            for at in range(size)
        ]

    def start(self) -> None:
        """Start the threads; each connects when it has something to do."""
        for thread in self._threads:
            thread.start()

    def submit(
        self, work: Callable[[Transaction], Any], *, writes: bool, is_first: bool = False
    ) -> asyncio.Future[Any]:
        """Queue a piece of work; the future is answered after the commit.

        Args:
            is_first: ahead of all that waits, however much.

        Raises:
            Problem: `unavailable`: too many pieces wait already.
        """
        return self._jobs.put(work, writes=writes, is_first=is_first)

    def stop(self, within_s: float) -> None:
        """Finish what waits, then end the threads. Blocks until then, at most so many seconds.

        What has not begun by then is refused as `unavailable`.
        """
        deadline = time.monotonic() + within_s
        for _ in self._threads:
            self._jobs.end()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        answer(self._jobs.refuse())

    def _run(self) -> None:
        handle: PostgresHandle | None = None
        while (job := self._jobs.take()) is not None:
            try:
                handle = self._do(job, handle)
            except Exception as error:  # noqa: BLE001 - a thread that dies leaves callers waiting
                job.error, handle = error, None
            answer([job])
        if handle is not None:
            handle.close()

    def _do(self, job: Job, handle: PostgresHandle | None) -> PostgresHandle | None:
        """Run one piece of work to its end; returns the connection to go on with."""
        race = Race()
        failure: PostgresError | None = None
        for attempt in range(1, ATTEMPTS + 1):
            committing = False
            try:
                handle = handle or self._open()
                handle.begin(writes=job.writes)
                result = job.work(PostgresTransaction(handle))
                committing = True
                handle.commit()
            except PostgresError as error:
                failure = error
                if handle is None:
                    break
                handle.roll_back()
                moved = job.writes and error.sqlstate == READ_ONLY
                if moved or not handle.alive:
                    handle.close()
                    handle = None
                    # With the answer to COMMIT lost, only the caller can find out by asking again.
                    again = not committing
                elif error.prepared_lost:
                    handle.pooled = again = True
                elif error.sqlstate == UNIQUE_VIOLATION:
                    again = race.again(error)
                else:
                    again = error.again
                if not again:
                    break
                if error.again:
                    time.sleep(random.uniform(0, 0.005 * 2**attempt))  # noqa: S311 - jitter
            except BaseException as error:  # noqa: BLE001 - it is the caller's, and is handed back
                if handle is not None:
                    handle.roll_back()
                job.error = error
                return handle
            else:
                job.result = result
                return handle
        if failure is not None:
            job.error = self._outages.note(problem_of(failure))
        return handle

    def _open(self) -> PostgresHandle:
        if time.monotonic() < self._down_until:
            raise Problem("unavailable", retry_after_s=1)
        try:
            return self._connect()
        except PostgresError:
            self._down_until = time.monotonic() + DOWN_S
            raise
