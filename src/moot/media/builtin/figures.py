"""The core's figures of a meeting in the port's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from moot.media.builtin.meeting import LiveMeeting
from moot.media.event import Quality
from moot.media.stats import ConnectionStats, TrackStats

if TYPE_CHECKING:
    from moot._media import TransportStats


def connection_stats(
    meeting: LiveMeeting, transports: Iterable[TransportStats]
) -> tuple[ConnectionStats, ...]:
    """Fold the transports of each connection into one figure per connection."""
    by_sid: dict[str, list[TransportStats]] = {}
    for transport in transports:
        by_sid.setdefault(transport.connection, []).append(transport)
    figures = []
    for connection in meeting:
        own = by_sid.get(connection.sid, [])
        quality, _, cause = connection.quality or (Quality.EXCELLENT, 5.0, "")
        trips = [transport.rtt_ms for transport in own if transport.rtt_ms >= 0]
        estimates = [transport.estimate_bps for transport in own if transport.estimate_bps > 0]
        figures.append(
            ConnectionStats(
                identity=connection.identity,
                quality=quality,
                received_bytes=sum(transport.bytes_in for transport in own),
                sent_bytes=sum(transport.bytes_out for transport in own),
                received_packets=sum(transport.packets_in for transport in own),
                sent_packets=sum(transport.packets_out for transport in own),
                loss=max(
                    (max(transport.loss_in, transport.loss_out) for transport in own), default=0.0
                ),
                round_trip_ms=max(trips) if trips else None,
                estimate_bps=max(estimates) if estimates else None,
                cause=cause,
                tracks=tuple(
                    TrackStats(
                        track_id=track.track,
                        source=publication.request.source,
                        is_muted=publication.is_silent,
                        bitrate_bps=track.bitrate_bps,
                        loss=track.loss,
                        jitter_ms=track.jitter_ms,
                    )
                    for transport in own
                    for track in transport.tracks
                    if track.inbound
                    and (publication := connection.publications.get(track.track)) is not None
                    and publication.request.source is not None
                ),
            )
        )
    return tuple(figures)
