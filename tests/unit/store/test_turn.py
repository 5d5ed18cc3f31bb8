"""Processes on one SQLite file write in turn."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moot.store.turn import Turn


@contextmanager
def taken(turn: Turn) -> Iterator[bool]:
    yield turn.take()
    turn.give_back()


def test_who_waits_is_next(tmp_path: Path) -> None:
    """Issue 3, C1: whoever has just written does not write again before those who wait."""
    order: list[str] = []
    waiting = threading.Event()
    mine, theirs = Turn(tmp_path / "file", within_s=10), Turn(tmp_path / "file", within_s=10)

    def other() -> None:
        for _ in range(20):
            waiting.set()
            with taken(theirs) as is_taken:
                assert is_taken
                order.append("theirs")

    thread = threading.Thread(target=other)
    with taken(mine):
        thread.start()
        waiting.wait()
        # Until the other stands at the gate: a third would be kept out by it.
        probe = Turn(tmp_path / "file", within_s=0)
        deadline = time.monotonic() + 10
        while _gate_is_free(probe) and time.monotonic() < deadline:
            time.sleep(0.001)
        probe.close()
    for _ in range(20):
        with taken(mine) as is_taken:
            assert is_taken
            order.append("mine")
            time.sleep(0.005)
    thread.join(20)
    assert order[0] == "theirs"
    both = order[: len(order) - 20]
    assert "theirs" in both
    assert "mine mine mine" not in " ".join(both), order


def _gate_is_free(turn: Turn) -> bool:
    try:
        fcntl.flock(turn._gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(turn._gate, fcntl.LOCK_UN)
    return True


def test_a_stopped_process_stops_nobody(tmp_path: Path) -> None:
    """A turn that does not come in time is gone without; the next one is had as before."""
    holder, other = Turn(tmp_path / "file", within_s=10), Turn(tmp_path / "file", within_s=0.05)
    with taken(holder), taken(other) as is_taken:
        assert not is_taken
    with taken(other) as is_taken:
        assert is_taken
    holder.close()
    with taken(other) as is_taken:
        assert is_taken
    other.close()


def test_a_turn_that_is_free_is_had_at_once(tmp_path: Path) -> None:
    """Who asks without waiting gets the turn where it is free, and never before those who wait."""
    mine, theirs = Turn(tmp_path / "file", within_s=10), Turn(tmp_path / "file", within_s=10)
    assert mine.take_now()
    assert not theirs.take_now()
    waiting = threading.Thread(target=theirs.take)
    waiting.start()
    deadline = time.monotonic() + 10
    while _gate_is_free(mine) and time.monotonic() < deadline:
        time.sleep(0.001)
    mine.give_back()
    assert not mine.take_now(), "the other one stands at the gate, or has the turn"
    waiting.join(10)
    assert not mine.take_now()
    theirs.give_back()
    assert mine.take_now()
    mine.give_back()
    mine.close()
    theirs.close()
