"""What the media engine reports: reconciled with the stored intents, or passed on as ephemeral."""

from __future__ import annotations

from moot.control.context import Control


class MediaEvents:
    """Follows the media engine; the stored intents are the truth (EVENT-4)."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def run(self) -> None:
        """Follow the engine until cancelled or the engine is closed."""
        raise NotImplementedError
