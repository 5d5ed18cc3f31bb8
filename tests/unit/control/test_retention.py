"""Retention deletes what is due and nothing else (MEET-5, MEET-7)."""

import asyncio
from uuid import uuid4

from tests.unit.control.conftest import Build
from tests.unit.control.test_joining import refused
from tests.unit.control.world import MEETING, World

from moot.control import chat, ending, leaving, meetings
from moot.control.retention import KEPT_EVENTS, Retention
from moot.model.ids import MessageId

DAY_S = 86_400


async def test_young_things_stay(world: World) -> None:
    """MEET-7: on the day itself nothing is deleted, ended or not."""
    await world.create()
    host, _, _ = await world.come("host")
    await chat.post(world.control, host, MEETING, MessageId(str(uuid4())), "hi")
    await ending.end(world.control, host, MEETING)
    assert sum((await Retention(world.control).sweep()).values()) == 0


async def test_each_kind_in_its_time(build: Build) -> None:
    """MEET-7: chat of ended runs, keys, connections and idle guests go; meeting and host stay."""
    world = await build(chat_retention_days=1.0, guest_retention_days=10.0)
    host = await world.create()
    await meetings.create(world.control, host, idempotency_key="k")
    sitting, _, _ = await world.come("host")
    ana, _, _ = await world.come("ana")
    await chat.post(world.control, ana, MEETING, MessageId(str(uuid4())), "old")
    await leaving.leave(world.control, ana, MEETING)
    await ending.end(world.control, sitting, MEETING)
    world.clock.pass_s(3 * DAY_S)
    swept = await Retention(world.control).sweep()
    assert swept == {
        "messages": 1,
        "events": 0,
        "idempotency_keys": 1,
        "connections": 2,
        "guests": 0,
    }
    world.clock.pass_s(8 * DAY_S)
    assert (await Retention(world.control).sweep())["guests"] == 1
    assert [row.person_id for row in await world.rows()] == ["guest:host"]
    assert (await world.join(world.person("host"))).participant.role == "host"
    assert (await world.join(world.person("ana"))).created


async def test_chat_of_the_present_run_stays(build: Build) -> None:
    """MEET-7: chat of a run that goes on is kept however old it is."""
    world = await build(chat_retention_days=1.0)
    await world.create()
    host, _, _ = await world.come("host")
    await chat.post(world.control, host, MEETING, MessageId(str(uuid4())), "old")
    world.clock.pass_s(30 * DAY_S)
    assert (await Retention(world.control).sweep())["messages"] == 0


async def test_newest_events_stay(build: Build) -> None:
    """EVENT-2: the newest thousand events of a meeting are kept, so that people can resume."""
    world = await build(event_retention_days=1.0)
    await world.create()
    _, joined, page = await world.come("ana")
    uid = (await world.row("ana")).meeting_uid
    body = (await world.events())[0].body

    def fill(tx) -> None:
        for _ in range(KEPT_EVENTS + 20):
            tx.append_event(uid, type="participant.updated", at=0, body=body)

    await world.store.write(fill)
    world.clock.pass_s(5 * DAY_S)
    assert (await Retention(world.control).sweep())["events"] == 21
    assert len(await world.events()) == KEPT_EVENTS
    assert joined.connection.id == page.watcher.connection_id


async def test_store_away(world: World) -> None:
    """ERR-1: a store that is away is logged and waited for."""
    await world.store.close()
    retention = Retention(world.control)
    running = asyncio.create_task(retention.run())
    await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "Retention has to wait" in world.log.texts()
    await world.store.open()
    assert (await refused(meetings.look(world.control, None, MEETING))).kind.status == 404
