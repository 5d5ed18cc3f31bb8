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
    MediaLease,
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
        """Insert unless the Meeting ID is taken, in one statement (MEET-3); None if it was."""
        ...

    def lock_meeting(self, meeting_id: MeetingId) -> Meeting | None:
        """Read a meeting and hold its row until the end: all writers of one meeting queue here."""
        ...

    def append_event(
        self, meeting_uid: MeetingUid, *, type: str, at: int, body: bytes, audience: str = ""
    ) -> Event:
        """Take the meeting's next `event_seq` and store the event under it (EVENT-1)."""
        ...

    def update_settings(
        self,
        meeting_uid: MeetingUid,
        *,
        settings: Settings,
        passcode_hash: str | None,
        expected_version: int,
    ) -> Meeting | None:
        """Replace settings and passcode, and raise the version, if it is still the expected one.

        Returns:
            The meeting as it is now; None if somebody else was first.
        """
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
    def find_participant(self, meeting_uid: MeetingUid, person_id: PersonId) -> Participant | None:
        """Read a person's one row in a meeting."""
        ...

    def find_participant_by_id(
        self, meeting_uid: MeetingUid, participant_id: ParticipantId
    ) -> Participant | None:
        """Read by id within one meeting: an id of another meeting is None."""
        ...

    def upsert_participant(self, participant: Participant) -> Participant:
        """Insert, or update the row of the same person in the same meeting (JOIN-1, JOIN-2).

        An existing row keeps its id, joined_at and role (HOST-1) and takes everything else. `fence`
        grows by one on both paths: from the given one on insert, from the stored one on update.

        Returns:
            The row as it is now; it was created exactly if its id is the given one.
        """
        ...

    def update_participant(self, participant: Participant) -> Participant:
        """Write all but id, meeting_uid, person_id, joined_at and fence; return the row."""
        ...

    def list_participants(
        self, meeting_uid: MeetingUid, *, statuses: Sequence[str]
    ) -> Sequence[Participant]:
        """Read those with one of the statuses, in the order (joined_at, id)."""
        ...

    def count_participants(self, meeting_uid: MeetingUid, *, statuses: Sequence[str]) -> int:
        """Count those with one of the statuses."""
        ...

    def count_hosts(self, meeting_uid: MeetingUid) -> int:
        """Count rows with the role host that are not removed, present or not."""
        ...

    # Connections
    def upsert_connection(self, connection: Connection) -> Connection | None:
        """Insert, or take the stored one if the id exists for the same participant.

        A stored one keeps created_at and device; fence, state, process_id and changed_at become the
        given ones.

        Returns:
            The row as it is now; None if the id belongs to another participant.
        """
        ...

    def find_connection(self, connection_id: ConnectionId) -> Connection | None:
        """Read by id."""
        ...

    def update_connection(
        self, connection: Connection, *, expected_fence: int
    ) -> Connection | None:
        """Write state, process_id and changed_at if the fence is still the expected one (JOIN-3).

        Returns:
            The row as it is now; None if it is gone or somebody else holds it.
        """
        ...

    def list_connections(
        self, participant_id: ParticipantId, *, states: Sequence[str]
    ) -> Sequence[Connection]:
        """Read one participant's with one of the states, in the order (created_at, id)."""
        ...

    def list_meeting_connections(
        self, meeting_uid: MeetingUid, *, states: Sequence[str]
    ) -> Sequence[Connection]:
        """Read a meeting's with one of the states, in the order (created_at, id)."""
        ...

    def close_connections(
        self, participant_id: ParticipantId, *, at: int
    ) -> Sequence[ConnectionId]:
        """Close all that are not closed, with no process; return their ids in no order."""
        ...

    def close_meeting_connections(self, meeting_uid: MeetingUid, *, at: int) -> int:
        """Close all of a meeting that are not closed, with no process; return how many."""
        ...

    def orphaned_connections(
        self, *, alive_since: int, limit: int
    ) -> Sequence[tuple[MeetingId, Connection]]:
        """Read open ones whose process has no heartbeat since `alive_since`, or no row.

        The longest unchanged come first; each is with its Meeting ID.
        """
        ...

    def overdue_connections(
        self, *, before: int, limit: int
    ) -> Sequence[tuple[MeetingId, Connection]]:
        """Read lost and pending ones unchanged since before a time: their linger time is over.

        The longest unchanged come first; each is with its Meeting ID.
        """
        ...

    def connection_counts(self, meeting_uid: MeetingUid) -> dict[ParticipantId, int]:
        """Count those that are not closed, by participant; one without any is left out."""
        ...

    # Chat
    def insert_message(self, message: ChatMessage) -> ChatMessage | None:
        """Insert unless the id is taken; None if it was."""
        ...

    def find_message(self, meeting_uid: MeetingUid, message_id: MessageId) -> ChatMessage | None:
        """Read by id within one meeting: an id of another meeting is None."""
        ...

    def update_message(self, message: ChatMessage) -> ChatMessage:
        """Write text, edited_at and deleted_at; return the row."""
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
        """Read the newest `limit` of a run, oldest first, in the order of their events.

        Private ones only where `reader` has sent or receives them. With `before`, those before that
        message; none if it does not exist in this meeting.
        """
        ...

    # Events
    def list_events(self, meeting_uid: MeetingUid, *, after: int, limit: int) -> Sequence[Event]:
        """Read events with `event_seq > after`, in order."""
        ...

    def event_heads(self, meeting_uids: Sequence[MeetingUid]) -> dict[MeetingUid, tuple[int, int]]:
        """Read (epoch, event_seq) of several meetings, to find what a process has not heard.

        Those that do not exist are left out.
        """
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
    ) -> tuple[str, bytes] | None:
        """Read the stored (fingerprint, response)."""
        ...

    # Processes

    def upsert_process(self, process: Process) -> None:
        """Insert, or replace the row of the same id."""
        ...

    def heartbeat(self, process_id: ProcessId, *, at: int) -> bool:
        """Set `heartbeat_at`; False if the row is gone: this process was declared dead."""
        ...

    def delete_process(self, process_id: ProcessId) -> None:
        """Forget a process; calling it again changes nothing."""
        ...

    def list_processes(self, *, alive_since: int) -> Sequence[Process]:
        """Read those with a heartbeat since a time, in the order (started_at, id)."""
        ...

    def find_media_lease(self, meeting_uid: MeetingUid) -> MediaLease | None:
        """Read which process carries a meeting's media; None if none ever did."""
        ...

    def take_media_lease(self, lease: MediaLease, *, expected_epoch: int) -> MediaLease | None:
        """Insert, or replace the row whose epoch is still the expected one, in one statement.

        Returns:
            The row as it is now; None if somebody else was first.
        """
        ...

    def media_loads(self, *, states: Sequence[str]) -> dict[ProcessId, int]:
        """Count connections with one of the states by the process that carries their media."""
        ...

    # Retention
    def delete_old_messages(self, *, before: int, limit: int) -> int:
        """Delete messages of ended runs posted before a time; return how many."""
        ...

    def delete_old_events(self, *, before: int, keep: int, limit: int) -> int:
        """Delete events older than a time, but keep the newest `keep` of each meeting.

        Returns:
            How many, at most `limit`.
        """
        ...

    def delete_old_idempotency(self, *, before: int, limit: int) -> int:
        """Delete keys stored before a time; return how many."""
        ...

    def delete_idle_guests(self, *, before: int, limit: int) -> int:
        """Delete disconnected guests of meetings in which nobody was since a time; return how many.

        Their connections go with them, their messages stay. Hosts and removed ones stay, too.
        """
        ...

    def delete_closed_connections(self, *, before: int, limit: int) -> int:
        """Delete connections closed before a time; return how many."""
        ...


class Store(Protocol):
    """A database that can be opened, brought to the newest schema, asked and told."""

    async def open(self) -> None:
        """Connect and check the schema.

        Raises:
            StoreUnusable: wrong address, unreachable, unwritable folder, newer schema.
        """
        ...

    async def migrate(self) -> list[str]:
        """Bring the schema to this program's version under a lock, before or after `open`.

        Returns:
            A sentence for each step taken; none if none was needed.

        Raises:
            StoreUnusable: as `open`.
        """
        ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run work in one writing transaction; the result is returned after commit.

        Raises:
            Problem: `unavailable` or `storage_full`; whatever `work` raises, after rolling it back.

        If cancelled, the work may or may not have been committed; every command is safe to repeat.
        """
        ...

    async def write_first(self, work: Callable[[Transaction], T]) -> T:
        """As `write`, but ahead of all that waits, however much: for what must not come late."""
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run work that only reads, beside writers."""
        ...

    async def check(self) -> None:
        """Raise `Problem("unavailable")` unless a trivial read works; for `/readyz`."""
        ...

    async def close(self) -> None:
        """Finish what was asked, as far as a few seconds allow, and let go.

        What has not begun by then is refused as `unavailable`. Calling it again changes nothing.
        """
        ...


class StoreUnusable(Exception):
    """The store cannot be used at all: one sentence with the cure, for exit code 2 at start."""
