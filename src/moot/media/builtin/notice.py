"""What the engine tells one connection over its signalling, in moot's words.

Notices are frozen and one object goes to every connection concerned, so the dialect can encode it
once. They wait in the connection's outbox and the dialect pulls them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from moot.media.builtin.publication import Publication
from moot.media.builtin.view import ConnectionView, MeetingView
from moot.media.event import Quality


class Closing(StrEnum):
    """Why a connection is over."""

    LEFT = "left"
    REMOVED = "removed"
    ENDED = "ended"
    REPLACED = "replaced"
    LOST = "lost"
    CLOSED = "closed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class _Notice(Struct, frozen=True, kw_only=True):
    """Anything that can wait in an outbox."""


class ParticipantsChanged(_Notice, frozen=True):
    """Connections are as shown here now; one that is gone comes a last time as `gone`."""

    views: tuple[ConnectionView, ...]


class MeetingChanged(_Notice, frozen=True):
    """The meeting's own facts have changed."""

    view: MeetingView


class TrackAccepted(_Notice, frozen=True):
    """The announced track got its id; its publisher may send it."""

    cid: str
    publication: Publication


class TrackEnded(_Notice, frozen=True):
    """The receiver's own track is no longer published; it did not ask for that itself."""

    track_id: str


class TrackTaken(_Notice, frozen=True):
    """Somebody has subscribed to the receiver's own track for the first time."""

    track_id: str


class MuteChanged(_Notice, frozen=True):
    """The receiver's own track was muted by another's word."""

    track_id: str
    is_muted: bool


class Described(_Notice, frozen=True):
    """An offer or an answer of the core for the receiver's transport.

    Attributes:
        number: the offer's id; an answer bears the id of the offer it answers.
        sections: media section (mid) to track id.
    """

    kind: Literal["offer", "answer"]
    transport: Literal["publisher", "subscriber"]
    sdp: str
    number: int
    sections: dict[str, str]


class SectionsWanted(_Notice, frozen=True):
    """The receiver must offer again, with this many more sections to receive on; 0 and 0 ask for a
    plain new offer.
    """

    audio: int
    video: int


class SpokenNotice(Struct, frozen=True):
    """One connection's audio level, 0.0 to 1.0."""

    sid: str
    level: float
    is_active: bool


class SpeakersHeard(_Notice, frozen=True):
    """Who speaks has changed: those whose state differs, loudest first."""

    speakers: tuple[SpokenNotice, ...]


class QualitySeen(_Notice, frozen=True):
    """How well connections carry media: sid, quality, and a score of 1.0 to 5.0."""

    qualities: tuple[tuple[str, Quality, float], ...]


class ForwardingPaused(_Notice, frozen=True):
    """A subscribed video is withheld for lack of bandwidth, or sent again."""

    publisher_sid: str
    track_id: str
    is_paused: bool


Layers = tuple[tuple[Literal["low", "medium", "high", "off"], bool], ...]
"""Each quality of a video in one codec, and whether anyone receives it."""


class LayersWanted(_Notice, frozen=True):
    """Which layers of the receiver's own track anyone receives; it may stop sending the others, and
    has to begin with a codec that it does not send yet.

    Attributes:
        codecs: the codec's short name, and its layers; the codec that was announced first comes
            first.
    """

    track_id: str
    codecs: tuple[tuple[str, Layers], ...]


class SubscriptionRefused(_Notice, frozen=True):
    """A wanted track does not exist."""

    track_id: str


class SubscriptionAllowed(_Notice, frozen=True):
    """A publisher lets the receiver have a track, or takes that back."""

    publisher_sid: str
    track_id: str
    is_allowed: bool


class RequestAnswered(_Notice, frozen=True):
    """The outcome of a request that bears a number."""

    number: int
    outcome: Literal["ok", "not_allowed", "limit_exceeded"]
    sentence: str = ""


class PublishRefused(_Notice, frozen=True):
    """An announced track was not accepted.

    Attributes:
        request: the announcement's `cid` and name, as the client knows it.
    """

    cid: str
    reason: Literal["not_allowed", "limit_exceeded"]


class TicketRenewed(_Notice, frozen=True):
    """A token to come back with, in place of the one that expires."""

    token: str


class Closed(_Notice, frozen=True):
    """The connection is over; nothing follows.

    Attributes:
        may_return: with its ticket, as a new connection.
    """

    why: Closing
    may_return: bool


StandingNotice = ForwardingPaused | LayersWanted | SubscriptionAllowed
"""What holds for a track until it is told anew."""

Notice = (
    ParticipantsChanged
    | MeetingChanged
    | TrackAccepted
    | TrackEnded
    | TrackTaken
    | MuteChanged
    | Described
    | SectionsWanted
    | SpeakersHeard
    | QualitySeen
    | ForwardingPaused
    | LayersWanted
    | SubscriptionRefused
    | SubscriptionAllowed
    | RequestAnswered
    | PublishRefused
    | TicketRenewed
    | Closed
)
