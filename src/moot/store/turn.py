"""Whose turn it is to write: fair between the processes of one host that share a SQLite file.

SQLite itself is not: who finds the file locked sleeps for up to a tenth of a second and looks
again, while the process that has just committed is there at once with its next transaction. Under
load one process could wait for many seconds and then answer 503 for no other reason.

Two file locks make a turnstile. Who wants to write takes the gate, then the file's turn, and lets
go of the gate only when it has its turn; so whoever has just written meets a closed gate as long as
anybody else waits. The kernel lets go of both when a process dies.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

_LOOK_S: Final = 0.001
"""Seconds between two looks at a lock that somebody holds. Longer leaves the file idle between two
turns, shorter costs a waiting process more."""


class Turn:
    """This process's place in the line; used by one thread at a time.

    Args:
        path: of the two lock files, without their endings.
        within_s: how long a turn is waited for. After it the caller goes on all the same and
            depends on SQLite's own lock: a process that was stopped must not stop the others.
    """

    def __init__(self, path: Path, *, within_s: float) -> None:
        self._gate = _open(path.with_name(path.name + ".gate"))
        self._turn = _open(path.with_name(path.name + ".turn"))
        self._within_s = within_s
        self._has_turn = False

    def take_now(self) -> bool:
        """Take the turn where nobody has it and nobody waits; answers at once whether it did."""
        if _lock_now(self._gate):
            self._has_turn = _lock_now(self._turn)
            fcntl.flock(self._gate, fcntl.LOCK_UN)
        return self._has_turn

    def take(self) -> bool:
        """Wait for the turn; answers whether it came in time."""
        deadline = time.monotonic() + self._within_s
        if _lock(self._gate, deadline):
            self._has_turn = _lock(self._turn, deadline)
            fcntl.flock(self._gate, fcntl.LOCK_UN)
        return self._has_turn

    def give_back(self) -> None:
        """End the turn; does nothing where it had not come."""
        if self._has_turn:
            self._has_turn = False
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the files."""
        os.close(self._gate)
        os.close(self._turn)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock_now(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock(file: int, deadline: float) -> bool:
    while not _lock_now(file):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_S)
    return True
