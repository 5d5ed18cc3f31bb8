"""The writer of a SQLite file: its work is on the loop, and nothing on the loop waits."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from moot.errors import Problem
from moot.model.ids import ProcessId
from moot.model.meeting import Process
from moot.store.port import Transaction
from moot.store.sqlite import SqliteStore
from moot.store.sqlite_writer import RUN_S


@asynccontextmanager
async def opened(path: Path, *, busy_timeout_s: float = 5.0) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, busy_timeout_s=busy_timeout_s)
    await store.migrate()
    await store.open()
    try:
        yield store
    finally:
        await store.close()


class Ticks:
    """Notes the longest time for which the loop did not come round."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def run(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0)
            now = time.monotonic()
            self.longest_s = max(self.longest_s, now - last)
            last = now


async def test_work_runs_on_the_loop_and_shares_its_commit(tmp_path: Path) -> None:
    """Work that comes together is one transaction, and runs where its caller is."""
    path = tmp_path / "moot.db"
    async with opened(path) as store:
        here = threading.get_ident()
        other = sqlite3.connect(path)
        kept: list[int] = []

        def work(tx: Transaction, number: int) -> int:
            assert threading.get_ident() == here
            tx.upsert_process(Process(ProcessId(f"p{number}"), 0, 0))
            kept.extend(other.execute("SELECT count(*) FROM process").fetchone())
            return number

        asked = [store.write(partial(work, number=number)) for number in range(5)]
        assert await asyncio.gather(*asked) == [0, 1, 2, 3, 4]
        assert kept == [0, 0, 0, 0, 0]
        assert other.execute("SELECT count(*) FROM process").fetchone() == (5,)
        other.close()


async def test_the_loop_goes_on_while_somebody_else_writes(tmp_path: Path) -> None:
    """JOIN-10: another writer holds up the writes of this process, and nothing else of it."""
    path = tmp_path / "moot.db"
    async with opened(path) as store:
        await store.write(lambda _: None)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        ticks = Ticks()
        ticking = asyncio.create_task(ticks.run())
        writing = asyncio.create_task(store.write(lambda _: "written"))
        await asyncio.sleep(0.5)
        assert not writing.done()
        other.execute("ROLLBACK")
        other.close()
        assert await asyncio.wait_for(writing, 5) == "written"
        ticking.cancel()
        # Half a second is what it would be if the loop waited; a busy machine takes tens of ms.
        assert ticks.longest_s < 0.4


async def test_much_work_lets_the_loop_come_round(tmp_path: Path) -> None:
    """Work that holds the loop for too long goes on in the next transaction."""
    async with opened(tmp_path / "moot.db") as store:
        ran_at: list[float] = []
        rounds = 0

        def work(_: object) -> None:
            until = time.monotonic() + RUN_S / 2
            while time.monotonic() < until:
                pass
            ran_at.append(time.monotonic())

        async def count() -> None:
            nonlocal rounds
            while len(ran_at) < 20:
                rounds += 1
                await asyncio.sleep(0)

        await asyncio.gather(count(), *(store.write(work) for _ in range(20)))
        assert len(ran_at) == 20
        assert rounds >= 5


async def test_closing_does_not_wait_for_another_writer(tmp_path: Path) -> None:
    """A stop answers what waits for somebody else's turn with `unavailable`, within seconds."""
    path = tmp_path / "moot.db"
    async with opened(path, busy_timeout_s=30) as store:
        await store.write(lambda _: None)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(store.write(lambda _: "written"))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        closing = asyncio.create_task(store.close())
        with pytest.raises(Problem, match="cannot reach its database"):
            await writing
        assert time.monotonic() - began < 5
        other.execute("ROLLBACK")
        other.close()
        await closing
