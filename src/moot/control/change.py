"""One piece of work on one meeting inside its transaction, and all that follows from its commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import msgspec
from msgspec.structs import replace

from moot.control.attendance import Attendance, Attendances
from moot.control.orders import EndRun, Order, RemoveConnection, SetSources
from moot.media.key import identity, meeting_key
from moot.media.source import Source as MediaSource
from moot.model.event import (
    EVERYONE,
    Body,
    EndedBody,
    Kind,
    LeftBody,
    LeftReason,
    MeetingBody,
    MessageBody,
    ModeratedBody,
    ParticipantBody,
)
from moot.model.ids import ConnectionId, ParticipantId
from moot.model.meeting import ChatMessage, Connection, Event, Meeting, Participant, Source
from moot.model.participant import allowed_sources
from moot.model.view import (
    MeetingView,
    MessageView,
    ParticipantView,
    meeting_view,
    message_view,
    participant_view,
)
from moot.store.port import Transaction

ALIVE: Final = ("pending", "open", "lost")
"""States of connections that are not closed."""
PRESENT: Final = ("connected", "reconnecting")
"""Statuses of participants who are in."""

TOUCH_MS: Final = 60_000
"""How exactly a meeting's `active_at` is kept: retention counts in days."""

_encode = msgspec.json.Encoder().encode

_MEDIA_SOURCES: Final[dict[Source, frozenset[MediaSource]]] = {
    "microphone": frozenset({MediaSource.MICROPHONE}),
    "camera": frozenset({MediaSource.CAMERA}),
    "screen": frozenset({MediaSource.SCREEN, MediaSource.SCREEN_AUDIO}),
}


def media_sources(participant: Participant, connection_id: ConnectionId) -> frozenset[MediaSource]:
    """Say in the media engine's words what one connection of a participant may publish."""
    return _media_sources(allowed_sources(participant, connection_id))


@cache
def _media_sources(allowed: frozenset[Source]) -> frozenset[MediaSource]:
    # One set for each of the few combinations: it is kept for every connection.
    return frozenset().union(*(_MEDIA_SOURCES[source] for source in allowed))


class Change:
    """A locked meeting, its transaction, and what is to be announced and enforced after commit.

    Attributes:
        tx: the transaction; the meeting's row is locked in it.
        meeting: the meeting as it is after the events so far.
        now: milliseconds since 1970, for every time written by this change.
        events: what to announce after the commit, in order.
        orders: what to tell the media engine after the commit.
        attendance: who is in, if it was asked for; worth keeping after the commit.
    """

    __slots__ = ("_attendances", "attendance", "events", "meeting", "now", "orders", "tx")

    def __init__(
        self, tx: Transaction, meeting: Meeting, now: int, attendances: Attendances
    ) -> None:
        self.tx = tx
        self.meeting = meeting
        self.now = now
        self.events: list[Event] = []
        self.orders: list[Order] = []
        self.attendance: Attendance | None = None
        self._attendances = attendances

    def append(self, kind: Kind, body: Body, *, audience: str = EVERYONE) -> None:
        """Number and store one event (EVENT-1)."""
        event = self.tx.append_event(
            self.meeting.uid, type=kind, at=self.now, body=_encode(body), audience=audience
        )
        self.meeting = replace(self.meeting, event_seq=event.event_seq)
        self.events.append(event)
        if self.attendance is not None:
            self.attendance = self.attendance.after(event.event_seq, body)

    def alive(self, participant_id: ParticipantId) -> Sequence[Connection]:
        """Read a participant's connections that are not closed."""
        return self.tx.list_connections(participant_id, states=ALIVE)

    def here(self) -> Attendance:
        """Say who is in, waits or was removed, after the events so far.

        Not to be asked between a write of a participant and the event that tells it.
        """
        if self.attendance is None:
            self.attendance = self._attendances.read(self.tx, self.meeting)
        return self.attendance

    def touch(self) -> None:
        """Note that somebody is there, for retention and for `end`; to the minute is enough."""
        meeting = self.meeting
        age_ms = self.now - meeting.active_at
        was_ended = meeting.ended_at is not None and meeting.active_at <= meeting.ended_at
        if was_ended or not 0 <= age_ms < TOUCH_MS:
            self.tx.touch_meeting(meeting.uid, at=self.now)

    def view(self, participant: Participant, *, connections: int | None = None) -> ParticipantView:
        """Show a participant with the connections that it has now.

        Args:
            connections: how many, where the caller knows; else they are counted.
        """
        if connections is None:
            connections = len(self.alive(participant.id))
        return participant_view(participant, connections=connections)

    def write(self, participant: Participant) -> Participant:
        """Write a participant's row, stamped with the present time."""
        return self.tx.update_participant(replace(participant, changed_at=self.now))

    def write_if_changed(self, before: Participant, participant: Participant) -> Participant:
        """Write a participant's row unless nothing in it is new."""
        return before if participant == before else self.write(participant)

    def updated(
        self,
        before: ParticipantView | None,
        participant: Participant,
        *,
        connections: int | None = None,
    ) -> ParticipantView:
        """Append `participant.updated` if the view differs from the one before."""
        view = self.view(participant, connections=connections)
        if view != before:
            self.append("participant.updated", ParticipantBody(view))
        return view

    def told(
        self,
        kind: Kind,
        participant: Participant,
        *,
        audience: str = EVERYONE,
        connections: int | None = None,
    ) -> ParticipantView:
        """Append an event whose body is the participant."""
        view = self.view(participant, connections=connections)
        self.append(kind, ParticipantBody(view), audience=audience)
        return view

    def left(self, participant: Participant, reason: LeftReason) -> ParticipantView:
        """Append `participant.left`."""
        view = self.view(participant)
        self.append("participant.left", LeftBody(view, reason))
        return view

    def moderated(
        self, kind: Kind, participant: Participant, *, by: ParticipantId | None
    ) -> ParticipantView:
        """Append `participant.removed` or `participant.restored`."""
        view = self.view(participant)
        self.append(kind, ModeratedBody(view, by))
        return view

    def posted(self, kind: Kind, message: ChatMessage, *, audience: str) -> MessageView:
        """Append one of the chat events."""
        view = message_view(message)
        self.append(kind, MessageBody(view), audience=audience)
        return view

    def meeting_updated(self) -> None:
        """Append `meeting.updated` with the meeting as it is."""
        self.append("meeting.updated", MeetingBody(self._next_view()))

    def meeting_ended(self, *, by: ParticipantId | None, run: int) -> None:
        """Append `meeting.ended`, and let the media engine end that run."""
        self.append("meeting.ended", EndedBody(self._next_view(), by))
        self.orders.append(
            EndRun(meeting_key=meeting_key(self.meeting.id, run), event_seq=self.meeting.event_seq)
        )

    def allow(self, participant: Participant, *, but: ConnectionId | None = None) -> None:
        """Let the media engine forward from each connection what the participant's row says.

        Args:
            but: a connection that is told otherwise, by its grant.
        """
        key = meeting_key(self.meeting.id, self.meeting.run)
        for connection in self.alive(participant.id):
            if connection.id != but:
                self.orders.append(
                    SetSources(
                        meeting_key=key,
                        identity=identity(participant.id, connection.id),
                        event_seq=self.meeting.event_seq,
                        sources=media_sources(participant, connection.id),
                    )
                )

    def disconnect(self, participant: Participant, gone: Iterable[ConnectionId]) -> None:
        """Let the media engine close the transports of closed connections."""
        key = meeting_key(self.meeting.id, self.meeting.run)
        self.orders.extend(
            RemoveConnection(
                meeting_key=key,
                identity=identity(participant.id, connection_id),
                event_seq=self.meeting.event_seq,
            )
            for connection_id in gone
        )

    def _next_view(self) -> MeetingView:
        # The event that carries the meeting is itself a change of the meeting's number.
        return meeting_view(replace(self.meeting, event_seq=self.meeting.event_seq + 1))
