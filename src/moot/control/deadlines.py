"""What is due at a moment of this process's own clock, done when it has come, and tried again."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, Final

from moot.errors import Problem

Act = Callable[[], Coroutine[Any, Any, None]]

AT_ONCE: Final = 64
"""Acts under way together. More ends a crowd's connections sooner and holds up those who come
meanwhile."""


class Deadlines:
    """Acts in the order of their moments.

    Args:
        monotonic: seconds of a clock that only goes forward, which every moment is told in.
        look_every_s: the longest sleep while anything is to come, and the pause before what failed
            is tried again. A clock that tests move by hand is noticed within it.
    """

    def __init__(self, monotonic: Callable[[], float], look_every_s: float) -> None:
        self._monotonic = monotonic
        self._look_every_s = look_every_s
        self._order = count()
        self._acts: list[tuple[float, int, Act]] = []
        self._wake = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)

    def at(self, when: float, act: Act) -> None:
        """Do `act` at a moment, or at once where it has passed.

        A `Problem` other than `meeting_not_found`, where nothing is left to do, means: try again.
        """
        heapq.heappush(self._acts, (when, next(self._order), act))
        self._wake.set()

    def clear(self) -> None:
        """Forget everything."""
        self._acts.clear()

    async def run(self) -> None:
        """Do what falls due until cancelled, without waiting for what was begun before.

        What was under way then is done by the next run.
        """
        async with asyncio.TaskGroup() as group:
            while True:
                await self._begin(group)
                self._wake.clear()
                if not self._acts:
                    await self._wake.wait()
                elif (wait_s := self._acts[0][0] - self._monotonic()) > 0:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), min(wait_s, self._look_every_s))

    async def step(self) -> None:
        """Do what is due now, to its end: for tests, which move the clock themselves."""
        while self._is_due():
            async with asyncio.TaskGroup() as group:
                await self._begin(group)

    def _is_due(self) -> bool:
        return bool(self._acts) and self._acts[0][0] <= self._monotonic()

    async def _begin(self, group: asyncio.TaskGroup) -> None:
        """Begin what is due, and wait only while `AT_ONCE` acts are under way."""
        while self._is_due():
            await self._room.acquire()
            if self._is_due():
                act = heapq.heappop(self._acts)[2]
                group.create_task(self._try(act)).add_done_callback(partial(self._ended, act))
            else:
                self._room.release()

    def _ended(self, act: Act, task: asyncio.Task[None]) -> None:
        self._room.release()
        if task.cancelled():
            self.at(self._monotonic(), act)

    async def _try(self, act: Act) -> None:
        try:
            await act()
        except Problem as problem:
            if problem.kind.id != "meeting_not_found":
                self.at(self._monotonic() + self._look_every_s, act)
