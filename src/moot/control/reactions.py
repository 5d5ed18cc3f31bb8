"""Reactions and typing: unnumbered, unstored, held to a rate (EVENT-3)."""

from __future__ import annotations

from typing import Final

from moot.control.context import Actor, Control
from moot.model.ids import MeetingId

EMOJI: Final = ("👍", "👏", "❤️", "😂", "😮", "😢", "🎉", "🙏", "👋", "🔥", "✅", "❌")
"""What a reaction may be."""


async def react(control: Control, actor: Actor, meeting_id: MeetingId, emoji: str) -> None:
    """Show an emoji to everyone who is in.

    Raises:
        Problem: `meeting_not_found`, `not_in_meeting`, `connection_closed`, `body_invalid`,
            `rate_limited` (more than 10 at once or 2 a second).
    """
    raise NotImplementedError
