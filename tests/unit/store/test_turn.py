"""Processes on one SQLite file write in turn."""

from __future__ import annotations

import fcntl
import threading
import time
from pathlib import Path

from moot.store.turn import Turn


def test_who_waits_is_next(tmp_path: Path) -> None:
    """Issue 3, C1: whoever has just written does not write again before those who wait."""
    order: list[str] = []
    waiting = threading.Event()
    mine, theirs = Turn(tmp_path / "file", within_s=10), Turn(tmp_path / "file", within_s=10)

    def other() -> None:
        for _ in range(20):
            waiting.set()
            with theirs.taken() as is_taken:
                assert is_taken
                order.append("theirs")

    thread = threading.Thread(target=other)
    with mine.taken():
        thread.start()
        waiting.wait()
        # Until the other stands at the gate: a third would be kept out by it.
        probe = Turn(tmp_path / "file", within_s=0)
        deadline = time.monotonic() + 10
        while _gate_is_free(probe) and time.monotonic() < deadline:
            time.sleep(0.001)
        probe.close()
    for _ in range(20):
        with mine.taken() as is_taken:
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
    with holder.taken(), other.taken() as is_taken:
        assert not is_taken
    with other.taken() as is_taken:
        assert is_taken
    holder.close()
    with other.taken() as is_taken:
        assert is_taken
    other.close()
