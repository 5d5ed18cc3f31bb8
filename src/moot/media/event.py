"""What has happened in the media engine: facts that people can see, in moot's words.

Events tell control; they never carry a decision. They arrive in the order in which they happened
for one identity. What may be lost (speakers, quality) is marked so; after `EventsLost` the reader
asks `roster()` for the truth.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from moot.media.source import Source


class Quality(StrEnum):
    """How well a connection carries media; LOST means that nothing arrives."""

    EXCELLENT = "excellent"
    GOOD = "good"
    POOR = "poor"
    LOST = "lost"


class TransportConnected(Struct, frozen=True, kw_only=True, tag=True):
    """A connection's transport carries media (ICE and DTLS are done); also after a resume."""

    meeting_key: str
    identity: str


class TransportDisconnected(Struct, frozen=True, kw_only=True, tag=True):
    """A connection's transport is gone for good; it does not resume.

    Attributes:
        reason: one of `left`, `removed`, `ended`, `replaced`, `lost`, `closed`.
    """

    meeting_key: str
    identity: str
    reason: str


class SourceActive(Struct, frozen=True, kw_only=True, tag=True):
    """A source is published and not muted: others may see or hear it."""

    meeting_key: str
    identity: str
    source: Source
    track_id: str


class SourceInactive(Struct, frozen=True, kw_only=True, tag=True):
    """A source was muted or unpublished: nothing of it is forwarded."""

    meeting_key: str
    identity: str
    source: Source
    track_id: str


class Speaker(Struct, frozen=True):
    """One active speaker; level is 0.0 (silence) to 1.0 (loudest)."""

    identity: str
    level: float


class SpeakersChanged(Struct, frozen=True, kw_only=True, tag=True):
    """Who speaks now, loudest first; may be lost, latest wins."""

    meeting_key: str
    speakers: tuple[Speaker, ...]


class QualityChanged(Struct, frozen=True, kw_only=True, tag=True):
    """How well one connection's media travels; may be lost, latest wins.

    Attributes:
        cause: a sentence for people where the quality is poor, else empty.
    """

    meeting_key: str
    identity: str
    quality: Quality
    cause: str = ""


class MeetingClosed(Struct, frozen=True, kw_only=True, tag=True):
    """The engine has let go of a meeting: it was ended, or nobody was left in it."""

    meeting_key: str


class EventsLost(Struct, frozen=True, kw_only=True, tag=True):
    """Events were lost (a slow reader, a lost webhook, a restarted engine): ask `roster()`.

    Attributes:
        meeting_key: the meeting concerned; None for all of them.
    """

    meeting_key: str | None = None


MediaEvent = (
    TransportConnected
    | TransportDisconnected
    | SourceActive
    | SourceInactive
    | SpeakersChanged
    | QualityChanged
    | MeetingClosed
    | EventsLost
)
