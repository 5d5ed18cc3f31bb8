"""Creating is create-or-get; settings change under one version; a host ends a run (MEET-1 to 7)."""

import asyncio
from functools import partial
from uuid import uuid4

import pytest
from tests.unit.control.test_joining import refused
from tests.unit.control.world import MEETING, World

from moot.bus.local import LocalBus
from moot.control import chat, ending, lobby, meetings, moderating
from moot.control.context import Control
from moot.control.intents import Intents, change
from moot.control.meetings import SettingsPatch
from moot.errors import Problem
from moot.media.fake import FakeMediaEngine
from moot.model.ids import MeetingId, MessageId, parse_meeting_id
from moot.model.meeting import Settings


async def test_create_or_get(world: World) -> None:
    """MEET-2: the first call creates, later ones get the same meeting, whoever asks."""
    first = await meetings.ensure(world.control, world.person("ana"), MEETING)
    again = await meetings.ensure(world.control, world.person("ana"), MEETING)
    other = await meetings.ensure(world.control, world.person("bo"), MEETING)
    assert (first.created, again.created, other.created) == (True, False, False)
    assert first.meeting == again.meeting == other.meeting
    assert world.log.texts() == [
        "Initializing meeting",
        "Meeting created successfully",
        "Initializing meeting",
        "Meeting already exists, returning existing meeting",
        "Initializing meeting",
        "Found existing meeting instead",
    ]


async def test_spellings_meet(world: World) -> None:
    """MEET-1: every spelling of a Meeting ID is one meeting."""
    for raw in ("abc-123", " ABC 123 ", "ABC123"):
        made = await meetings.ensure(world.control, world.person("ana"), parse_meeting_id(raw))
        assert made.meeting.id == "ABC123"
    seen = await world.store.read(lambda tx: tx.list_meetings(after=None, limit=10))
    assert len(seen) == 1


async def test_creating_at_once(world: World) -> None:
    """MEET-3: of many callers at once exactly one creates, and all get the same row."""
    made = await asyncio.gather(
        *(meetings.ensure(world.control, world.person(f"p{n}"), MEETING) for n in range(50))
    )
    assert sum(each.created for each in made) == 1
    assert len({each.meeting.created_at for each in made}) == 1


async def test_creator_is_host(world: World) -> None:
    """MEET-4: who creates first is host; who creates it again is a guest; the host stays."""
    await world.create("ana")
    await meetings.ensure(world.control, world.person("bo"), MEETING)
    assert (await world.join(world.person("bo"))).participant.role == "guest"
    await meetings.ensure(world.control, world.person("ana"), MEETING)
    assert (await world.join(world.person("ana"))).participant.role == "host"


async def test_settings_count_only_on_creation(world: World) -> None:
    """MEET-2: what a later creator wishes changes nothing."""
    await world.create("ana", title="First")
    wishes = Settings(title="Second", locked=True)
    found = await meetings.ensure(world.control, world.person("bo"), MEETING, settings=wishes)
    assert (found.meeting.title, found.meeting.locked) == ("First", False)


async def test_wrong_settings_create_nothing(world: World) -> None:
    """ERR-1: a setting out of range is 4xx, logged, and creates nothing."""
    for wishes in (Settings(max_participants=-1), Settings(max_participants=10**9)):
        making = meetings.ensure(world.control, world.person("ana"), MEETING, settings=wishes)
        assert (await refused(making)).kind.status == 422
    assert await world.store.read(lambda tx: tx.find_meeting(MEETING)) is None
    assert "Error creating meeting" in world.log.texts()


async def test_generated_id(world: World) -> None:
    """MEET-5: a generated Meeting ID is canonical, and two are never the same."""
    ana = world.person("ana")
    made = [(await meetings.create(world.control, ana)).meeting.id for _ in range(20)]
    assert len(set(made)) == 20
    assert all(parse_meeting_id(each) == each for each in made)


async def test_idempotency_key(world: World) -> None:
    """MEET-5: a repeat with the same key gets the first answer; another body is refused."""
    ana = world.person("ana")
    create = partial(meetings.create, world.control, ana, idempotency_key="k-1")
    answers = await asyncio.gather(*(create(settings=Settings(title="A")) for _ in range(10)))
    assert len({each.meeting.id for each in answers}) == 1
    assert len(await world.store.read(lambda tx: tx.list_meetings(after=None, limit=50))) == 1
    assert (await refused(create(settings=Settings(title="B")))).kind.id == "idempotency_key_reused"
    assert (await refused(create(passcode="x"))).kind.id == "idempotency_key_reused"
    other = await meetings.create(world.control, world.person("bo"), idempotency_key="k-1")
    assert other.meeting.id != answers[0].meeting.id


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 256, "a\n"])
async def test_idempotency_key_of_another_shape(world: World, key: str) -> None:
    """MEET-5: a key is 1 to 255 visible ASCII characters."""
    making = meetings.create(world.control, world.person("ana"), idempotency_key=key)
    assert (await refused(making)).kind.id == "idempotency_key_invalid"


async def test_look(world: World) -> None:
    """MEET-6: a stranger sees that it exists, how many are in, and names only where it is open."""
    missing = meetings.look(world.control, None, MeetingId("NOBODY"))
    assert (await refused(missing)).kind.id == "meeting_not_found"
    host = await world.create()
    await world.join(host, name="Hanna")
    seen = await meetings.look(world.control, None, MEETING)
    assert (seen.participants, seen.known, seen.host) == (1, False, False)
    assert list(seen.names or ()) == ["Hanna"]
    own = await meetings.look(world.control, host, MEETING)
    assert (own.known, own.host) == (True, True)
    patch = SettingsPatch(lobby=True)
    await meetings.change_settings(world.control, host, MEETING, patch, expected_version=1)
    assert (await meetings.look(world.control, None, MEETING)).names is None
    assert (await meetings.look(world.control, host, MEETING)).names is not None


async def test_settings_change_under_their_version(world: World) -> None:
    """HOST-4: settings change only against the version that was read, by hosts, once."""
    host = await world.create()
    ana, _, _ = await world.come("ana")
    set_it = partial(meetings.change_settings, world.control)
    lock = SettingsPatch(locked=True)
    assert (await refused(set_it(ana, MEETING, lock, expected_version=1))).kind.id == "host_only"
    changed = await set_it(host, MEETING, lock, expected_version=1)
    assert (changed.locked, changed.version) == (True, 2)
    late = await refused(set_it(host, MEETING, SettingsPatch(title="x"), expected_version=1))
    assert late.kind.id == "precondition_failed"
    late = await refused(set_it(host, MEETING, lock, expected_version=1))
    assert late.kind.id == "precondition_failed"
    before = await world.kinds()
    same = await set_it(host, MEETING, lock, expected_version=2)
    assert same.version == 2
    assert await world.kinds() == before
    body = (await world.events())[-1]
    assert body.type == "meeting.updated"
    assert f'"event_seq":{body.event_seq}'.encode() in body.body


async def test_sharing_off_stops_the_shares_of_guests(world: World) -> None:
    """HOST-4, EVENT-4: switching guests' sharing off stops running shares, also in the engine."""
    await world.create()
    host, _, _ = await world.come("host")
    ana, joined, _ = await world.come("ana")
    await change(world.control, ana, MEETING, Intents(screen=True))
    world.connect(joined)
    assert await world.forwarded(joined) == {"screen", "screen_audio"}
    patch = SettingsPatch(guests_may_share=False)
    await meetings.change_settings(world.control, host, MEETING, patch, expected_version=1)
    assert not (await world.row("ana")).screen
    assert await world.forwarded(joined) == set()
    again = change(world.control, ana, MEETING, Intents(screen=True))
    assert (await refused(again)).kind.id == "not_allowed"


async def test_lobby_off_lets_everyone_in(world: World) -> None:
    """HOST-4: opening the lobby admits those who wait."""
    host = await world.create(lobby=True)
    await lobby.knock(world.control, world.person("ana"), MEETING, name="Ana")
    patch = SettingsPatch(lobby=False)
    await meetings.change_settings(world.control, host, MEETING, patch, expected_version=1)
    assert (await world.row("ana")).status == "disconnected"
    assert "lobby.admitted" in await world.kinds()
    assert (await world.join(world.person("ana"))).participant.status == "connected"


async def test_passcode(world: World) -> None:
    """HOST-4: a passcode is asked of strangers, is stored as a hash, and can be taken away."""
    host = await world.create()
    patch = SettingsPatch(passcode="s3cret")
    changed = await meetings.change_settings(
        world.control, host, MEETING, patch, expected_version=1
    )
    assert changed.passcode
    stored = await world.store.read(lambda tx: tx.find_meeting(MEETING))
    assert stored.passcode_hash.startswith("$argon2id$")
    assert (await refused(world.join(world.person("ana")))).kind.id == "passcode_required"
    wrong = world.join(world.person("ana"), passcode="wrong")
    assert (await refused(wrong)).kind.id == "passcode_wrong"
    assert (await world.join(world.person("ana"), passcode="s3cret")).created
    assert not (await world.join(world.person("ana"))).created
    patch = SettingsPatch(passcode=None)
    await meetings.change_settings(world.control, host, MEETING, patch, expected_version=2)
    assert (await world.join(world.person("bo"))).created


async def test_passcode_changed_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """HOST-4: a passcode that was right a moment ago does not open what has another one now."""
    host = await world.create()
    set_it = partial(meetings.change_settings, world.control, host, MEETING)
    await set_it(SettingsPatch(passcode="old"), expected_version=1)
    real = world.control.passcodes.check

    async def check(*args, **facts) -> bool:
        is_right = await real(*args, **facts)
        await set_it(SettingsPatch(passcode="new"), expected_version=2)
        return is_right

    monkeypatch.setattr(world.control.passcodes, "check", check)
    joining_late = world.join(world.person("ana"), passcode="old")
    assert (await refused(joining_late)).kind.id == "passcode_required"


async def test_end_for_all(world: World) -> None:
    """MEET-7: ending closes every stream; chat, hands and lobby start afresh, the rest stays."""
    await world.create()
    host, _, host_page = await world.come("host")
    ana, joined, page = await world.come("ana", audio=True)
    world.connect(joined)
    await change(world.control, ana, MEETING, Intents(hand=True))
    await chat.post(world.control, ana, MEETING, MessageId(str(uuid4())), "hello")
    ended = await ending.end(world.control, host, MEETING, run=1)
    assert ended.run == 2
    for each in (page, host_page):
        await each.read()
        assert each.kinds[-1] == "meeting.ended"
        assert each.watcher.ending == "meeting_ended"
    assert (await world.media.roster(f"{MEETING}.1")).entries == ()
    again = await world.join(world.person("ana"))
    assert again.participant.id == joined.participant.id
    assert (again.participant.hand_at, again.participant.audio) == (None, False)
    assert list(again.snapshot.messages) == []
    assert again.media.room == f"{MEETING}.2"
    assert (await world.join(world.person("host"))).participant.role == "host"


async def test_end_by_the_operator(world: World) -> None:
    """MEET-7: an end that only the store has heard of reaches streams and media all the same."""
    await world.create()
    _, joined, page = await world.come("ana", audio=True)
    world.connect(joined)
    elsewhere = Control(
        store=world.store, bus=LocalBus(), media=FakeMediaEngine(), config=world.config
    )
    await ending.end_by_operator(elsewhere, MEETING)
    assert len((await world.media.roster(joined.media.room)).entries) == 1
    await world.settle()
    assert page.watcher.ending == "meeting_ended"
    assert (await world.media.roster(joined.media.room)).entries == ()


async def test_end_again(world: World) -> None:
    """MEET-7: ending the same run again changes nothing, even from a connection it closed."""
    await world.create()
    host, _, _ = await world.come("host")
    first = await ending.end(world.control, host, MEETING, run=1)
    again = await ending.end(world.control, host, MEETING, run=1)
    assert first == again
    unnamed = await ending.end(world.control, world.person("host"), MEETING)
    assert unnamed.run == 2
    assert (await world.kinds()).count("meeting.ended") == 1
    ahead = ending.end(world.control, world.person("host"), MEETING, run=9)
    assert (await refused(ahead)).kind.status == 422


async def test_only_hosts_end(world: World) -> None:
    """MEET-7: nobody but a host ends a meeting; the operator of the server may."""
    await world.create()
    ana, _, _ = await world.come("ana")
    problem = await refused(ending.end(world.control, ana, MEETING))
    assert problem.kind.id == "host_only"
    assert (await ending.end_by_operator(world.control, MEETING)).run == 2
    assert (await world.row("ana")).status == "disconnected"


async def test_next_run_asks_guests_again(world: World) -> None:
    """MEET-7, JOIN-9: after the end lobby and lock hold for guests again; removal stays."""
    await world.create()
    host, _, _ = await world.come("host")
    await world.come("ana")
    _, bo, _ = await world.come("bo")
    await moderating.remove(world.control, host, MEETING, bo.participant.id)
    patch = SettingsPatch(lobby=True)
    await meetings.change_settings(world.control, host, MEETING, patch, expected_version=1)
    await ending.end(world.control, host, MEETING)
    assert (await refused(world.join(world.person("ana")))).kind.id == "lobby_required"
    assert (await refused(world.join(world.person("bo")))).kind.id == "participant_removed"
    assert (await world.join(world.person("host"))).participant.status == "connected"


async def test_end_closes_every_connection(world: World) -> None:
    """MEET-7: who was let in and has yet to come is no guest of the next run by the old page."""
    host = await world.create(lobby=True)
    await world.come("host")
    bo = world.person("bo")
    knocked = await lobby.knock(world.control, bo, MEETING, name="bo")
    page = await world.watch(knocked)
    await lobby.admit(world.control, host, MEETING, knocked.participant.id)
    await ending.end(world.control, host, MEETING)
    await world.settle()
    assert page.watcher.ending == "meeting_ended"
    world.watching.unwatch(page.watcher)
    again = await lobby.knock(world.control, bo, MEETING, name="bo")
    await lobby.admit(world.control, host, MEETING, again.participant.id)
    joined = await world.join(bo, replaces=again.connection.id)
    assert joined.participant.connections == 1
    page = await world.watch(joined)
    world.watching.unwatch(page.watcher)
    await world.pass_s(32, step_s=1)
    assert (await world.row("bo")).status == "disconnected"


async def test_snapshot_is_for_those_inside(world: World) -> None:
    """EVENT-2: the snapshot is the whole state at event_seq, for those who are in."""
    await world.create()
    ana, joined, _ = await world.come("ana")
    whole = await meetings.snapshot(world.control, ana, MEETING)
    assert whole.meeting.event_seq == 1
    assert [each.id for each in whole.participants] == [joined.participant.id]
    problem = await refused(meetings.snapshot(world.control, world.person("bo"), MEETING))
    assert problem.kind.id == "not_in_meeting"


async def test_store_away(world: World) -> None:
    """ERR-1: with the store away creating is unavailable, logged, and says when to come back."""
    await world.store.close()
    with pytest.raises(Problem) as caught:
        await meetings.ensure(world.control, world.person("ana"), MEETING)
    assert caught.value.kind.id == "unavailable"
    assert world.log.texts()[-1] == "Error creating meeting"
    await world.store.open()
    assert (await meetings.ensure(world.control, world.person("ana"), MEETING)).created
