"""Presence: which connections are open, lost and gone, over processes, crashes and clock steps."""

from __future__ import annotations

from moot.control.context import Control
from moot.model.ids import ProcessId


class Presence:
    """This process's open connections, its heartbeat, and the deadlines of lost connections."""

    def __init__(self, control: Control) -> None:
        self._control = control

    @property
    def process_id(self) -> ProcessId:
        """Who leases this process's connections; changes when it was declared dead meanwhile."""
        raise NotImplementedError

    async def run(self) -> None:
        """Beat, reap and expire until cancelled; never raises for a store that is away."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give up this process's leases, so that others need not wait for its heartbeat to age."""
        raise NotImplementedError
