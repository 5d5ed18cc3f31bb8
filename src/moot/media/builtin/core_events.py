"""What the media core has seen: changes of the registry, and words for those concerned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import structlog
from msgspec.structs import replace

from moot.media.builtin.connection import Connection
from moot.media.builtin.data import DataRouter, DataSender
from moot.media.builtin.hub import Hub
from moot.media.builtin.notice import (
    Closing,
    Described,
    ForwardingPaused,
    Layers,
    LayersWanted,
    SectionsWanted,
    SpeakersHeard,
    SpokenNotice,
)
from moot.media.builtin.publication import Publication, short_codec
from moot.media.builtin.view import ConnectionState
from moot.media.event import (
    EventsLost,
    Quality,
    QualityChanged,
    SpeakersChanged,
    TransportConnected,
)

if TYPE_CHECKING:
    from moot import _media

log = structlog.get_logger(__name__)

CAUSES: Final = {
    "loss": "Packets get lost on the way.",
    "delay": "The network answers late.",
    "jitter": "Packets arrive at an uneven pace.",
    "bandwidth": "The network is too slow for the picture.",
}
_ALL_LAYERS: Final[Layers] = (("low", True), ("medium", True), ("high", True))
_NO_LAYERS: Final[Layers] = (("low", False), ("medium", False), ("high", False))


class CoreEvents:
    """Takes the core's events one by one, in their order; never raises for what is in them."""

    def __init__(self, hub: Hub, route: DataRouter) -> None:
        self._hub = hub
        self._route = route
        self._by_name: dict[str, Callable[[Any], None]] = {
            "Answer": self._answer,
            "Offer": self._offer,
            "SectionsNeeded": self._sections_needed,
            "TransportStateChanged": self._transport_state_changed,
            "TrackPublished": self._track_published,
            "TrackUnpublished": self._track_unpublished,
            "DataReceived": self._data_received,
            "SpeakersChanged": self._speakers_changed,
            "QualityChanged": self._quality_changed,
            "StreamStateChanged": self._stream_state_changed,
            "SubscribedQualityChanged": self._subscribed_quality_changed,
            "CodecUnsupported": self._codec_unsupported,
            "RequestFailed": self._request_failed,
            "ConnectionFailed": self._connection_failed,
            "ShardFailed": self._shard_failed,
        }

    def handle(self, event: Any) -> None:
        """Take one event; one of an unknown kind is counted and otherwise ignored."""
        act = self._by_name.get(type(event).__name__)
        if act is None:
            self._hub.counts["core_event_unused"] += 1
            return
        act(event)

    # Negotiation.

    def _answer(self, event: _media.Answer) -> None:
        self._describe("answer", event)

    def _offer(self, event: _media.Offer) -> None:
        self._describe("offer", event)

    def _describe(self, kind: Any, event: _media.Answer | _media.Offer) -> None:
        if connection := self._hub.connections.get(event.connection):
            connection.outbox.put(
                Described(
                    kind=kind,
                    transport=event.transport,
                    sdp=event.sdp,
                    number=event.request,
                    sections=event.mid_to_track,
                )
            )

    def _sections_needed(self, event: _media.SectionsNeeded) -> None:
        if connection := self._hub.connections.get(event.connection):
            connection.outbox.put(SectionsWanted(audio=event.audio, video=event.video))

    # Transports.

    def _transport_state_changed(self, event: _media.TransportStateChanged) -> None:
        hub = self._hub
        connection = hub.connections.get(event.connection)
        if connection is None or event.transport != connection.primary_transport:
            return
        if event.state == "connected":
            was_connected = connection.is_connected
            connection.failed_at = None
            connection.has_closed = False
            if connection.state is ConnectionState.JOINED:
                connection.state = ConnectionState.ACTIVE
                hub.announce_soon(connection)
            if not was_connected:
                hub.feed.publish(
                    TransportConnected(
                        meeting_key=connection.meeting_key, identity=connection.identity
                    )
                )
        elif event.state in ("failed", "closed") and connection.failed_at is None:
            connection.failed_at = hub.now()
            connection.has_closed = event.state == "closed"

    def _connection_failed(self, event: _media.ConnectionFailed) -> None:
        if connection := self._hub.connections.get(event.connection):
            self._log_failure(connection, event.reason)
            self._hub.drop(connection, Closing.FAILED)

    def _shard_failed(self, event: _media.ShardFailed) -> None:
        log.error("Media thread failed", shard=event.shard, reason=event.reason)
        for key in event.meetings:
            self._hub.close_meeting(key, Closing.FAILED)
            self._hub.feed.publish(EventsLost(meeting_key=key))

    def _request_failed(self, event: _media.RequestFailed) -> None:
        self._hub.counts[f"refused_{event.code}"] += 1
        connection = self._hub.connections.get(event.connection)
        # Where a limit is reached a new connection would fare no better: this one has the rest.
        if connection is not None and event.code == "bad_sdp":
            self._log_failure(connection, event.reason)
            self._hub.drop(connection, Closing.FAILED)

    def _log_failure(self, connection: Connection, reason: str) -> None:
        log.warning(
            "Media connection failed",
            meeting_key=connection.meeting_key,
            identity=connection.identity,
            reason=reason,
        )

    # Tracks.

    def _track_published(self, event: _media.TrackPublished) -> None:
        hub = self._hub
        connection = hub.owners.get(event.track)
        if connection is None:
            return
        publication = connection.publications[event.track]
        hub.change(
            connection,
            replace(
                publication,
                has_arrived=True,
                mid=event.mid,
                mime=event.codec,
                rids=tuple(event.rids),
            ),
        )
        for other in hub.others(connection):
            if hub.wants(other, event.track):
                hub.subscribe(other, [event.track])
        if publication.has_fallen_back:
            self._want_layers(connection, publication, short_codec(event.codec), _ALL_LAYERS)

    def _track_unpublished(self, event: _media.TrackUnpublished) -> None:
        if connection := self._hub.owners.get(event.track):
            self._hub.unpublish(connection, event.track)

    def _stream_state_changed(self, event: _media.StreamStateChanged) -> None:
        connection = self._hub.connections.get(event.connection)
        owner = self._hub.owners.get(event.track)
        if connection is not None and owner is not None:
            connection.tell(
                ForwardingPaused(
                    publisher_sid=owner.sid,
                    track_id=event.track,
                    is_paused=event.state == "paused",
                )
            )

    def _subscribed_quality_changed(self, event: _media.SubscribedQualityChanged) -> None:
        connection = self._hub.connections.get(event.connection)
        publication = connection.publications.get(event.track) if connection else None
        if connection is not None and publication is not None:
            self._want_layers(connection, publication, event.codec, tuple(event.qualities))

    def _codec_unsupported(self, event: _media.CodecUnsupported) -> None:
        hub = self._hub
        connection = hub.connections.get(event.connection)
        publication = connection.publications.get(event.track) if connection else None
        if connection is None or publication is None:
            return
        _, backup = publication.codecs
        if not backup or backup == event.codec or publication.has_fallen_back:
            hub.counts["codec_unsupported"] += 1
            return
        connection.put(replace(publication, has_fallen_back=True))
        # The first goes on until the other has arrived, so that nobody's picture stands.
        codecs = ((event.codec, _ALL_LAYERS), (backup, _ALL_LAYERS))
        connection.tell(LayersWanted(track_id=event.track, codecs=codecs))

    def _want_layers(
        self, connection: Connection, publication: Publication, codec: str, layers: Layers
    ) -> None:
        """Tell a publisher which layers anyone receives; of a codec not taken any more, none."""
        first, _ = publication.codecs
        codecs: tuple[tuple[str, Layers], ...] = ((codec, layers),)
        if publication.has_fallen_back and codec != first:
            codecs = ((first, _NO_LAYERS), *codecs)
        connection.tell(LayersWanted(track_id=publication.track_id, codecs=codecs))

    # Data.

    def _data_received(self, event: _media.DataReceived) -> None:
        hub = self._hub
        connection = hub.connections.get(event.connection)
        if connection is None:
            return
        if not connection.permission.may_send_data:
            hub.counts["data_not_allowed"] += 1
            return
        sender = DataSender(connection.sid, connection.identity)
        routed = self._route(event.payload, event.kind, sender)
        if routed is None:
            hub.counts["data_not_routed"] += 1
            return
        to: list[str] | None = None
        if routed.identities or routed.sids:
            to = self.receivers(connection.meeting_key, routed.identities, routed.sids)
            if not to:
                return
        hub.core.send_data(
            connection.meeting_key, event.kind, routed.payload, to=to, sender=connection.sid
        )

    def receivers(
        self, meeting_key: str, identities: frozenset[str], sids: frozenset[str]
    ) -> list[str]:
        """Find the connections that are meant; unknown ones are left out."""
        meeting = self._hub.meetings.get(meeting_key)
        if meeting is None:
            return []
        found = {
            receiver.sid
            for identity in identities
            if (receiver := meeting.find(identity)) is not None
        }
        found.update(sid for sid in sids if meeting.with_sid(sid) is not None)
        return sorted(found)

    # What may be lost.

    def _speakers_changed(self, event: _media.SpeakersChanged) -> None:
        hub = self._hub
        meeting = hub.meetings.get(event.meeting)
        if meeting is None:
            return
        changed = []
        for speaker in event.speakers:
            connection = meeting.with_sid(speaker.connection)
            if connection is None:
                continue
            if speaker.active:
                meeting.levels[speaker.connection] = speaker.level
            else:
                meeting.levels.pop(speaker.connection, None)
            spoken = SpokenNotice(speaker.connection, speaker.level, speaker.active)
            if connection.permission.is_hidden:
                connection.outbox.put(SpeakersHeard(speakers=(spoken,)))
            else:
                changed.append(spoken)
        if changed:
            hub.tell_all(event.meeting, SpeakersHeard(speakers=tuple(changed)))
        hub.feed.publish(SpeakersChanged(meeting_key=event.meeting, speakers=meeting.speakers()))

    def _quality_changed(self, event: _media.QualityChanged) -> None:
        hub = self._hub
        connection = hub.connections.get(event.connection)
        if connection is None:
            return
        quality = Quality(event.quality)
        cause = CAUSES.get(event.cause, "")
        connection.quality = (quality, event.score, cause)
        hub.meetings[connection.meeting_key].graded.add(connection.sid)
        hub.feed.publish(
            QualityChanged(
                meeting_key=connection.meeting_key,
                identity=connection.identity,
                quality=quality,
                cause=cause,
            )
        )
