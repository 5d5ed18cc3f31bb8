"""The store as the rest of moot sees it: transactions of named statements.

A piece of work is a plain function of a `Transaction`. The store runs it in one database
transaction on a thread of its own, commits, and returns what the function returned; if it raises,
nothing has happened. SQLite may commit several pieces of work together (each behind its own
savepoint); PostgreSQL runs it again after a serialization failure or deadlock. So work must do
nothing but call the transaction and compute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

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
    Meeting,
    Participant,
    Process,
    Settings,
)

T = TypeVar("T")


class Transaction(Protocol):
    """One database transaction. Each method is one statement; none decides anything."""

    # Meetings
    def find_meeting(self, meeting_id: MeetingId) -> Meeting | None:
        """Read a meeting by its canonical Meeting ID."""
        ...

    def insert_meeting(self, meeting: Meeting) -> Meeting | None:
        """Insert unless the Meeting ID is taken (`ON CONFLICT (id) DO NOTHING RETURNING`); None if it was."""
        ...

    def lock_meeting(self, meeting_id: MeetingId) -> Meeting | None:
        """Read a meeting and hold its row until the end: all writers of one meeting queue here."""
        ...

    def append_event(
        self, meeting_uid: MeetingUid, *, type: str, at: int, body: bytes, audience: str = ""
    ) -> Event:
        """Take the meeting's next `event_seq` (`UPDATE … event_seq + 1 … RETURNING`) and store the event under it."""
        ...

    def update_settings(
        self,
        meeting_uid: MeetingUid,
        *,
        settings: Settings,
        passcode_hash: str | None,
        expected_version: int,
    ) -> Meeting | None:
        """Replace settings and passcode if the version is still the expected one, and raise it; else None."""
        ...

    def end_run(self, meeting_uid: MeetingUid, *, run: int, at: int) -> Meeting | None:
        """Raise `run` by one if it still is the given one; None if it was ended already."""
        ...

    def touch_meeting(self, meeting_uid: MeetingUid, *, at: int) -> None:
        """Set `active_at`."""
        ...

    def list_meetings(self, *, after: MeetingId | None, limit: int) -> Sequence[Meeting]:
        """Read meetings in the order of their Meeting ID."""
        ...

    # Participants
    def find_participant(
        self, meeting_uid: MeetingUid, person_id: PersonId
    ) -> Participant | None: ...

    def find_participant_by_id(
        self, meeting_uid: MeetingUid, participant_id: ParticipantId
    ) -> Participant | None:
        """Read by id within one meeting: an id of another meeting is None."""
        ...

    def upsert_participant(self, participant: Participant) -> Participant:
        """Insert, or on the same (meeting_uid, person_id) update all but id, joined_at and person_id; return the row.

        `fence` of the result is the stored one plus one on both paths; created is `result.id == participant.id`.
        `role` of an existing row stays as it is.
        """
        ...

    def update_participant(self, participant: Participant) -> Participant:
        """Write every column but id, meeting_uid, person_id, joined_at and fence; return the row."""
        ...

    def list_participants(
        self, meeting_uid: MeetingUid, *, statuses: Sequence[str]
    ) -> Sequence[Participant]:
        """Read those with one of the statuses, in the order (joined_at, id)."""
        ...

    def count_participants(self, meeting_uid: MeetingUid, *, statuses: Sequence[str]) -> int: ...

    def count_hosts(self, meeting_uid: MeetingUid) -> int:
        """Count rows with the role host that are not removed, present or not."""
        ...

    # Connections
    def upsert_connection(self, connection: Connection) -> Connection | None:
        """Insert, or return the stored one if the id exists for the same participant (its fence and state
        become the given ones); None if the id belongs to another participant.
        """
        ...

    def find_connection(self, connection_id: ConnectionId) -> Connection | None: ...

    def update_connection(
        self, connection: Connection, *, expected_fence: int
    ) -> Connection | None:
        """Write state, process and changed_at if the fence is still the expected one (JOIN-3); else None."""
        ...

    def list_connections(
        self, participant_id: ParticipantId, *, states: Sequence[str]
    ) -> Sequence[Connection]: ...

    def list_meeting_connections(
        self, meeting_uid: MeetingUid, *, states: Sequence[str]
    ) -> Sequence[Connection]: ...

    def close_connections(
        self, participant_id: ParticipantId, *, at: int
    ) -> Sequence[ConnectionId]:
        """Close all that are not closed; return their ids."""
        ...

    def orphaned_connections(
        self, *, alive_since: int, limit: int
    ) -> Sequence[tuple[MeetingId, Connection]]:
        """Read open connections whose process has no heartbeat since `alive_since` (or no row)."""
        ...

    def overdue_connections(
        self, *, before: int, limit: int
    ) -> Sequence[tuple[MeetingId, Connection]]:
        """Read lost and pending connections whose `changed_at` lies before `before` (the linger time is over)."""
        ...

    def connection_counts(self, meeting_uid: MeetingUid) -> dict[ParticipantId, int]:
        """Count connections that are not closed, by participant."""
        ...

    # Chat
    def insert_message(self, message: ChatMessage) -> ChatMessage | None:
        """Insert unless the id is taken; None if it was."""
        ...

    def find_message(
        self, meeting_uid: MeetingUid, message_id: MessageId
    ) -> ChatMessage | None: ...

    def update_message(self, message: ChatMessage) -> ChatMessage:
        """Write text, edited_at and deleted_at."""
        ...

    def list_messages(
        self,
        meeting_uid: MeetingUid,
        *,
        run: int,
        reader: ParticipantId | None,
        before: MessageId | None,
        limit: int,
    ) -> Sequence[ChatMessage]:
        """Read the newest `limit` messages before one, oldest first; private ones only where `reader` sent or receives them."""
        ...

    # Events
    def list_events(self, meeting_uid: MeetingUid, *, after: int, limit: int) -> Sequence[Event]:
        """Read events with `event_seq > after`, in order."""
        ...

    def event_heads(self, meeting_uids: Sequence[MeetingUid]) -> dict[MeetingUid, tuple[int, int]]:
        """Read (epoch, event_seq) of several meetings: what a process asks to find what it has not heard."""
        ...

    # Idempotency keys (POST /meetings)
    def insert_idempotency(
        self,
        person_id: PersonId,
        *,
        idempotency_key: str,
        fingerprint: str,
        response: bytes,
        at: int,
    ) -> tuple[str, bytes] | None:
        """Store the first answer; None if stored, else the stored (fingerprint, response)."""
        ...

    def find_idempotency(
        self, person_id: PersonId, *, idempotency_key: str
    ) -> tuple[str, bytes] | None: ...

    # Processes
    def upsert_process(self, process: Process) -> None: ...

    def heartbeat(self, process_id: ProcessId, *, at: int) -> bool:
        """Set `heartbeat_at`; False if the row is gone, which means: this process was declared dead (fencing)."""
        ...

    def delete_process(self, process_id: ProcessId) -> None: ...

    def list_processes(self, *, alive_since: int) -> Sequence[Process]: ...

    # Retention
    def delete_old_messages(self, *, before: int, limit: int) -> int:
        """Delete messages of ended runs posted before a time; return how many."""
        ...

    def delete_old_events(self, *, before: int, keep: int, limit: int) -> int:
        """Delete events older than a time, but keep the newest `keep` of each meeting; return how many."""
        ...

    def delete_old_idempotency(self, *, before: int, limit: int) -> int: ...

    def delete_idle_guests(self, *, before: int, limit: int) -> int:
        """Delete guests (never hosts) of meetings in which nobody was since a time and who are disconnected; return how many."""
        ...

    def delete_closed_connections(self, *, before: int, limit: int) -> int: ...


class Store(Protocol):
    """A database that can be opened, brought to the newest schema, asked and told."""

    async def open(self) -> None:
        """Connect and check the schema.

        Raises:
            StoreUnusable: with one clear sentence: wrong address, unreachable, unwritable folder, newer schema.
        """
        ...

    async def migrate(self) -> list[str]:
        """Bring the schema to this program's version under a lock; return the steps taken, [] if none was needed."""
        ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run work in one writing transaction; the result is returned after commit.

        Raises:
            Problem: `unavailable` or `storage_full`; whatever `work` raises, after rolling it back.

        If cancelled, the work may or may not have been committed; every command is safe to repeat.
        """
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run work that only reads, beside writers."""
        ...

    async def check(self) -> None:
        """Raise `Problem("unavailable")` unless a trivial read works; for `/readyz`."""
        ...

    async def close(self) -> None: ...


class StoreUnusable(Exception):
    """The store cannot be used at all; its text is one sentence with the cure, for exit code 2 at start."""
