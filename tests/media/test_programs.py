"""Two programs on LiveKit's Python SDK meet: video, sound, data and calls pass both ways."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.media.program import Program
from tests.media.server import MediaServer

from livekit import api, rtc

LEFT_WITHIN_S = 10.0
"""Less than either server grants to somebody who is only lost; LiveKit's takes three seconds."""

RED, BLUE = (200, 30, 30), (30, 30, 200)
_rooms = itertools.count(1)

pytestmark = [pytest.mark.livekit, pytest.mark.timeout(120)]


@pytest.fixture
def room() -> str:
    """A meeting of its own for each test."""
    return f"TRY{next(_rooms)}.1"


@pytest.fixture(params=["single", "dual"])
def is_single(request: pytest.FixtureRequest) -> bool:
    """One transport (`/rtc/v1`) or two (`/rtc`)."""
    return bool(request.param == "single")


async def test_they_see_and_hear_each_other(
    server: MediaServer, room: str, is_single: bool
) -> None:
    """MEDIA-1: what one publishes the other gets, both ways, with one transport and with two."""
    async with (
        Program(*server.door("ana.1", room), is_single=is_single) as ana,
        Program(*server.door("bo.1", room), is_single=is_single) as bo,
    ):
        await asyncio.gather(
            ana.publish_colour(RED), ana.publish_tone(), bo.publish_colour(BLUE), bo.publish_tone()
        )
        await asyncio.gather(
            ana.sees("bo.1", BLUE), bo.sees("ana.1", RED), ana.hears("bo.1"), bo.hears("ana.1")
        )
        await ana.until(lambda: ana.did("local_track_subscribed"))


async def test_a_late_comer_gets_what_is_there(
    server: MediaServer, room: str, is_single: bool
) -> None:
    """MEDIA-1: who joins later sees and hears those who were there before."""
    async with Program(*server.door("ana.1", room), is_single=is_single) as ana:
        await ana.publish_colour(RED)
        await ana.publish_tone()
        async with Program(*server.door("bo.1", room), is_single=is_single) as bo:
            assert bo.remote("ana.1").name == "ana.1's name"
            await bo.sees("ana.1", RED)
            await bo.hears("ana.1")


@pytest.mark.parametrize("pair", [(True, False), (False, True)])
async def test_one_and_two_transports_meet(
    server: MediaServer, room: str, pair: tuple[bool, bool]
) -> None:
    """MEDIA-2: a client of the newer dialect and one of the older share a meeting."""
    async with (
        Program(*server.door("ana.1", room), is_single=pair[0]) as ana,
        Program(*server.door("bo.1", room), is_single=pair[1]) as bo,
    ):
        await ana.publish_colour(RED)
        await bo.sees("ana.1", RED)


@pytest.mark.parametrize("is_reliable", [True, False])
async def test_data_reaches_those_it_is_for(
    server: MediaServer, room: str, is_single: bool, is_reliable: bool
) -> None:
    """MEDIA-2: a data message goes to everyone else, or to those it names, with its true sender."""
    async with (
        Program(*server.door("ana.1", room), is_single=is_single) as ana,
        Program(*server.door("bo.1", room), is_single=is_single) as bo,
        Program(*server.door("cy.1", room), is_single=is_single) as cy,
    ):
        await ana.until(lambda: len(ana.room.remote_participants) == 2)
        for _ in range(50):  # a lossy message before the channel is open is lost, rightly
            await ana.room.local_participant.publish_data(
                b"all", reliable=is_reliable, topic="greeting"
            )
            if is_reliable or (bo.packets and cy.packets):
                break
            await asyncio.sleep(0.1)
        await bo.until(lambda: bo.packets and cy.packets)
        await ana.room.local_participant.publish_data(
            b"bo only", reliable=True, destination_identities=["bo.1"]
        )
        await ana.room.local_participant.publish_data(b"end", reliable=True)
        await cy.until(lambda: any(p.data == b"end" for p in cy.packets))
        await bo.until(lambda: any(p.data == b"end" for p in bo.packets))
        assert b"bo only" in [packet.data for packet in bo.packets]
        assert b"bo only" not in [packet.data for packet in cy.packets]
        assert not ana.packets
        first = bo.packets[0]
        assert (first.data, first.topic) == (b"all", "greeting")
        assert first.participant is not None
        assert first.participant.identity == "ana.1"


async def test_calls_are_answered(server: MediaServer, room: str, is_single: bool) -> None:
    """MEDIA-2: a remote procedure call of the SDK gets its answer, and its error."""
    async with (
        Program(*server.door("ana.1", room), is_single=is_single) as ana,
        Program(*server.door("bo.1", room), is_single=is_single) as bo,
    ):

        @bo.room.local_participant.register_rpc_method("double")
        async def double(call: rtc.RpcInvocationData) -> str:
            if call.payload == "x":
                raise rtc.RpcError(1234, "not a number")
            return f"{2 * int(call.payload)} for {call.caller_identity}"

        await ana.until(lambda: "bo.1" in ana.room.remote_participants)
        async with asyncio.timeout(15):
            answer = await ana.room.local_participant.perform_rpc(
                destination_identity="bo.1", method="double", payload="21"
            )
            assert answer == "42 for ana.1"
            with pytest.raises(rtc.RpcError) as refused:
                await ana.room.local_participant.perform_rpc(
                    destination_identity="bo.1", method="double", payload="x"
                )
        assert refused.value.code == 1234


async def test_mute_silences_and_is_seen(server: MediaServer, room: str, is_single: bool) -> None:
    """EVENT-4: a publisher's mute is shown to the other, and sound comes back with the unmute."""
    async with (
        Program(*server.door("ana.1", room), is_single=is_single) as ana,
        Program(*server.door("bo.1", room), is_single=is_single) as bo,
    ):
        publication = await ana.publish_tone()
        await bo.hears("ana.1")
        track = publication.track
        assert isinstance(track, rtc.LocalAudioTrack)
        track.mute()
        await bo.until(lambda: bo.did("track_muted"))
        await bo.until(lambda: max(bo.levels["ana.1"][-20:], default=0) < 0.001)
        track.unmute()
        await bo.until(lambda: bo.did("track_unmuted"))
        await bo.hears("ana.1")


async def test_unpublished_tracks_go_and_others_take_their_place(
    server: MediaServer, room: str, is_single: bool
) -> None:
    """MEDIA-1: a track taken back is gone for others, and the next one is seen, five times over."""
    async with (
        Program(*server.door("ana.1", room), is_single=is_single) as ana,
        Program(*server.door("bo.1", room), is_single=is_single) as bo,
    ):
        for round_ in range(5):
            colour = (RED, BLUE)[round_ % 2]
            publication = await ana.publish_colour(colour)
            await bo.sees("ana.1", colour)
            await ana.room.local_participant.unpublish_track(publication.sid)
            gone = publication.sid
            await bo.until(lambda: gone not in bo.remote("ana.1").track_publications)  # noqa: B023


async def test_tracks_are_had_on_request(server: MediaServer, room: str, is_single: bool) -> None:
    """MEDIA-1: who wants nothing by itself gets a track that it asks for, until it declines."""
    async with (
        Program(*server.door("ana.1", room), is_single=is_single) as ana,
        Program(
            server.url, server.token("bo.1", room), is_single=is_single, wants_everything=False
        ) as bo,
    ):
        await ana.publish_colour(RED)
        await bo.until(lambda: bo.remote("ana.1").track_publications)
        (publication,) = bo.remote("ana.1").track_publications.values()
        await asyncio.sleep(0.5)
        assert not bo.frames["ana.1"]
        publication.set_subscribed(True)
        await bo.sees("ana.1", RED)
        publication.set_subscribed(False)
        await bo.until(lambda: bo.did("track_unsubscribed"))


async def test_leaving_is_seen(server: MediaServer, room: str, is_single: bool) -> None:
    """JOIN-7: who leaves is gone for the others at once."""
    async with Program(*server.door("ana.1", room), is_single=is_single) as ana:
        async with Program(*server.door("bo.1", room), is_single=is_single):
            await ana.until(lambda: "bo.1" in ana.room.remote_participants)
        await ana.until(lambda: "bo.1" not in ana.room.remote_participants, within_s=LEFT_WITHIN_S)


async def test_the_same_identity_twice_replaces_the_first(
    server: MediaServer, room: str, is_single: bool
) -> None:
    """MEDIA-3: one identity is one connection: the newer one stays, the older one is told why."""
    async with Program(*server.door("ana.1", room), is_single=is_single) as older:
        async with Program(*server.door("ana.1", room), is_single=is_single) as newer:
            await older.until(lambda: older.did("disconnected"))
            await asyncio.sleep(0.3)
            assert newer.room.isconnected()
        reason = next(facts for name, facts in older.happened if name == "disconnected")[0]
        assert reason == rtc.DisconnectReason.DUPLICATE_IDENTITY


async def test_speakers_are_named(server: MediaServer, room: str, is_single: bool) -> None:
    """EVENT-3: who sounds is named as the active speaker to the others."""
    async with (
        Program(*server.door("ana.1", room), is_single=is_single) as ana,
        Program(*server.door("bo.1", room), is_single=is_single) as bo,
    ):
        await ana.publish_tone()

        def is_named() -> bool:
            return any(
                name == "active_speakers_changed"
                and [speaker.identity for speaker in facts[0]] == ["ana.1"]
                for name, facts in bo.happened
            )

        await bo.until(is_named)


@pytest.mark.parametrize("codec", ["VP8", "H264", "VP9", "AV1"])
async def test_each_codec_passes(server: MediaServer, room: str, codec: str) -> None:
    """MEDIA-1: every codec that is offered carries a picture."""
    async with (
        Program(*server.door("ana.1", room)) as ana,
        Program(*server.door("bo.1", room)) as bo,
    ):
        await ana.publish_colour(
            RED, video_codec=getattr(rtc.VideoCodec, codec), simulcast=codec in ("VP8", "H264")
        )
        await bo.sees("ana.1", RED)


async def test_the_server_api_lists_mutes_and_removes(server: MediaServer, room: str) -> None:
    """HOST-4: a program with the key lists who is there, mutes a track, removes a participant."""
    async with (
        Program(*server.door("ana.1", room)) as ana,
        Program(*server.door("bo.1", room)) as bo,
    ):
        publication = await ana.publish_tone()
        await bo.hears("ana.1")
        service = server.api()
        try:
            present = await service.room.list_participants(api.ListParticipantsRequest(room=room))
            assert {info.identity for info in present.participants} == {"ana.1", "bo.1"}
            rooms = await service.room.list_rooms(api.ListRoomsRequest(names=[room]))
            assert [found.name for found in rooms.rooms] == [room]
            muted = await service.room.mute_published_track(
                api.MuteRoomTrackRequest(
                    room=room, identity="ana.1", track_sid=publication.sid, muted=True
                )
            )
            assert muted.track.muted
            await bo.until(lambda: bo.did("track_muted"))
            await bo.until(lambda: max(bo.levels["ana.1"][-20:], default=0) < 0.001)
            await service.room.send_data(
                api.SendDataRequest(room=room, data=b"from the server", topic="news", kind=0)
            )
            await bo.until(lambda: any(p.data == b"from the server" for p in bo.packets))
            await service.room.update_room_metadata(
                api.UpdateRoomMetadataRequest(room=room, metadata="agenda")
            )
            await bo.until(lambda: bo.room.metadata == "agenda")
            await service.room.update_participant(
                api.UpdateParticipantRequest(
                    room=room, identity="ana.1", name="Ana", attributes={"seat": "7"}
                )
            )
            await bo.until(lambda: bo.remote("ana.1").name == "Ana")
            await bo.until(lambda: bo.remote("ana.1").attributes.get("seat") == "7")
            await service.room.remove_participant(
                api.RoomParticipantIdentity(room=room, identity="ana.1")
            )
            await bo.until(lambda: "ana.1" not in bo.room.remote_participants)
            await ana.until(lambda: ana.did("disconnected"))
            with pytest.raises(api.TwirpError) as missing:
                await service.room.get_participant(
                    api.RoomParticipantIdentity(room=room, identity="ana.1")
                )
            assert missing.value.code == "not_found"
            await service.room.delete_room(api.DeleteRoomRequest(room=room))
            await bo.until(lambda: bo.did("disconnected"))
        finally:
            await service.aclose()
