"""Figures of the media engine, for `/metrics` and for a host's page."""

from __future__ import annotations

from msgspec import Struct

from moot.media.event import Quality
from moot.media.source import Source


class TrackStats(Struct, frozen=True, kw_only=True):
    """One track as it arrives from its publisher.

    Attributes:
        bitrate_bps: bits per second over the last interval.
        loss: share of packets lost on the way in, 0.0 to 1.0.
        jitter_ms: RFC 3550 §6.4.1 interarrival jitter in milliseconds.
    """

    track_id: str
    source: Source
    is_muted: bool
    bitrate_bps: int = 0
    loss: float = 0.0
    jitter_ms: float = 0.0


class ConnectionStats(Struct, frozen=True, kw_only=True):
    """One connection's transport.

    Attributes:
        round_trip_ms: None until it has been measured.
        estimate_bps: what the path to this connection carries, None where unknown.
        cause: why its picture is bad, a sentence for people; empty while it is good.
    """

    identity: str
    quality: Quality
    received_bytes: int = 0
    sent_bytes: int = 0
    received_packets: int = 0
    sent_packets: int = 0
    loss: float = 0.0
    round_trip_ms: float | None = None
    estimate_bps: int | None = None
    cause: str = ""
    tracks: tuple[TrackStats, ...] = ()


class EngineStatus(Struct, frozen=True, kw_only=True):
    """Whether the engine can serve, for `/readyz` and `moot doctor`.

    Attributes:
        name: `builtin`, `livekit` or `fake`.
        is_ready: True when a grant given now would work.
        sentence: what is wrong and its cure when it is not ready, else what it serves.
        meetings: meetings carried now.
        connections: connections carried now.
    """

    name: str
    is_ready: bool
    sentence: str
    meetings: int = 0
    connections: int = 0


class Figure(Struct, frozen=True, kw_only=True):
    """One number about the engine as a whole, for `/metrics`.

    Attributes:
        name: without the prefix that every figure of moot has.
        sentence: what is counted, with its unit.
        value: None where there is nothing to count now; the figure is still known by name.
        labels: a few fixed words each; never a name, an id or an address.
    """

    name: str
    sentence: str
    value: float | None
    labels: tuple[tuple[str, str], ...] = ()
