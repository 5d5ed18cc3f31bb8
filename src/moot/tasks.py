"""Background tasks that never die unnoticed: a task that fails is logged and started again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

_AGAIN_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0)


class Tasks:
    """The tasks of one process.

    Args:
        jobs: by name; each runs until cancelled.
        count_restart: told the name of a task that failed.
    """

    def __init__(
        self,
        jobs: Mapping[str, Callable[[], Awaitable[None]]],
        *,
        count_restart: Callable[[str], None],
        log: Any,
    ) -> None:
        self._jobs = jobs
        self._count_restart = count_restart
        self._log = log
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start every task."""
        for name, job in self._jobs.items():
            self._running.append(asyncio.create_task(self._keep(name, job), name=name))

    async def stop(self) -> None:
        """Cancel every task and wait until all have ended."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    async def _keep(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            try:
                await job()
            except Exception as reason:  # noqa: BLE001 - whatever it was, the job must go on
                self._count_restart(name)
                self._log.exception("Background task failed", task=name, exc_info=reason)
            else:
                return
            await asyncio.sleep(_AGAIN_S[min(failures, len(_AGAIN_S) - 1)])
            failures += 1
