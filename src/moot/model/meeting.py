"""A meeting, a participant, a connection: the three things that are never mixed.

Frozen values as the store holds them. Times are integer milliseconds since 1970 (UTC).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from moot.model.ids import (
    ConnectionId,
    MeetingId,
    MeetingUid,
    MessageId,
    ParticipantId,
    PersonId,
    ProcessId,
)

Role = Literal["host", "guest"]
Status = Literal["waiting", "connected", "reconnecting", "disconnected", "removed", "denied"]
"""`waiting`/`denied`: in the lobby. `connected`: a connection is pending or open.
`reconnecting`: all connections are lost, the linger time runs. `disconnected`: left, or the linger
time is over."""
ConnectionState = Literal["pending", "open", "lost", "closed"]
"""`pending`: joined, event stream not yet open. `lost`: stream gone, linger time runs."""
Source = Literal["microphone", "camera", "screen"]


class Settings(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What hosts set for a meeting. Changed as a whole under one version (`If-Match`)."""

    title: str = ""
    lobby: bool = False
    locked: bool = False
    guests_may_share: bool = True
    guests_may_chat: bool = True
    guests_may_unmute: bool = True
    max_participants: int = 0
    """Persons who may be in at once; 0 means the server's own limit."""


class Meeting(msgspec.Struct, frozen=True, gc=False):
    """One Meeting ID, one row (MEET-3)."""

    uid: MeetingUid
    id: MeetingId
    created_by: PersonId
    created_at: int
    run: int = 1
    """Grows when a host ends the meeting; names the LiveKit room together with the id (MEDIA-3)."""
    epoch: int = 1
    """Names the event log; changes when the log starts afresh, so that no client resumes into
    another history."""
    event_seq: int = 0
    """Number of the last durable event (EVENT-1)."""
    version: int = 1
    """Grows with every change of `settings` or the passcode; the ETag of the settings."""
    settings: Settings = Settings()
    passcode_hash: str | None = None
    """argon2id, or None where there is no passcode."""
    ended_at: int | None = None
    active_at: int = 0
    """When somebody last joined or was present; for retention."""


class Participant(msgspec.Struct, frozen=True, gc=False):
    """One person in one meeting, for ever: unique by (meeting_uid, person_id)."""

    id: ParticipantId
    meeting_uid: MeetingUid
    person_id: PersonId
    name: str
    role: Role
    status: Status
    joined_at: int
    changed_at: int
    run: int = 1
    """The meeting's run in which hand, intents and admission were last set; older ones start
    afresh (MEET-7)."""
    fence: int = 0
    """Fencing number of the newest connection; only grows (JOIN-3)."""
    audio: bool = False
    video: bool = False
    screen: bool = False
    microphone_connection: ConnectionId | None = None
    """The one connection whose microphone may be live (JOIN-6)."""
    screen_connection: ConnectionId | None = None
    hand_at: int | None = None
    """When the hand went up; the queue is ordered by (hand_at, id)."""
    admitted: bool = False
    """Has been in, or was let in by a host: lock, lobby and fullness no longer apply (JOIN-9)."""
    verified: bool = False
    """The name comes from an account, not from a guest."""
    left_at: int | None = None
    twin: int = 1
    """Which one of this name it is among those who were in when it came; shown from 2 on
    (PERSON-3)."""


class Connection(msgspec.Struct, frozen=True, gc=False):
    """One tab's (or program's) live link, leased by the process that holds its event stream."""

    id: ConnectionId
    participant_id: ParticipantId
    meeting_uid: MeetingUid
    fence: int
    state: ConnectionState
    created_at: int
    changed_at: int
    process_id: ProcessId | None = None
    device: str = ""
    """A label the page chose ("Firefox on Linux"), at most 80 characters, shown to its owner."""


class ChatMessage(msgspec.Struct, frozen=True, gc=False):
    """One chat message of one run. A deleted one keeps its row with an empty text."""

    id: MessageId
    meeting_uid: MeetingUid
    run: int
    participant_id: ParticipantId
    name: str
    """The sender's name when it was sent."""
    text: str
    posted_at: int
    event_seq: int
    """The number of the event that posted it: its place among the others, whatever clocks say."""
    to: ParticipantId | None = None
    reply_to: MessageId | None = None
    edited_at: int | None = None
    deleted_at: int | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """One durable change, numbered in the transaction that made it (EVENT-1).

    Attributes:
        audience: "" for everyone, "hosts", or participant ids joined by one space. Others receive
            the number and type "hidden" without a body, so that their count has no gap.
        body: the public JSON of the change (see docs/protocol/realtime.md).
    """

    meeting_uid: MeetingUid
    event_seq: int
    epoch: int
    type: str
    at: int
    body: bytes
    audience: str = ""


class Process(msgspec.Struct, frozen=True, gc=False):
    """One running `moot serve`, alive while its heartbeat is fresh."""

    id: ProcessId
    started_at: int
    heartbeat_at: int
    media_url: str = ""
    draining: bool = False


class MediaLease(msgspec.Struct, frozen=True, gc=False):
    """Which process carries a meeting's media.

    Attributes:
        process_id: None while nobody does.
        epoch: fencing number; grows whenever the lease changes hands.
    """

    meeting_uid: MeetingUid
    process_id: ProcessId | None
    epoch: int
