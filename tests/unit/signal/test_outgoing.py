"""What the engine tells becomes LiveKit's messages, each encoded once."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from livekit.protocol import models, rtc
from tests.unit.frames import read_frames
from tests.unit.media.scripted import Stage
from tests.unit.signal.test_translate import ADD, publication

from moot.media.builtin import notice as notices
from moot.media.builtin.connection import ConnectionRequest
from moot.media.builtin.door import Joined
from moot.media.builtin.notice import Closing, Notice
from moot.media.event import Quality
from moot.signal.outgoing import Encoder, IceServer, join_response, server_info
from moot.signal.translate import PUBLISH_CODECS, participant_info

MADE: list[tuple[Notice, str]] = [
    (notices.ParticipantsChanged(views=()), "update"),
    (notices.TrackAccepted(cid="cam", publication=publication(ADD)), "track_published"),
    (notices.TrackEnded(track_id="TR"), "track_unpublished"),
    (notices.TrackTaken(track_id="TR"), "track_subscribed"),
    (notices.MuteChanged(track_id="TR", is_muted=True), "mute"),
    (
        notices.Described(
            kind="offer", transport="subscriber", sdp="v=0", number=1, sections={"0": "TR"}
        ),
        "offer",
    ),
    (notices.SectionsWanted(audio=1, video=2), "media_sections_requirement"),
    (notices.SpeakersHeard(speakers=()), "speakers_changed"),
    (notices.QualitySeen(qualities=(("PA", Quality.LOST, 1.0),)), "connection_quality"),
    (
        notices.ForwardingPaused(publisher_sid="PA", track_id="TR", is_paused=True),
        "stream_state_update",
    ),
    (
        notices.LayersWanted(
            track_id="TR",
            codecs=(("vp9", (("low", True), ("high", False))), ("vp8", (("low", False),))),
        ),
        "subscribed_quality_update",
    ),
    (notices.SubscriptionRefused(track_id="TR"), "subscription_response"),
    (
        notices.SubscriptionAllowed(publisher_sid="PA", track_id="TR", is_allowed=False),
        "subscription_permission_update",
    ),
    (notices.RequestAnswered(number=1, outcome="ok"), "request_response"),
    (notices.PublishRefused(cid="cam", reason="limit_exceeded"), "request_response"),
    (notices.TicketRenewed(token="t"), "refresh_token"),
    (notices.Closed(why=Closing.ENDED, may_return=False), "leave"),
]


def encoded(notice: Notice) -> rtc.SignalResponse:
    (frame,) = read_frames(Encoder().encode(notice))
    return rtc.SignalResponse.FromString(frame.data)


@pytest.mark.parametrize(("notice", "field"), MADE, ids=[type(made).__name__ for made, _ in MADE])
def test_every_notice_has_its_message(notice: Notice, field: str) -> None:
    """MEDIA-2: whatever the engine tells, LiveKit's clients have a message for it."""
    assert encoded(notice).WhichOneof("message") == field


def test_no_notice_is_forgotten() -> None:
    """MEDIA-2: the list above is complete, but for the one that needs a meeting."""
    assert {type(notice) for notice, _ in MADE} == set(get_args(Notice)) - {notices.MeetingChanged}


def test_what_counts_in_them_arrives() -> None:
    """MEDIA-2: the facts in the messages are those of the notices."""
    wanted: Any = encoded(MADE[10][0]).subscribed_quality_update
    assert [(one.quality, one.enabled) for one in wanted.subscribed_qualities] == [
        (models.VideoQuality.LOW, True),
        (models.VideoQuality.HIGH, False),
    ]
    assert [one.codec for one in wanted.subscribed_codecs] == ["vp9", "vp8"]
    quality = encoded(MADE[8][0]).connection_quality.updates[0]
    assert quality.quality == models.ConnectionQuality.LOST
    paused = encoded(MADE[9][0]).stream_state_update.stream_states[0]
    assert paused.state == rtc.StreamState.PAUSED
    assert encoded(MADE[14][0]).request_response.add_track.cid == "cam"
    sections = encoded(MADE[6][0]).media_sections_requirement
    assert (sections.num_audios, sections.num_videos) == (1, 2)
    offer = encoded(MADE[5][0]).offer
    assert dict(offer.mid_to_track_id) == {"0": "TR"}


def test_a_notice_is_encoded_once() -> None:
    """A notice for a hundred connections costs one encoding, and the memory of a few is kept."""
    encoder = Encoder(limit=2)
    notice = notices.TrackEnded(track_id="TR")
    assert encoder.encode(notice) is encoder.encode(notice)
    for number in range(5):
        encoder.encode(notices.TrackEnded(track_id=f"{number}"))
    assert len(encoder._kept) == 2
    assert encoder.encode(notice) == Encoder().encode(notice)


async def joined(stage: Stage, name: str, **facts: Any) -> Joined:
    door = stage.engine.door
    claims = door.admit(await stage.ticket(name, **facts))
    return door.join(claims, ConnectionRequest(mode="dual"))


def answered(newcomer: Joined) -> rtc.JoinResponse:
    stun = IceServer(urls=("stun:stun.example",))
    response = rtc.SignalResponse.FromString(join_response(newcomer, [stun]))
    assert response.WhichOneof("message") == "join"
    return response.join


async def test_a_newcomer_is_told_everything_in_one_message_of_any_length(stage: Stage) -> None:
    """MEDIA-2: fields that were encoded apart are one message: lengths of 1, 2 and 3 bytes."""
    long_name = {"attributes": {"about": "x" * 300}}
    newcomers = [await joined(stage, f"p{count}", **long_name) for count in range(80)]
    for count, newcomer in enumerate(newcomers):
        answer = answered(newcomer)
        assert answer.participant == participant_info(newcomer.own)
        others = [participant_info(view) for view in newcomer.others]
        assert list(answer.other_participants) == others
        assert len(others) == count
    answer = answered(newcomers[0])
    assert answer.server_info == server_info()
    assert list(answer.enabled_publish_codecs) == list(PUBLISH_CODECS)
    assert [list(server.urls) for server in answer.ice_servers] == [["stun:stun.example"]]
    assert (answer.room.sid, answer.subscriber_primary) == (newcomers[0].meeting.sid, True)
    assert (answer.ping_timeout, answer.ping_interval, answer.fast_publish) == (15, 5, True)


async def test_a_newcomer_is_told_how_the_others_are_now(stage: Stage) -> None:
    """MEDIA-2: what was encoded for an earlier newcomer does not outlive a change."""
    first = (await joined(stage, "ana")).connection
    assert answered(await joined(stage, "bo")).other_participants[0].name == "Ana"
    stage.engine.signalling.update(first, name="Hana")
    assert answered(await joined(stage, "cem")).other_participants[0].name == "Hana"
