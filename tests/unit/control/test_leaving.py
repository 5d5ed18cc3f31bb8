"""Leaving is explicit, idempotent and at once; one tab of several leaves alone (JOIN-7, JOIN-3)."""

from uuid import uuid4

import pytest
from tests.unit.control.test_joining import refused
from tests.unit.control.world import MEETING, World

from moot.control import joining, leaving
from moot.control.intents import Intents, change
from moot.media.fake import TicketRefused
from moot.media.grant import GrantRequest, MediaTicket
from moot.model.ids import ConnectionId


async def test_leaving_is_at_once_and_idempotent(world: World) -> None:
    """JOIN-7: leaving is one event and ends every stream; leaving again changes nothing."""
    await world.create()
    ana, joined, page = await world.come("ana")
    _, _, other = await world.come("bo")
    world.connect(joined)
    gone = await leaving.leave(world.control, ana, MEETING)
    assert (gone.status, gone.connections) == ("disconnected", 0)
    again = await leaving.leave(world.control, ana, MEETING)
    assert again == gone
    await page.read()
    await other.read()
    assert page.watcher.ending == "left"
    assert other.kinds.count("participant.left") == 1
    assert other.participants[joined.participant.id]["status"] == "disconnected"
    assert (await world.media.roster(joined.media.room)).entries == ()


async def test_the_ticket_of_who_has_left_meanwhile(world: World) -> None:
    """JOIN-7: who leaves while their ticket is being made gets one that opens nothing."""
    await world.create()
    joined = await world.join(world.person("ana"))
    granting = world.control.orders.grant

    async def late(request: GrantRequest, *, event_seq: int) -> MediaTicket:
        await leaving.leave(world.control, world.person("ana"), MEETING)
        world.clock.pass_s(1)
        return await granting(request, event_seq=event_seq)

    ana = world.sitting("ana", joined)
    world.control.orders.grant = late  # type: ignore[method-assign]
    media = await joining.renew_media(world.control, ana, MEETING, media_url="ws://x")
    with pytest.raises(TicketRefused):
        world.media.connect(MediaTicket(media.url, media.token, 0.0))


async def test_leaving_without_ever_coming(world: World) -> None:
    """JOIN-7: who was never there cannot leave."""
    await world.create()
    problem = await refused(leaving.leave(world.control, world.person("ana"), MEETING))
    assert problem.kind.id == "participant_not_found"


async def test_one_tab_of_two_leaves(world: World) -> None:
    """JOIN-7: closing one of two connections is no leave; the other goes on."""
    await world.create()
    _, first, first_page = await world.come("ana", audio=True)
    ana, second, second_page = await world.come("ana")
    view = await leaving.leave(world.control, ana, MEETING, connection_id=first.connection.id)
    assert (view.status, view.connections) == ("connected", 1)
    assert (view.audio, view.microphone_connection) == (False, None)
    await world.settle()
    await first_page.read()
    assert first_page.watcher.ending == "connection_closed"
    assert second_page.watcher.ending is None
    assert "participant.left" not in await world.kinds()
    view = await leaving.leave(world.control, ana, MEETING, connection_id=second.connection.id)
    assert view.status == "disconnected"


async def test_late_leave_of_an_older_fence(world: World) -> None:
    """JOIN-3: the late goodbye of an older join of the same connection changes nothing."""
    await world.create()
    old, joined, _ = await world.come("ana")
    await world.join(world.person("ana"), connection_id=joined.connection.id)
    view = await leaving.leave(world.control, old, MEETING, connection_id=joined.connection.id)
    assert (view.status, view.connections) == ("connected", 1)


async def test_goodbye_of_an_unknown_connection(world: World) -> None:
    """JOIN-7: a goodbye for a connection that is gone, or somebody else's, changes nothing."""
    await world.create()
    ana, _, _ = await world.come("ana")
    _, bo, _ = await world.come("bo")
    for other in (bo.connection.id, ConnectionId(str(uuid4()))):
        view = await leaving.leave(world.control, ana, MEETING, connection_id=other)
        assert view.status == "connected"
    assert (await world.row("bo")).status == "connected"


async def test_leaving_lowers_the_hand_and_keeps_the_devices(world: World) -> None:
    """JOIN-5: who left and comes back finds their devices as they were, and the hand down."""
    await world.create()
    ana, _, _ = await world.come("ana", audio=True, video=True)
    await change(world.control, ana, MEETING, Intents(hand=True, screen=True))
    gone = await leaving.leave(world.control, ana, MEETING)
    assert (gone.hand_at, gone.screen) == (None, False)
    back = await world.join(world.person("ana"))
    assert (back.participant.audio, back.participant.video) == (True, True)


async def test_nobody_comes_back_unmuted(world: World) -> None:
    """EVENT-4: who was muted when leaving is muted when coming back."""
    await world.create()
    ana, _, _ = await world.come("ana", audio=True)
    await change(world.control, ana, MEETING, Intents(audio=False))
    await leaving.leave(world.control, ana, MEETING)
    back = await world.join(world.person("ana"))
    assert not back.participant.audio
    world.connect(back)
    assert "microphone" not in await world.forwarded(back)


async def test_remaining_lost_tab_shows_reconnecting(world: World) -> None:
    """JOIN-4: when the last live tab leaves and a lost one lingers, the person is reconnecting."""
    await world.create()
    _, _, page = await world.come("ana")
    ana, second, _ = await world.come("ana")
    world.watching.unwatch(page.watcher)
    await world.pass_s(2)
    view = await leaving.leave(world.control, ana, MEETING, connection_id=second.connection.id)
    assert view.status == "reconnecting"
    seat = await joining.seat(world.control, world.person("ana"), MEETING)
    assert [each.state for each in seat.connections] == ["lost"]
