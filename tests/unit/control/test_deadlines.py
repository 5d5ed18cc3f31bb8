"""What is due is done in order, once, and again where it failed (JOIN-4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from moot.control.deadlines import Deadlines
from moot.errors import Problem


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def noting(done: list[str], name: str, *problems: str) -> Callable[[], Coroutine[Any, Any, None]]:
    """An act that fails with these problems first."""
    left = list(problems)

    async def act() -> None:
        done.append(name)
        if left:
            raise Problem(left.pop(0))

    return act


async def test_acts_are_done_in_the_order_of_their_moments() -> None:
    """JOIN-4: whose time has come first is first, and nobody is done early or twice."""
    clock, done = Clock(), list[str]()
    deadlines = Deadlines(clock, 0.5)
    deadlines.at(103, noting(done, "third"))
    deadlines.at(101, noting(done, "first"))
    deadlines.at(102, noting(done, "second"))
    await deadlines.step()
    assert done == []
    clock.now_s = 102
    await deadlines.step()
    await deadlines.step()
    assert done == ["first", "second"]
    deadlines.clear()
    clock.now_s = 200
    await deadlines.step()
    assert done == ["first", "second"]


async def test_what_fails_is_tried_again_unless_its_meeting_is_gone() -> None:
    """JOIN-10: a store that is away ends nobody's linger time early, and none too late for ever."""
    clock, done = Clock(), list[str]()
    deadlines = Deadlines(clock, 0.5)
    deadlines.at(100, noting(done, "kept", "unavailable"))
    deadlines.at(100, noting(done, "gone", "meeting_not_found"))
    await deadlines.step()
    assert sorted(done) == ["gone", "kept"]
    await deadlines.step()
    assert sorted(done) == ["gone", "kept"]
    clock.now_s = 100.5
    await deadlines.step()
    assert sorted(done) == ["gone", "kept", "kept"]


async def test_an_act_that_is_due_at_once_wakes_the_runner() -> None:
    """JOIN-4: what is due before the next look is not slept through."""
    done: list[str] = []
    deadlines = Deadlines(asyncio.get_running_loop().time, 60)
    running = asyncio.create_task(deadlines.run())
    await asyncio.sleep(0)
    deadlines.at(0, noting(done, "now"))
    async with asyncio.timeout(5):
        while not done:
            await asyncio.sleep(0.001)
    running.cancel()
