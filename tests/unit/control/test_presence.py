"""Presence over losses, processes, crashes, pauses and clock steps (JOIN-4, JOIN-10)."""

import asyncio
from collections.abc import Callable

import pytest
from tests.unit.control.conftest import Build
from tests.unit.control.test_joining import refused
from tests.unit.control.world import MEETING, World

from moot.control import leaving, presence
from moot.control.deadlines import AT_ONCE
from moot.control.intents import Intents, change
from moot.control.presence import BEAT_S, DEAD_AFTER_S, OPEN_WITHIN_S
from moot.errors import Problem
from moot.store.port import Transaction


async def status(world: World, who: str) -> str:
    return (await world.row(who)).status


async def test_loss_is_no_leave(world: World) -> None:
    """JOIN-4: a lost connection shows reconnecting after a second, with hand, role and intents."""
    await world.create()
    host, joined, page = await world.come("host", audio=True)
    await change(world.control, host, MEETING, Intents(hand=True))
    _, _, other = await world.come("ana")
    world.watching.unwatch(page.watcher)
    await world.pass_s(0.75)
    assert await status(world, "host") == "connected"
    await world.pass_s(0.5)
    await other.read()
    seen = other.participants[joined.participant.id]
    assert seen["status"] == "reconnecting"
    assert (seen["role"], seen["audio"], seen["connections"]) == ("host", True, 1)
    assert seen["hand_at"] is not None


async def test_back_within_the_linger_time(world: World) -> None:
    """JOIN-4: back within the linger time is no leave and no join."""
    await world.create()
    _, joined, page = await world.come("ana")
    world.watching.unwatch(page.watcher)
    await world.pass_s(29)
    assert await status(world, "ana") == "reconnecting"
    again = await world.watch(joined, before=page)
    assert again.was_resumed
    assert await status(world, "ana") == "connected"
    await world.pass_s(60, step_s=5)
    assert await world.kinds() == [
        "participant.joined",
        "participant.updated",
        "participant.updated",
    ]


async def test_gone_after_the_linger_time(world: World) -> None:
    """JOIN-4: after the linger time the participant is disconnected, as lost; the record stays."""
    await world.create()
    _, joined, page = await world.come("ana")
    _, _, other = await world.come("bo")
    world.watching.unwatch(page.watcher)
    await world.pass_s(30.5)
    await other.read()
    assert await status(world, "ana") == "disconnected"
    assert other.kinds == ["participant.updated", "participant.left"]
    assert b'"reason":"lost"' in (await world.events())[-1].body
    with pytest.raises(Problem) as caught:
        await world.watch(joined)
    assert caught.value.kind.id == "connection_closed"
    back = await world.join(world.person("ana"))
    assert back.participant.id == joined.participant.id


async def test_flapping_is_not_shown(world: World) -> None:
    """JOIN-4: a stream that is back before the second is over changes nothing for others."""
    await world.create()
    _, joined, page = await world.come("ana")
    for _ in range(5):
        world.watching.unwatch(page.watcher)
        await world.pass_s(0.5)
        page = await world.watch(joined)
    await world.pass_s(40, step_s=5)
    assert await world.kinds() == ["participant.joined"]
    assert await status(world, "ana") == "connected"


async def test_second_loss_gets_its_own_time(world: World) -> None:
    """JOIN-4: the linger time begins anew with every loss."""
    await world.create()
    _, joined, page = await world.come("ana")
    world.watching.unwatch(page.watcher)
    await world.pass_s(20)
    page = await world.watch(joined)
    world.watching.unwatch(page.watcher)
    await world.pass_s(20)
    assert await status(world, "ana") == "reconnecting"
    await world.pass_s(11)
    assert await status(world, "ana") == "disconnected"


async def test_late_loss_of_a_replaced_stream(world: World) -> None:
    """JOIN-3: the late end of a stream that was opened again elsewhere changes nothing."""
    await world.create()
    _, joined, old = await world.come("ana")
    new = await world.watch(joined)
    assert old.watcher.ending == "connection_replaced"
    world.watching.unwatch(old.watcher)
    await world.pass_s(60, step_s=5)
    assert await status(world, "ana") == "connected"
    assert new.watcher.ending is None


async def test_other_tab_keeps_a_person_connected(world: World) -> None:
    """JOIN-4, JOIN-6: while another tab is live, losing one shows only in their number."""
    await world.create()
    _, first, page = await world.come("ana", audio=True)
    await world.come("ana")
    world.watching.unwatch(page.watcher)
    await world.pass_s(10, step_s=1)
    assert await status(world, "ana") == "connected"
    await world.pass_s(25, step_s=1)
    row = await world.row("ana")
    assert row.status == "connected"
    assert (row.audio, row.microphone_connection) == (False, None)
    assert first.connection.id


async def test_join_that_never_opens(world: World) -> None:
    """JOIN-4: a join whose stream never opens leaves no ghost."""
    await world.create()
    await world.join(world.person("ana"))
    await world.pass_s(OPEN_WITHIN_S - 1, step_s=1)
    assert await status(world, "ana") == "connected"
    await world.pass_s(3, step_s=0.5)
    assert await status(world, "ana") == "disconnected"


async def test_joins_that_never_open_are_ended_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JOIN-4: a store that is slow to end what never opened is not asked again and again."""
    await world.create()
    await world.join(world.person("ana"))
    await world.pass_s(OPEN_WITHIN_S - 1, step_s=1)
    write, may_write, asked = world.store.write, asyncio.Event(), []

    async def slow(work: Callable[[Transaction], object]) -> object:
        asked.append(work)
        await may_write.wait()
        return await write(work)

    monkeypatch.setattr(world.store, "write", slow)
    steps = []
    for _ in range(10):
        world.clock.pass_s(3)
        steps.append(asyncio.create_task(world.presence.step()))
        for _ in range(10):
            await asyncio.sleep(0)
    may_write.set()
    await asyncio.gather(*steps)
    assert len(asked) == 1
    assert await status(world, "ana") == "disconnected"


async def test_linger_of_zero(build: Build) -> None:
    """JOIN-4: with a linger time of zero a loss is a leave as soon as it is shown."""
    world = await build(linger_s=0.0)
    await world.create()
    _, _, page = await world.come("ana")
    world.watching.unwatch(page.watcher)
    await world.pass_s(1.5)
    assert await status(world, "ana") == "disconnected"


async def test_killed_process(world: World) -> None:
    """JOIN-10: the people of a killed process are reconnecting within 3 s, and back on another."""
    await world.create()
    other = await world.start_process()
    joined = await world.join(world.person("ana"), control=other.control)
    page = await world.watch(joined, watching=other.watching)
    _, _, here = await world.come("bo")
    await world.pass_s(5)
    await other.kill()
    await world.pass_s(3)
    await here.read()
    assert here.participants[joined.participant.id]["status"] == "reconnecting"
    again = await world.watch(joined, before=page)
    assert again.was_resumed
    assert await status(world, "ana") == "connected"
    await world.pass_s(60, step_s=5)
    assert "participant.left" not in await world.kinds()


async def test_killed_process_and_people_who_stay_away(world: World) -> None:
    """JOIN-10: within the linger time after a restart everyone is back or shown away."""
    await world.create()
    await world.come("ana")
    await world.come("bo")
    await world.pass_s(2)
    await world.first.kill()
    restarted = await world.start_process()
    world.control, world.watching = restarted.control, restarted.watching
    await world.pass_s(3)
    assert await status(world, "ana") == "reconnecting"
    await world.come("ana")
    await world.pass_s(28)
    assert await status(world, "ana") == "connected"
    assert await status(world, "bo") == "disconnected"


async def test_reaper_dies_too(world: World) -> None:
    """JOIN-10: who was marked lost by a process that died as well is shown away in the end."""
    await world.create()
    second = await world.start_process()
    _, _, page = await world.come("ana")
    world.watching.unwatch(page.watcher)
    await world.pass_s(5)
    assert await status(world, "ana") == "reconnecting"
    await world.first.kill()
    assert second.is_alive
    await world.pass_s(40, step_s=1)
    assert await status(world, "ana") == "disconnected"
    assert (await world.kinds()).count("participant.left") == 1


async def test_stopped_process(world: World) -> None:
    """JOIN-10: the people of a process that stops in order have a second to open elsewhere."""
    await world.create()
    other = await world.start_process()
    joined = await world.join(world.person("ana"), control=other.control)
    page = await world.watch(joined, watching=other.watching)
    await world.pass_s(2)
    await other.presence.close()
    await other.kill()
    await world.pass_s(0.75)
    again = await world.watch(joined, before=page)
    await world.pass_s(40, step_s=1)
    assert again.was_resumed
    assert await world.kinds() == ["participant.joined"]


async def test_stopped_process_nobody_comes_back(world: World) -> None:
    """JOIN-10: people of a process that stopped in order and stay away are shown away in time."""
    await world.create()
    other = await world.start_process()
    joined = await world.join(world.person("ana"), control=other.control)
    await world.watch(joined, watching=other.watching)
    await other.presence.close()
    await other.kill()
    await world.pass_s(3)
    assert await status(world, "ana") == "reconnecting"
    await world.pass_s(29)
    assert await status(world, "ana") == "disconnected"


async def test_paused_process_is_fenced(world: World) -> None:
    """JOIN-10, JOIN-3: a process that wakes up after its death ends its streams, harmlessly."""
    await world.create()
    other = await world.start_process()
    joined = await world.join(world.person("ana"), control=other.control)
    page = await world.watch(joined, watching=other.watching)
    stays = await world.join(world.person("bo"), control=other.control)
    old = await world.watch(stays, watching=other.watching)
    await world.pass_s(1)
    other.is_paused = True
    before = other.presence.process_id
    await world.pass_s(5)
    assert await status(world, "ana") == "reconnecting"
    again = await world.watch(joined, before=page)
    other.is_paused = False
    await world.pass_s(1)
    assert page.watcher.ending == "restarting"
    assert other.presence.process_id != before
    other.watching.unwatch(page.watcher)
    other.watching.unwatch(old.watcher)
    back = await world.watch(stays, watching=other.watching)
    await world.pass_s(60, step_s=5)
    assert await status(world, "ana") == "connected"
    assert await status(world, "bo") == "connected"
    assert (again.watcher.ending, back.watcher.ending) == (None, None)


@pytest.mark.parametrize("step_ms", [3_600_000, -3_600_000])
async def test_clock_that_steps(world: World, step_ms: int) -> None:
    """JOIN-10: a wall clock that steps by an hour disconnects nobody and expires nothing early."""
    await world.create()
    second = await world.start_process()
    _, _, page = await world.come("ana")
    bo = await world.join(world.person("bo"), control=second.control)
    await world.watch(bo, watching=second.watching)
    await world.join(world.person("pending"))
    world.watching.unwatch(page.watcher)
    await world.pass_s(5)
    world.clock.wall_ms += step_ms
    await world.pass_s(10, step_s=0.5)
    assert await status(world, "ana") == "reconnecting"
    assert await status(world, "bo") == "connected"
    assert await status(world, "pending") == "connected"
    await world.pass_s(20, step_s=0.5)
    assert await status(world, "ana") == "disconnected"
    assert await status(world, "bo") == "connected"


async def test_store_away_for_a_while(world: World) -> None:
    """JOIN-10: a store that was away costs nobody their seat; the lost ones get time to return."""
    await world.create()
    second = await world.start_process()
    _, _, page = await world.come("ana")
    bo = await world.join(world.person("bo"), control=second.control)
    await world.watch(bo, watching=second.watching)
    world.watching.unwatch(page.watcher)
    await world.pass_s(2)
    await world.store.close()
    await world.pass_s(60, step_s=1)
    await world.store.open()
    await world.pass_s(3)
    assert await status(world, "ana") == "reconnecting"
    assert await status(world, "bo") == "connected"
    await world.pass_s(40, step_s=1)
    assert await status(world, "ana") == "disconnected"
    assert await status(world, "bo") == "connected"


async def test_idle_process_writes_nothing(world: World) -> None:
    """JOIN-10: a process beats only while it holds streams, and holds no lease when idle."""
    await world.create()
    ana, _, page = await world.come("ana")
    await world.pass_s(2)
    assert len(await world.store.read(lambda tx: tx.list_processes(alive_since=0))) == 1
    await leaving.leave(world.control, ana, MEETING)
    world.watching.unwatch(page.watcher)
    await world.pass_s(35, step_s=1)
    assert await world.store.read(lambda tx: tx.list_processes(alive_since=0)) == []
    await world.come("ana")
    await world.pass_s(60, step_s=1)
    assert await status(world, "ana") == "connected"


def test_the_bound_of_the_rule() -> None:
    """JOIN-4: death is found at most 3 s after the last heartbeat."""
    assert DEAD_AFTER_S + BEAT_S <= 3


@pytest.mark.parametrize(("took_s", "pause_s"), [(0.0, 2.0), (1.0, 20.0), (100.0, 30.0)])
async def test_long_looks_for_what_is_over_are_seldom(
    world: World, monkeypatch: pytest.MonkeyPatch, took_s: float, pause_s: float
) -> None:
    """JOIN-4: a look takes a twentieth of the time at most, and is never put off for long."""
    await world.create()
    await world.pass_s(3)
    read = world.store.read
    looked_at: list[float] = []

    async def slow(work: Callable[[Transaction], object]) -> object:
        if getattr(work, "__name__", "") == "_ending":
            world.clock.pass_s(took_s)
            looked_at.append(world.clock.monotonic())
        return await read(work)

    monkeypatch.setattr(world.store, "read", slow)
    while len(looked_at) < 2:
        await world.pass_s(0.25)
    assert looked_at[1] - took_s - looked_at[0] == pytest.approx(pause_s, abs=0.5)


class Held:
    """A store's next piece of writing work, kept back by a test before or after its commit."""

    def __init__(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        *,
        is_committed: bool,
        name: str = "write",
    ) -> None:
        self.has_come = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self._write = getattr(world.store, name)
        self._is_committed = is_committed
        self._is_over = False
        monkeypatch.setattr(world.store, name, self._hold)

    async def _hold(self, work: Callable[[Transaction], object]) -> object:
        if self._is_over:
            return await self._write(work)
        self._is_over = True
        answer = await self._write(work) if self._is_committed else None
        self.has_come.set()
        await self.may_go_on.wait()
        return answer if self._is_committed else await self._write(work)


async def test_back_at_the_moment_of_being_marked_lost(world: World) -> None:
    """JOIN-4: a return that is on its way to the store is not marked lost behind it."""
    await world.create()
    _, joined, page = await world.come("ana")
    world.watching.unwatch(page.watcher)
    world.clock.pass_s(1)
    returning = asyncio.create_task(world.watch(joined, before=page))
    await asyncio.sleep(0)
    await world.presence.step()
    page = await returning
    assert await status(world, "ana") == "connected"
    await world.pass_s(35, step_s=1)
    assert (page.watcher.ending, await status(world, "ana")) == (None, "connected")


async def test_marked_lost_behind_a_return(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """JOIN-4: a loss that is on its way to the store counts no more once its stream is back."""
    await world.create()
    _, joined, page = await world.come("ana")
    world.watching.unwatch(page.watcher)
    world.clock.pass_s(1)
    loss = Held(world, monkeypatch, is_committed=False)
    marking = asyncio.create_task(world.presence.step())
    await loss.has_come.wait()
    page = await world.watch(joined, before=page)
    loss.may_go_on.set()
    await marking
    await world.pass_s(35, step_s=1)
    assert (page.watcher.ending, await status(world, "ana")) == (None, "connected")


@pytest.mark.parametrize("is_committed", [True, False])
async def test_older_hello_comes_last(
    world: World, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    """JOIN-3: of two hellos the later one's stream goes on, whichever is answered last."""
    await world.create()
    await world.come("bo")
    joined = await world.join(world.person("ana"))
    hello = Held(world, monkeypatch, is_committed=is_committed)
    older = asyncio.create_task(world.watch(joined))
    await hello.has_come.wait()
    newer = await world.watch(joined)
    hello.may_go_on.set()
    assert (await refused(older)).kind.id == "connection_replaced"
    await world.pass_s(60, step_s=5)
    assert (newer.watcher.ending, await status(world, "ana")) == (None, "connected")
    world.watching.unwatch(newer.watcher)
    await world.pass_s(2, step_s=0.5)
    assert await status(world, "ana") == "reconnecting"


async def test_opened_while_declared_dead(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """JOIN-10: no stream is held by the name of a process that was declared dead meanwhile."""
    await world.create()
    await world.come("bo")
    joined = await world.join(world.person("ana"))
    dead = world.presence.process_id
    hello = Held(world, monkeypatch, is_committed=False)
    opening = asyncio.create_task(world.watch(joined))
    await hello.has_come.wait()
    await world.store.write(lambda tx: tx.delete_process(dead))
    await world.presence.step()
    assert world.presence.process_id != dead
    hello.may_go_on.set()
    assert (await refused(opening)).kind.id == "restarting"
    page = await world.watch(joined)
    await world.pass_s(40, step_s=1)
    assert (page.watcher.ending, await status(world, "ana")) == (None, "connected")


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_opening_of_which_nobody_heard(
    world: World, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
) -> None:
    """JOIN-4: an opening that was committed, but not answered, leaves no ghost."""
    await world.create()
    await world.come("bo")
    joined = await world.join(world.person("ana"))
    write = world.store.write

    async def unheard(work: Callable[[Transaction], object]) -> None:
        monkeypatch.setattr(world.store, "write", write)
        await write(work)
        raise asyncio.CancelledError if is_cancelled else Problem("unavailable")

    monkeypatch.setattr(world.store, "write", unheard)
    with pytest.raises(asyncio.CancelledError if is_cancelled else Problem):
        await world.watch(joined)
    await world.pass_s(2, step_s=0.5)
    assert await status(world, "ana") == "reconnecting"
    await world.pass_s(30, step_s=1)
    assert await status(world, "ana") == "disconnected"


async def test_back_after_an_opening_of_which_nobody_heard(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JOIN-4: the doubt about an opening does not outlast the next one."""
    await world.create()
    joined = await world.join(world.person("ana"))
    hello = Held(world, monkeypatch, is_committed=True)
    opening = asyncio.create_task(world.watch(joined))
    await hello.has_come.wait()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    page = await world.watch(joined)
    await world.pass_s(60, step_s=1)
    assert (page.watcher.ending, await status(world, "ana")) == (None, "connected")
    assert "participant.updated" not in await world.kinds()


async def test_no_beat_waits_for_a_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """JOIN-10: a process that looks after what a dead one has left shows that it lives."""
    monkeypatch.setattr(presence, "BEAT_S", 0.001)
    await world.create()
    await world.come("ana")
    read, may_look = world.store.read, asyncio.Event()

    async def slow(work: Callable[[Transaction], object]) -> object:
        if getattr(work, "__name__", "") == "_orphans":
            await may_look.wait()
        return await read(work)

    monkeypatch.setattr(world.store, "read", slow)
    running = asyncio.create_task(world.presence.run())
    async with asyncio.timeout(5):
        for _ in range(3):
            world.clock.pass_s(1)
            while (await world.store.read(_heartbeats)) != [world.clock.now_ms()]:
                await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _heartbeats(tx: Transaction) -> list[int]:
    return [process.heartbeat_at for process in tx.list_processes(alive_since=0)]


async def test_crowd_of_a_killed_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """JOIN-10: those whom a killed process leaves behind do not wait for each other."""
    await world.create()
    await world.come("bo")
    other = await world.start_process()
    for n in range(5):
        joined = await world.join(world.person(f"p{n}"), control=other.control)
        await world.watch(joined, watching=other.watching)
    await world.pass_s(1)
    await other.presence.close()
    await other.kill()
    await world.pass_s(0.5)
    write, may_write, asked = world.store.write, asyncio.Event(), []

    async def slow(work: Callable[[Transaction], object]) -> object:
        if "change" in getattr(work, "__qualname__", ""):
            asked.append(work)
            await may_write.wait()
        return await write(work)

    monkeypatch.setattr(world.store, "write", slow)
    world.clock.pass_s(1)
    step = asyncio.create_task(world.presence.step())
    async with asyncio.timeout(5):
        while len(asked) < 5:
            await asyncio.sleep(0.001)
    may_write.set()
    await step
    assert len(await world.rows("reconnecting")) == 5


async def test_store_that_stands_still_kills_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JOIN-10: while a process waits for its own heartbeat to be taken, no other's counts."""
    await world.create()
    await world.come("ana")
    other = await world.start_process()
    joined = await world.join(world.person("bo"), control=other.control)
    page = await world.watch(joined, watching=other.watching)
    await world.pass_s(1)
    await world.presence.step()
    beat = Held(world, monkeypatch, is_committed=False, name="write_first")
    step = asyncio.create_task(world.presence.step())
    await beat.has_come.wait()
    world.clock.pass_s(DEAD_AFTER_S + BEAT_S)
    beat.may_go_on.set()
    await step
    await other.presence.step()
    await world.settle()
    assert (page.watcher.ending, await status(world, "bo")) == (None, "connected")


async def test_slow_media_holds_up_no_loss(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """JOIN-4: others see a loss in time, however long the media engine takes to end a crowd."""
    await world.create()
    crowd = [(await world.come(f"p{n}"))[2] for n in range(AT_ONCE)]
    _, _, bo = await world.come("bo")
    may_go_on, asked = asyncio.Event(), []

    async def remove(*names: object) -> None:
        asked.append(names)
        await may_go_on.wait()

    monkeypatch.setattr(world.media, "remove", remove)
    for page in crowd:
        world.watching.unwatch(page.watcher)
    await world.pass_s(29, step_s=1)
    running = asyncio.create_task(world.presence.run())
    world.clock.pass_s(1)
    async with asyncio.timeout(5):
        while len(asked) < AT_ONCE:
            await asyncio.sleep(0.01)
        world.watching.unwatch(bo.watcher)
        world.clock.pass_s(1)
        while await status(world, "bo") == "connected":
            await asyncio.sleep(0.01)
    may_go_on.set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
