"""Pieces of work on their way to a database thread and back."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final

from moot.errors import Problem
from moot.store.port import Transaction

WAITING: Final = 20_000
"""Pieces of work that may wait; what comes on top is `unavailable`. Larger lets memory and waiting
time grow under a flood, smaller refuses bursts that would have been over in a second."""


CLOSE_WITHIN_S: Final = 3.0
"""How long a store that is closed goes on with what was asked before: whoever still waits has been
told to come back by then, and a stop must not take as long as a backlog."""


class Job:
    """A piece of work, and what became of it.

    Attributes:
        writes: whether it may change something.
        is_first: whether it goes ahead of all that waits.
    """

    __slots__ = ("error", "future", "is_first", "loop", "result", "work", "writes")

    def __init__(
        self, work: Callable[[Transaction], Any], *, writes: bool, is_first: bool = False
    ) -> None:
        self.work = work
        self.writes = writes
        self.is_first = is_first
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None


class Jobs:
    """The queue between the event loop and the threads; None in it ends one thread."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        # What goes first stands in the queue as well, to wake a thread that waits there.
        self._first: deque[Job] = deque()

    def put(
        self, work: Callable[[Transaction], Any], *, writes: bool, is_first: bool = False
    ) -> asyncio.Future[Any]:
        """Queue a piece of work; the future is answered on the running loop.

        Raises:
            Problem: `unavailable`: `WAITING` pieces wait already, and this one does not go first.
        """
        if not is_first and self._queue.qsize() >= WAITING:
            raise Problem("unavailable", retry_after_s=1)
        job = Job(work, writes=writes, is_first=is_first)
        if is_first:
            self._first.append(job)
        self._queue.put(job)
        return job.future

    def end(self) -> None:
        """End one thread after what waits now."""
        self._queue.put(None)

    def refuse(self) -> list[Job]:
        """Take back everything that waits, each with the error `unavailable`."""
        refused: list[Job] = []
        ends = 0
        with contextlib.suppress(Empty):
            while True:
                job = self._queue.get_nowait()
                if job is None:
                    ends += 1
                elif not job.is_first:
                    refused.append(job)
        with contextlib.suppress(IndexError):
            while True:
                refused.append(self._first.popleft())
        for job in refused:
            job.error = Problem("unavailable", retry_after_s=1)
        for _ in range(ends):
            self._queue.put(None)
        return refused

    def take(self) -> Job | None:
        """Wait for the next piece; None says to end."""
        while True:
            if self._first:
                with contextlib.suppress(IndexError):  # another thread was faster
                    return self._first.popleft()
            job = self._queue.get()
            if job is None or not job.is_first:
                return job


def answer(jobs: Sequence[Job]) -> None:
    """Tell the callers, with one call per loop: waking a loop costs a system call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, group in by_loop.items():
        try:
            loop.call_soon_threadsafe(answer_here, group)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def answer_here(jobs: Sequence[Job]) -> None:
    """Tell the callers, on the loop that they wait on."""
    for job in jobs:
        if job.future.done():  # the caller has stopped waiting
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)
