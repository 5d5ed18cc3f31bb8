"""The adapter while LiveKit is away or answers strangely; with a real one: the contract suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from google.protobuf.message import Message
from livekit.protocol import models, room
from tests.livekit.server import free_ports
from tests.unit.media.scripted import KEY, MEETING, SECRET, Clock

from moot.media.event import EventsLost, MeetingClosed, TransportConnected
from moot.media.grant import GrantRequest
from moot.media.ledger import REMEMBERED_S
from moot.media.livekit import LiveKitMediaEngine
from moot.media.livekit_room import GRANTED_AT, allowed_sources
from moot.media.port import MediaEngine, MediaUnavailable
from moot.media.source import Source
from moot.media.tokens import TokenSigner

WITHIN_S = 5


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
async def engine(port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveKitMediaEngine]:
    """An adapter whose LiveKit is not there yet."""
    monkeypatch.setattr("moot.media.livekit.ASK_INTERVAL_S", 0.05)
    made = LiveKitMediaEngine(f"ws://127.0.0.1:{port}", KEY, SECRET)
    await made.start()
    yield made
    await made.close()


def wish() -> GrantRequest:
    return GrantRequest(
        meeting_key=MEETING, participant_id="ana", connection_id="1", name="Ana", url="ws://moot"
    )


async def answer(
    port: int, status: int, present: list[str], refused: str = "/none"
) -> web.AppRunner:
    """Be a LiveKit that answers every call in one way, but for those it refuses."""

    async def call(request: web.Request) -> web.Response:
        if status != 200 or request.path.endswith(refused):
            return web.json_response({"code": "unauthenticated", "msg": ""}, status=401)
        if request.path.endswith("/ListRooms"):
            return protobuf(room.ListRoomsResponse())
        infos = [
            models.ParticipantInfo(
                identity=name,
                sid="PA_1",
                state="ACTIVE",  # type: ignore[arg-type]
                permission=models.ParticipantPermission(can_publish=True),
            )
            for name in present
        ]
        return protobuf(room.ListParticipantsResponse(participants=infos))

    return await serve(port, call)


async def hold(port: int, present: dict[str, list[str]]) -> web.AppRunner:
    """Be a LiveKit that has these rooms with these people in them."""

    async def call(request: web.Request) -> web.Response:
        if request.path.endswith("/ListRooms"):
            return protobuf(room.ListRoomsResponse(rooms=[models.Room(name=n) for n in present]))
        asked = room.ListParticipantsRequest.FromString(await request.read())
        infos = [
            models.ParticipantInfo(
                identity=name,
                sid=f"PA_{name}",
                state="ACTIVE",  # type: ignore[arg-type]
            )
            for name in present.get(asked.room, [])
        ]
        return protobuf(room.ListParticipantsResponse(participants=infos))

    return await serve(port, call)


def protobuf(message: Message) -> web.Response:
    return web.Response(body=message.SerializeToString(), content_type="application/protobuf")


async def serve(port: int, call: Callable[[web.Request], Awaitable[web.Response]]) -> web.AppRunner:
    """Be a LiveKit that answers its calls like this."""
    app = web.Application()
    app.router.add_post("/twirp/{path:.*}", call)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


async def test_tickets_are_made_while_livekit_is_away(engine: LiveKitMediaEngine) -> None:
    """MEDIA-2: a ticket needs no call and leads to LiveKit's address; orders say what is wrong."""
    media: MediaEngine = engine
    ticket = await media.grant(wish())
    assert ticket.url.startswith("ws://127.0.0.1")
    status = await media.status()
    assert (status.name, status.is_ready) == ("livekit", False)
    with pytest.raises(MediaUnavailable):
        await media.remove(MEETING, "ana.1")
    with pytest.raises(MediaUnavailable):
        await media.end(MEETING)


async def test_a_ticket_says_exactly_when_it_was_made(port: int) -> None:
    """EVENT-4: what is said a moment later is newer than the ticket, however short the moment."""
    granted_at = 1_795_821_660.0007
    engine = LiveKitMediaEngine(f"ws://127.0.0.1:{port}", KEY, SECRET, clock=lambda: granted_at)
    await engine.start()
    ticket = await engine.grant(wish())
    claims = TokenSigner(KEY, SECRET).read(ticket.token, granted_at)
    assert float(claims.attributes[GRANTED_AT]) == granted_at
    await engine.close()


async def test_a_livekit_that_comes_back_is_asked_anew(
    engine: LiveKitMediaEngine, port: int
) -> None:
    """JOIN-10: after an outage control is told that it missed something, and what is there now."""
    events = engine.events()
    await engine.grant(wish())
    while engine._is_reachable:
        await asyncio.sleep(0.01)
    runner = await answer(port, 200, ["ana.1"])
    async with asyncio.timeout(WITHIN_S):
        assert await anext(events) == TransportConnected(meeting_key=MEETING, identity="ana.1")
        assert await anext(events) == EventsLost()
    assert (await engine.status()).is_ready
    await runner.cleanup()


async def test_an_order_that_is_lost_is_made_good(engine: LiveKitMediaEngine, port: int) -> None:
    """EVENT-4: after one order that failed control is told to compare, whatever else succeeds."""
    runner = await answer(port, 200, ["ana.1"], refused="/GetParticipant")
    events = engine.events()
    await engine.grant(wish())
    async with asyncio.timeout(WITHIN_S):
        assert await anext(events) == TransportConnected(meeting_key=MEETING, identity="ana.1")
        with pytest.raises(MediaUnavailable):
            await engine.set_sources(MEETING, "ana.1", frozenset())
        assert await anext(events) == EventsLost()
    await runner.cleanup()


async def test_a_quiet_room_is_asked_about_while_another_is_busy(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MEDIA-2: a lost webhook is made good, and what nobody needs forgotten, at busy hours."""
    monkeypatch.setattr("moot.media.livekit.ASK_INTERVAL_S", 0.2)
    clock = Clock()
    engine = LiveKitMediaEngine(f"ws://127.0.0.1:{port}", KEY, SECRET, clock)
    present = {MEETING: ["ana.1"]}

    async def be_busy() -> None:
        while True:
            await engine.roster("BUSY.1")
            engine._ask("BUSY.1")
            await asyncio.sleep(0.01)

    runner = await hold(port, present)
    await engine.start()
    events = engine.events()
    busy = asyncio.create_task(be_busy())
    await asyncio.sleep(0.1)
    await engine.grant(wish())
    await engine.roster(MEETING)
    del present[MEETING]
    clock.now += REMEMBERED_S + 1
    async with asyncio.timeout(WITHIN_S):
        while await anext(events) != MeetingClosed(meeting_key=MEETING):
            pass
        while engine._granted or engine._ledger.latest(MEETING, "ana.1") is not None:
            await asyncio.sleep(0.01)
    busy.cancel()
    await asyncio.gather(busy, return_exceptions=True)
    await engine.close()
    await runner.cleanup()


@pytest.mark.parametrize("order", ["GetParticipant", "UpdateParticipant"])
async def test_an_order_that_is_not_taken_is_given_again(
    engine: LiveKitMediaEngine, port: int, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """EVENT-4: LiveKit lists a participant before it takes orders about it; a mute holds still."""
    monkeypatch.setattr("moot.media.livekit.ASK_AGAIN_S", 0.05)
    ana = models.ParticipantInfo(
        identity="ana.1",
        sid="PA_1",
        state="ACTIVE",  # type: ignore[arg-type]
        permission=models.ParticipantPermission(can_publish=True),
    )
    not_taken = [2]

    async def call(request: web.Request) -> web.Response:
        kind = request.path.rsplit("/", 1)[1]
        if kind == "ListRooms":
            return protobuf(room.ListRoomsResponse())
        if kind == order and not_taken[0]:
            not_taken[0] -= 1
            return web.json_response({"code": "not_found", "msg": ""}, status=404)
        if kind == "UpdateParticipant":
            asked = room.UpdateParticipantRequest.FromString(await request.read())
            ana.permission.CopyFrom(asked.permission)
        if kind == "ListParticipants":
            return protobuf(room.ListParticipantsResponse(participants=[ana]))
        return protobuf(ana)

    runner = await serve(port, call)
    await engine.set_sources(MEETING, "ana.1", frozenset({Source.CAMERA}))
    async with asyncio.timeout(WITHIN_S):
        while allowed_sources(ana.permission) != {Source.CAMERA}:
            await asyncio.sleep(0.01)
    assert not_taken == [0]
    await runner.cleanup()


async def test_rooms_from_before_the_start_are_found(engine: LiveKitMediaEngine, port: int) -> None:
    """JOIN-10: who LiveKit still has when moot begins anew is told of, without any webhook."""
    events = engine.events()
    runner = await hold(port, {MEETING: ["ana.1"], "a room of somebody else's": ["x"]})
    async with asyncio.timeout(WITHIN_S):
        assert await anext(events) == TransportConnected(meeting_key=MEETING, identity="ana.1")
    assert engine._rooms.keys() == {MEETING}
    await runner.cleanup()


async def test_a_wrong_secret_is_said(engine: LiveKitMediaEngine, port: int) -> None:
    """ERR-1: a LiveKit that refuses our key is unavailable, with its reason."""
    runner = await answer(port, 401, [])
    status = await engine.status()
    assert "unauthenticated" in status.sentence
    await runner.cleanup()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("ws://host:1", "ws://host:1"),
        ("wss://host/", "wss://host"),
        ("http://host:1", "ws://host:1"),
        ("https://host", "wss://host"),
    ],
)
async def test_browsers_get_a_websocket_address(given: str, told: str) -> None:
    """MEDIA-2: whichever way the address is written, a client's SDK can take it."""
    engine = LiveKitMediaEngine(given, KEY, SECRET)
    await engine.start()
    assert (await engine.grant(wish())).url == told
    await engine.close()
