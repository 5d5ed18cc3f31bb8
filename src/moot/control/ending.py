"""Ending a run of a meeting for all (MEET-7)."""

from __future__ import annotations

from dataclasses import replace

from moot.control.actor import Actor
from moot.control.change import PRESENT, Change
from moot.control.context import Control
from moot.control.seat import acting_on_meeting
from moot.errors import Problem
from moot.model.ids import MeetingId, ParticipantId
from moot.model.participant import ended
from moot.model.view import MeetingView, meeting_view


async def end(
    control: Control, actor: Actor, meeting_id: MeetingId, *, run: int | None = None
) -> MeetingView:
    """End a run for all (MEET-7); ending the same `run` again changes nothing. Host only.

    Args:
        run: the run to end; None means the present one.

    Raises:
        Problem: `meeting_not_found`, `connection_closed`, `meeting_ended`, `host_only`,
            `body_invalid` (a run that has not begun).
    """

    def decide(change: Change) -> MeetingView:
        if run is None or run == change.meeting.run:
            host = acting_on_meeting(change, actor, "end")
            return _end(change, by=None if host is None else host.id, again=run is not None)
        # The connection of a host who repeats the command was closed by the first one.
        acting_on_meeting(change, replace(actor, connection_id=None), "end")
        if run > change.meeting.run:
            raise Problem("body_invalid", reason="`run` has not begun")
        return meeting_view(change.meeting)

    return await control.change(meeting_id, decide)


async def end_by_operator(control: Control, meeting_id: MeetingId) -> MeetingView:
    """End the present run for all, by the one who runs the server.

    Raises:
        Problem: `meeting_not_found`.
    """
    return await control.change(meeting_id, lambda change: _end(change, by=None, again=True))


def _end(change: Change, *, by: ParticipantId | None, again: bool) -> MeetingView:
    tx, meeting = change.tx, change.meeting
    inside = tx.list_participants(meeting.uid, statuses=(*PRESENT, "waiting", "denied"))
    was_ended = meeting.ended_at is not None and meeting.active_at <= meeting.ended_at
    if not inside and was_ended and not again:
        return meeting_view(meeting)
    # Not only of those inside: who was let in and has yet to come has one, too.
    tx.close_meeting_connections(meeting.uid, at=change.now)
    for participant in inside:
        change.write(ended(participant, at=change.now))
    after = tx.end_run(meeting.uid, run=meeting.run, at=change.now)
    if after is not None:
        change.meeting = after
        change.meeting_ended(by=by, run=meeting.run)
    return meeting_view(change.meeting)
