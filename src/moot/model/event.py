"""Events: the kinds and bodies of docs/protocol/realtime.md, and who may read them.

A body carries the whole new object, so that applying an event is replacing that object and applying
it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from moot.model.ids import MeetingUid, ParticipantId
from moot.model.view import MeetingView, MessageView, ParticipantView

Kind = Literal[
    "participant.joined",
    "participant.updated",
    "participant.left",
    "participant.removed",
    "participant.restored",
    "lobby.knocked",
    "lobby.admitted",
    "lobby.denied",
    "lobby.left",
    "meeting.updated",
    "meeting.ended",
    "chat.posted",
    "chat.edited",
    "chat.deleted",
]
EphemeralKind = Literal["reaction", "typing", "speakers", "quality"]
LeftReason = Literal["left", "lost"]

EVERYONE: Final = ""
HOSTS: Final = "hosts"


class ParticipantBody(msgspec.Struct, frozen=True):
    """Body of `participant.joined`, `participant.updated` and the four lobby events."""

    participant: ParticipantView


class LeftBody(msgspec.Struct, frozen=True):
    """Body of `participant.left`: by one's own will, or lost and not back in the linger time."""

    participant: ParticipantView
    reason: LeftReason


class ModeratedBody(msgspec.Struct, frozen=True):
    """Body of `participant.removed` and `participant.restored`; `by` is the host."""

    participant: ParticipantView
    by: ParticipantId | None


class MeetingBody(msgspec.Struct, frozen=True):
    """Body of `meeting.updated`."""

    meeting: MeetingView


class EndedBody(msgspec.Struct, frozen=True):
    """Body of `meeting.ended`, the last event of a run."""

    meeting: MeetingView
    by: ParticipantId | None


class MessageBody(msgspec.Struct, frozen=True):
    """Body of the three chat events."""

    message: MessageView


Body = ParticipantBody | LeftBody | ModeratedBody | MeetingBody | EndedBody | MessageBody


class Ephemeral(msgspec.Struct, frozen=True):
    """Something that may be lost (EVENT-3): unnumbered, unstored, latest of its `key` wins.

    Attributes:
        key: what a newer one replaces; "" where each stands for itself (reactions).
        body: its public JSON.
        audience: as in `Event`.
    """

    meeting_uid: MeetingUid
    kind: EphemeralKind
    body: bytes
    key: str = ""
    audience: str = EVERYONE


def only(participants: Iterable[ParticipantId]) -> str:
    """Name an audience of these participants alone."""
    return " ".join(sorted(set(participants)))


def may_read(audience: str, *, reader: ParticipantId, is_host: bool) -> bool:
    """Tell whether a reader is of an event's audience."""
    if audience == EVERYONE:
        return True
    if audience == HOSTS:
        return is_host
    return reader in audience.split(" ")
