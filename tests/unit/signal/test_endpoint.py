"""The door for LiveKit's clients: who gets in, what is said first, what ends whom."""

from __future__ import annotations

import asyncio
import gzip
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from livekit.protocol import models, rtc
from tests.unit.frames import read_frames
from tests.unit.media.scripted import MEETING, QueueFull, Stage
from websockets.frames import Opcode

from moot.signal.endpoint import SignalEndpoint
from moot.signal.incoming import SDP_LIMIT
from moot.signal.outgoing import IceServer
from moot.wire import EXTENSION

SOON_S = 2


class Wire:
    """A client's end of the socket below ASGI: what was written, and how it ended."""

    def __init__(self, events: asyncio.Queue[dict[str, Any]], told: asyncio.Queue[Any]) -> None:
        self._events = events
        self._told = told
        self._reads = asyncio.Event()
        self._reads.set()
        self._on_drained: Any = None
        self.ended: tuple[int, str] | None = None

    @property
    def is_gone(self) -> bool:
        return self.ended is not None

    @property
    def is_stalled(self) -> bool:
        return not self._reads.is_set()

    def accept(self, frames: bytes) -> None:
        self._told.put_nowait({"type": "websocket.accept"})
        self.write(frames)

    def write(self, frames: bytes) -> None:
        if self.is_gone:
            return
        for frame in read_frames(frames):
            assert frame.opcode is Opcode.BINARY
            self._told.put_nowait({"type": "websocket.send", "bytes": frame.data})

    def when_drained(self, act: Any) -> None:
        self._on_drained = act

    async def drained(self) -> None:
        await self._reads.wait()

    def stall(self) -> None:
        """Stop reading."""
        self._reads.clear()

    def read_on(self) -> None:
        """Read again."""
        self._reads.set()
        act, self._on_drained = self._on_drained, None
        if act is not None:
            act()

    def end(self, code: int, reason: str) -> None:
        if self.is_gone:
            return
        self.ended = (code, reason)
        self._told.put_nowait({"type": "websocket.close", "code": code})
        self._events.put_nowait({"type": "websocket.disconnect", "code": code})
        self._reads.set()


class Client:
    """A client's end of one ASGI conversation."""

    def __init__(self, endpoint: SignalEndpoint, path: str, **scope: Any) -> None:
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.wire = Wire(self._to_app, self._from_app)
        self._to_app.put_nowait({"type": "websocket.connect"})
        path, _, query = path.partition("?")
        full = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": [],
            "extensions": {"websocket.http.response": {}, EXTENSION: self.wire},
            **scope,
        }
        self.task = asyncio.create_task(endpoint(full, self._to_app.get, self._put))

    async def _put(self, event: Any) -> None:
        self._from_app.put_nowait(event)

    async def next(self) -> dict[str, Any]:
        """The next ASGI event of the application."""
        async with asyncio.timeout(SOON_S):
            return await self._from_app.get()

    async def response(self, kind: str | None = None) -> rtc.SignalResponse:
        """The next signalling message, or the next of one kind."""
        while True:
            event = await self.next()
            assert event["type"] == "websocket.send", event
            message = rtc.SignalResponse.FromString(event["bytes"])
            if kind is None or message.WhichOneof("message") == kind:
                return message

    async def opened(self) -> rtc.SignalResponse:
        """The first message after the socket was accepted."""
        assert (await self.next())["type"] == "websocket.accept"
        return await self.response()

    def send(self, **message: Any) -> None:
        """Send a signalling request."""
        self.send_raw(rtc.SignalRequest(**message).SerializeToString())

    def send_raw(self, payload: bytes | None) -> None:
        """Send any frame; None sends a text frame."""
        frame = {"type": "websocket.receive", "bytes": payload, "text": None}
        if payload is None:
            frame["text"] = "hello"
        self._to_app.put_nowait(frame)

    async def hang_up(self) -> None:
        """Lose the socket without a word."""
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1006})
        async with asyncio.timeout(SOON_S):
            await self.task

    async def closed(self) -> None:
        """Wait until the application has closed the socket and let go."""
        while (await self.next())["type"] != "websocket.close":
            pass
        async with asyncio.timeout(SOON_S):
            await self.task


@pytest.fixture
def endpoint(stage: Stage) -> SignalEndpoint:
    return SignalEndpoint(stage.engine, [IceServer(urls=("turn:t",), username="u")])


def packed(**request: Any) -> str:
    wrapped = rtc.WrappedJoinRequest(
        compression=rtc.WrappedJoinRequest.Compression.GZIP,
        join_request=gzip.compress(rtc.JoinRequest(**request).SerializeToString()),
    )
    return urlsafe_b64encode(wrapped.SerializeToString()).decode().rstrip("=")


async def enter(stage: Stage, endpoint: SignalEndpoint, name: str) -> tuple[Client, str]:
    """Open a `/rtc` socket; answers the client and its sid."""
    client = Client(endpoint, f"/rtc?access_token={await stage.ticket(name)}")
    return client, (await client.opened()).join.participant.sid


async def test_the_older_dialect_is_let_in(stage: Stage, endpoint: SignalEndpoint) -> None:
    """MEDIA-2: `/rtc` answers `join` first: who is who, what holds, two transports."""
    client = Client(endpoint, f"/rtc?access_token={await stage.ticket('ana')}&auto_subscribe=1")
    join = (await client.opened()).join
    assert join.room.name == MEETING
    assert (join.participant.identity, join.participant.name) == ("ana.1", "Ana")
    assert join.subscriber_primary
    assert join.ping_interval < join.ping_timeout
    assert list(join.ice_servers[0].urls) == ["turn:t"]
    assert {codec.mime for codec in join.enabled_publish_codecs} >= {"video/VP8", "audio/opus"}
    await client.hang_up()
    assert stage.engine.hub.find(MEETING, "ana.1") is not None


async def test_the_newer_dialect_is_let_in_with_its_offer(
    stage: Stage, endpoint: SignalEndpoint
) -> None:
    """MEDIA-2: `/rtc/v1` takes the first offer and tracks along with the request."""
    request = packed(
        connection_settings={"auto_subscribe": True},
        add_track_requests=[{"cid": "mic", "type": "AUDIO", "source": "MICROPHONE"}],
        publisher_offer={"type": "offer", "sdp": "v=0", "id": 9},
        sync_state={"track_sids_disabled": ["TR_x"]},
    )
    headers = [(b"authorization", f"Bearer {await stage.ticket('ana')}".encode())]
    client = Client(endpoint, f"/rtc/v1?join_request={request}", headers=headers)
    join = (await client.opened()).join
    assert not join.subscriber_primary
    accepted = (await client.response("track_published")).track_published
    assert accepted.cid == "mic"
    assert accepted.track.source == models.TrackSource.MICROPHONE
    assert stage.core.commands("accept_offer") == [(join.participant.sid, "publisher", "v=0")]
    stage.happens(
        "Answer",
        connection=join.participant.sid,
        transport="publisher",
        request=9,
        sdp="v=1",
        mid_to_track={"0": accepted.track.sid},
    )
    answer = (await client.response("answer")).answer
    assert (answer.sdp, answer.id, answer.type) == ("v=1", 9, "answer")
    assert dict(answer.mid_to_track_id) == {"0": accepted.track.sid}
    await client.hang_up()


@pytest.mark.parametrize("speaks", [True, False])
async def test_no_answer_overtakes_an_early_offer(
    stage: Stage, endpoint: SignalEndpoint, monkeypatch: pytest.MonkeyPatch, speaks: bool
) -> None:
    """MEDIA-1: the SDK for Go sets the offer that it joins with only after it listens."""
    monkeypatch.setattr("moot.signal.endpoint.OFFER_HELD_S", 60 if speaks else 0.01)
    request = packed(
        client_info={"sdk": "GO"}, publisher_offer={"type": "offer", "sdp": "v=0", "id": 1}
    )
    ticket = await stage.ticket("ana")
    client = Client(endpoint, f"/rtc/v1?access_token={ticket}&join_request={request}")
    await client.opened()
    assert stage.core.commands("accept_offer") == []
    if speaks:
        client.send(ping_req={"timestamp": 1})
        await client.response("pong_resp")
    else:
        await asyncio.sleep(0.05)
    assert [sdp for *_, sdp in stage.core.commands("accept_offer")] == ["v=0"]
    await client.hang_up()
    assert len(stage.core.commands("accept_offer")) == 1


async def test_an_early_offer_goes_with_its_client(stage: Stage, endpoint: SignalEndpoint) -> None:
    """MEDIA-2: what was held back is not carried out for somebody who has gone."""
    request = packed(client_info={"sdk": "GO"}, publisher_offer={"type": "offer", "sdp": "v=0"})
    ticket = await stage.ticket("ana")
    client = Client(endpoint, f"/rtc/v1?access_token={ticket}&join_request={request}")
    await client.opened()
    await client.hang_up()
    await asyncio.sleep(0.1)
    assert stage.core.commands("accept_offer") == []
    assert endpoint.counts["signal_failed"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/rtc", 401),
        ("/rtc?access_token=x", 401),
        ("/rtc/v1?access_token={token}", 400),
        ("/rtc/v1?access_token={token}&join_request=%25", 400),
        ("/rtc?access_token={token}&reconnect=1", 400),
        ("/rtc/v2?access_token={token}", 404),
    ],
)
async def test_others_are_turned_away(
    stage: Stage, endpoint: SignalEndpoint, path: str, status: int
) -> None:
    """PERSON-2: without a good ticket and a readable request the socket never opens."""
    token = await stage.ticket("ana")
    client = Client(endpoint, path.format(token=token))
    assert (await client.next())["status"] == status
    assert not stage.engine.hub.connections
    answers = await ask(endpoint, path.format(token=token).replace("?", "/validate?", 1))
    assert answers[0]["status"] == status or "?" not in path


async def test_a_server_that_cannot_say_why_closes(stage: Stage, endpoint: SignalEndpoint) -> None:
    """Where ASGI has no way to answer with a status, the socket is closed before it opens."""
    client = Client(endpoint, "/rtc", extensions={})
    assert (await client.next())["type"] == "websocket.close"


async def ask(endpoint: SignalEndpoint, path: str, method: str = "GET") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def put(event: Any) -> None:
        sent.append(event)

    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [],
    }
    await endpoint(scope, asyncio.Queue[Any]().get, put)
    return sent


async def test_asking_beforehand_is_allowed_to_any_page(
    stage: Stage, endpoint: SignalEndpoint
) -> None:
    """MEDIA-2: `/validate` says what the socket would say, across origins."""
    token = await stage.ticket("ana")
    start, body = await ask(endpoint, f"/rtc/validate?access_token={token}")
    assert (start["status"], body["body"]) == (200, b"success")
    assert (b"access-control-allow-origin", b"*") in start["headers"]
    request = packed(connection_settings={})
    good = await ask(endpoint, f"/rtc/v1/validate?access_token={token}&join_request={request}")
    assert good[0]["status"] == 200
    assert (await ask(endpoint, "/rtc/v1/validate", "OPTIONS"))[0]["status"] == 204
    assert (await ask(endpoint, "/rtc"))[0]["status"] == 426
    assert (await ask(endpoint, "/rtc/validate", "POST"))[0]["status"] == 405
    assert not stage.engine.hub.connections


async def test_requests_are_carried_out_in_order(stage: Stage, endpoint: SignalEndpoint) -> None:
    """What a client asks reaches the engine; what is not served is refused or counted."""
    client, sid = await enter(stage, endpoint, "ana")
    candidate = json.dumps({"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host"})
    client.send(add_track={"cid": "cam", "type": "VIDEO", "source": "CAMERA"})
    track_id = (await client.response("track_published")).track_published.track.sid
    client.send(offer={"type": "offer", "sdp": "v=0", "id": 1})
    client.send(answer={"type": "answer", "sdp": "v=0", "id": 2})
    client.send(trickle={"candidateInit": candidate, "target": "SUBSCRIBER"})
    client.send(trickle={"final": True})
    client.send(mute={"sid": track_id, "muted": True})
    client.send(subscription={"track_sids": ["TR_a"], "subscribe": True})
    client.send(track_setting={"track_sids": ["TR_b"], "disabled": True})
    client.send(update_layers={"track_sid": track_id, "layers": [{"width": 4, "height": 2}]})
    client.send(update_video_track={"track_sid": track_id, "width": 8, "height": 6})
    client.send(update_audio_track={"track_sid": "TR_c"})
    client.send(subscription_permission={"all_participants": True})
    client.send(add_track={"cid": "cam2", "type": "VIDEO", "sid": track_id})
    client.send(simulate={"speaker_update": 1})
    client.send_raw(b"\xfa\x3f\x01x")
    client.send(publish_data_track_request={"pub_handle": 5})
    refusal = (await client.response("request_response")).request_response
    assert refusal.reason == rtc.RequestResponse.Reason.UNSUPPORTED_TYPE
    assert refusal.publish_data_track.pub_handle == 5
    client.send(unpublish_data_track_request={"pub_handle": 5})
    assert (await client.response("request_response")).request_response.HasField(
        "unpublish_data_track"
    )
    client.send(get_data_blob_request={"request_id": 8})
    assert (await client.response("request_response")).request_response.request_id == 8
    client.send(update_metadata={"name": "Root", "request_id": 9})
    denied = (await client.response("request_response")).request_response
    assert denied.reason == rtc.RequestResponse.Reason.NOT_ALLOWED
    client.send(ping_req={"timestamp": 4})
    assert (await client.response("pong_resp")).pong_resp.last_ping_timestamp == 4
    assert stage.core.commands("accept_offer") == [(sid, "publisher", "v=0")]
    assert stage.core.commands("accept_answer") == [(sid, "subscriber", "v=0")]
    assert [args[1:] for args in stage.core.commands("add_candidate")] == [
        ("subscriber", "candidate:1 1 udp 1 127.0.0.1 9 typ host"),
        ("publisher", ""),
    ]
    assert stage.core.commands("set_muted") == [(track_id, True)]
    publication = stage.engine.hub.connections[sid].publications[track_id]
    assert (publication.width, publication.height) == (8, 6)
    assert endpoint.counts["signal_unknown"] == 1
    assert endpoint.counts["signal_backup_codec"] == 1
    assert endpoint.counts["signal_scenario_unused"] == 1
    await client.hang_up()


async def test_trust_is_read_by_sid_and_by_identity(stage: Stage, endpoint: SignalEndpoint) -> None:
    """A publisher names those who may have its tracks by either of their names."""
    ana, sid = await enter(stage, endpoint, "ana")
    bo, bo_sid = await enter(stage, endpoint, "bo")
    ana.send(
        subscription_permission={
            "track_permissions": [
                {"participant_sid": bo_sid, "all_tracks": True},
                {"participant_identity": "cy.1", "track_sids": ["TR_x"]},
                {"participant_sid": "PA_none", "all_tracks": True},
            ]
        }
    )
    ana.send(ping_req={"timestamp": 1})
    await ana.response("pong_resp")
    assert stage.engine.hub.connections[sid].trusted == {
        "bo.1": None,
        "cy.1": frozenset({"TR_x"}),
    }
    await ana.hang_up()
    await bo.hang_up()


async def test_leaving_is_leaving(stage: Stage, endpoint: SignalEndpoint) -> None:
    """JOIN-7: a client that says it leaves is gone at once, and others are told."""
    ana, _ = await enter(stage, endpoint, "ana")
    bo, sid = await enter(stage, endpoint, "bo")
    bo.send(leave={"reason": "CLIENT_INITIATED"})
    await bo.closed()
    assert sid not in stage.engine.hub.connections
    while True:
        (info,) = (await ana.response("update")).update.participants
        if info.state == models.ParticipantInfo.State.DISCONNECTED:
            break
    assert info.disconnect_reason == models.DisconnectReason.CLIENT_INITIATED
    await ana.hang_up()


@pytest.mark.parametrize(
    "payload",
    [
        None,
        b"\xff\xff\xff",
        rtc.SignalRequest(offer={"type": "answer", "sdp": "v=0"}).SerializeToString(),
        rtc.SignalRequest(
            offer={"type": "offer", "sdp": "x" * (SDP_LIMIT + 1)}
        ).SerializeToString(),
        rtc.SignalRequest(answer={"type": "answer"}).SerializeToString(),
        rtc.SignalRequest(trickle={"candidateInit": "{"}).SerializeToString(),
        rtc.SignalRequest(trickle={"candidateInit": "[]"}).SerializeToString(),
        rtc.SignalRequest(trickle={"candidateInit": '{"candidate":5}'}).SerializeToString(),
        rtc.SignalRequest(trickle={"candidateInit": "[" * 900}).SerializeToString(),
        rtc.SignalRequest(trickle={"candidateInit": "x" * 2000}).SerializeToString(),
        rtc.SignalRequest(add_track={"type": "VIDEO"}).SerializeToString(),
        rtc.SignalRequest(add_track={"cid": "x", "type": "DATA"}).SerializeToString(),
    ],
)
async def test_garbage_ends_its_sender_and_nobody_else(
    stage: Stage, endpoint: SignalEndpoint, payload: bytes | None
) -> None:
    """ERR-1: a malformed message closes the socket that sent it; the others go on."""
    ana, _ = await enter(stage, endpoint, "ana")
    bad, sid = await enter(stage, endpoint, "bad")
    bad.send_raw(payload)
    leave = (await bad.response("leave")).leave
    assert leave.reason == models.DisconnectReason.STATE_MISMATCH
    assert leave.action == rtc.LeaveRequest.Action.DISCONNECT
    await bad.closed()
    assert sid not in stage.engine.hub.connections
    assert endpoint.counts["signal_malformed"] == 1
    ana.send(ping_req={"timestamp": 1})
    await ana.response("pong_resp")
    await ana.hang_up()


async def test_a_full_queue_sends_one_client_round_again(
    stage: Stage, endpoint: SignalEndpoint
) -> None:
    """ERR-1: where the core is overloaded a request fails alone, with leave to come back."""
    client, _ = await enter(stage, endpoint, "ana")
    stage.core.refuses = QueueFull()
    client.send(offer={"type": "offer", "sdp": "v=0", "id": 1})
    leave = (await client.response("leave")).leave
    assert leave.action == rtc.LeaveRequest.Action.RECONNECT
    stage.core.refuses = None
    await client.closed()


async def test_resume_tells_how_everything_is(stage: Stage, endpoint: SignalEndpoint) -> None:
    """JOIN-4: a client that lost its socket carries on, is told the state of all, hears on."""
    ana, sid = await enter(stage, endpoint, "ana")
    bo, _ = await enter(stage, endpoint, "bo")
    await ana.hang_up()
    token = await stage.ticket("ana")
    again = Client(endpoint, f"/rtc?access_token={token}&reconnect=1&sid={sid}")
    assert (await again.opened()).WhichOneof("message") == "reconnect"
    assert (await again.response()).WhichOneof("message") == "room_update"
    update = (await again.response()).update
    assert {info.identity for info in update.participants} == {"ana.1", "bo.1"}
    await stage.engine.remove(MEETING, "bo.1")
    assert (await again.response("update")).update.participants[0].identity == "bo.1"
    await bo.closed()
    await again.hang_up()


async def test_a_newer_socket_of_the_same_connection_takes_over(
    stage: Stage, endpoint: SignalEndpoint
) -> None:
    """JOIN-3: the older socket is closed, and its end changes nothing about the newer one."""
    older, sid = await enter(stage, endpoint, "ana")
    token = await stage.ticket("ana")
    newer = Client(endpoint, f"/rtc?access_token={token}&reconnect=1&sid={sid}")
    await newer.opened()
    await older.closed()
    assert stage.engine.hub.connections[sid].signal_lost_at is None
    await newer.hang_up()
    assert stage.engine.hub.connections[sid].signal_lost_at is not None


async def test_what_cannot_be_resumed_begins_anew(stage: Stage, endpoint: SignalEndpoint) -> None:
    """JOIN-4: where nothing is left to resume the client is told to connect afresh."""
    token = await stage.ticket("ana")
    client = Client(endpoint, f"/rtc?access_token={token}&reconnect=1&sid=PA_gone")
    leave = (await client.opened()).leave
    assert leave.action == rtc.LeaveRequest.Action.RECONNECT
    assert leave.reason == models.DisconnectReason.STATE_MISMATCH
    await client.closed()


async def test_a_reader_that_is_too_slow_is_cut_off_and_may_resume(
    stage: Stage, endpoint: SignalEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EVENT-5: a full outbox closes one socket; the connection waits for it to come back."""
    monkeypatch.setattr("moot.media.builtin.outbox.Outbox.__init__.__defaults__", (4,))
    client, sid = await enter(stage, endpoint, "ana")
    connection = stage.engine.hub.connections[sid]
    for _ in range(6):
        stage.engine.hub.announce(connection)
    await client.closed()
    assert connection.outbox.is_overrun
    assert connection.signal_lost_at is not None


async def test_a_flood_leaves_the_others_their_turn(stage: Stage, endpoint: SignalEndpoint) -> None:
    """EVENT-5: messages that wait already are not all taken in one turn of the loop."""
    client, _ = await enter(stage, endpoint, "ana")
    await asyncio.sleep(0)
    for _ in range(300):
        client.send_raw(b"\xfa\x3f\x01x")
    taken = []
    while endpoint.counts["signal_unknown"] < 300:
        await asyncio.sleep(0)
        taken.append(endpoint.counts["signal_unknown"])
    assert max(after - before for before, after in zip([0, *taken], taken, strict=False)) <= 16
    assert endpoint.counts["signal_slowed"] == 0
    await client.hang_up()


async def test_wishes_for_many_tracks_slow_their_sender(
    stage: Stage, endpoint: SignalEndpoint
) -> None:
    """EVENT-5: what a message sets in motion counts, not only that it came."""
    client, _ = await enter(stage, endpoint, "ana")
    for many in (2000, 2000, 2000, 2000, 400):
        client.send(track_setting={"track_sids": [f"TR_{number}" for number in range(many)]})
    async with asyncio.timeout(SOON_S):
        while not endpoint.counts["signal_slowed"]:
            await asyncio.sleep(0)
    await client.hang_up()


async def test_a_client_that_does_not_read_is_not_read_either(
    stage: Stage, endpoint: SignalEndpoint
) -> None:
    """EVENT-5: what it asks and what it is told wait for it, and come in order once it reads."""
    client, sid = await enter(stage, endpoint, "ana")
    client.wire.stall()
    stage.engine.hub.announce(stage.engine.hub.connections[sid])
    client.send(ping_req={"timestamp": 1})  # its read was under way
    assert (await client.response()).pong_resp.last_ping_timestamp == 1
    client.send(ping_req={"timestamp": 2})
    await asyncio.sleep(0.05)
    assert client._from_app.empty()
    client.wire.read_on()
    said = {(await client.response()).WhichOneof("message") for _ in range(2)}
    assert said == {"update", "pong_resp"}
    await client.hang_up()


async def test_a_client_that_does_not_read_does_not_keep_its_socket_from_a_newer_one(
    stage: Stage, endpoint: SignalEndpoint
) -> None:
    """JOIN-3: the older socket is closed even where its client has stopped reading."""
    older, sid = await enter(stage, endpoint, "ana")
    older.wire.stall()
    token = await stage.ticket("ana")
    newer = Client(endpoint, f"/rtc?access_token={token}&reconnect=1&sid={sid}")
    await newer.opened()
    await older.closed()
    await newer.hang_up()


async def test_a_notice_that_cannot_be_told_ends_one_socket(
    stage: Stage, endpoint: SignalEndpoint
) -> None:
    """ERR-1: a mistake of ours costs one client its socket, and nobody else anything."""
    ana, sid = await enter(stage, endpoint, "ana")
    bo, _ = await enter(stage, endpoint, "bo")
    broken: Any = object()
    stage.engine.hub.connections[sid].outbox.put(broken)
    await ana.closed()
    assert ana.wire.ended == (1011, "")
    assert endpoint.counts["signal_failed"] == 1
    bo.send(ping_req={"timestamp": 1})
    await bo.response("pong_resp")
    await bo.hang_up()


async def test_removal_reaches_the_client_with_its_reason(
    stage: Stage, endpoint: SignalEndpoint
) -> None:
    """JOIN-8: who is removed is told so, and its ticket opens nothing any more."""
    token = await stage.ticket("ana")
    client = Client(endpoint, f"/rtc?access_token={token}")
    await client.opened()
    await stage.engine.remove(MEETING, "ana.1")
    leave = (await client.response("leave")).leave
    assert leave.reason == models.DisconnectReason.PARTICIPANT_REMOVED
    assert leave.action == rtc.LeaveRequest.Action.DISCONNECT
    await client.closed()
    refused = Client(endpoint, f"/rtc?access_token={token}")
    assert (await refused.next())["status"] == 401


@pytest.mark.parametrize(
    ("scenario", "action"),
    [
        ("server_leave", rtc.LeaveRequest.Action.DISCONNECT),
        ("leave_request_full_reconnect", rtc.LeaveRequest.Action.RECONNECT),
        ("node_failure", rtc.LeaveRequest.Action.RECONNECT),
    ],
)
async def test_a_developer_can_try_an_end(
    stage: Stage, endpoint: SignalEndpoint, scenario: str, action: int
) -> None:
    """The SDK's scenarios end the connection that asks, and no other."""
    client, _ = await enter(stage, endpoint, "ana")
    client.send(simulate={scenario: True})
    assert (await client.response("leave")).leave.action == action
    await client.closed()


async def test_a_silent_socket_is_dropped_and_tickets_are_renewed(
    stage: Stage, endpoint: SignalEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JOIN-4: deadlines of a socket run while it says nothing."""
    monkeypatch.setattr("moot.signal.endpoint.TICK_S", 0.01)
    monkeypatch.setattr("moot.signal.protocol.RENEWAL_S", 0.05)
    monkeypatch.setattr("moot.signal.protocol.SILENCE_S", 0.3)
    client, sid = await enter(stage, endpoint, "ana")
    token = (await client.response("refresh_token")).refresh_token
    assert stage.engine.door.admit(token).identity == "ana.1"
    async with asyncio.timeout(SOON_S):
        await client.task
    assert stage.engine.hub.connections[sid].signal_lost_at is not None
    assert endpoint.counts["signal_silent"] == 1


async def test_a_closed_engine_says_so(stage: Stage, endpoint: SignalEndpoint) -> None:
    """ERR-1: while the engine is away the door says 503, and never breaks."""
    token = await stage.ticket("ana")
    await stage.engine.close()
    client = Client(endpoint, f"/rtc?access_token={token}")
    assert (await client.next())["status"] == 503


async def test_a_client_that_goes_before_it_is_let_in_is_a_lost_one(
    stage: Stage, endpoint: SignalEndpoint
) -> None:
    """JOIN-4: a socket that breaks while it is opened may be resumed like any other."""
    client = Client(endpoint, f"/rtc?access_token={await stage.ticket('ana')}")
    await client.hang_up()
    (connection,) = stage.engine.hub.connections.values()
    assert connection.signal_lost_at is not None


def test_only_its_own_paths() -> None:
    """The door knows its paths, so that the application can ask."""
    assert all(
        SignalEndpoint.serves(path)
        for path in ("/rtc", "/rtc/", "/rtc/v1", "/rtc/validate", "/rtc/v1/validate")
    )
    assert not any(SignalEndpoint.serves(path) for path in ("/", "/rtcx", "/api/rtc", "/validate"))
