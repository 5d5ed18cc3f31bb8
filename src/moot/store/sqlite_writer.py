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
from moot.store.port import Transaction
from moot.store.race import Race
from moot.store.sqlite_errors import problem_of, unique_violation

BATCH: Final = 256
"""Pieces of work in one commit, at most. Larger holds back other processes on the file for longer,
smaller syncs more often under load."""


class _Lost(Exception):
    """SQLite has taken back the whole transaction, with all that had gone well in it."""


class SqliteWriter:
    """The thread that owns the writing database handle.

    Args:
        connect: opens the handle; called on the thread.
        transaction: wraps the handle for work.
        sign_of_life: called about every `TOUCH_S`.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        transaction: Callable[[sqlite3.Connection], Transaction],
        sign_of_life: Callable[[], None],
    ) -> None:
        self._connect = connect
        self._transaction = transaction
        self._sign_of_life = sign_of_life
        self._jobs = Jobs()
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

    def stop(self) -> None:
        """Finish what waits, then end the thread. Blocks until then."""
        self._jobs.end()
        self._thread.join()

    def _run(self) -> None:
        handle = self._connect()
        try:
            transaction = self._transaction(handle)
            touched = time.monotonic()
            running = True
            while running:
                batch, running = self._take()
                if batch:
                    self._commit(handle, transaction, batch)
                    answer(batch)
                if time.monotonic() - touched >= TOUCH_S:
                    touched = time.monotonic()
                    self._sign_of_life()
        finally:
            handle.close()

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
            for job in batch:
                _run_job(handle, transaction, job)
            handle.execute("COMMIT")
        except (sqlite3.Error, _Lost) as error:
            if handle.in_transaction:
                handle.execute("ROLLBACK")
            if len(batch) > 1:
                # One piece may be too large for the disk where the others are not.
                for job in batch:
                    self._commit(handle, transaction, [job])
                return
            cause = error.__cause__ if isinstance(error, _Lost) else error
            batch[0].error = problem_of(cause) if isinstance(cause, sqlite3.Error) else cause


def _run_job(handle: sqlite3.Connection, transaction: Transaction, job: Job) -> None:
    race = Race()
    while True:
        job.result = job.error = None
        handle.execute("SAVEPOINT job")
        try:
            job.result = job.work(transaction)
        except BaseException as error:
            if not handle.in_transaction:
                raise _Lost from error
            handle.execute("ROLLBACK TO job")
            handle.execute("RELEASE job")
            if unique_violation(error) and race.again(error):
                continue
            job.error = problem_of(error) if isinstance(error, sqlite3.Error) else error
        else:
            handle.execute("RELEASE job")
        return
