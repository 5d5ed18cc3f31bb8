"""Reactions and typing: unnumbered, unstored, held to a rate (EVENT-3)."""

from __future__ import annotations

from typing import Final

import msgspec

from moot.control.actor import Actor
from moot.control.change import Change
from moot.control.context import Control
from moot.control.seat import acting_inside
from moot.errors import Problem
from moot.model.event import EVERYONE, Ephemeral
from moot.model.ids import MeetingId, MeetingUid, ParticipantId

EMOJI: Final = ("👍", "👏", "❤️", "😂", "😮", "😢", "🎉", "🙏", "👋", "🔥", "✅", "❌")
"""What a reaction may be."""


class _ReactionBody(msgspec.Struct, frozen=True):
    participant_id: ParticipantId
    emoji: str


class _TypingBody(msgspec.Struct, frozen=True):
    participant_id: ParticipantId


async def react(control: Control, actor: Actor, meeting_id: MeetingId, emoji: str) -> None:
    """Show an emoji to everyone who is in.

    Raises:
        Problem: `meeting_not_found`, `not_in_meeting`, `connection_closed`, `meeting_ended`,
            `body_invalid`, `rate_limited` (more than 10 at once or 2 a second).
    """
    if emoji not in EMOJI:
        raise Problem("body_invalid", reason="`emoji` is not one of the list")

    def look(change: Change) -> tuple[MeetingUid, ParticipantId]:
        return change.meeting.uid, acting_inside(change, actor).id

    meeting_uid, participant_id = await control.ask(meeting_id, look)
    if control.config.rate_limits and not control.reaction_pace.take(participant_id):
        raise Problem("rate_limited", retry_after_s=1)
    body = msgspec.json.encode(_ReactionBody(participant_id, emoji))
    control.bus.publish(Ephemeral(meeting_uid, "reaction", body))


def typing(meeting_uid: MeetingUid, participant_id: ParticipantId, audience: str) -> Ephemeral:
    """Make the ephemeral that says who types, to everyone or to one reader."""
    body = msgspec.json.encode(_TypingBody(participant_id))
    return Ephemeral(meeting_uid, "typing", body, key=participant_id, audience=audience or EVERYONE)
