"""SQLite's one writer: the work on the event loop, the waiting on a thread.

SQLite lets one transaction write at a time, and a durable commit costs a sync of the disk. So all
work that has come while the last commit was under way goes into the next transaction, each piece
behind a savepoint, and is answered after one commit.

A statement takes microseconds. A thread that runs them has to get the interpreter back after each
one, from a loop that is busy, which under load cost more than the statements. So they run on the
loop, and the thread is for what waits: another process's turn, and the disk (docs/adr/0015).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final

from moot.errors import Problem
from moot.store import jobs
from moot.store.host_lock import TOUCH_S
from moot.store.outage import Outages
from moot.store.port import Transaction
from moot.store.race import Race
from moot.store.sqlite_errors import is_busy, problem_of, unique_violation
from moot.store.turn import Turn

BATCH: Final = 256
"""Pieces of work in one commit, at most. Larger holds back other processes on the file for longer,
smaller syncs more often under load."""
RUN_S: Final = 0.008
"""How long one transaction's work may hold the loop before the rest waits for the next. Longer
delays everything else of this process, shorter syncs more often under load."""
_LOOK_S: Final = 0.002
"""Seconds between two tries to begin where SQLite itself says that somebody else writes."""

_Waits = Callable[[], None]
_Then = Callable[[Exception | None], None]


class _Lost(Exception):
    """SQLite has taken back the whole transaction, with all that had gone well in it."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class SqliteWriter:
    """Owns the writing database handle, which loop and thread use one after the other.

    Args:
        connect: opens the handle; called on the thread.
        transaction: wraps the handle for work.
        turn: opens this process's place in the line of writers; called on the thread.
        sign_of_life: called about every `TOUCH_S` on the thread; raises nothing.
        outages: where it is noted that the database does not answer.
        within_s: how long a transaction may take to begin, once the turn has come.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        transaction: Callable[[sqlite3.Connection], Transaction],
        turn: Callable[[], Turn],
        sign_of_life: Callable[[], None],
        outages: Outages,
        *,
        within_s: float,
    ) -> None:
        self._connect = connect
        self._transaction = transaction
        self._open_turn = turn
        self._sign_of_life = sign_of_life
        self._outages = outages
        self._within_s = within_s
        self._handle: sqlite3.Connection | None = None
        self._turn: Turn | None = None
        self._waiting: deque[jobs.Job] = deque()
        # Pieces of a transaction that was lost: one of them was the reason, so each runs alone.
        self._alone: deque[jobs.Job] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._commands: SimpleQueue[tuple[_Waits, _Then] | None] = SimpleQueue()
        # A daemon: a program that ends without `close` has been promised nothing it did not get.
        self._thread = threading.Thread(
            target=self._run_thread, name="moot-store-writer", daemon=True
        )

    def start(self) -> None:
        """Start the thread; everything else is called on the loop that runs now."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def submit(
        self, work: Callable[[Transaction], Any], *, is_first: bool = False
    ) -> asyncio.Future[Any]:
        """Queue a piece of work, which must not wait for anything; answered after the commit.

        Args:
            is_first: ahead of all that waits, however much.

        Raises:
            Problem: `unavailable`: too many pieces wait already.
        """
        job = jobs.Job(work, writes=True)
        if is_first:
            self._waiting.appendleft(job)
        elif len(self._waiting) < jobs.WAITING:
            self._waiting.append(job)
        else:
            raise Problem("unavailable", retry_after_s=1)
        if self._idle.is_set():
            self._idle.clear()
            # Not at once: what else comes in this turn of the loop shares the commit.
            self._loop.call_soon(self._begin)
        return job.future

    async def close(self, within_s: float) -> None:
        """Finish what waits, at most for so many seconds, and end the thread.

        What has not begun by then is refused as `unavailable`.
        """
        try:
            await asyncio.wait_for(self._idle.wait(), within_s)
        except TimeoutError:
            refused = [*self._alone, *self._waiting]
            self._alone.clear()
            self._waiting.clear()
            self._refuse(refused, Problem("unavailable", retry_after_s=1))
        self._commands.put(None)
        await asyncio.to_thread(self._thread.join, within_s)

    # On the loop.

    def _begin(self) -> None:
        """Begin a transaction: at once where nobody else writes, or when it is our turn."""
        handle, turn = self._handle, self._turn
        if handle is not None and turn is not None and turn.take_now():
            try:
                handle.execute("BEGIN IMMEDIATE")
            except sqlite3.Error:
                turn.give_back()
            else:
                self._run_batch()
                return
        self._ask(self._take_turn, self._begun)

    def _begun(self, error: Exception | None) -> None:
        if error is None:
            self._run_batch()
            return
        batch = self._alone or self._waiting
        self._refuse([batch.popleft() for _ in range(min(BATCH, len(batch)))], error)
        self._go_on()

    def _run_batch(self) -> None:
        batch: list[jobs.Job] = []
        until = time.monotonic() + RUN_S
        try:
            handle = self._held()
            transaction = self._transaction(handle)
            if self._alone:
                batch.append(self._alone.popleft())
                self._run_job(handle, transaction, batch[0])
            else:
                while self._waiting and len(batch) < BATCH:
                    batch.append(self._waiting.popleft())
                    self._run_job(handle, transaction, batch[-1])
                    if time.monotonic() >= until:
                        break
        except Exception as error:  # noqa: BLE001 - without an answer callers wait for ever
            reason = error
            self._ask(self._roll_back, lambda _: self._lost(batch, reason))
        else:
            self._ask(self._commit, partial(self._committed, batch))

    def _run_job(self, handle: sqlite3.Connection, transaction: Transaction, job: jobs.Job) -> None:
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
                job.error = self._named(error)
            else:
                handle.execute("RELEASE job")
            return

    def _committed(self, batch: Sequence[jobs.Job], error: Exception | None) -> None:
        if error is not None:
            self._lost(batch, error)
            return
        jobs.answer_here(batch)
        self._go_on()

    def _lost(self, batch: Sequence[jobs.Job], error: Exception) -> None:
        """Nothing of a batch was kept: one piece may be too large for a disk that has room."""
        cause = error.cause if isinstance(error, _Lost) else error
        if len(batch) > 1:
            self._alone.extend(batch)
        else:
            self._refuse(batch, cause)
        self._go_on()

    def _go_on(self) -> None:
        if self._alone or self._waiting:
            self._begin()
        else:
            self._idle.set()

    def _refuse(self, refused: Sequence[jobs.Job], error: Exception) -> None:
        named = self._named(error)
        for job in refused:
            job.error = named
        jobs.answer_here(refused)

    def _named(self, error: Exception) -> Exception:
        problem = problem_of(error) if isinstance(error, sqlite3.Error) else error
        self._outages.note(problem)
        return problem

    def _ask(self, waits: _Waits, then: _Then) -> None:
        """Have the thread do what waits; `then` is called here, with what went wrong or None."""
        self._commands.put((waits, then))

    # On the thread.

    def _run_thread(self) -> None:
        touched = time.monotonic()
        while True:
            try:
                command = self._commands.get(timeout=TOUCH_S)
                if command is None:
                    break
                self._do(*command)
            except Empty:
                pass
            if time.monotonic() - touched >= TOUCH_S:
                touched = time.monotonic()
                self._sign_of_life()
        if self._turn is not None:
            self._turn.close()
        if self._handle is not None:
            self._handle.close()

    def _do(self, waits: _Waits, then: _Then) -> None:
        failed: Exception | None = None
        try:
            waits()
        except Exception as error:  # noqa: BLE001 - without an answer callers wait for ever
            failed = error
        try:
            self._loop.call_soon_threadsafe(then, failed)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    def _take_turn(self) -> None:
        if self._handle is None:
            handle = self._connect()
            # The loop never waits for a lock; this thread looks again by itself.
            handle.execute("PRAGMA busy_timeout=0")
            self._handle = handle
        if self._turn is None:
            self._turn = self._open_turn()
        self._turn.take()
        deadline = time.monotonic() + self._within_s
        while True:
            try:
                self._handle.execute("BEGIN IMMEDIATE")
            except Exception as error:
                if is_busy(error) and time.monotonic() < deadline:
                    time.sleep(_LOOK_S)
                    continue
                self._turn.give_back()
                self._let_go()
                raise
            return

    def _commit(self) -> None:
        try:
            self._held().execute("COMMIT")
        except Exception:
            self._roll_back()
            raise
        self._give_back()

    def _roll_back(self) -> None:
        try:
            if self._handle is not None and self._handle.in_transaction:
                self._handle.execute("ROLLBACK")
        except sqlite3.Error:
            self._let_go()
        finally:
            self._give_back()

    def _held(self) -> sqlite3.Connection:
        if self._handle is None:
            raise RuntimeError("there is no transaction")
        return self._handle

    def _give_back(self) -> None:
        if self._turn is not None:
            self._turn.give_back()

    def _let_go(self) -> None:
        """Close a handle that has failed; the next transaction opens another."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
