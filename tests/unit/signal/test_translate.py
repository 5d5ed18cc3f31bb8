"""Values cross the border to LiveKit's words and come back as they were."""

from __future__ import annotations

import pytest
from livekit.protocol import models, rtc

from moot.media.builtin.notice import Closing
from moot.media.builtin.publication import Publication
from moot.media.builtin.view import ConnectionState, ConnectionView, Permission
from moot.media.source import EVERY_SOURCE, Source
from moot.signal import translate

ADD = rtc.AddTrackRequest(
    cid="cam",
    name="webcam",
    type=models.TrackType.VIDEO,
    width=1280,
    height=720,
    muted=True,
    source=models.TrackSource.CAMERA,
    layers=[{"quality": "LOW", "width": 320, "rid": "q"}],
    simulcast_codecs=[
        {
            "codec": "vp8",
            "cid": "cam",
            "layers": [
                {"quality": "LOW", "width": 320, "height": 180, "bitrate": 100, "rid": "q"},
                {"quality": "HIGH", "width": 1280, "height": 720, "bitrate": 900, "ssrc": 7},
            ],
        }
    ],
    encryption=models.Encryption.Type.GCM,
    stream="group",
)


def publication(request: rtc.AddTrackRequest, **facts: object) -> Publication:
    return Publication(
        track_id="TR_x",
        request=translate.publication_request(request),
        is_muted=request.muted,
        is_allowed=True,
        width=request.width,
        height=request.height,
        **facts,  # type: ignore[arg-type]
    )


def test_an_announced_track_is_shown_as_it_was_announced() -> None:
    """MEDIA-2: what a client said of its track is what the others' clients read."""
    info = translate.track_info(publication(ADD, mime="video/VP8", mid="1", version=3))
    assert (info.sid, info.name, info.width, info.height) == ("TR_x", "webcam", 1280, 720)
    assert info.muted
    assert info.simulcast
    assert info.source == models.TrackSource.CAMERA
    assert info.encryption == models.Encryption.Type.GCM
    assert info.stream == "group"
    assert list(info.layers) == list(ADD.simulcast_codecs[0].layers)
    assert (info.codecs[0].mime_type, info.codecs[0].mid, info.codecs[0].cid) == (
        "video/VP8", "1", "cam",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "announced", "told"),
    [
        ("VIDEO", "vp8", "video/VP8"),
        ("VIDEO", "video/h264", "video/H264"),
        ("VIDEO", "x-new", "video/x-new"),
        ("VIDEO", "", ""),
        ("AUDIO", "opus", "audio/opus"),
    ],
)
def test_a_publisher_is_told_its_codec_before_any_of_it_arrives(
    kind: str, announced: str, told: str
) -> None:
    """MEDIA-2: LiveKit's SDK for Go knows the layers that nobody wants by this name only."""
    request = rtc.AddTrackRequest(
        cid="cam", type=models.TrackType.Value(kind), simulcast_codecs=[{"codec": announced}]
    )
    info = translate.track_info(publication(request))
    assert info.mime_type == told
    assert [codec.mime_type for codec in info.codecs] == (
        [told] if announced or kind == "VIDEO" else []
    )


def test_audio_keeps_its_features() -> None:
    """MEDIA-2: stereo, silence and redundancy are passed on; what is unknown is left out."""
    request = rtc.AddTrackRequest(
        cid="mic",
        type=models.TrackType.AUDIO,
        source=models.TrackSource.MICROPHONE,
        disable_dtx=True,
        disable_red=True,
        audio_features=[models.AudioTrackFeature.TF_STEREO, 99],  # type: ignore[list-item]
    )
    read = translate.publication_request(request)
    assert read.has_stereo
    assert read.features == ("TF_STEREO",)
    made = publication(request, features=read.features)
    info = translate.track_info(made)
    assert info.disable_dtx
    assert info.disable_red
    assert info.stereo
    assert info.audio_features == [models.AudioTrackFeature.TF_STEREO]
    assert info.source == models.TrackSource.MICROPHONE


def test_what_a_client_sends_too_much_of_is_cut() -> None:
    """ERR-1: names and layers have a bound, and unknown numbers a meaning."""
    request = rtc.AddTrackRequest(cid="c" * 999, name="n" * 999, stream="s" * 999)
    request.layers.extend([models.VideoLayer(quality=9, rid="r" * 99)] * 99)  # type: ignore[arg-type]
    request.encryption = 9  # type: ignore[assignment]
    read = translate.publication_request(request)
    assert (len(read.cid), len(read.name), len(read.group), len(read.layers)) == (256, 256, 256, 8)
    assert (read.layers[0].quality, len(read.layers[0].rid)) == ("high", 16)
    assert read.encryption == "custom"
    assert read.source is None


@pytest.mark.parametrize(
    "value",
    [
        Permission(),
        Permission(may_publish=False, sources=frozenset()),
        Permission(sources=frozenset({Source.MICROPHONE, Source.SCREEN})),
        Permission(may_subscribe=False, may_send_data=False, may_update_own=True, is_hidden=True),
    ],
)
def test_permissions_come_back_as_they_were(value: Permission) -> None:
    """HOST-4: what may be published is the same in both languages."""
    assert translate.permission_back(translate.permission(value)) == value


def test_named_sources_count_more_than_the_flag() -> None:
    """HOST-4: LiveKit's rule: sources that are named supersede `can_publish`."""
    named = models.ParticipantPermission(can_publish_sources=[models.TrackSource.CAMERA])
    read = translate.permission_back(named)
    assert read.may_publish
    assert read.sources == {Source.CAMERA}
    assert translate.permission_back(models.ParticipantPermission(can_publish=True)).sources == (
        EVERY_SOURCE
    )


def test_a_connection_is_translated_once() -> None:
    """A view goes to everyone; it is turned into a message once, and tells why it is gone."""
    view = ConnectionView(
        sid="PA_x",
        identity="ana.1",
        name="Ana",
        state=ConnectionState.GONE,
        version=4,
        joined_at=1_000.5,
        permission=Permission(),
        publications=(publication(ADD),),
        attributes={"seat": "7"},
        why_gone=Closing.REMOVED.value,
        client_protocol=2,
        capabilities=(1,),
    )
    info = translate.participant_info(view)
    assert translate.participant_info(view) is info
    assert info.state == models.ParticipantInfo.State.DISCONNECTED
    assert info.disconnect_reason == models.DisconnectReason.PARTICIPANT_REMOVED
    assert (info.joined_at, info.joined_at_ms, info.version) == (1_000, 1_000_500, 4)
    assert info.is_publisher
    assert dict(info.attributes) == {"seat": "7"}
    assert list(info.capabilities) == [1]


def test_every_end_has_a_reason() -> None:
    """JOIN-8: each way a connection can end has LiveKit's word for it."""
    assert set(translate.REASONS) == set(Closing)
