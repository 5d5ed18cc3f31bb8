"""A connection's lease: which process holds its event stream, taken, lost and expired.

The work of `Presence` inside transactions. Each step is safe to repeat and changes nothing where
the connection has moved on meanwhile (JOIN-3).
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from moot.control.change import Change
from moot.control.leaving import close, reconnecting
from moot.control.seat import closed
from moot.errors import Problem
from moot.model.ids import ConnectionId, MeetingId, MeetingUid, ProcessId
from moot.model.meeting import Connection, Meeting, Participant
from moot.model.status import after
from moot.store.port import Transaction


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """One event stream that this process holds.

    Attributes:
        stamp: the spell of its connection being open that began with it.
        at: epoch and number of the last event before it was opened.
    """

    meeting_id: MeetingId
    meeting_uid: MeetingUid
    connection_id: ConnectionId
    participant: Participant
    stamp: Stamp
    at: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stamp:
    """One spell of a connection being open, lost or pending; another spell has another stamp."""

    state: str
    fence: int
    changed_at: int
    process_id: ProcessId | None


def stamp_of(connection: Connection) -> Stamp:
    """Name the spell in which a connection is."""
    return Stamp(connection.state, connection.fence, connection.changed_at, connection.process_id)


def find_open(
    tx: Transaction, meeting: Meeting, connection_id: ConnectionId, *, fence: int
) -> tuple[Connection, Participant]:
    """Read a connection that may have an event stream, and whose it is.

    Raises:
        Problem: `connection_closed` (unknown, closed, or made room for a newer fence),
            `meeting_ended` (closed with a run in which its person was last),
            `participant_removed`, `lobby_denied`.
    """
    connection = tx.find_connection(connection_id)
    if connection is None or connection.meeting_uid != meeting.uid:
        raise Problem("connection_closed")
    participant = tx.find_participant_by_id(meeting.uid, connection.participant_id)
    if participant is None:
        raise Problem("connection_closed")
    if participant.status == "removed":
        raise Problem("participant_removed")
    if participant.status == "denied":
        raise Problem("lobby_denied")
    if connection.state == "closed" or connection.fence != fence:
        raise closed(meeting, participant)
    return connection, participant


def take(change: Change, *, connection_id: ConnectionId, stamp: Stamp) -> Opened:
    """Lease a connection to a process that opens its event stream.

    Args:
        stamp: the spell that begins; of two of one process the later has the higher `changed_at`.

    Raises:
        Problem: as of `find_open`, `connection_replaced` (by a later one of the same process).
    """
    tx = change.tx
    connection, participant = find_open(tx, change.meeting, connection_id, fence=stamp.fence)
    if _is_held(connection, stamp) and connection.changed_at > stamp.changed_at:
        raise Problem("connection_replaced")
    opened = replace(
        connection, state="open", process_id=stamp.process_id, changed_at=stamp.changed_at
    )
    if tx.update_connection(opened, expected_fence=stamp.fence) is None:
        raise Problem("connection_closed")
    if participant.status == "reconnecting":
        before = change.view(participant)
        participant = change.write(
            replace(participant, status=after(participant.status, "recover"))
        )
        change.updated(before, participant)
    return Opened(
        change.meeting.id,
        change.meeting.uid,
        connection_id,
        participant,
        stamp,
        (change.meeting.epoch, change.meeting.event_seq),
    )


def lose(change: Change, *, connection_id: ConnectionId, stamp: Stamp) -> Stamp | None:
    """Mark a connection lost that its process holds, and has not opened again since; else None."""
    tx = change.tx
    connection = tx.find_connection(connection_id)
    if (
        connection is None
        or not _is_held(connection, stamp)
        or connection.changed_at > stamp.changed_at
    ):
        return None
    lost = tx.update_connection(
        replace(connection, state="lost", changed_at=change.now), expected_fence=connection.fence
    )
    participant = tx.find_participant_by_id(change.meeting.uid, connection.participant_id)
    if lost is None or participant is None:
        return None
    if participant.status == "connected" and all(
        each.state == "lost" for each in change.alive(participant.id)
    ):
        before = change.view(participant)
        change.updated(before, change.write(reconnecting(participant)))
    return stamp_of(lost)


def expire(change: Change, *, connection_id: ConnectionId, stamp: Stamp) -> None:
    """Close a connection whose time is over, if nothing has happened to it since."""
    connection = change.tx.find_connection(connection_id)
    if connection is None or stamp_of(connection) != stamp:
        return
    participant = change.tx.find_participant_by_id(change.meeting.uid, connection.participant_id)
    if participant is not None:
        close(change, participant, [connection], reason="lost")


def _is_held(connection: Connection, stamp: Stamp) -> bool:
    """Tell whether a connection is open by the process of a stamp."""
    return connection.state == "open" and connection.process_id == stamp.process_id
