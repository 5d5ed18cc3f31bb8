"""Retention: what is deleted when."""

from __future__ import annotations

from moot.control.context import Control


class Retention:
    """Deletes what has outlived its use, a little at a time."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def run(self) -> None:
        """Delete what is due, every ten minutes, until cancelled."""
        raise NotImplementedError
