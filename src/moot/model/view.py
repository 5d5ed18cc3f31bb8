"""What goes over the wire: the objects of docs/protocol/http.md, made from the stored values.

Field names and their order are the protocol's. Nothing here is secret: no person id, no hash, no
address. Times are milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from moot.model.ids import ConnectionId, MeetingId, MessageId, ParticipantId
from moot.model.meeting import (
    ChatMessage,
    Connection,
    ConnectionState,
    Meeting,
    Participant,
    Role,
    Status,
)


class MeetingView(msgspec.Struct, frozen=True, gc=False):
    """A meeting as those in it see it."""

    id: MeetingId
    title: str
    run: int
    epoch: int
    event_seq: int
    version: int
    created_at: int
    locked: bool
    lobby: bool
    passcode: bool
    max_participants: int
    guests_may_share: bool
    guests_may_chat: bool
    guests_may_unmute: bool


class MeetingGlance(msgspec.Struct, frozen=True, gc=False):
    """A meeting as a stranger who knows its id sees it."""

    id: MeetingId
    title: str
    locked: bool
    lobby: bool
    passcode: bool


class ParticipantView(msgspec.Struct, frozen=True, gc=False):
    """A participant as everyone in the meeting sees it.

    Attributes:
        label: the name to show, "Ana (2)" for twins (PERSON-3).
        connections: pending, open and lost ones.
        microphone_connection: whose microphone is the live one (JOIN-6).
    """

    id: ParticipantId
    name: str
    label: str
    role: Role
    status: Status
    audio: bool
    video: bool
    screen: bool
    hand_at: int | None
    verified: bool
    joined_at: int
    connections: int
    microphone_connection: ConnectionId | None


class ConnectionView(msgspec.Struct, frozen=True, gc=False):
    """One of the asker's own connections."""

    id: ConnectionId
    device: str
    state: ConnectionState
    created_at: int


class MessageView(msgspec.Struct, frozen=True, gc=False):
    """A chat message; a deleted one has an empty text."""

    id: MessageId
    participant_id: ParticipantId
    name: str
    text: str
    to: ParticipantId | None
    reply_to: MessageId | None
    posted_at: int
    event_seq: int
    edited_at: int | None
    deleted: bool


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """A meeting's whole durable state at `meeting.event_seq`, as one reader sees it (EVENT-2)."""

    meeting: MeetingView
    participants: Sequence[ParticipantView]
    messages: Sequence[MessageView]
    me: ParticipantView | None


class MediaView(msgspec.Struct, frozen=True, gc=False):
    """What a LiveKit SDK needs to connect (MEDIA-2, MEDIA-3)."""

    url: str
    token: str
    room: str
    identity: str


def meeting_view(meeting: Meeting) -> MeetingView:
    """Show a meeting to those in it."""
    settings = meeting.settings
    return MeetingView(
        id=meeting.id,
        title=settings.title,
        run=meeting.run,
        epoch=meeting.epoch,
        event_seq=meeting.event_seq,
        version=meeting.version,
        created_at=meeting.created_at,
        locked=settings.locked,
        lobby=settings.lobby,
        passcode=meeting.passcode_hash is not None,
        max_participants=settings.max_participants,
        guests_may_share=settings.guests_may_share,
        guests_may_chat=settings.guests_may_chat,
        guests_may_unmute=settings.guests_may_unmute,
    )


def meeting_glance(meeting: Meeting) -> MeetingGlance:
    """Show a meeting to a stranger."""
    return MeetingGlance(
        id=meeting.id,
        title=meeting.settings.title,
        locked=meeting.settings.locked,
        lobby=meeting.settings.lobby,
        passcode=meeting.passcode_hash is not None,
    )


def participant_view(participant: Participant, *, connections: int) -> ParticipantView:
    """Show a participant who has so many connections that are not closed."""
    return ParticipantView(
        id=participant.id,
        name=participant.name,
        label=label(participant.name, participant.twin),
        role=participant.role,
        status=participant.status,
        audio=participant.audio,
        video=participant.video,
        screen=participant.screen,
        hand_at=participant.hand_at,
        verified=participant.verified,
        joined_at=participant.joined_at,
        connections=connections,
        microphone_connection=participant.microphone_connection,
    )


def label(name: str, twin: int) -> str:
    """Spell the name to show: the first of a name is bare, later ones carry their number."""
    return name if twin < 2 else f"{name} ({twin})"


def twin_of(view: ParticipantView) -> int:
    """Read the number off a label that `label` has made."""
    return 1 if view.label == view.name else int(view.label[len(view.name) + 2 : -1])


def connection_view(connection: Connection) -> ConnectionView:
    """Show a connection to its owner."""
    return ConnectionView(
        id=connection.id,
        device=connection.device,
        state=connection.state,
        created_at=connection.created_at,
    )


def message_view(message: ChatMessage) -> MessageView:
    """Show a chat message to those who may read it."""
    return MessageView(
        id=message.id,
        participant_id=message.participant_id,
        name=message.name,
        text=message.text,
        to=message.to,
        reply_to=message.reply_to,
        posted_at=message.posted_at,
        event_seq=message.event_seq,
        edited_at=message.edited_at,
        deleted=message.deleted_at is not None,
    )
