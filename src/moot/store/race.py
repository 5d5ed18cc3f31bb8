"""What to do when the database says "already there" to a statement that should not have asked."""

from __future__ import annotations

from typing import Final

import structlog

ROUNDS: Final = 2
"""How often a piece of work is run again after a unique violation."""

_log = structlog.get_logger("moot.store")


class Race:
    """Counts the unique violations of one piece of work (MEET-3).

    Every statement that may meet an existing row says `ON CONFLICT`, so a violation is a bug. Still
    no caller should pay for it: run again, the work finds the row that was in its way.
    """

    def __init__(self) -> None:
        self._left = ROUNDS

    def again(self, error: BaseException) -> bool:
        """Write the bug down; True if the work should be run again."""
        self._left -= 1
        _log.error(
            "Unique violation reached the store; this is a bug", error=str(error).split("\n")[0]
        )
        return self._left >= 0
