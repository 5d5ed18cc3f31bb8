"""One piece of work on one meeting inside its transaction, and the events it makes."""

from __future__ import annotations

import msgspec

from moot.model.event import EVERYONE, Body, Kind, MeetingBody, ParticipantBody
from moot.model.meeting import Event, Meeting, Participant
from moot.model.view import MeetingView, ParticipantView, meeting_view, participant_view
from moot.store.port import Transaction

ALIVE = ("pending", "open", "lost")
"""States of connections that are not closed."""
PRESENT = ("connected", "reconnecting")
"""Statuses of participants who are in."""

_encode = msgspec.json.Encoder().encode


class Change:
    """A locked meeting, the transaction and the events appended so far.

    Attributes:
        tx: the transaction; the meeting's row is locked in it.
        meeting: the meeting as it is after the events so far.
        now: milliseconds since 1970, for every time written by this change.
        events: what to announce after the commit, in order.
    """

    __slots__ = ("events", "meeting", "now", "tx")

    def __init__(self, tx: Transaction, meeting: Meeting, now: int) -> None:
        self.tx = tx
        self.meeting = meeting
        self.now = now
        self.events: list[Event] = []

    def append(self, kind: Kind, body: Body, *, audience: str = EVERYONE) -> None:
        """Number and store one event (EVENT-1)."""
        event = self.tx.append_event(
            self.meeting.uid, type=kind, at=self.now, body=_encode(body), audience=audience
        )
        self.meeting = msgspec.structs.replace(self.meeting, event_seq=event.event_seq)
        self.events.append(event)

    def view(self, participant: Participant) -> ParticipantView:
        """Show a participant with the connections that it has now."""
        connections = self.tx.list_connections(participant.id, states=ALIVE)
        return participant_view(participant, connections=len(connections))

    def next_meeting_view(self) -> MeetingView:
        """Show the meeting as it will be once the next event, which carries it, is appended."""
        seq = self.meeting.event_seq + 1
        return meeting_view(msgspec.structs.replace(self.meeting, event_seq=seq))

    def updated(self, before: ParticipantView | None, participant: Participant) -> ParticipantView:
        """Append `participant.updated` if the view differs from the one before."""
        view = self.view(participant)
        if view != before:
            self.append("participant.updated", ParticipantBody(view))
        return view

    def meeting_updated(self) -> None:
        """Append `meeting.updated` with the meeting as it is."""
        self.append("meeting.updated", MeetingBody(self.next_meeting_view()))
