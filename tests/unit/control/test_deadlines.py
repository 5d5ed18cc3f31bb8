"""What is due is done in order, once, and again where it failed (JOIN-4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from moot.control.deadlines import AT_ONCE, Deadlines
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


def waiting(
    done: list[str], name: str, may_end: asyncio.Event
) -> Callable[[], Coroutine[Any, Any, None]]:
    """An act that takes until a test lets it end."""

    async def act() -> None:
        done.append(name)
        await may_end.wait()

    return act


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def stop(running: asyncio.Task[None]) -> None:
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_is_due_waits_for_nothing_that_is_slow() -> None:
    """JOIN-4: an act that takes long holds up no other, unless too many are under way."""
    clock, done, may_end = Clock(), list[str](), asyncio.Event()
    deadlines = Deadlines(clock, 0.001)
    for _ in range(AT_ONCE - 1):
        deadlines.at(100, waiting(done, "slow", may_end))
    running = asyncio.create_task(deadlines.run())
    await settle()
    deadlines.at(100, waiting(done, "one more", may_end))
    await settle()
    assert len(done) == AT_ONCE
    assert done[-1] == "one more"
    deadlines.at(100, noting(done, "too much"))
    await settle()
    assert len(done) == AT_ONCE
    may_end.set()
    await settle()
    assert done[AT_ONCE:] == ["too much"]
    await stop(running)


async def test_what_was_under_way_is_done_by_the_next_run() -> None:
    """JOIN-10: a runner that fails, and is started again, forgets nobody."""
    clock, done, may_end = Clock(), list[str](), asyncio.Event()
    deadlines = Deadlines(clock, 0.5)
    deadlines.at(100, waiting(done, "once more", may_end))
    running = asyncio.create_task(deadlines.run())
    await settle()
    await stop(running)
    may_end.set()
    await deadlines.step()
    assert done == ["once more", "once more"]


async def test_an_act_that_is_a_mistake_ends_the_runner() -> None:
    """JOIN-10: what went wrong is told to whoever runs, and is not done again."""
    done = list[str]()

    async def mistake() -> None:
        done.append("mistake")
        raise RuntimeError

    deadlines = Deadlines(Clock(), 0.5)
    deadlines.at(100, mistake)
    with pytest.raises(ExceptionGroup):
        await deadlines.run()
    await deadlines.step()
    assert done == ["mistake"]
