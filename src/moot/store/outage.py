"""Say that the database does not answer, but not once for everybody who waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from moot.errors import Problem

EVERY_S: Final = 1.0
"""Seconds between two lines of the log, at least: an outage concerns every request there is."""

_OUTAGES: Final = frozenset({"unavailable", "storage_full"})

_log = structlog.get_logger("moot.store")


class Outages:
    """Counts the problems of one store and logs them in a bounded number of lines.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0
        self._unsaid = 0

    def note(self, error: Exception) -> Exception:
        """Log a `Problem`, unless one was logged just now; returns what it was given."""
        if isinstance(error, Problem) and error.kind.id in _OUTAGES:
            self._unsaid += 1
            now = self._clock()
            if now >= self._next:
                cause = error.__cause__
                name = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
                _log.warning(
                    "Store does not answer", problem=error.kind.id, cause=name, times=self._unsaid
                )
                self._next, self._unsaid = now + EVERY_S, 0
        return error
