# ruff: noqa: D102 - each method is described once, in the port
"""A transaction as named statements: the same calls for every database that speaks SQL."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from msgspec.structs import asdict

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
from moot.store import rows
from moot.store.rows import Parameters, Row


class SqlTransaction(ABC):
    """A `Transaction` over three ways to run a named statement, which a database supplies."""

    __slots__ = ()

    @abstractmethod
    def _one(self, name: str, parameters: Parameters) -> Row | None:
        """Run a statement and return its first row, or None."""

    @abstractmethod
    def _all(self, name: str, parameters: Parameters) -> Sequence[Row]:
        """Run a statement and return its rows."""

    @abstractmethod
    def _count(self, name: str, parameters: Parameters) -> int:
        """Run a statement and return how many rows it changed."""

    @abstractmethod
    def _list(self, values: Sequence[str]) -> object:
        """Spell the parameter of `IN (:names[])`."""

    @abstractmethod
    def append_event(
        self, meeting_uid: MeetingUid, *, type: str, at: int, body: bytes, audience: str = ""
    ) -> Event: ...

    def _must(self, name: str, parameters: Parameters) -> Row:
        row = self._one(name, parameters)
        if row is None:
            raise LookupError(f"{name} has found no row, though its caller has just read it")
        return row

    # Meetings

    def find_meeting(self, meeting_id: MeetingId) -> Meeting | None:
        row = self._one("find_meeting", {"id": meeting_id})
        return rows.meeting(row) if row else None

    def insert_meeting(self, meeting: Meeting) -> Meeting | None:
        row = self._one("insert_meeting", rows.meeting_parameters(meeting))
        return rows.meeting(row) if row else None

    def lock_meeting(self, meeting_id: MeetingId) -> Meeting | None:
        row = self._one("lock_meeting", {"id": meeting_id})
        return rows.meeting(row) if row else None

    def update_settings(
        self,
        meeting_uid: MeetingUid,
        *,
        settings: Settings,
        passcode_hash: str | None,
        expected_version: int,
    ) -> Meeting | None:
        parameters = asdict(settings)
        parameters.update(
            uid=meeting_uid, passcode_hash=passcode_hash, expected_version=expected_version
        )
        row = self._one("update_settings", parameters)
        return rows.meeting(row) if row else None

    def end_run(self, meeting_uid: MeetingUid, *, run: int, at: int) -> Meeting | None:
        row = self._one("end_run", {"uid": meeting_uid, "run": run, "at": at})
        return rows.meeting(row) if row else None

    def touch_meeting(self, meeting_uid: MeetingUid, *, at: int) -> None:
        self._count("touch_meeting", {"uid": meeting_uid, "at": at})

    def list_meetings(self, *, after: MeetingId | None, limit: int) -> Sequence[Meeting]:
        found = self._all("list_meetings", {"after": after or "", "limit": limit})
        return [rows.meeting(row) for row in found]

    # Participants

    def find_participant(self, meeting_uid: MeetingUid, person_id: PersonId) -> Participant | None:
        row = self._one("find_participant", {"meeting_uid": meeting_uid, "person_id": person_id})
        return rows.participant(row) if row else None

    def find_participant_by_id(
        self, meeting_uid: MeetingUid, participant_id: ParticipantId
    ) -> Participant | None:
        row = self._one(
            "find_participant_by_id", {"meeting_uid": meeting_uid, "id": participant_id}
        )
        return rows.participant(row) if row else None

    def upsert_participant(self, participant: Participant) -> Participant:
        parameters = asdict(participant)
        parameters["fence"] += 1
        return rows.participant(self._must("upsert_participant", parameters))

    def update_participant(self, participant: Participant) -> Participant:
        return rows.participant(self._must("update_participant", asdict(participant)))

    def list_participants(
        self, meeting_uid: MeetingUid, *, statuses: Sequence[str]
    ) -> Sequence[Participant]:
        found = self._all(
            "list_participants", {"meeting_uid": meeting_uid, "statuses": self._list(statuses)}
        )
        return [rows.participant(row) for row in found]

    def count_participants(self, meeting_uid: MeetingUid, *, statuses: Sequence[str]) -> int:
        parameters: Parameters = {"meeting_uid": meeting_uid, "statuses": self._list(statuses)}
        return int(self._must("count_participants", parameters)[0])

    def count_hosts(self, meeting_uid: MeetingUid) -> int:
        return int(self._must("count_hosts", {"meeting_uid": meeting_uid})[0])

    # Connections

    def upsert_connection(self, connection: Connection) -> Connection | None:
        row = self._one("upsert_connection", asdict(connection))
        return rows.connection(row) if row else None

    def find_connection(self, connection_id: ConnectionId) -> Connection | None:
        row = self._one("find_connection", {"id": connection_id})
        return rows.connection(row) if row else None

    def update_connection(
        self, connection: Connection, *, expected_fence: int
    ) -> Connection | None:
        row = self._one(
            "update_connection",
            {
                "id": connection.id,
                "state": connection.state,
                "process_id": connection.process_id,
                "changed_at": connection.changed_at,
                "expected_fence": expected_fence,
            },
        )
        return rows.connection(row) if row else None

    def list_connections(
        self, participant_id: ParticipantId, *, states: Sequence[str]
    ) -> Sequence[Connection]:
        found = self._all(
            "list_connections", {"participant_id": participant_id, "states": self._list(states)}
        )
        return [rows.connection(row) for row in found]

    def list_meeting_connections(
        self, meeting_uid: MeetingUid, *, states: Sequence[str]
    ) -> Sequence[Connection]:
        found = self._all(
            "list_meeting_connections", {"meeting_uid": meeting_uid, "states": self._list(states)}
        )
        return [rows.connection(row) for row in found]

    def close_connections(
        self, participant_id: ParticipantId, *, at: int
    ) -> Sequence[ConnectionId]:
        found = self._all("close_connections", {"participant_id": participant_id, "at": at})
        return [row[0] for row in found]

    def close_meeting_connections(self, meeting_uid: MeetingUid, *, at: int) -> int:
        return self._count("close_meeting_connections", {"meeting_uid": meeting_uid, "at": at})

    def orphaned_connections(
        self, *, alive_since: int, limit: int
    ) -> Sequence[tuple[MeetingId, Connection]]:
        found = self._all("orphaned_connections", {"alive_since": alive_since, "limit": limit})
        return [(row[0], rows.connection(row[1:])) for row in found]

    def overdue_connections(
        self, *, before: int, limit: int
    ) -> Sequence[tuple[MeetingId, Connection]]:
        found = self._all("overdue_connections", {"before": before, "limit": limit})
        return [(row[0], rows.connection(row[1:])) for row in found]

    def connection_counts(self, meeting_uid: MeetingUid) -> dict[ParticipantId, int]:
        return {
            row[0]: row[1] for row in self._all("connection_counts", {"meeting_uid": meeting_uid})
        }

    # Chat

    def insert_message(self, message: ChatMessage) -> ChatMessage | None:
        row = self._one("insert_message", asdict(message))
        return rows.message(row) if row else None

    def find_message(self, meeting_uid: MeetingUid, message_id: MessageId) -> ChatMessage | None:
        row = self._one("find_message", {"meeting_uid": meeting_uid, "id": message_id})
        return rows.message(row) if row else None

    def update_message(self, message: ChatMessage) -> ChatMessage:
        return rows.message(self._must("update_message", asdict(message)))

    def list_messages(
        self,
        meeting_uid: MeetingUid,
        *,
        run: int,
        reader: ParticipantId | None,
        before: MessageId | None,
        limit: int,
    ) -> Sequence[ChatMessage]:
        parameters: Parameters = {
            "meeting_uid": meeting_uid,
            "run": run,
            "reader": reader or "",
            "limit": limit,
        }
        if before is None:
            found = self._all("list_messages", parameters)
        else:
            found = self._all("list_messages_before", parameters | {"before": before})
        return [rows.message(row) for row in reversed(found)]

    # Events

    def list_events(self, meeting_uid: MeetingUid, *, after: int, limit: int) -> Sequence[Event]:
        found = self._all(
            "list_events", {"meeting_uid": meeting_uid, "after": after, "limit": limit}
        )
        return [rows.event(row) for row in found]

    def event_heads(self, meeting_uids: Sequence[MeetingUid]) -> dict[MeetingUid, tuple[int, int]]:
        found = self._all("event_heads", {"meeting_uids": self._list(meeting_uids)})
        return {row[0]: (row[1], row[2]) for row in found}

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
        row = self._one(
            "insert_idempotency",
            {
                "person_id": person_id,
                "idempotency_key": idempotency_key,
                "fingerprint": fingerprint,
                "response": response,
                "at": at,
            },
        )
        # A new statement, so that READ COMMITTED sees what the winner has committed.
        return None if row else self.find_idempotency(person_id, idempotency_key=idempotency_key)

    def find_idempotency(
        self, person_id: PersonId, *, idempotency_key: str
    ) -> tuple[str, bytes] | None:
        row = self._one(
            "find_idempotency", {"person_id": person_id, "idempotency_key": idempotency_key}
        )
        return (row[0], bytes(row[1])) if row else None

    # Processes

    def upsert_process(self, process: Process) -> None:
        self._count("upsert_process", asdict(process))

    def heartbeat(self, process_id: ProcessId, *, at: int) -> bool:
        return self._one("heartbeat", {"id": process_id, "at": at}) is not None

    def delete_process(self, process_id: ProcessId) -> None:
        self._count("delete_process", {"id": process_id})

    def list_processes(self, *, alive_since: int) -> Sequence[Process]:
        return [
            rows.process(row) for row in self._all("list_processes", {"alive_since": alive_since})
        ]

    def find_media_lease(self, meeting_uid: MeetingUid) -> MediaLease | None:
        row = self._one("find_media_lease", {"meeting_uid": meeting_uid})
        return MediaLease(*row) if row else None

    def take_media_lease(self, lease: MediaLease, *, expected_epoch: int) -> MediaLease | None:
        row = self._one("take_media_lease", asdict(lease) | {"expected_epoch": expected_epoch})
        return MediaLease(*row) if row else None

    def media_loads(self, *, states: Sequence[str]) -> dict[ProcessId, int]:
        found = self._all("media_loads", {"states": self._list(states)})
        return {ProcessId(row[0]): row[1] for row in found}

    # Retention

    def delete_old_messages(self, *, before: int, limit: int) -> int:
        return self._count("delete_old_messages", {"before": before, "limit": limit})

    def delete_old_events(self, *, before: int, keep: int, limit: int) -> int:
        return self._count("delete_old_events", {"before": before, "keep": keep, "limit": limit})

    def delete_old_idempotency(self, *, before: int, limit: int) -> int:
        return self._count("delete_old_idempotency", {"before": before, "limit": limit})

    def delete_idle_guests(self, *, before: int, limit: int) -> int:
        return self._count("delete_idle_guests", {"before": before, "limit": limit})

    def delete_closed_connections(self, *, before: int, limit: int) -> int:
        return self._count("delete_closed_connections", {"before": before, "limit": limit})
