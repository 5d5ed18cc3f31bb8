"""SQLite's readers: threads that read beside the writer, each from a state of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from moot.store.jobs import Job, Jobs, answer
from moot.store.outage import Outages
from moot.store.port import Transaction
from moot.store.sqlite_errors import problem_of

READERS: Final = 2
"""Threads that read; more only queue for the cores of a small machine."""


class SqliteReaders:
    """A fixed number of threads, each with a database handle that cannot write.

    Args:
        connect: opens a handle; called on the threads.
        transaction: wraps a handle for work.
        outages: where it is noted that the database does not answer.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        transaction: Callable[[sqlite3.Connection], Transaction],
        outages: Outages,
    ) -> None:
        self._connect = connect
        self._transaction = transaction
        self._outages = outages
        self._jobs = Jobs()
        self._threads = [
            threading.Thread(target=self._run, name=f"moot-store-reader-{at}", daemon=True)
            for at in range(READERS)
        ]

    def start(self) -> None:
        """Start the threads; each opens the file when it has something to do."""
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[Transaction], Any]) -> asyncio.Future[Any]:
        """Queue a piece of work that only reads.

        Raises:
            Problem: `unavailable`: too many pieces wait already.
        """
        return self._jobs.put(work, writes=False)

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
        handle: sqlite3.Connection | None = None
        while (job := self._jobs.take()) is not None:
            try:
                handle = handle or self._open()
                self._read(handle, job)
            except sqlite3.Error as error:
                job.error = self._outages.note(problem_of(error))
                if handle is not None:
                    handle.close()
                    handle = None
            except Exception as error:  # noqa: BLE001 - it is the caller's, and is handed back
                job.error = error
            answer([job])
        if handle is not None:
            handle.close()

    def _open(self) -> sqlite3.Connection:
        handle = self._connect()
        handle.execute("PRAGMA query_only=ON")
        return handle

    def _read(self, handle: sqlite3.Connection, job: Job) -> None:
        handle.execute("BEGIN")
        try:
            job.result = job.work(self._transaction(handle))
        finally:
            handle.execute("ROLLBACK")
