"""Two processes, PostgreSQL and Redis, and what of it goes away: the short form of the program."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.programs.outages import kills, lost, pause, postgres_away, redis_away

pytestmark = pytest.mark.timeout(180)


async def test_redis_killed_paused_and_emptied(tmp_path: Path) -> None:
    """EVENT-1, EVENT-6: every stream's log is the database's, and what Redis lost is found."""
    complaints, figures = await redis_away(tmp_path, kills=2, pause_s=2)
    assert complaints == []
    assert figures["events"] > 20


async def test_postgres_crashes_under_two_processes(tmp_path: Path) -> None:
    """EVENT-1: both are ready again by themselves, alive all the time, and no log has a gap."""
    complaints, _ = await postgres_away(tmp_path, restarts=1, outage_s=3)
    assert complaints == []


async def test_processes_killed_in_turn(tmp_path: Path) -> None:
    """JOIN-10: `kill -9` of one of two: everyone is back, nobody a ghost, no log has a gap."""
    complaints, figures = await kills(tmp_path, count=2)
    assert complaints == []
    assert figures["ghosts"] == 0


async def test_a_process_dies_with_the_browsers_on_it(tmp_path: Path) -> None:
    """JOIN-4: the people on the other process see theirs as reconnecting within 3 s."""
    complaints, figures = await lost(tmp_path, count=2)
    assert complaints == []
    assert figures["seen_after_s"]["disconnected"] > figures["seen_after_s"]["reconnecting"]


async def test_a_process_that_was_paused_is_fenced_off(tmp_path: Path) -> None:
    """JOIN-3, JOIN-4: what wakes up after it was declared dead writes nothing as who it was."""
    complaints, figures = await pause(tmp_path, seconds=4)
    assert complaints == []
    assert figures["writes_as_the_dead"] == 0
