"""The border between LiveKit's words and moot's: Room is meeting, Participant is connection.

Only values are translated here, both ways; `incoming` and `outgoing` use them on messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal
from weakref import WeakKeyDictionary

from livekit.protocol import models, rtc

from moot.media.builtin.notice import Closing
from moot.media.builtin.publication import (
    Publication,
    PublicationLayer,
    PublicationRequest,
    short_codec,
)
from moot.media.builtin.view import ConnectionState, ConnectionView, MeetingView, Permission
from moot.media.event import Quality
from moot.media.source import EVERY_SOURCE, Source

LayerName = Literal["low", "medium", "high", "off"]

SOURCES: Final = {
    Source.CAMERA: models.TrackSource.CAMERA,
    Source.MICROPHONE: models.TrackSource.MICROPHONE,
    Source.SCREEN: models.TrackSource.SCREEN_SHARE,
    Source.SCREEN_AUDIO: models.TrackSource.SCREEN_SHARE_AUDIO,
}
SOURCES_BACK: Final = {wire: source for source, wire in SOURCES.items()}

LAYERS: Final[dict[LayerName, models.VideoQuality]] = {
    "low": models.VideoQuality.LOW,
    "medium": models.VideoQuality.MEDIUM,
    "high": models.VideoQuality.HIGH,
    "off": models.VideoQuality.OFF,
}
LAYERS_BACK: Final[dict[int, LayerName]] = {wire: name for name, wire in LAYERS.items()}

QUALITIES: Final = {
    Quality.POOR: models.ConnectionQuality.POOR,
    Quality.GOOD: models.ConnectionQuality.GOOD,
    Quality.EXCELLENT: models.ConnectionQuality.EXCELLENT,
    Quality.LOST: models.ConnectionQuality.LOST,
}

REASONS: Final = {
    Closing.LEFT: models.DisconnectReason.CLIENT_INITIATED,
    Closing.REMOVED: models.DisconnectReason.PARTICIPANT_REMOVED,
    Closing.ENDED: models.DisconnectReason.ROOM_DELETED,
    Closing.REPLACED: models.DisconnectReason.DUPLICATE_IDENTITY,
    Closing.LOST: models.DisconnectReason.CONNECTION_TIMEOUT,
    Closing.CLOSED: models.DisconnectReason.SERVER_SHUTDOWN,
    Closing.FAILED: models.DisconnectReason.MEDIA_FAILURE,
    Closing.UNKNOWN: models.DisconnectReason.STATE_MISMATCH,
}

_STATES: Final = {
    ConnectionState.JOINED: models.ParticipantInfo.State.JOINED,
    ConnectionState.ACTIVE: models.ParticipantInfo.State.ACTIVE,
    ConnectionState.GONE: models.ParticipantInfo.State.DISCONNECTED,
}
_ENCRYPTIONS: Final = {
    "none": models.Encryption.Type.NONE,
    "gcm": models.Encryption.Type.GCM,
    "custom": models.Encryption.Type.CUSTOM,
}
_ENCRYPTIONS_BACK: Final[dict[int, Literal["none", "gcm", "custom"]]] = {
    models.Encryption.Type.NONE: "none",
    models.Encryption.Type.GCM: "gcm",
    models.Encryption.Type.CUSTOM: "custom",
}
_LAYERS_LIMIT: Final = 8

# A view is frozen and the same object goes to everyone: each is turned into a message once.
_infos: WeakKeyDictionary[ConnectionView, models.ParticipantInfo] = WeakKeyDictionary()


def participant_info(view: ConnectionView) -> models.ParticipantInfo:
    """Show a connection as LiveKit's participant; the caller must not change the message."""
    info = _infos.get(view)
    if info is None:
        info = models.ParticipantInfo(
            sid=view.sid,
            identity=view.identity,
            name=view.name,
            state=_STATES[view.state],
            version=view.version,
            joined_at=int(view.joined_at),
            joined_at_ms=int(view.joined_at * 1000),
            permission=permission(view.permission),
            is_publisher=bool(view.publications),
            tracks=[track_info(publication) for publication in view.publications],
            metadata=view.metadata,
            attributes=view.attributes,
            client_protocol=view.client_protocol,
            capabilities=view.capabilities,  # type: ignore[arg-type]
        )
        if view.why_gone:
            info.disconnect_reason = REASONS[Closing(view.why_gone)]
        _infos[view] = info
    return info


def permission(value: Permission) -> models.ParticipantPermission:
    """Say what a connection may do; no sources named means all of them."""
    named = () if value.sources == EVERY_SOURCE else sorted(value.sources)
    return models.ParticipantPermission(
        can_subscribe=value.may_subscribe,
        can_publish=value.may_publish,
        can_publish_data=value.may_send_data,
        can_publish_sources=[SOURCES[source] for source in named],
        can_update_metadata=value.may_update_own,
        hidden=value.is_hidden,
    )


def permission_back(value: models.ParticipantPermission) -> Permission:
    """Read what a connection shall be allowed; sources that are named supersede `can_publish`."""
    named = frozenset(
        SOURCES_BACK[source] for source in value.can_publish_sources if source in SOURCES_BACK
    )
    may_publish = value.can_publish or bool(named)
    return Permission(
        may_publish=may_publish,
        sources=named or (EVERY_SOURCE if may_publish else frozenset()),
        may_subscribe=value.can_subscribe,
        may_send_data=value.can_publish_data,
        may_update_own=value.can_update_metadata,
        is_hidden=value.hidden,
    )


def track_info(publication: Publication) -> models.TrackInfo:
    """Show a publication as LiveKit's track."""
    request = publication.request
    is_video = request.kind == "video"
    layers = [_layer(layer) for layer in request.layers]
    mime = publication.mime or _announced_mime(request)
    info = models.TrackInfo(
        sid=publication.track_id,
        type=models.TrackType.VIDEO if is_video else models.TrackType.AUDIO,
        name=request.name,
        muted=publication.is_silent,
        width=publication.width,
        height=publication.height,
        simulcast=len(layers) > 1,
        disable_dtx=not request.uses_dtx,
        source=track_source(request.source),
        layers=layers,
        mime_type=mime,
        mid=publication.mid,
        stereo=request.has_stereo,
        disable_red=not request.uses_red,
        encryption=_ENCRYPTIONS[request.encryption],
        stream=request.group,
        version=models.TimedVersion(ticks=publication.version),
        audio_features=publication.features,
    )
    if is_video or mime:
        info.codecs.append(
            models.SimulcastCodecInfo(
                mime_type=mime,
                mid=publication.mid,
                cid=request.cid,
                layers=layers,
            )
        )
    return info


def _announced_mime(request: PublicationRequest) -> str:
    """Name the announced codec as a media type; a publisher is told of its track before any of it
    arrives, and some know the layers that nobody wants only by this name.
    """
    codec = short_codec(request.codec)
    return _MIMES.get(codec, f"{request.kind}/{codec}") if codec else ""


def track_source(source: Source | None) -> models.TrackSource:
    """Name a source on the wire."""
    return SOURCES[source] if source is not None else models.TrackSource.UNKNOWN


def publication_request(request: rtc.AddTrackRequest) -> PublicationRequest:
    """Read the announcement of a track; what is too long is cut, what is unknown left out."""
    codec = request.simulcast_codecs[0] if request.simulcast_codecs else None
    backup = request.simulcast_codecs[1] if len(request.simulcast_codecs) > 1 else None
    layers = codec.layers if codec is not None and codec.layers else request.layers
    return PublicationRequest(
        cid=request.cid[:256],
        kind="video" if request.type == models.TrackType.VIDEO else "audio",
        source=SOURCES_BACK.get(request.source),
        name=request.name[:256],
        is_muted=request.muted,
        width=request.width,
        height=request.height,
        codec=codec.codec[:64] if codec is not None else "",
        backup_codec=backup.codec[:64] if backup is not None else "",
        layers=tuple(
            _layer_back(layer)
            for layer in list(layers)[:_LAYERS_LIMIT]
            # A layer that is off is none.
            if layer.quality != models.VideoQuality.OFF
        ),
        has_stereo=request.stereo or models.AudioTrackFeature.TF_STEREO in request.audio_features,
        uses_dtx=not request.disable_dtx,
        uses_red=not request.disable_red,
        encryption=_ENCRYPTIONS_BACK.get(request.encryption, "custom"),
        group=request.stream[:256],
        features=feature_names(request.audio_features),
    )


def feature_names(features: Iterable[int]) -> tuple[str, ...]:
    """Name the audio features that this version of the protocol knows, each once."""
    known = models.AudioTrackFeature.values()
    return tuple(
        models.AudioTrackFeature.Name(models.AudioTrackFeature.ValueType(feature))
        for feature in sorted(set(features))
        if feature in known
    )


def room(view: MeetingView) -> models.Room:
    """Show a meeting as LiveKit's room."""
    return models.Room(
        sid=view.sid,
        name=view.key,
        empty_timeout=view.empty_timeout_s,
        departure_timeout=view.empty_timeout_s,
        max_participants=view.max_connections,
        creation_time=int(view.created_at),
        creation_time_ms=int(view.created_at * 1000),
        metadata=view.metadata,
        num_participants=view.connections,
        num_publishers=view.publishers,
        enabled_codecs=PUBLISH_CODECS,
        version=models.TimedVersion(
            unix_micro=int(view.created_at * 1_000_000), ticks=view.version
        ),
    )


PUBLISH_CODECS: Final = tuple(
    models.Codec(mime=mime)
    for mime in (
        "audio/opus",
        "audio/red",
        "video/VP8",
        "video/H264",
        "video/VP9",
        "video/AV1",
    )
)

_MIMES: Final = {codec.mime.rpartition("/")[2].lower(): codec.mime for codec in PUBLISH_CODECS}


def _layer(layer: PublicationLayer) -> models.VideoLayer:
    return models.VideoLayer(
        quality=LAYERS[layer.quality],
        width=layer.width,
        height=layer.height,
        bitrate=layer.bitrate_bps,
        ssrc=layer.ssrc,
        rid=layer.rid,
    )


def _layer_back(layer: models.VideoLayer) -> PublicationLayer:
    return PublicationLayer(
        quality=LAYERS_BACK.get(layer.quality, "high"),
        width=layer.width,
        height=layer.height,
        bitrate_bps=layer.bitrate,
        rid=layer.rid[:16],
        ssrc=layer.ssrc,
    )
