"""Leaving of one's own will (JOIN-7)."""

from __future__ import annotations

from moot.control.context import Actor, Control
from moot.model.ids import ConnectionId, MeetingId
from moot.model.view import ParticipantView


async def leave(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    *,
    connection_id: ConnectionId | None = None,
) -> ParticipantView:
    """Leave at once; leaving again changes nothing.

    Args:
        connection_id: close only this connection; the person has left when none remains.

    Raises:
        Problem: `meeting_not_found`, `participant_not_found`.
    """
    raise NotImplementedError
