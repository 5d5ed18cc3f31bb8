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
from queue import Empty, SimpleQueue
from typing import Any, Final

from moot.errors import Problem
from moot.store.host_lock import TOUCH_S
from moot.store.port import Transaction
from moot.store.race import Race
from moot.store.sqlite_errors import problem_of, unique_violation

BATCH: Final = 256
"""Pieces of work in one commit, at most. Larger holds back other processes on the file for longer,
smaller syncs more often under load."""
WAITING: Final = 20_000
"""Pieces of work that may wait; what comes on top is `unavailable`."""


class Job:
    """A piece of work, and what became of it."""

    __slots__ = ("error", "future", "loop", "result", "work")

    def __init__(self, work: Callable[[Transaction], Any]) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        """Tell the caller, on its loop; one that has stopped waiting is passed over."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


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
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        # A daemon: a program that ends without `close` has been promised nothing it did not get.
        self._thread = threading.Thread(target=self._run, name="moot-store-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, work: Callable[[Transaction], Any]) -> asyncio.Future[Any]:
        """Queue a piece of work; the future is answered on the running loop after the commit.

        Raises:
            Problem: `unavailable`: `WAITING` pieces wait already.
        """
        if self._queue.qsize() >= WAITING:
            raise Problem("unavailable", retry_after_s=1)
        job = Job(work)
        self._queue.put(job)
        return job.future

    def stop(self) -> None:
        """Finish what waits, then end the thread. Blocks until then."""
        self._queue.put(None)
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
                    _answer(batch)
                if time.monotonic() - touched >= TOUCH_S:
                    touched = time.monotonic()
                    self._sign_of_life()
        finally:
            handle.close()

    def _take(self) -> tuple[list[Job], bool]:
        batch: list[Job] = []
        try:
            job = self._queue.get(timeout=TOUCH_S)
            while job is not None:
                batch.append(job)
                if len(batch) == BATCH:
                    return batch, True
                job = self._queue.get_nowait()
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


def _answer(batch: Sequence[Job]) -> None:
    """Answer a batch with one call per loop: waking a loop costs a system call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in batch:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_answer_here, jobs)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _answer_here(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.answer()
