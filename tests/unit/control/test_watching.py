"""Every stream sees the same events in the same order, none twice, none missing (EVENT-1 to 6)."""

import asyncio
import json
from uuid import uuid4

import pytest
from tests.unit.control.conftest import Build
from tests.unit.control.test_joining import refused
from tests.unit.control.world import MEETING, Page, World

from moot.bus.local import LocalBus
from moot.bus.port import Announcement
from moot.control import chat, ending, leaving, lobby, meetings, moderating, reactions
from moot.control.actor import Actor
from moot.control.intents import Intents, change
from moot.control.lobby import Knocked
from moot.control.start import REPLAY_EVENTS, Since
from moot.control.watcher import QUEUE_MESSAGES
from moot.errors import PROBLEMS, Problem
from moot.media.event import Quality, QualityChanged
from moot.model.ids import MeetingId, MessageId
from moot.model.meeting import Role
from moot.store.port import Transaction


class BadBus(LocalBus):
    """Loses, repeats and reorders what it carries."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.kept: list[Announcement] = []

    def publish(self, announcement: Announcement) -> None:
        self.count += 1
        if self.count % 3 == 0:
            return
        self.kept.append(announcement)
        if len(self.kept) == 4:
            for each in (*reversed(self.kept), self.kept[0]):
                super().publish(each)
            self.kept.clear()


def hold_next_reading(world: World) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold back the store's next answer: the first event says that it was read, the second lets it
    through.
    """
    was_read, may_go_on = asyncio.Event(), asyncio.Event()
    real_read = world.store.read

    async def read(work):
        answer = await real_read(work)
        if not was_read.is_set():
            was_read.set()
            await may_go_on.wait()
        return answer

    world.store.read = read  # type: ignore[method-assign]
    return was_read, may_go_on


async def toggle(world: World, actor, times: int) -> None:
    for n in range(times):
        await change(world.control, actor, MEETING, Intents(video=n % 2 == 0))


async def test_same_order_everywhere(world: World) -> None:
    """EVENT-1: every stream of every process gets every event once, in the order of the store."""
    await world.create()
    second = await world.start_process()
    ana, _, here = await world.come("ana")
    bo = await world.join(world.person("bo"), control=second.control)
    there = await world.watch(bo, watching=second.watching)
    bo_actor = world.sitting("bo", bo)
    for n in range(30):
        await asyncio.gather(
            change(world.control, ana, MEETING, Intents(video=n % 2 == 0)),
            change(second.control, bo_actor, MEETING, Intents(audio=n % 2 == 0)),
        )
        if n % 5 == 0:
            await world.settle()
    await world.settle()
    await here.read()
    await there.read()
    last = (await world.events())[-1].event_seq
    assert here.seqs == list(range(2, last + 1))
    assert there.seqs == list(range(3, last + 1))
    assert here.participants == there.participants


async def test_bad_bus(world: World) -> None:
    """EVENT-1: what the bus loses, repeats or reorders is made good from the store."""
    await world.create()
    bad = await world.start_process(BadBus())
    joined = await world.join(world.person("ana"), control=bad.control)
    page = await world.watch(joined, watching=bad.watching)
    ana = world.sitting("ana", joined)
    for n in range(50):
        await change(bad.control, ana, MEETING, Intents(video=n % 2 == 0))
        if n % 7 == 0:
            await world.settle()
            await page.read()
    await world.settle()
    await page.read()
    last = (await world.events())[-1].event_seq
    assert page.seqs == list(range(2, last + 1))


async def test_snapshot_then_everything_after(world: World) -> None:
    """EVENT-2: changes made while streams are opening are neither lost nor repeated."""
    await world.create()
    ana, _, _ = await world.come("ana")
    joins = [await world.join(world.person(f"p{n}")) for n in range(10)]
    changing = asyncio.create_task(toggle(world, ana, 60))
    pages = [await world.watch(each) for each in joins]
    await changing
    await world.settle()
    states = []
    for page in pages:
        await page.read()
        assert page.event_seq == (await world.events())[-1].event_seq
        states.append((page.meeting["event_seq"] <= page.event_seq, page.participants))
    assert all(state == states[0] for state in states)


@pytest.mark.parametrize("is_resumed", [False, True])
async def test_streams_that_open_together(world: World, is_resumed: bool) -> None:
    """EVENT-1: the first of two to read is the last to start: it misses nothing in between."""
    await world.create()
    ana, joined, _ = await world.come("ana")
    late = await world.join(world.person("bo"))
    early = await world.join(world.person("cy"))
    before = None
    if is_resumed:
        before = await world.watch(late)
        world.watching.unwatch(before.watcher)
    fresh = await world.start_process()
    was_read, may_start = hold_next_reading(world)
    opening = asyncio.create_task(world.watch(late, watching=fresh.watching, before=before))
    await was_read.wait()
    await toggle(world, ana, 3)
    await world.watch(early, watching=fresh.watching)
    may_start.set()
    page = await opening
    await toggle(world, ana, 2)
    await world.settle()
    await page.read()
    assert page.event_seq == (await world.events())[-1].event_seq
    assert page.participants[joined.participant.id]["video"] is False


async def test_resume(world: World) -> None:
    """EVENT-2: who says what they have gets what came after, and no snapshot."""
    await world.create()
    ana, joined, page = await world.come("ana")
    bo, _, _ = await world.come("bo")
    await page.read()
    world.watching.unwatch(page.watcher)
    await toggle(world, bo, 5)
    again = await world.watch(joined, before=page)
    assert again.was_resumed
    assert again.snapshots == 0
    assert len(again.seqs) == 5
    assert again.event_seq == (await world.events())[-1].event_seq
    assert ana.fence == joined.connection.fence


@pytest.mark.parametrize("since", [Since(99, 1), Since(1, 10_000), Since(1, -5)])
async def test_resume_from_another_history(world: World, since: Since) -> None:
    """EVENT-2: who comes from another history, or from the future, gets a snapshot."""
    await world.create()
    _, joined, _ = await world.come("ana")
    watcher = await world.watching.watch(
        MEETING, joined.connection.id, fence=joined.connection.fence, since=since
    )
    page = await Page(watcher).read()
    assert not page.was_resumed
    assert page.event_seq == 1


async def test_resume_from_too_far_back(world: World) -> None:
    """EVENT-2: who misses more than can be replayed gets a snapshot."""
    await world.create()
    _, joined, page = await world.come("ana")
    uid = (await world.row("ana")).meeting_uid
    body = (await world.events())[0].body

    def fill(tx: Transaction) -> None:
        for _ in range(REPLAY_EVENTS + 1):
            tx.append_event(uid, type="participant.updated", at=0, body=body)

    await world.store.write(fill)
    again = await world.watch(joined, before=page)
    assert not again.was_resumed
    assert again.event_seq == REPLAY_EVENTS + 2


async def test_gap_that_cannot_be_read(world: World) -> None:
    """EVENT-2: a gap whose events are kept no longer is healed by a snapshot."""
    await world.create()
    _, joined, page = await world.come("ana")
    uid = (await world.row("ana")).meeting_uid
    body = (await world.events())[0].body

    def fill(tx: Transaction) -> None:
        for _ in range(10):
            tx.append_event(uid, type="participant.updated", at=0, body=body)
        tx.delete_old_events(before=1, keep=3, limit=100)

    await world.store.write(fill)
    await world.settle()
    await page.read()
    assert page.snapshots == 2
    assert page.event_seq == 11
    await change(world.control, world.sitting("ana", joined), MEETING, Intents(hand=True))
    await page.read()
    assert page.event_seq == 12


async def test_resume_over_the_end_of_a_run(world: World) -> None:
    """EVENT-2, MEET-7: nobody resumes across the end of a run."""
    host = await world.create()
    _, _, page = await world.come("ana")
    await ending.end(world.control, host, MEETING)
    joined = await world.join(world.person("ana"))
    again = await world.watch(joined, before=page)
    assert not again.was_resumed
    assert again.meeting["run"] == 2


async def test_promoted_while_away(world: World) -> None:
    """EVENT-2: who became a host while away gets a snapshot with what hosts see."""
    await world.create()
    host, _, _ = await world.come("host")
    _, joined, page = await world.come("ana")
    world.watching.unwatch(page.watcher)
    await moderating.set_role(world.control, host, MEETING, joined.participant.id, "host")
    again = await world.watch(joined, before=page)
    assert not again.was_resumed


async def test_replay_hides_what_the_reader_may_not_see(world: World) -> None:
    """EVENT-2: a replay keeps the count and hides what is for others."""
    await world.create(lobby=True)
    host, _, _ = await world.come("host")
    knocked = await lobby.knock(world.control, world.person("ana"), MEETING, name="Ana")
    await lobby.admit(world.control, host, MEETING, knocked.participant.id)
    _, joined, page = await world.come("ana")
    world.watching.unwatch(page.watcher)
    await lobby.knock(world.control, world.person("bo"), MEETING, name="Bo")
    again = await world.watch(joined, before=page)
    assert again.was_resumed
    assert again.kinds == ["hidden"]


async def test_announcement_follows_commit(world: World) -> None:
    """EVENT-6: what is announced is in the store by then; what fails is never announced."""
    heard: list[tuple[int, int]] = []

    class Witness(LocalBus):
        def publish(self, announcement: Announcement) -> None:
            heard.append((announcement.event_seq, len(committed)))
            super().publish(announcement)

    committed: list[int] = []
    real_write = world.store.write

    async def write(work):
        result = await real_write(work)
        committed.append(1)
        return result

    world.store.write = write  # type: ignore[method-assign]
    process = await world.start_process(Witness())
    world.control = process.control
    await world.create()
    await world.join(world.person("ana"))
    assert heard == [(1, 2)]
    process.control.store.write = real_write  # type: ignore[method-assign]
    await refused(change(world.control, world.person("bo"), MEETING, Intents(audio=True)))
    assert len(heard) == 1


async def test_slow_reader_is_cut_off(world: World) -> None:
    """EVENT-5: who does not read is cut off with a code that means resume; others lose nothing."""
    await world.create()
    _, joined, slow = await world.come("slow")
    ana, _, quick = await world.come("ana")
    for _ in range(QUEUE_MESSAGES // 50 + 1):
        await toggle(world, ana, 50)
        await quick.read()
    assert slow.watcher.ending == "slow_reader"
    assert PROBLEMS["slow_reader"].resume
    assert list(slow.watcher.take()) == []
    assert quick.watcher.ending is None
    world.watching.unwatch(slow.watcher)
    again = await world.watch(joined, before=slow)
    assert again.was_resumed
    assert again.participants == quick.participants


async def test_burst_is_no_slow_reader(world: World) -> None:
    """EVENT-5: a burst larger than the queue cuts off nobody who is waiting for it."""
    await world.create()
    _, _, page = await world.come("ana")
    uid = (await world.row("ana")).meeting_uid
    body = (await world.events())[0].body
    read: list[str] = []

    def take() -> None:
        read.extend(page.watcher.take())
        page.watcher.wait(lambda: soon(take))

    soon = asyncio.get_running_loop().call_soon
    take()

    def fill(tx: Transaction) -> list:
        return [
            tx.append_event(uid, type="participant.updated", at=0, body=body)
            for _ in range(2 * QUEUE_MESSAGES)
        ]

    for event in await world.store.write(fill):
        world.control.bus.publish(event)
    await world.settle()
    assert len(read) == 2 * QUEUE_MESSAGES
    assert page.watcher.ending is None


async def test_bytes_are_bounded(build: Build) -> None:
    """EVENT-5: few large messages are cut off as well as many small ones."""
    world = await build(max_queue_bytes=16_384)
    await world.create()
    _, _, slow = await world.come("slow")
    ana, _, _ = await world.come("ana")
    for _ in range(6):
        await chat.post(world.control, ana, MEETING, MessageId(str(uuid4())), "x" * 4000)
    await world.settle()
    await asyncio.sleep(0)
    assert slow.watcher.ending == "slow_reader"


async def test_ephemeral_lane(world: World) -> None:
    """EVENT-3: reactions and typing travel unnumbered, unstored, and hold to a rate."""
    await world.create()
    ana, joined, page = await world.come("ana")
    _, bo, other = await world.come("bo")
    before = await world.kinds()
    await reactions.react(world.control, ana, MEETING, "🎉")
    await other.read()
    me = joined.participant.id
    assert other.said == [
        {"type": "ephemeral", "kind": "reaction", "body": {"participant_id": me, "emoji": "🎉"}}
    ]
    for _ in range(5):
        page.watcher.typing()
    await other.read()
    assert [each["kind"] for each in other.said] == ["reaction", "typing"]
    world.clock.pass_s(1)
    page.watcher.typing(to=bo.participant.id)
    await page.read()
    await other.read()
    assert len([each for each in other.said if each["kind"] == "typing"]) == 2
    assert len([each for each in page.said if each["kind"] == "typing"]) == 1
    assert await world.kinds() == before


async def test_latest_ephemeral_wins(world: World) -> None:
    """EVENT-3: of several about one thing only the latest is delivered."""
    await world.create()
    _, joined, _ = await world.come("ana")
    _, _, page = await world.come("bo")
    world.media.tell(quality(joined, "poor"))
    watcher = page.watcher
    watcher.pass_on("quality x", '{"n":1}')
    watcher.pass_on("quality x", '{"n":2}')
    watcher.pass_on("", '{"n":3}')
    watcher.pass_on("", '{"n":4}')
    assert [json.loads(text)["n"] for text in watcher.take()] == [2, 3, 4]


def quality(joined, word: str) -> QualityChanged:
    return QualityChanged(
        meeting_key=joined.media.room, identity=joined.media.identity, quality=Quality(word)
    )


async def test_stream_needs_its_connection(world: World) -> None:
    """JOIN-3: a stream of an unknown, foreign or older connection is refused."""
    await world.create()
    _, joined, _ = await world.come("ana")
    for connection_id, fence in (
        (joined.connection.id, joined.connection.fence - 1),
        (joined.connection.id, joined.connection.fence + 1),
        ("00000000-0000-7000-8000-000000000000", 1),
    ):
        problem = await refused(world.watching.watch(MEETING, connection_id, fence=fence))
        assert problem.kind.id == "connection_closed"
    await world.create("other")
    await meetings.ensure(world.control, world.person("ana"), MeetingId("OTHER"))
    problem = await refused(
        world.watching.watch(
            MeetingId("OTHER"), joined.connection.id, fence=joined.connection.fence
        )
    )
    assert problem.kind.id == "connection_closed"


async def test_closed_tab_of_another_process(world: World) -> None:
    """JOIN-3: a stream ends when its connection is closed by way of another process."""
    await world.create()
    second = await world.start_process()
    ana, joined, page = await world.come("ana")
    await world.come("ana")
    await leaving.leave(second.control, ana, MEETING, connection_id=joined.connection.id)
    await world.settle()
    await page.read()
    assert page.watcher.ending == "connection_closed"


async def test_tab_opened_while_the_closed_ones_are_looked_for(world: World) -> None:
    """JOIN-3: what is read of a person's connections says nothing of one that opens after it."""
    await world.create()
    _, joined, page = await world.come("ana")
    _, second, _ = await world.come("ana")
    await world.settle()
    was_read, may_go_on = hold_next_reading(world)
    ana = world.sitting("ana", second)
    await leaving.leave(world.control, ana, MEETING, connection_id=second.connection.id)
    await was_read.wait()
    _, _, newest = await world.come("ana")
    may_go_on.set()
    await world.settle()
    assert newest.watcher.ending is None
    assert page.watcher.ending is None
    await leaving.leave(
        world.control,
        world.sitting("ana", joined),
        MEETING,
        connection_id=joined.connection.id,
    )
    await world.settle()
    assert page.watcher.ending == "connection_closed"


async def test_old_news_ends_no_newer_stream(world: World) -> None:
    """JOIN-3, JOIN-7: a leave that is heard of late does not end the stream of the return."""
    await world.create()
    second = await world.start_process()
    ana = await world.join(world.person("ana"))
    watching = await world.watch(ana, watching=second.watching)
    bo, first, _ = await world.come("bo")
    await leaving.leave(world.control, bo, MEETING)
    back = await world.join(world.person("bo"))
    page = await world.watch(back, watching=second.watching)
    await world.settle()
    await watching.read()
    assert watching.kinds[-2:] == ["participant.left", "participant.joined"]
    assert page.watcher.ending is None
    assert first.participant.id == back.participant.id
    await leaving.leave(world.control, world.sitting("bo", back), MEETING)
    await world.settle()
    assert page.watcher.ending == "left"


async def test_old_end_ends_no_newer_run(world: World) -> None:
    """MEET-7: an end that a process hears of late does not send out those of the next run."""
    host = await world.create()
    second = await world.start_process()
    ana = await world.join(world.person("ana"))
    of_first_run = await world.watch(ana, watching=second.watching)
    await ending.end(world.control, host, MEETING)
    bo = await world.join(world.person("bo"))
    of_second_run = await world.watch(bo, watching=second.watching)
    await world.settle()
    assert of_first_run.watcher.ending == "meeting_ended"
    assert of_second_run.watcher.ending is None
    assert of_second_run.meeting["run"] == 2


@pytest.mark.parametrize("is_first", [True, False])
async def test_closed_while_its_stream_opens(world: World, is_first: bool) -> None:
    """JOIN-7: a stream does not begin whose connection was closed before it was read for."""
    await world.create()
    if not is_first:
        await world.come("bo")
    joined = await world.join(world.person("ana"))
    ana = world.sitting("ana", joined)
    real_read = world.store.read

    async def read(work):
        world.store.read = real_read  # type: ignore[method-assign]
        await leaving.leave(world.control, ana, MEETING)
        return await real_read(work)

    world.store.read = read  # type: ignore[method-assign]
    problem = await refused(world.watch(joined))
    assert problem.kind.id == "connection_closed"
    await world.settle()
    assert (await world.row("ana")).status == "disconnected"
    assert world.watching.watchers == (0 if is_first else 1)


async def test_who_slept_through_the_end_is_told(world: World) -> None:
    """MEET-7: whoever was away when a host ended the run is told so, and does not start another."""
    host = await world.create()
    _, joined, page = await world.come("ana")
    world.watching.unwatch(page.watcher)
    await ending.end(world.control, host, MEETING)
    assert (await refused(world.watch(joined, before=page))).kind.id == "meeting_ended"
    await world.join(world.person("ana"))
    assert (await refused(world.watch(joined, before=page))).kind.id == "connection_closed"


async def test_replaced_tab_is_closed(world: World) -> None:
    """JOIN-3: a stream ends when its connection was replaced, however many there are as before."""
    await world.create()
    _, joined, page = await world.come("ana")
    _, _, other = await world.come("ana")
    await world.settle()
    back = await world.join(world.person("ana"), replaces=joined.connection.id)
    newest = await world.watch(back)
    await world.settle()
    assert page.watcher.ending == "connection_closed"
    assert other.watcher.ending is None
    assert newest.watcher.ending is None


async def test_drain(world: World) -> None:
    """JOIN-10: a draining process ends its streams with a code that means resume."""
    await world.create()
    _, _, page = await world.come("ana")
    assert world.watching.watchers == 1
    world.watching.close_all("restarting")
    assert page.watcher.ending == "restarting"
    world.watching.unwatch(page.watcher)
    world.watching.unwatch(page.watcher)
    assert world.watching.watchers == 0


async def test_cancelled_opening_leaves_no_feed(world: World) -> None:
    """JOIN-4: a stream whose opening fails counts as lost and leaves nothing behind."""
    await world.create()
    joined = await world.join(world.person("ana"))
    real_read = world.store.read

    async def away(work):
        raise Problem("unavailable", retry_after_s=1)

    world.store.read = away  # type: ignore[method-assign]
    with pytest.raises(Problem):
        await world.watch(joined)
    world.store.read = real_read  # type: ignore[method-assign]
    assert world.watching.watchers == 0
    await world.pass_s(2)
    assert (await world.row("ana")).status == "reconnecting"


async def test_log_of_updates(world: World) -> None:
    """LOG-1: an update of a participant that goes out to streams is logged with ids only."""
    await world.create()
    ana, _, page = await world.come("ana")
    await change(world.control, ana, MEETING, Intents(name="Very Secret"))
    await page.read()
    lines = [f for _, t, f in world.log.lines if t == "Real-time participant update received"]
    assert lines
    assert set(lines[0]) == {"meeting_id", "participant_id", "event_seq", "kind"}
    assert "Very Secret" not in repr(world.log.lines)


@pytest.mark.parametrize("role", ["host", "guest"])
@pytest.mark.parametrize("is_busy", [False, True])
async def test_role_that_changes_while_a_stream_opens(
    world: World, role: Role, is_busy: bool
) -> None:
    """HOST-2, EVENT-2: a stream begins with the role that its reader has by then."""
    host = await world.create(lobby=True)
    await world.come("host")
    await admitted(world, host, "ana")
    second = await world.start_process()
    if is_busy:
        _, cy, _ = await world.come("host")
        await world.watch(cy, watching=second.watching)
    ana = await world.join(world.person("ana"))
    if role == "guest":
        await moderating.set_role(world.control, host, MEETING, ana.participant.id, "host")
        await world.settle()
    real_write, real_read = world.store.write, world.store.read

    async def write(work):
        answer = await real_write(work)
        if not isinstance(answer, tuple):
            return answer
        world.store.write = real_write  # type: ignore[method-assign]
        await moderating.set_role(world.control, host, MEETING, ana.participant.id, role)
        await second.watching.poll()
        await second.watching.idle()
        world.store.read = read  # type: ignore[method-assign]
        return answer

    async def read(work):
        world.store.read = real_read  # type: ignore[method-assign]
        answer = await real_read(work)
        await lobby.knock(world.control, world.person("cy"), MEETING, name="cy")
        await second.watching.poll()
        await asyncio.sleep(0.01)
        return answer

    world.store.write = write  # type: ignore[method-assign]
    page = await world.watch(ana, watching=second.watching)
    await world.settle()
    await page.read()
    assert page.participants[ana.participant.id]["role"] == role
    waiting = [each for each in page.participants.values() if each["status"] == "waiting"]
    assert len(waiting) == (1 if role == "host" else 0)
    page.kinds.clear()
    await lobby.knock(world.control, world.person("di"), MEETING, name="di")
    await world.settle()
    await page.read()
    assert page.kinds == ["lobby.knocked" if role == "host" else "hidden"]


async def test_promoted_before_the_stream_begins(world: World) -> None:
    """EVENT-2: a stream begins with `hello`, though its reader has become a host meanwhile."""
    host = await world.create()
    await world.come("host")
    ana = await world.join(world.person("ana"))
    was_read, may_start = hold_next_reading(world)
    opening = asyncio.create_task(
        world.watching.watch(MEETING, ana.connection.id, fence=ana.connection.fence)
    )
    await was_read.wait()
    await moderating.set_role(world.control, host, MEETING, ana.participant.id, "host")
    await asyncio.sleep(0.01)
    may_start.set()
    watcher = await opening
    await world.settle()
    messages = [json.loads(text) for text in watcher.take()]
    assert messages[0]["type"] == "hello"
    page = Page(watcher)
    for message in messages:
        page.handle(message)
    assert page.participants[ana.participant.id]["role"] == "host"
    assert page.event_seq == (await world.events())[-1].event_seq


async def admitted(world: World, host: Actor, who: str) -> Knocked:
    """Somebody who was let in, and has yet to join."""
    knocked = await lobby.knock(world.control, world.person(who), MEETING, name=who)
    await lobby.admit(world.control, host, MEETING, knocked.participant.id)
    return knocked
