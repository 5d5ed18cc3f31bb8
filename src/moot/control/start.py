"""What an event stream begins with, and what it is caught up with: read in one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from moot.control.attendance import Attendances
from moot.control.change import ALIVE
from moot.control.frames import LobbyStatus
from moot.control.lease import find_open
from moot.control.reading import found_meeting, read_snapshot
from moot.control.watcher import Watcher
from moot.model.event import may_read
from moot.model.ids import ConnectionId, MeetingUid, ParticipantId
from moot.model.meeting import Event, Meeting, Participant
from moot.model.view import Snapshot
from moot.store.port import Transaction

REPLAY_EVENTS: Final = 1000
"""Most events that are replayed; who misses more gets a snapshot."""
PAGE_EVENTS: Final = 500
"""Most events that are read at once to catch up."""


@dataclass(frozen=True, slots=True)
class Since:
    """What a client already has."""

    epoch: int
    event_seq: int


@dataclass(frozen=True, slots=True)
class Start:
    """What a stream begins with: a snapshot, or None and the events to replay."""

    epoch: int
    event_seq: int
    participant: Participant
    snapshot: Snapshot | None
    events: Sequence[Event] = ()


def events_after(tx: Transaction, *, meeting_uid: MeetingUid, after: int) -> Sequence[Event]:
    """Read the next events after a number, at most `PAGE_EVENTS`."""
    return tx.list_events(meeting_uid, after=after, limit=PAGE_EVENTS)


def fences_of(
    tx: Transaction, *, meeting_uid: MeetingUid, participant_id: ParticipantId
) -> tuple[dict[ConnectionId, int], int]:
    """Read the fences of a participant's connections that go on, and the number they stand for."""
    fences = {each.id: each.fence for each in tx.list_connections(participant_id, states=ALIVE)}
    # Read last, so that every event up to what was just read is counted.
    _, event_seq = tx.event_heads([meeting_uid])[meeting_uid]
    return fences, event_seq


def read_start(
    tx: Transaction, watcher: Watcher, since: Since | None, attendances: Attendances
) -> Start:
    """Read what a stream begins with (EVENT-2).

    Raises:
        Problem: `meeting_not_found`; as of `find_open`, where the connection was closed since.
    """
    meeting = found_meeting(tx, watcher.meeting_id)
    # What is read here stands for the events so far, so the watcher will not hear of an end in it.
    _, participant = find_open(tx, meeting, watcher.connection_id, fence=watcher.fence)
    if since is not None and not watcher.is_waiting:
        events = _missed(tx, meeting, participant, since)
        if events is not None:
            last = events[-1].event_seq if events else since.event_seq
            return Start(meeting.epoch, last, participant, None, events)
    attendance = attendances.read(tx, meeting)
    attendances.keep(meeting.uid, attendance)
    snapshot = read_snapshot(tx, meeting, participant, attendance)
    return Start(meeting.epoch, meeting.event_seq, participant, snapshot)


def _missed(
    tx: Transaction, meeting: Meeting, reader: Participant, since: Since
) -> Sequence[Event] | None:
    """Read what came after `since`; None where only a snapshot says it all."""
    if since.epoch != meeting.epoch or not 0 <= since.event_seq <= meeting.event_seq:
        return None
    if meeting.event_seq - since.event_seq > REPLAY_EVENTS:
        return None
    events = tx.list_events(meeting.uid, after=since.event_seq, limit=REPLAY_EVENTS + 1)
    if len(events) > REPLAY_EVENTS:
        return None
    if [event.event_seq for event in events] != list(
        range(since.event_seq + 1, since.event_seq + 1 + len(events))
    ):
        return None
    if since.event_seq + len(events) < meeting.event_seq:
        return None
    own = reader.id.encode()
    for event in events:
        if event.type == "meeting.ended":
            return None
        # Somewhere in these the reader may have become a host, who sees what a replay has not.
        if reader.role == "host" and not event.type.startswith("chat.") and own in event.body:
            return None
    return events


def is_shown(event: Event, watcher: Watcher) -> bool:
    """Tell whether a watcher is of an event's audience."""
    return may_read(event.audience, reader=watcher.participant_id, is_host=watcher.is_host)


def lobby_status(participant: Participant) -> LobbyStatus:
    """Say how it stands with somebody who is not in."""
    if participant.status == "waiting":
        return "waiting"
    return "denied" if participant.status == "denied" else "admitted"
