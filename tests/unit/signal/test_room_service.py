"""LiveKit's server API: who may call it, what it takes, what it does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from google.protobuf.message import Message
from livekit.protocol import models, room
from tests.unit.media.builtin.test_signalling import MICROPHONE, join, publish, told
from tests.unit.media.scripted import MEETING, Stage

from moot.media.builtin.door import Joined
from moot.media.builtin.notice import Closed, Closing, MeetingChanged, MuteChanged
from moot.media.source import Source
from moot.media.tokens import Claims
from moot.signal.asgi import Scope
from moot.signal.room_service import BODY_LIMIT, PREFIX, RoomService


class Caller:
    """A program that calls the API with one token."""

    def __init__(self, stage: Stage, **rights: Any) -> None:
        claims = Claims(
            identity="program",
            name="",
            meeting_key=rights.pop("meeting_key", MEETING),
            granted_at=stage.clock.now,
            expires_at=stage.clock.now + 60,
        )
        payload = stage.signer.sign_claims(claims, "").token
        self._service = RoomService(stage.engine, stage.clock)
        self._stage = stage
        self.token = payload if not rights else self._with(rights)

    def _with(self, rights: dict[str, Any]) -> str:
        import jwt
        from tests.unit.media.scripted import KEY, SECRET

        video = {"room": MEETING, **rights}
        payload = {"iss": KEY, "exp": self._stage.clock.now + 60, "video": video}
        return jwt.encode(payload, SECRET, algorithm="HS256")

    async def raw(
        self, path: str, body: bytes, content_type: str, method: str = "POST"
    ) -> tuple[int, bytes]:
        """Call anything; answers status and body."""
        sent: list[Any] = []

        async def put(event: Any) -> None:
            sent.append(event)

        queue: asyncio.Queue[Any] = asyncio.Queue()
        half = len(body) // 2
        queue.put_nowait({"type": "http.request", "body": body[:half], "more_body": True})
        queue.put_nowait({"type": "http.request", "body": body[half:]})
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [
                (b"authorization", f"Bearer {self.token}".encode()),
                (b"content-type", content_type.encode()),
            ],
        }
        await self._service(scope, queue.get, put)
        return sent[0]["status"], sent[1]["body"]

    async def call(self, name: str, request: Message) -> tuple[int, bytes]:
        """Call a procedure with protobuf."""
        return await self.raw(PREFIX + name, request.SerializeToString(), "application/protobuf")

    async def fails(self, name: str, request: Message) -> str:
        """Call a procedure that fails; answers the code."""
        status, body = await self.call(name, request)
        assert 400 <= status < 500
        return str(json.loads(body)["code"])


def who(joined: Joined) -> room.RoomParticipantIdentity:
    return room.RoomParticipantIdentity(room=MEETING, identity=joined.connection.identity)


@pytest.fixture
def admin(stage: Stage) -> Caller:
    return Caller(stage, roomAdmin=True, roomCreate=True, roomList=True)


async def test_participants_are_listed_and_found(stage: Stage, admin: Caller) -> None:
    """MEDIA-2: a program reads who is there, in protobuf and in JSON."""
    ana = await join(stage, "ana")
    status, body = await admin.call("ListParticipants", room.ListParticipantsRequest(room=MEETING))
    assert status == 200
    listed = room.ListParticipantsResponse.FromString(body)
    assert [info.identity for info in listed.participants] == ["ana.1"]
    status, body = await admin.raw(
        f"{PREFIX}GetParticipant",
        json.dumps({"room": MEETING, "identity": "ana.1", "new": 1}).encode(),
        "application/json; charset=utf-8",
    )
    assert (status, json.loads(body)["sid"]) == (200, ana.connection.sid)
    assert await admin.fails("GetParticipant", room.RoomParticipantIdentity(room=MEETING)) == (
        "not_found"
    )
    _, body = await admin.call("ListParticipants", room.ListParticipantsRequest(room=MEETING))


async def test_removing_is_for_good(stage: Stage, admin: Caller) -> None:
    """JOIN-8: a participant removed by a program is told, and its ticket is dead."""
    ana = await join(stage, "ana")
    status, _ = await admin.call("RemoveParticipant", who(ana))
    assert status == 200
    assert told(ana.connection, Closed) == [Closed(why=Closing.REMOVED, may_return=False)]
    assert await admin.fails("RemoveParticipant", who(ana)) == "not_found"


async def test_muting_is_for_others_unmuting_for_oneself(stage: Stage, admin: Caller) -> None:
    """HOST-4: a program mutes a track, and cannot unmute it."""
    ana = await join(stage, "ana")
    track_id = publish(stage, ana, MICROPHONE)
    request = room.MuteRoomTrackRequest(
        room=MEETING, identity="ana.1", track_sid=track_id, muted=True
    )
    status, body = await admin.call("MutePublishedTrack", request)
    assert (status, room.MuteRoomTrackResponse.FromString(body).track.muted) == (200, True)
    assert stage.core.commands("set_muted") == [(track_id, True)]
    assert told(ana.connection, MuteChanged) == [MuteChanged(track_id=track_id, is_muted=True)]
    request.muted = False
    assert await admin.fails("MutePublishedTrack", request) == "failed_precondition"
    request.muted, request.track_sid = True, "TR_none"
    assert await admin.fails("MutePublishedTrack", request) == "not_found"


async def test_participants_are_updated(stage: Stage, admin: Caller) -> None:
    """HOST-4: name, attributes and permission change; what is too large does not."""
    ana = await join(stage, "ana")
    publish(stage, ana, MICROPHONE)
    request = room.UpdateParticipantRequest(
        room=MEETING,
        identity="ana.1",
        name="Anna",
        attributes={"seat": "7"},
        permission=models.ParticipantPermission(
            can_subscribe=True, can_publish_sources=[models.TrackSource.CAMERA]
        ),
    )
    status, body = await admin.call("UpdateParticipant", request)
    info = models.ParticipantInfo.FromString(body)
    assert (status, info.name, info.attributes["seat"]) == (200, "Anna", "7")
    assert info.tracks[0].muted
    assert ana.connection.forwarded == {Source.CAMERA}
    large = room.UpdateParticipantRequest(room=MEETING, identity="ana.1", metadata="x" * 70_000)
    assert await admin.fails("UpdateParticipant", large) == "invalid_argument"


async def test_rooms_are_created_listed_described_and_deleted(stage: Stage, admin: Caller) -> None:
    """MEET-7: a meeting's room comes and goes by a program's word, with everyone in it."""
    request = room.CreateRoomRequest(
        name=MEETING, empty_timeout=60, max_participants=5, metadata="agenda"
    )
    for _ in range(2):
        status, body = await admin.call("CreateRoom", request)
        made = models.Room.FromString(body)
        assert (status, made.name, made.metadata, made.max_participants) == (
            200, MEETING, "agenda", 5,
        )  # fmt: skip
    ana = await join(stage, "ana")
    for names, expected in (([], [MEETING]), ([MEETING], [MEETING]), (["X.1"], [])):
        _, body = await admin.call("ListRooms", room.ListRoomsRequest(names=names))
        found = room.ListRoomsResponse.FromString(body).rooms
        assert [one.name for one in found] == expected
    await admin.call(
        "UpdateRoomMetadata", room.UpdateRoomMetadataRequest(room=MEETING, metadata="other")
    )
    assert told(ana.connection, MeetingChanged)[-1].view.metadata == "other"
    status, _ = await admin.call("DeleteRoom", room.DeleteRoomRequest(room=MEETING))
    assert status == 200
    assert told(ana.connection, Closed) == [Closed(why=Closing.ENDED, may_return=False)]
    assert await admin.fails("DeleteRoom", room.DeleteRoomRequest(room=MEETING)) == "not_found"
    for bad in ("", "x" * 129):
        assert await admin.fails("CreateRoom", room.CreateRoomRequest(name=bad)) == (
            "invalid_argument"
        )
    long = room.CreateRoomRequest(name="X.1", metadata="x" * 70_000)
    assert await admin.fails("CreateRoom", long) == "invalid_argument"


async def test_empty_rooms_are_bounded(
    stage: Stage, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ERR-1: a program cannot open rooms without bound, and those that are there stay usable."""
    monkeypatch.setattr("moot.signal.room_service.ROOMS_LIMIT", 1)
    assert (await admin.call("CreateRoom", room.CreateRoomRequest(name="A.1")))[0] == 200
    assert (await admin.call("CreateRoom", room.CreateRoomRequest(name="A.1")))[0] == 200
    refused = await admin.fails("CreateRoom", room.CreateRoomRequest(name="B.1"))
    assert refused == "resource_exhausted"


async def test_data_and_subscriptions_are_ordered(stage: Stage, admin: Caller) -> None:
    """MEDIA-2: a program sends data to all or some, and subscribes a participant."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo", wants_everything=False)
    track_id = publish(stage, ana, MICROPHONE)
    request = room.SendDataRequest(
        room=MEETING, data=b"x", kind=models.DataPacket.Kind.LOSSY, topic="t"
    )
    await admin.call("SendData", request)
    request.destination_sids.append(bo.connection.sid)
    request.destination_sids.append("PA_none")
    await admin.call("SendData", request)
    (_, first), (_, second) = [
        (args, named) for name, args, named in stage.core.told if name == "send_data"
    ]
    assert first["to"] is None
    assert second["to"] == [bo.connection.sid]
    (key, kind, payload) = stage.core.commands("send_data")[0]
    packet = models.DataPacket.FromString(payload)
    assert (key, kind, packet.user.payload, packet.user.topic) == (MEETING, "lossy", b"x", "t")
    request.data = b"x" * 70_000
    assert await admin.fails("SendData", request) == "invalid_argument"
    subscribe = room.UpdateSubscriptionsRequest(
        room=MEETING,
        identity="bo.1",
        subscribe=True,
        participant_tracks=[{"participant_sid": "PA", "track_sids": [track_id]}],
    )
    assert (await admin.call("UpdateSubscriptions", subscribe))[0] == 200
    assert stage.core.commands("subscribe") == [(bo.connection.sid, [track_id])]


async def test_rights_are_asked_for(stage: Stage) -> None:
    """PERSON-2: a joiner's ticket administers nothing; rights on one meeting are for that one."""
    await join(stage, "ana")
    joiner = Caller(stage)
    assert await joiner.fails("ListRooms", room.ListRoomsRequest()) == "permission_denied"
    assert await joiner.fails("DeleteRoom", room.DeleteRoomRequest(room=MEETING)) == (
        "permission_denied"
    )
    listing = room.ListParticipantsRequest(room=MEETING)
    assert await joiner.fails("ListParticipants", listing) == "permission_denied"
    other = Caller(stage, room="OTHER.1", roomAdmin=True)
    assert await other.fails("ListParticipants", listing) == "permission_denied"
    nobody = Caller(stage)
    nobody.token = "x"
    assert await nobody.fails("ListRooms", room.ListRoomsRequest()) == "unauthenticated"


@pytest.mark.parametrize(
    ("path", "body", "content_type", "method", "status"),
    [
        (f"{PREFIX}Explode", b"", "application/json", "POST", 404),
        (f"{PREFIX}ListRooms", b"", "application/json", "GET", 404),
        (f"{PREFIX}ListRooms", b"", "text/plain", "POST", 400),
        (f"{PREFIX}ListRooms", b"{", "application/json", "POST", 400),
        (f"{PREFIX}ListRooms", b"\xff", "application/json", "POST", 400),
        (f"{PREFIX}ListRooms", b"\xff\xff", "application/protobuf", "POST", 400),
        (f"{PREFIX}ListRooms", b'{"names":5}', "application/json", "POST", 400),
        (f"{PREFIX}ListRooms", b"[" * 5000, "application/json", "POST", 400),
        (f"{PREFIX}ListRooms", b"x" * (BODY_LIMIT + 1), "application/json", "POST", 429),
        (f"{PREFIX}ListRooms", b"", "application/json", "OPTIONS", 204),
        (f"{PREFIX}ListRooms", b"", "application/json", "POST", 200),
    ],
)
async def test_strange_requests_get_an_answer(
    admin: Caller, path: str, body: bytes, content_type: str, method: str, status: int
) -> None:
    """ERR-1: nothing that comes in is answered with a 5xx."""
    assert RoomService.serves(path)
    assert (await admin.raw(path, body, content_type, method))[0] == status


async def test_a_closed_engine_is_unavailable(stage: Stage, admin: Caller) -> None:
    """ERR-1: while the engine is away the API says so."""
    await stage.engine.close()
    status, body = await admin.call("ListRooms", room.ListRoomsRequest())
    assert (status, json.loads(body)["code"]) == (503, "unavailable")
