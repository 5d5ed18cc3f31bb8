"""One process carries a meeting's media, and another one when that is gone (MEDIA-3)."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from tests.unit.control.world import MEETING, World

from moot.control import ending
from moot.control.intents import Intents, change
from moot.control.joining import Joined
from moot.control.media_events import MediaEvents
from moot.control.media_lease import media_address, release
from moot.errors import Problem
from moot.media.event import MeetingClosed, TransportConnected
from moot.media.roster import Roster
from moot.model.ids import MeetingUid, ProcessId
from moot.model.meeting import Event, Process

ONE, TWO = ProcessId("one"), ProcessId("two")


async def carry(world: World, process_id: ProcessId, *, is_draining: bool = False) -> None:
    """Announce a process that carries media."""
    process = Process(process_id, 1, 1, f"ws://{process_id}", is_draining)
    await world.store.write(lambda tx: tx.upsert_process(process))


async def uid_of(world: World) -> MeetingUid:
    """Find the meeting's row."""
    meeting = await world.store.read(lambda tx: tx.find_meeting(MEETING))
    assert meeting is not None
    return meeting.uid


async def test_every_process_hands_out_the_holder_s_address(world: World) -> None:
    """MEDIA-3: who holds the lease keeps it, until it stops or dies; then the next one has it."""
    await world.create()
    uid = await uid_of(world)
    with pytest.raises(Problem):
        await media_address(world.control, uid)
    await carry(world, ONE)
    assert await media_address(world.control, uid) == "ws://one"
    await carry(world, TWO)
    assert await media_address(world.control, uid) == "ws://one"
    await carry(world, ONE, is_draining=True)
    assert await media_address(world.control, uid) == "ws://two"
    await carry(world, ONE)
    await world.store.write(lambda tx: tx.delete_process(TWO))
    assert await media_address(world.control, uid) == "ws://one"
    lease = await world.store.read(lambda tx: tx.find_media_lease(uid))
    assert lease is not None
    assert (lease.process_id, lease.epoch) == (ONE, 3)


async def test_an_empty_meeting_is_given_to_the_least_loaded(world: World) -> None:
    """MEDIA-3: once nobody is in a meeting its media is free, and only its holder may free it."""
    await world.create()
    uid = await uid_of(world)
    await carry(world, ONE)
    await media_address(world.control, uid)
    await world.come("ana")
    await carry(world, TWO)
    await release(world.control, uid, TWO)
    assert await media_address(world.control, uid) == "ws://one"
    other = await world.store.read(lambda tx: tx.find_meeting(MEETING))
    assert other is not None
    second = replace(other, uid=MeetingUid("second"), id="SECOND")
    await world.store.write(lambda tx: tx.insert_meeting(second))
    assert await media_address(world.control, second.uid) == "ws://two"
    await release(world.control, uid, ONE)
    await world.store.write(lambda tx: tx.delete_process(ONE))
    assert await media_address(world.control, uid) == "ws://two"


async def test_who_connects_to_another_than_the_holder_is_sent_away(world: World) -> None:
    """MEDIA-3: a process that lost the lease, or was paused meanwhile, carries nobody on."""
    await world.create()
    _, joined, _ = await world.come("ana", audio=True)
    world.connect(joined)
    await carry(world, ONE)
    await media_address(world.control, await uid_of(world))
    shared = replace(world.control.config, media_url="ws://one")
    object.__setattr__(world.control, "config", shared)
    connected = TransportConnected(meeting_key=joined.media.room, identity=joined.media.identity)
    events = MediaEvents(world.control, lambda: ONE)
    await events.handle(connected)
    await events.look()
    assert await world.forwarded(joined) == {"microphone"}
    await world.store.write(lambda tx: tx.delete_process(ONE))
    await carry(world, TWO)
    assert await media_address(world.control, await uid_of(world)) == "ws://two"
    await events.look()
    assert (await world.media.roster(joined.media.room)).entries == ()


async def here(world: World) -> MediaEvents:
    """Be process one, which carries media, in a meeting that was just made."""
    await world.create()
    await carry(world, ONE)
    shared = replace(world.control.config, media_url="ws://one")
    object.__setattr__(world.control, "config", shared)
    return MediaEvents(world.control, lambda: ONE)


async def arrive(world: World, events: MediaEvents, joined: Joined) -> None:
    """Connect with a ticket, and let it be heard."""
    world.connect(joined)
    key, identity = joined.media.room, joined.media.identity
    await events.handle(TransportConnected(meeting_key=key, identity=identity))
    await events.look()


async def test_the_late_end_of_a_run_gives_away_no_newer_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MEDIA-3: the empty room of a run that has ended is closed while the next one goes on."""
    events = await here(world)
    _, first, _ = await world.come("ana", audio=True)
    await arrive(world, events, first)
    with monkeypatch.context() as elsewhere:
        # The process that ends the run has no engine to give the order to.
        elsewhere.setattr(world.control.orders, "give", forget)
        await ending.end(world.control, world.person("host"), MEETING)
    await events.look()
    assert (await world.media.roster(first.media.room)).entries == ()
    _, second, _ = await world.come("ana", audio=True)
    await arrive(world, events, second)
    await events.handle(MeetingClosed(meeting_key=first.media.room))
    await events.look()
    assert await world.forwarded(second) == {"microphone"}
    world.media.disconnect(second.media.room, second.media.identity)
    await events.handle(MeetingClosed(meeting_key=second.media.room))
    uid = await uid_of(world)
    lease = await world.store.read(lambda tx: tx.find_media_lease(uid))
    assert lease is not None
    assert lease.process_id is None


async def test_who_comes_as_the_lease_is_given_up_is_carried(world: World) -> None:
    """MEDIA-3: an empty meeting was closed while somebody was on the way to it."""
    events = await here(world)
    _, first, _ = await world.come("ana", audio=True)
    await arrive(world, events, first)
    world.media.disconnect(first.media.room, first.media.identity)
    _, back, _ = await world.come("ana", audio=True)
    await events.handle(MeetingClosed(meeting_key=first.media.room))
    await arrive(world, events, back)
    assert len((await world.media.roster(back.media.room)).entries) == 1
    await carry(world, TWO)
    assert await media_address(world.control, await uid_of(world)) == "ws://one"


async def test_what_is_closed_during_a_look_is_carried_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MEDIA-3: a run that is let go while it is looked after is not looked after for ever."""
    events = await here(world)
    _, joined, _ = await world.come("ana")
    world.connect(joined)
    key, identity = joined.media.room, joined.media.identity
    await events.handle(TransportConnected(meeting_key=key, identity=identity))
    real, asked = world.media.roster, []

    async def roster(meeting_key: str) -> Roster:
        asked.append(meeting_key)
        await events.handle(MeetingClosed(meeting_key=meeting_key))
        return await real(meeting_key)

    monkeypatch.setattr(world.media, "roster", roster)
    await events.look()
    await events.look()
    assert asked == [key]


async def test_what_others_change_is_enforced_when_the_bus_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HOST-4: a mute through another process is heard of, not waited for."""
    monkeypatch.setattr("moot.control.media_events.LOOK_S", 60.0)
    await world.create()
    _, joined, _ = await world.come("ana", audio=True)
    world.connect(joined)
    await carry(world, ONE)
    await media_address(world.control, await uid_of(world))
    shared = replace(world.control.config, media_url="ws://one")
    object.__setattr__(world.control, "config", shared)
    events = MediaEvents(world.control, lambda: ONE)
    room = joined.media.room
    await events.handle(TransportConnected(meeting_key=room, identity=joined.media.identity))
    running = asyncio.create_task(events.run())
    try:
        # Another process commits and announces it, and has no engine to give the order to.
        monkeypatch.setattr(world.control.orders, "give", forget)
        await change(world.control, world.sitting("ana", joined), MEETING, Intents(audio=False))
        assert await world.forwarded(joined) == {"microphone"}
        said = Event(await uid_of(world), 9, 1, "participant.updated", 1, b"{}")
        events.heard(replace(said, type="chat.posted"))
        await asyncio.sleep(0.05)
        assert await world.forwarded(joined) == {"microphone"}
        events.heard(said)
        async with asyncio.timeout(5):
            while await world.forwarded(joined):
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def forget(orders: object) -> None:
    """Lose orders on the way."""
