"""The core's figures: of a meeting in the port's words, and of the whole engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from moot.media.builtin.hub import Hub
from moot.media.builtin.meeting import LiveMeeting
from moot.media.event import Quality
from moot.media.stats import ConnectionStats, Figure, TrackStats

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


_TOTALS: Final = {
    "meetings": "Meetings carried now.",
    "connections": "Connections carried now.",
    "transports": "Transports open now.",
    "tracks": "Tracks published now.",
    "subscriptions": "Tracks sent to somebody now.",
    "datagrams_in": "Datagrams received since the start.",
    "datagrams_out": "Datagrams sent since the start.",
    "bytes_in": "Bytes received since the start.",
    "bytes_out": "Bytes sent since the start.",
    "packets_forwarded": "RTP packets handed to subscribers since the start.",
    "packets_withheld": "RTP packets dropped because of a mute since the start.",
    "datagrams_unknown": "Datagrams of no transport since the start.",
    "datagrams_unsent": "Datagrams that the system did not take since the start.",
    "events_dropped": "Events dropped because nobody read them since the start.",
    "transport_panics": "Transports that broke down inside the core since the start.",
    "receive_buffer_bytes": "Receive buffer that the system gave each UDP socket.",
    "send_buffer_bytes": "Send buffer that the system gave each UDP socket.",
}
_QUALITY: Final = ("media_connection_quality", "Connections by quality.")
_IGNORED: Final = (
    "media_ignored",
    "What was ignored, refused or put off since the start, by kind.",
)
_ROUND_TRIP: Final = ("media_round_trip_ms", "Round trip of transports in milliseconds.")
_LOSS_IN: Final = ("media_loss_in", "Share of packets lost on the way in, by transport.")
_LOSS_OUT: Final = ("media_loss_out", "Share of packets lost on the way out, by transport.")
_ESTIMATE: Final = ("media_estimate_bps", "Bandwidth estimate of transports in bits per second.")
_JITTER: Final = ("media_track_jitter_ms", "Jitter of tracks that come in, in milliseconds.")
_QUANTILES: Final = (0.5, 0.95, 1.0)


def known_figures() -> Iterator[Figure]:
    """Name every figure, with no value: what an engine that is not running has to show."""
    for name, sentence in _TOTALS.items():
        yield Figure(name=f"media_{name}", sentence=sentence, value=None)
    yield Figure(name=_QUALITY[0], sentence=_QUALITY[1], value=None, labels=(("quality", ""),))
    yield Figure(name=_IGNORED[0], sentence=_IGNORED[1], value=None, labels=(("kind", ""),))
    for name, sentence in (_ROUND_TRIP, _LOSS_IN, _LOSS_OUT, _ESTIMATE, _JITTER):
        yield Figure(name=name, sentence=sentence, value=None, labels=(("quantile", ""),))


def engine_figures(hub: Hub) -> Iterator[Figure]:
    """Measure the whole engine; transports are shown by quantile, so that no one is named."""
    totals = hub.core.stats()
    for name, sentence in _TOTALS.items():
        yield Figure(name=f"media_{name}", sentence=sentence, value=getattr(totals, name))
    qualities = Counter(
        connection.quality[0] for connection in hub.connections.values() if connection.quality
    )
    for quality in Quality:
        yield _labelled(_QUALITY, qualities[quality], "quality", quality.value)
    for kind, count in sorted(hub.counts.items()):
        yield _labelled(_IGNORED, count, "kind", kind)
    transports = hub.core.transport_stats()
    spread: dict[tuple[str, str], list[float]] = {
        _ROUND_TRIP: [one.rtt_ms for one in transports if one.rtt_ms >= 0],
        _LOSS_IN: [one.loss_in for one in transports],
        _LOSS_OUT: [one.loss_out for one in transports],
        _ESTIMATE: [one.estimate_bps for one in transports if one.estimate_bps > 0],
        _JITTER: [track.jitter_ms for one in transports for track in one.tracks if track.inbound],
    }
    for figure, values in spread.items():
        values.sort()
        for quantile in _QUANTILES if values else ():
            value = values[min(len(values) - 1, int(quantile * len(values)))]
            yield _labelled(figure, value, "quantile", str(quantile))


def _labelled(figure: tuple[str, str], value: float, label: str, text: str) -> Figure:
    name, sentence = figure
    return Figure(name=name, sentence=sentence, value=value, labels=((label, text),))
