"""Background tasks: one that fails is counted, logged and started again."""

import asyncio
from typing import Any

from moot.tasks import Tasks


class Log:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __getattr__(self, _: str) -> Any:
        return lambda event, **facts: self.lines.append({"event": event, **facts})


async def test_a_task_that_fails_is_started_again() -> None:
    """A failure is no end: the task runs again, and somebody is told."""
    starts, restarts, log = [], [], Log()
    again = asyncio.Event()

    async def job() -> None:
        starts.append(1)
        if len(starts) == 1:
            raise RuntimeError("broken")
        again.set()
        await asyncio.Event().wait()

    tasks = Tasks({"job": job}, count_restart=restarts.append, log=log)
    tasks.start()
    async with asyncio.timeout(5):
        await again.wait()
    await tasks.stop()
    assert (len(starts), restarts) == (2, ["job"])
    assert log.lines[0]["task"] == "job"


async def test_one_failing_task_leaves_the_others_alone() -> None:
    """Tasks do not share a fate."""
    running = asyncio.Event()

    async def fails() -> None:
        raise RuntimeError("broken")

    async def runs() -> None:
        running.set()
        await asyncio.Event().wait()

    tasks = Tasks({"fails": fails, "runs": runs}, count_restart=lambda _: None, log=Log())
    tasks.start()
    async with asyncio.timeout(5):
        await running.wait()
    await tasks.stop()


async def test_stopping_waits_until_every_task_has_ended() -> None:
    """After `stop` nothing of a task runs any more; stopping twice is stopping once."""
    begun, ended = asyncio.Event(), []

    async def job() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(1)

    tasks = Tasks({"job": job}, count_restart=lambda _: None, log=Log())
    tasks.start()
    async with asyncio.timeout(5):
        await begun.wait()
    await tasks.stop()
    await tasks.stop()
    assert ended == [1]
