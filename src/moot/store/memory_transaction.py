# ruff: noqa: D102 - each method is described once, in the port
"""A transaction over dictionaries that can take back everything it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TypeVar

from msgspec.structs import replace

from moot.model.ids import (
    ConnectionId,
    MeetingId,
    MeetingUid,
    MessageId,
    ParticipantId,
    PersonId,
    ProcessId,
)
from moot.model.meeting import (
    ChatMessage,
    Connection,
    Event,
    MediaLease,
    Meeting,
    Participant,
    Process,
    Settings,
)

K = TypeVar("K")
V = TypeVar("V")


class Tables:
    """What databases call tables: each a dictionary by the key that is unique in it."""

    def __init__(self) -> None:
        self.meetings: dict[MeetingId, Meeting] = {}
        self.meeting_ids: dict[MeetingUid, MeetingId] = {}
        self.participants: dict[tuple[MeetingUid, PersonId], Participant] = {}
        self.persons: dict[ParticipantId, tuple[MeetingUid, PersonId]] = {}
        self.connections: dict[ConnectionId, Connection] = {}
        self.messages: dict[MessageId, ChatMessage] = {}
        self.events: dict[tuple[MeetingUid, int], Event] = {}
        self.idempotency: dict[tuple[PersonId, str], tuple[str, bytes, int]] = {}
        self.processes: dict[ProcessId, Process] = {}
        self.media_leases: dict[MeetingUid, MediaLease] = {}


class MemoryTransaction:
    """A `Transaction` over dictionaries that remembers how to take everything back."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._undo: list[Callable[[], object]] = []

    def roll_back(self) -> None:
        """Take back every change, the last one first."""
        while self._undo:
            self._undo.pop()()

    def _put(self, table: dict[K, V], key: K, value: V) -> V:
        if key in table:
            old = table[key]
            self._undo.append(lambda: table.update({key: old}))
        else:
            self._undo.append(lambda: table.pop(key))
        table[key] = value
        return value

    def _drop(self, table: dict[K, V], keys: Iterable[K]) -> int:
        dropped = list(keys)
        for key in dropped:
            value = table.pop(key)
            self._undo.append(lambda key=key, value=value: table.update({key: value}))  # type: ignore[misc]
        return len(dropped)

    def _meeting(self, meeting_uid: MeetingUid) -> Meeting:
        return self._tables.meetings[self._tables.meeting_ids[meeting_uid]]

    # Meetings

    def find_meeting(self, meeting_id: MeetingId) -> Meeting | None:
        return self._tables.meetings.get(meeting_id)

    def insert_meeting(self, meeting: Meeting) -> Meeting | None:
        if meeting.id in self._tables.meetings:
            return None
        self._put(self._tables.meeting_ids, meeting.uid, meeting.id)
        return self._put(self._tables.meetings, meeting.id, meeting)

    def lock_meeting(self, meeting_id: MeetingId) -> Meeting | None:
        return self.find_meeting(meeting_id)

    def append_event(
        self, meeting_uid: MeetingUid, *, type: str, at: int, body: bytes, audience: str = ""
    ) -> Event:
        meeting = self._meeting(meeting_uid)
        meeting = self._put(
            self._tables.meetings, meeting.id, replace(meeting, event_seq=meeting.event_seq + 1)
        )
        event = Event(
            meeting_uid=meeting_uid,
            event_seq=meeting.event_seq,
            epoch=meeting.epoch,
            type=type,
            at=at,
            body=body,
            audience=audience,
        )
        return self._put(self._tables.events, (meeting_uid, event.event_seq), event)

    def update_settings(
        self,
        meeting_uid: MeetingUid,
        *,
        settings: Settings,
        passcode_hash: str | None,
        expected_version: int,
    ) -> Meeting | None:
        meeting = self._meeting(meeting_uid)
        if meeting.version != expected_version:
            return None
        changed = replace(
            meeting, settings=settings, passcode_hash=passcode_hash, version=expected_version + 1
        )
        return self._put(self._tables.meetings, meeting.id, changed)

    def end_run(self, meeting_uid: MeetingUid, *, run: int, at: int) -> Meeting | None:
        meeting = self._meeting(meeting_uid)
        if meeting.run != run:
            return None
        return self._put(
            self._tables.meetings, meeting.id, replace(meeting, run=run + 1, ended_at=at)
        )

    def touch_meeting(self, meeting_uid: MeetingUid, *, at: int) -> None:
        meeting = self._meeting(meeting_uid)
        self._put(self._tables.meetings, meeting.id, replace(meeting, active_at=at))

    def list_meetings(self, *, after: MeetingId | None, limit: int) -> Sequence[Meeting]:
        later = (key for key in self._tables.meetings if after is None or key > after)
        return [self._tables.meetings[key] for key in sorted(later)[:limit]]

    # Participants

    def find_participant(self, meeting_uid: MeetingUid, person_id: PersonId) -> Participant | None:
        return self._tables.participants.get((meeting_uid, person_id))

    def find_participant_by_id(
        self, meeting_uid: MeetingUid, participant_id: ParticipantId
    ) -> Participant | None:
        key = self._tables.persons.get(participant_id)
        return self._tables.participants[key] if key and key[0] == meeting_uid else None

    def upsert_participant(self, participant: Participant) -> Participant:
        key = (participant.meeting_uid, participant.person_id)
        stored = self._tables.participants.get(key)
        if stored is None:
            self._put(self._tables.persons, participant.id, key)
            row = replace(participant, fence=participant.fence + 1)
        else:
            row = replace(
                participant,
                id=stored.id,
                joined_at=stored.joined_at,
                role=stored.role,
                fence=stored.fence + 1,
            )
        return self._put(self._tables.participants, key, row)

    def update_participant(self, participant: Participant) -> Participant:
        key = self._tables.persons[participant.id]
        stored = self._tables.participants[key]
        row = replace(
            participant,
            meeting_uid=stored.meeting_uid,
            person_id=stored.person_id,
            joined_at=stored.joined_at,
            fence=stored.fence,
        )
        return self._put(self._tables.participants, key, row)

    def list_participants(
        self, meeting_uid: MeetingUid, *, statuses: Sequence[str]
    ) -> Sequence[Participant]:
        rows = (
            row
            for row in self._tables.participants.values()
            if row.meeting_uid == meeting_uid and row.status in statuses
        )
        return sorted(rows, key=attrgetter("joined_at", "id"))

    def count_participants(self, meeting_uid: MeetingUid, *, statuses: Sequence[str]) -> int:
        return len(self.list_participants(meeting_uid, statuses=statuses))

    def count_hosts(self, meeting_uid: MeetingUid) -> int:
        return sum(
            row.meeting_uid == meeting_uid and row.role == "host" and row.status != "removed"
            for row in self._tables.participants.values()
        )

    # Connections

    def upsert_connection(self, connection: Connection) -> Connection | None:
        stored = self._tables.connections.get(connection.id)
        if stored is not None:
            if stored.participant_id != connection.participant_id:
                return None
            connection = replace(connection, created_at=stored.created_at, device=stored.device)
        return self._put(self._tables.connections, connection.id, connection)

    def find_connection(self, connection_id: ConnectionId) -> Connection | None:
        return self._tables.connections.get(connection_id)

    def update_connection(
        self, connection: Connection, *, expected_fence: int
    ) -> Connection | None:
        stored = self._tables.connections.get(connection.id)
        if stored is None or stored.fence != expected_fence:
            return None
        row = replace(
            stored,
            state=connection.state,
            process_id=connection.process_id,
            changed_at=connection.changed_at,
        )
        return self._put(self._tables.connections, row.id, row)

    def _connections(self, matches: Callable[[Connection], bool]) -> list[Connection]:
        rows = filter(matches, self._tables.connections.values())
        return sorted(rows, key=attrgetter("created_at", "id"))

    def list_connections(
        self, participant_id: ParticipantId, *, states: Sequence[str]
    ) -> Sequence[Connection]:
        return self._connections(
            lambda row: row.participant_id == participant_id and row.state in states
        )

    def list_meeting_connections(
        self, meeting_uid: MeetingUid, *, states: Sequence[str]
    ) -> Sequence[Connection]:
        return self._connections(lambda row: row.meeting_uid == meeting_uid and row.state in states)

    def close_connections(
        self, participant_id: ParticipantId, *, at: int
    ) -> Sequence[ConnectionId]:
        return self._close(lambda row: row.participant_id == participant_id, at)

    def close_meeting_connections(self, meeting_uid: MeetingUid, *, at: int) -> int:
        return len(self._close(lambda row: row.meeting_uid == meeting_uid, at))

    def _close(self, matches: Callable[[Connection], bool], at: int) -> list[ConnectionId]:
        rows = self._connections(lambda row: row.state != "closed" and matches(row))
        for row in rows:
            closed = replace(row, state="closed", process_id=None, changed_at=at)
            self._put(self._tables.connections, row.id, closed)
        return [row.id for row in rows]

    def _with_meeting(
        self, rows: Iterable[Connection], limit: int
    ) -> Sequence[tuple[MeetingId, Connection]]:
        oldest = sorted(rows, key=attrgetter("changed_at", "id"))[:limit]
        return [(self._tables.meeting_ids[row.meeting_uid], row) for row in oldest]

    def orphaned_connections(
        self, *, alive_since: int, limit: int
    ) -> Sequence[tuple[MeetingId, Connection]]:
        alive = {process.id for process in self.list_processes(alive_since=alive_since)}
        rows = self._connections(lambda row: row.state == "open" and row.process_id not in alive)
        return self._with_meeting(rows, limit)

    def overdue_connections(
        self, *, before: int, limit: int
    ) -> Sequence[tuple[MeetingId, Connection]]:
        rows = self._connections(
            lambda row: row.state in ("pending", "lost") and row.changed_at < before
        )
        return self._with_meeting(rows, limit)

    def connection_counts(self, meeting_uid: MeetingUid) -> dict[ParticipantId, int]:
        rows = self.list_meeting_connections(meeting_uid, states=("pending", "open", "lost"))
        return dict(Counter(row.participant_id for row in rows))

    # Chat

    def insert_message(self, message: ChatMessage) -> ChatMessage | None:
        if message.id in self._tables.messages:
            return None
        return self._put(self._tables.messages, message.id, message)

    def find_message(self, meeting_uid: MeetingUid, message_id: MessageId) -> ChatMessage | None:
        message = self._tables.messages.get(message_id)
        return message if message and message.meeting_uid == meeting_uid else None

    def update_message(self, message: ChatMessage) -> ChatMessage:
        row = replace(
            self._tables.messages[message.id],
            text=message.text,
            edited_at=message.edited_at,
            deleted_at=message.deleted_at,
        )
        return self._put(self._tables.messages, row.id, row)

    def list_messages(
        self,
        meeting_uid: MeetingUid,
        *,
        run: int,
        reader: ParticipantId | None,
        before: MessageId | None,
        limit: int,
    ) -> Sequence[ChatMessage]:
        end = None if before is None else self.find_message(meeting_uid, before)
        if before is not None and end is None:
            return []
        rows = [
            row
            for row in self._tables.messages.values()
            if row.meeting_uid == meeting_uid
            and row.run == run
            and (row.to is None or (reader is not None and reader in (row.to, row.participant_id)))
            and (end is None or row.event_seq < end.event_seq)
        ]
        rows.sort(key=attrgetter("event_seq"))
        return rows[-limit:] if limit else []

    # Events

    def list_events(self, meeting_uid: MeetingUid, *, after: int, limit: int) -> Sequence[Event]:
        last = min(self._meeting(meeting_uid).event_seq, after + limit)
        keys = ((meeting_uid, event_seq) for event_seq in range(after + 1, last + 1))
        return [self._tables.events[key] for key in keys if key in self._tables.events]

    def event_heads(self, meeting_uids: Sequence[MeetingUid]) -> dict[MeetingUid, tuple[int, int]]:
        known = [self._meeting(uid) for uid in meeting_uids if uid in self._tables.meeting_ids]
        return {meeting.uid: (meeting.epoch, meeting.event_seq) for meeting in known}

    # Idempotency keys

    def insert_idempotency(
        self,
        person_id: PersonId,
        *,
        idempotency_key: str,
        fingerprint: str,
        response: bytes,
        at: int,
    ) -> tuple[str, bytes] | None:
        stored = self.find_idempotency(person_id, idempotency_key=idempotency_key)
        if stored is None:
            key = (person_id, idempotency_key)
            self._put(self._tables.idempotency, key, (fingerprint, response, at))
        return stored

    def find_idempotency(
        self, person_id: PersonId, *, idempotency_key: str
    ) -> tuple[str, bytes] | None:
        row = self._tables.idempotency.get((person_id, idempotency_key))
        return row[:2] if row else None

    # Processes

    def upsert_process(self, process: Process) -> None:
        self._put(self._tables.processes, process.id, process)

    def heartbeat(self, process_id: ProcessId, *, at: int) -> bool:
        process = self._tables.processes.get(process_id)
        if process is None:
            return False
        self._put(self._tables.processes, process_id, replace(process, heartbeat_at=at))
        return True

    def delete_process(self, process_id: ProcessId) -> None:
        self._drop(self._tables.processes, {process_id} & self._tables.processes.keys())

    def list_processes(self, *, alive_since: int) -> Sequence[Process]:
        rows = (row for row in self._tables.processes.values() if row.heartbeat_at >= alive_since)
        return sorted(rows, key=attrgetter("started_at", "id"))

    def find_media_lease(self, meeting_uid: MeetingUid) -> MediaLease | None:
        return self._tables.media_leases.get(meeting_uid)

    def take_media_lease(self, lease: MediaLease, *, expected_epoch: int) -> MediaLease | None:
        stored = self._tables.media_leases.get(lease.meeting_uid)
        if stored is not None and stored.epoch != expected_epoch:
            return None
        return self._put(self._tables.media_leases, lease.meeting_uid, lease)

    def media_loads(self, *, states: Sequence[str]) -> dict[ProcessId, int]:
        loads: Counter[ProcessId] = Counter()
        for row in self._connections(lambda row: row.state in states):
            lease = self._tables.media_leases.get(row.meeting_uid)
            if lease is not None and lease.process_id is not None:
                loads[lease.process_id] += 1
        return dict(loads)

    # Retention

    def delete_old_messages(self, *, before: int, limit: int) -> int:
        old = [
            row.id
            for row in self._tables.messages.values()
            if row.posted_at < before and row.run < self._meeting(row.meeting_uid).run
        ]
        return self._drop(self._tables.messages, old[:limit])

    def delete_old_events(self, *, before: int, keep: int, limit: int) -> int:
        old = [
            key
            for key, row in self._tables.events.items()
            if row.at < before and row.event_seq <= self._meeting(row.meeting_uid).event_seq - keep
        ]
        return self._drop(self._tables.events, sorted(old)[:limit])

    def delete_old_idempotency(self, *, before: int, limit: int) -> int:
        old = [key for key, row in self._tables.idempotency.items() if row[2] < before]
        return self._drop(self._tables.idempotency, old[:limit])

    def delete_idle_guests(self, *, before: int, limit: int) -> int:
        idle = [
            (key, row.id)
            for key, row in self._tables.participants.items()
            if row.role == "guest"
            and row.status == "disconnected"
            and self._meeting(row.meeting_uid).active_at < before
        ][:limit]
        gone = {participant_id for _, participant_id in idle}
        self._drop(
            self._tables.connections,
            [row.id for row in self._connections(lambda row: row.participant_id in gone)],
        )
        self._drop(self._tables.persons, gone)
        return self._drop(self._tables.participants, [key for key, _ in idle])

    def delete_closed_connections(self, *, before: int, limit: int) -> int:
        old = self._connections(lambda row: row.state == "closed" and row.changed_at < before)
        return self._drop(self._tables.connections, [row.id for row in old][:limit])
