"""SQLite's one writer: a thread that commits many pieces of work together.

SQLite lets one transaction write at a time, and a durable commit costs a sync of the disk. So the
thread takes all work that has come while it was syncing, runs each piece behind a savepoint, and
answers all of them after one commit.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty
from typing import Any, Final

from moot.store.host_lock import TOUCH_S
from moot.store.jobs import Job, Jobs, answer
from moot.store.outage import Outages
from moot.store.port import Transaction
from moot.store.race import Race
from moot.store.sqlite_errors import problem_of, unique_violation
from moot.store.turn import Turn

BATCH: Final = 256
"""Pieces of work in one commit, at most. Larger holds back other processes on the file for longer,
smaller syncs more often under load."""


class _Lost(Exception):
    """SQLite has taken back the whole transaction, with all that had gone well in it."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class SqliteWriter:
    """The thread that owns the writing database handle.

    Args:
        connect: opens the handle; called on the thread.
        transaction: wraps the handle for work.
        turn: opens this process's place in the line of writers; called on the thread.
        sign_of_life: called about every `TOUCH_S`; raises nothing.
        outages: where it is noted that the database does not answer.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        transaction: Callable[[sqlite3.Connection], Transaction],
        turn: Callable[[], Turn],
        sign_of_life: Callable[[], None],
        outages: Outages,
    ) -> None:
        self._connect = connect
        self._transaction = transaction
        self._open_turn = turn
        self._sign_of_life = sign_of_life
        self._jobs = Jobs()
        self._outages = outages
        # A daemon: a program that ends without `close` has been promised nothing it did not get.
        self._thread = threading.Thread(target=self._run, name="moot-store-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, work: Callable[[Transaction], Any]) -> asyncio.Future[Any]:
        """Queue a piece of work; the future is answered after the commit.

        Raises:
            Problem: `unavailable`: too many pieces wait already.
        """
        return self._jobs.put(work, writes=True)

    def stop(self, within_s: float) -> None:
        """Finish what waits, then end the thread. Blocks until then, at most so many seconds.

        What has not begun by then is refused as `unavailable`.
        """
        self._jobs.end()
        self._thread.join(within_s)
        answer(self._jobs.refuse())

    def _run(self) -> None:
        handle: sqlite3.Connection | None = None
        turn: Turn | None = None
        touched = time.monotonic()
        running = True
        while running:
            batch, running = self._take()
            if batch:
                try:
                    handle = handle or self._connect()
                    turn = turn or self._open_turn()
                    with turn.taken():
                        self._commit(handle, self._transaction(handle), batch)
                except Exception as error:  # noqa: BLE001 - without this thread callers wait for ever
                    if handle is not None:
                        handle.close()
                        handle = None
                    self._fail(batch, error)
                answer(batch)
            if time.monotonic() - touched >= TOUCH_S:
                touched = time.monotonic()
                self._sign_of_life()
        if turn is not None:
            turn.close()
        if handle is not None:
            handle.close()

    def _fail(self, batch: Sequence[Job], error: Exception) -> None:
        problem = problem_of(error) if isinstance(error, sqlite3.Error) else error
        for job in batch:
            job.error = problem
        self._outages.note(problem)

    def _take(self) -> tuple[list[Job], bool]:
        batch: list[Job] = []
        try:
            job = self._jobs.take(timeout_s=TOUCH_S)
            while job is not None:
                batch.append(job)
                if len(batch) == BATCH:
                    return batch, True
                job = self._jobs.take_now()
        except Empty:
            return batch, True
        return batch, False

    def _commit(
        self, handle: sqlite3.Connection, transaction: Transaction, batch: Sequence[Job]
    ) -> None:
        try:
            handle.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._fail(batch, error)  # another process holds the file
            return
        try:
            for job in batch:
                self._run_job(handle, transaction, job)
            handle.execute("COMMIT")
        except (sqlite3.Error, _Lost) as error:
            if handle.in_transaction:
                handle.execute("ROLLBACK")
            if len(batch) > 1:
                # One piece may be too large for the disk where the others are not.
                for job in batch:
                    self._commit(handle, transaction, [job])
            elif isinstance(error, sqlite3.Error):
                self._fail(batch, error)
            else:
                self._fail(batch, error.cause)

    def _run_job(self, handle: sqlite3.Connection, transaction: Transaction, job: Job) -> None:
        race = Race()
        while True:
            job.result = job.error = None
            handle.execute("SAVEPOINT job")
            try:
                job.result = job.work(transaction)
            except Exception as error:
                if not handle.in_transaction:
                    raise _Lost(error) from error
                handle.execute("ROLLBACK TO job")
                handle.execute("RELEASE job")
                if unique_violation(error) and race.again(error):
                    continue
                self._fail([job], error)
            else:
                handle.execute("RELEASE job")
            return
