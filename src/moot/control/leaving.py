"""Leaving of one's own will (JOIN-7), and what leaves with a connection."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from moot.control.actor import Actor
from moot.control.change import Change
from moot.control.context import Control
from moot.control.seat import acting
from moot.errors import Problem
from moot.model.event import HOSTS, LeftReason
from moot.model.ids import ConnectionId, MeetingId
from moot.model.meeting import Connection, Participant
from moot.model.participant import left, without
from moot.model.status import after, is_present
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
        Problem: `meeting_not_found`, `participant_not_found`, `connection_closed` (the command
            names a connection that is closed, while the person is in by a newer one).
    """

    def decide(change: Change) -> ParticipantView:
        participant = change.tx.find_participant(change.meeting.uid, actor.person_id)
        if participant is None:
            raise Problem("participant_not_found")
        alive = change.alive(participant.id)
        if connection_id is not None:
            # Naming a connection that is gone already, or is open under a newer fence than the
            # sender knows, is the late word of an older one (JOIN-3).
            alive = [each for each in alive if each.id == connection_id and _is_own(actor, each)]
        elif alive:
            acting(change, actor)
        return close(change, participant, alive, reason="left")

    return await control.change(meeting_id, decide)


def close(
    change: Change, participant: Participant, closing: Sequence[Connection], *, reason: LeftReason
) -> ParticipantView:
    """Close connections of a participant; with the last one the participant is away.

    Appends what others are to see and lets the media engine close the transports. Closing nothing
    changes nothing, but for a participant who is shown as being in without any connection.
    """
    gone = {connection.id for connection in closing}
    before = change.view(participant)
    for connection in closing:
        closed = replace(connection, state="closed", changed_at=change.now)
        if change.tx.update_connection(closed, expected_fence=connection.fence) is None:
            gone.discard(connection.id)
    remaining = change.alive(participant.id)
    rest = without(participant, gone, remaining=len(remaining))
    if remaining:
        if any(each.state != "lost" for each in remaining):
            rest = change.write_if_changed(participant, rest)
        else:
            rest = change.write_if_changed(participant, reconnecting(rest))
        view = change.updated(before, rest)
        change.allow(rest)
    else:
        view = away(change, rest, reason=reason)
    # Last, to be newer than any ticket that was decided before these events.
    change.disconnect(participant, gone)
    return view


def away(change: Change, participant: Participant, *, reason: LeftReason) -> ParticipantView:
    """Let a participant without connections be away; one who is away already stays as it is."""
    if participant.status == "waiting":
        return change.told(
            "lobby.left", change.write(left(participant, at=change.now)), audience=HOSTS
        )
    if not is_present(participant.status):
        return change.view(participant)
    return change.left(change.write(left(participant, at=change.now)), reason)


def reconnecting(participant: Participant) -> Participant:
    """Show a participant all of whose connections are lost as reconnecting."""
    return replace(participant, status=after(participant.status, "lose"))


def _is_own(actor: Actor, connection: Connection) -> bool:
    if actor.connection_id != connection.id or actor.fence is None:
        return True
    return actor.fence == connection.fence
