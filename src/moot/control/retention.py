"""Retention: what is deleted when (the table is in docs/operations.md).

- chat of ended runs: `chat_retention_days` after it was posted;
- events: `event_retention_days`, but never the newest 1,000 of a meeting, so that those who were
  away briefly can always resume;
- answers to Idempotency-Keys: `idempotency_retention_hours`, at least 24 (MEET-5);
- participants who are guests, not hosts: `guest_retention_days` after anybody was last in their
  meeting;
- closed connections: with the events, so that a late command of one is told what happened.

Meetings, hosts and the removed are never deleted here (MEET-7, HOST-1, JOIN-8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from moot.control.context import Control
from moot.errors import Problem
from moot.store.port import Transaction

EVERY_S: Final = 600.0
KEPT_EVENTS: Final = 1000
_AT_ONCE: Final = 500
"""Rows deleted in one transaction: more would hold up everyone who writes meanwhile."""
_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_PAUSE_S: Final = 0.05

Deletion = Callable[[Transaction], int]


class Retention:
    """Deletes what has outlived its use, a little at a time.

    Every process may run it: what one has deleted the other does not find. Ages are differences of
    wall clocks; a clock that steps forward by an hour deletes that hour earlier and nothing else.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    async def run(self) -> None:
        """Delete what is due, every ten minutes, until cancelled."""
        while True:
            try:
                await self.sweep()
            except Problem as problem:
                self._control.log.warning("Retention has to wait", code=problem.kind.id)
            await asyncio.sleep(EVERY_S)

    async def sweep(self) -> dict[str, int]:
        """Delete all that is due now; answers how many rows of each kind.

        If cancelled, what was deleted stays deleted.

        Raises:
            Problem: `unavailable`, `storage_full`.
        """
        swept = {}
        for kind, deletion in self._deletions().items():
            swept[kind] = 0
            while True:
                deleted = await self._control.store.write(deletion)
                swept[kind] += deleted
                if deleted < _AT_ONCE:
                    break
                await asyncio.sleep(_PAUSE_S)
        if any(swept.values()):
            self._control.log.info("Retention has deleted rows", **swept)
        return swept

    def _deletions(self) -> dict[str, Deletion]:
        config, now = self._control.config, self._control.clock.now_ms()
        messages = now - int(config.chat_retention_days * _DAY_MS)
        events = now - int(config.event_retention_days * _DAY_MS)
        guests = now - int(config.guest_retention_days * _DAY_MS)
        keys = now - int(config.idempotency_retention_hours * _HOUR_MS)
        return {
            "messages": lambda tx: tx.delete_old_messages(before=messages, limit=_AT_ONCE),
            "events": lambda tx: tx.delete_old_events(
                before=events, keep=KEPT_EVENTS, limit=_AT_ONCE
            ),
            "idempotency_keys": lambda tx: tx.delete_old_idempotency(before=keys, limit=_AT_ONCE),
            "connections": lambda tx: tx.delete_closed_connections(before=events, limit=_AT_ONCE),
            "guests": lambda tx: tx.delete_idle_guests(before=guests, limit=_AT_ONCE),
        }
