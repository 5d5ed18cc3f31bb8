"""The JSON objects that only the API knows: bodies as they come in, answers as they go out.

What both the API and the event stream show is in `moot.model.view`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from moot.model.meeting import Role, Settings, Source
from moot.model.view import (
    ConnectionView,
    MediaView,
    MeetingGlance,
    MeetingView,
    MessageView,
    ParticipantView,
    Snapshot,
)

Name = Annotated[
    str,
    Meta(
        max_length=320,
        description="The person's own words: 1 to 80 characters after trimming (PERSON-3).",
        extra_json_schema={"minLength": 1, "maxLength": 80},
    ),
]
"""Longer than a name may be, so that `name_invalid` says what is wrong and not the decoder."""
Uuid = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
        extra_json_schema={"format": "uuid"},
    ),
]
Passcode = Annotated[str, Meta(min_length=1, max_length=128)]
Title = Annotated[str, Meta(max_length=200)]
Seats = Annotated[int, Meta(ge=0, le=10_000)]
Device = Annotated[
    str, Meta(max_length=80, description="A label for the owner's list of connections.")
]
Text = Annotated[str, Meta(min_length=1, max_length=4_000)]


class SettingsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a new meeting; what is left out has its default."""

    title: Title = ""
    lobby: bool = False
    locked: bool = False
    guests_may_share: bool = True
    guests_may_chat: bool = True
    guests_may_unmute: bool = True
    max_participants: Seats = 0

    def settings(self) -> Settings:
        """Make the value that control takes."""
        return msgspec.convert(msgspec.to_builtins(self), Settings)


class MeetingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new meeting starts with; used only on creation."""

    settings: SettingsBody = SettingsBody()
    passcode: Passcode | None = None


class SettingsPatchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Changes to a meeting's settings; what is left out stays; `passcode: null` removes it."""

    title: Title | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    lobby: bool | UnsetType = UNSET
    max_participants: Seats | UnsetType = UNSET
    guests_may_share: bool | UnsetType = UNSET
    guests_may_chat: bool | UnsetType = UNSET
    guests_may_unmute: bool | UnsetType = UNSET
    passcode: Passcode | UnsetType | None = UNSET


class EndBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which run to end; left out, the present one."""

    run: Annotated[int, Meta(ge=1, le=2**53)] | None = None


class JoinBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to come in; `name` is needed the first time, the rest stays as it was if left out."""

    name: Name | None = None
    audio: bool | None = None
    video: bool | None = None
    connection_id: Uuid | None = None
    replaces: Uuid | None = None
    device: Device = ""
    passcode: Passcode | None = None


class IntentsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Changes to one's own name, microphone, camera, screen share and hand."""

    name: Name | None = None
    audio: bool | None = None
    video: bool | None = None
    screen: bool | None = None
    hand: bool | None = None


class ReactionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One emoji of the list in `/api/v1/config`."""

    emoji: Annotated[str, Meta(min_length=1, max_length=16)]


class KnockBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who knocks."""

    name: Name | None = None
    connection_id: Uuid | None = None
    passcode: Passcode | None = None


class SourcesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to switch off."""

    sources: Annotated[list[Source], Meta(min_length=1, max_length=3)]


class RoleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The role to have."""

    role: Role


class MessageBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A chat message; `to` is its only reader beside the sender."""

    text: Text
    to: Uuid | None = None
    reply_to: Uuid | None = None


class TextBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message's new text."""

    text: Text


class LeaveQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which connection to close; left out, the person leaves on all of them."""

    connection_id: Uuid | None = None


class ChatQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the chat."""

    before: Uuid | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Ensured(msgspec.Struct, frozen=True):
    """A meeting, and whether this request made it."""

    created: bool
    meeting: MeetingView


class Glance(msgspec.Struct, frozen=True):
    """What a stranger may see of a meeting.

    `names` is there only where the asker may know who is in.
    """

    meeting: MeetingGlance
    participants: int
    known: bool
    host: bool
    names: Sequence[str] | UnsetType = UNSET


class MeetingOnly(msgspec.Struct, frozen=True):
    """A meeting."""

    meeting: MeetingView


class OwnConnection(msgspec.Struct, frozen=True):
    """The asker's connection: `token` and `fence` open its event stream."""

    id: str
    fence: int
    token: str
    linger_s: float
    device: str


class Joined(msgspec.Struct, frozen=True):
    """Everything a client needs to be in."""

    created: bool
    meeting: MeetingView
    participant: ParticipantView
    connection: OwnConnection
    media: MediaView
    snapshot: Snapshot


class Knocked(msgspec.Struct, frozen=True):
    """A wait in the lobby; the connection's event stream tells when a host answers."""

    created: bool
    meeting: MeetingView
    participant: ParticipantView
    connection: OwnConnection


class ParticipantOnly(msgspec.Struct, frozen=True):
    """A participant."""

    participant: ParticipantView


class Participants(msgspec.Struct, frozen=True):
    """Several participants."""

    participants: Sequence[ParticipantView]


class Roll(msgspec.Struct, frozen=True):
    """Who is in, at one `event_seq`."""

    participants: Sequence[ParticipantView]
    event_seq: int
    epoch: int


class Seat(msgspec.Struct, frozen=True):
    """One's own participant and connections."""

    participant: ParticipantView
    connections: Sequence[ConnectionView]


class MediaOnly(msgspec.Struct, frozen=True):
    """A fresh media ticket."""

    media: MediaView


class TrackFigures(msgspec.Struct, frozen=True):
    """One track as it arrives from its publisher.

    `loss` is a share, 0.0 to 1.0; `jitter_ms` is RFC 3550 section 6.4.1's.
    """

    source: Literal["microphone", "camera", "screen", "screen_audio"]
    muted: bool
    bitrate_bps: int
    loss: float
    jitter_ms: float


class ConnectionFigures(msgspec.Struct, frozen=True):
    """How one connection's media fares.

    `cause` says in words why its picture is bad and is empty while it is good; `round_trip_ms` and
    `estimate_bps` (what its path carries) are null until they have been measured; bytes count from
    its start.
    """

    participant_id: str
    connection_id: str
    quality: Literal["excellent", "good", "poor", "lost"]
    cause: str
    round_trip_ms: float | None
    loss: float
    estimate_bps: int | None
    received_bytes: int
    sent_bytes: int
    tracks: Sequence[TrackFigures]


class Statistics(msgspec.Struct, frozen=True):
    """Every connection that has media, measured now."""

    connections: Sequence[ConnectionFigures]


class Posted(msgspec.Struct, frozen=True):
    """A message, and whether this request posted it."""

    created: bool
    message: MessageView


class MessageOnly(msgspec.Struct, frozen=True):
    """A message."""

    message: MessageView


class Messages(msgspec.Struct, frozen=True):
    """Chat messages, oldest first."""

    messages: Sequence[MessageView]


class Nothing(msgspec.Struct, frozen=True):
    """Nothing more to say."""


class Health(msgspec.Struct, frozen=True):
    """Whether the server can serve, and what keeps it from it."""

    status: Literal["ok", "unready"]
    reasons: Sequence[str] = ()
