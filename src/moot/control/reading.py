"""What a reader may see, read from one transaction."""

from __future__ import annotations

from typing import Final

from moot.control.attendance import Attendance, visible
from moot.control.change import ALIVE, PRESENT
from moot.errors import Problem
from moot.model.ids import MeetingId
from moot.model.meeting import Meeting, Participant
from moot.model.view import (
    Snapshot,
    meeting_view,
    message_view,
    participant_view,
)
from moot.store.port import Transaction

SNAPSHOT_MESSAGES: Final = 200
"""Newest chat messages in a snapshot; older ones are read page by page."""


def found_meeting(tx: Transaction, meeting_id: MeetingId) -> Meeting:
    """Find a meeting.

    Raises:
        Problem: `meeting_not_found`.
    """
    meeting = tx.find_meeting(meeting_id)
    if meeting is None:
        raise Problem("meeting_not_found")
    return meeting


def read_snapshot(
    tx: Transaction, meeting: Meeting, reader: Participant, attendance: Attendance
) -> Snapshot:
    """Read the meeting as one participant may see it (EVENT-2).

    The meeting's row was read first, so whatever the rest holds beyond `meeting.event_seq` comes
    again as an event, and applying it twice changes nothing. Who is not in sees only themself.

    Args:
        attendance: who is in at `meeting.event_seq`.
    """
    if reader.status not in PRESENT:
        connections = len(tx.list_connections(reader.id, states=ALIVE))
        me = participant_view(reader, connections=connections)
        return Snapshot(meeting_view(meeting), (), (), me)
    messages = tx.list_messages(
        meeting.uid, run=meeting.run, reader=reader.id, before=None, limit=SNAPSHOT_MESSAGES
    )
    return Snapshot(
        meeting=meeting_view(meeting),
        participants=visible(attendance, to_host=reader.role == "host"),
        messages=[message_view(message) for message in messages],
        me=attendance.people.get(reader.id),
    )
