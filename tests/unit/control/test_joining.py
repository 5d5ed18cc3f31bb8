"""Joining is one upsert, however often, from however many tabs (JOIN-1 to JOIN-9, PERSON-2)."""

import asyncio
from uuid import uuid4

import pytest
from tests.unit.control.conftest import Build
from tests.unit.control.world import MEDIA_URL, MEETING, World

from moot.control import ending, joining, leaving, lobby, meetings, moderating
from moot.control.intents import Intents, change
from moot.control.joining import JoinRequest
from moot.control.meetings import SettingsPatch
from moot.errors import Problem
from moot.model.ids import ConnectionId


async def refused(work) -> Problem:
    with pytest.raises(Problem) as caught:
        await work
    return caught.value


async def test_first_join_creates_and_the_next_finds(world: World) -> None:
    """JOIN-1: the first join is created, every later one is the same participant, connected."""
    await world.create()
    first = await world.join(world.person("ana"))
    again = await world.join(world.person("ana"))
    assert (first.created, again.created) == (True, False)
    assert first.participant.id == again.participant.id
    assert again.participant.status == "connected"
    assert first.snapshot.me is not None
    assert first.snapshot.me.id == first.participant.id


async def test_joining_where_nobody_created(world: World) -> None:
    """MEET-6: joining a Meeting ID that nobody has created is meeting_not_found."""
    problem = await refused(world.join(world.person("ana")))
    assert problem.kind.id == "meeting_not_found"
    assert problem.kind.status == 404
    assert "Error joining meeting" in world.log.texts()


async def test_simultaneous_joins(world: World) -> None:
    """JOIN-2: N simultaneous joins are one participant, N connections and one joined event."""
    await world.create()
    ids = [ConnectionId(str(uuid4())) for _ in range(20)]
    joins = await asyncio.gather(
        *(world.join(world.person("ana"), connection_id=each) for each in ids)
    )
    assert len({joined.participant.id for joined in joins}) == 1
    assert sum(joined.created for joined in joins) == 1
    assert {joined.connection.id for joined in joins} == set(ids)
    assert (await world.kinds()).count("participant.joined") == 1
    seat = await joining.seat(world.control, world.person("ana"), MEETING)
    assert seat.participant.connections == 20


async def test_fences_grow(world: World) -> None:
    """JOIN-3: every connection has a fencing number, and it only grows."""
    await world.create()
    fences = [(await world.join(world.person("ana"))).connection.fence for _ in range(4)]
    assert fences == sorted(set(fences))


async def test_repeat_of_a_join(world: World) -> None:
    """JOIN-1: a repeat with the same connection id is the same connection, and no event."""
    await world.create()
    chosen = ConnectionId(str(uuid4()))
    first = await world.join(world.person("ana"), connection_id=chosen)
    before = await world.kinds()
    again = await world.join(world.person("ana"), connection_id=chosen)
    assert again.connection.id == first.connection.id == chosen
    assert again.participant.connections == 1
    assert await world.kinds() == before


async def test_older_connection_changes_nothing(world: World) -> None:
    """JOIN-3: a command of a connection that has made room is refused and does nothing."""
    await world.create()
    old, joined, _ = await world.come("ana", audio=True)
    await world.join(world.person("ana"), connection_id=joined.connection.id)
    before = await world.row("ana")
    problem = await refused(change(world.control, old, MEETING, Intents(audio=False)))
    assert problem.kind.id == "connection_closed"
    assert (await refused(leaving.leave(world.control, old, MEETING))).kind.status == 410
    assert await world.row("ana") == before


async def test_a_command_after_an_end_is_told_of_it(world: World) -> None:
    """MEET-7: a program that was not told of the end does not join the next run for its command."""
    host = await world.create()
    ana, _, _ = await world.come("ana")
    await ending.end(world.control, host, MEETING)
    for work in (
        joining.renew_media(world.control, ana, MEETING, media_url="ws://x"),
        change(world.control, ana, MEETING, Intents(audio=True)),
        ending.end(world.control, ana, MEETING),
    ):
        problem = await refused(work)
        assert (problem.kind.id, problem.kind.status) == ("meeting_ended", 410)
    await world.come("ana")
    problem = await refused(change(world.control, ana, MEETING, Intents(audio=True)))
    assert problem.kind.id == "connection_closed"


async def test_refresh_keeps_devices_and_role(world: World) -> None:
    """JOIN-5, HOST-1: a refresh is the same participant, host still, with the same devices."""
    await world.create()
    _, first, page = await world.come("host", audio=True, video=True)
    world.watching.unwatch(page.watcher)
    back = await world.join(world.person("host"), replaces=first.connection.id)
    assert not back.created
    assert back.participant.id == first.participant.id
    assert back.participant.role == "host"
    assert (back.participant.audio, back.participant.video) == (True, True)
    assert back.participant.microphone_connection == back.connection.id
    assert back.participant.connections == 1
    assert "Participant already exists, updating status" in world.log.texts()
    await world.pass_s(5)
    assert "participant.left" not in await world.kinds()
    assert (await world.row("host")).status == "connected"


async def test_second_tab_does_not_take_the_microphone(world: World) -> None:
    """JOIN-6: a second tab is a second connection of one participant; the first keeps its sound."""
    await world.create()
    _, first, _ = await world.come("ana", audio=True)
    second = await world.join(world.person("ana"), audio=True)
    assert second.participant.microphone_connection == first.connection.id
    assert second.participant.connections == 2
    world.connect(first)
    world.connect(second)
    assert "microphone" in await world.forwarded(first)
    assert "microphone" not in await world.forwarded(second)


async def test_second_tab_mutes_nobody(world: World) -> None:
    """JOIN-6: a second tab that comes in silent and dark switches nothing off in the first."""
    await world.create()
    await world.come("ana", audio=True, video=True)
    second = await world.join(world.person("ana"), audio=False, video=False)
    assert (second.participant.audio, second.participant.video) == (True, True)


async def test_microphone_of_a_lost_tab_is_free(world: World) -> None:
    """JOIN-6: a new tab takes the microphone at once where the old one is lost."""
    await world.create()
    _, first, page = await world.come("ana", audio=True)
    world.watching.unwatch(page.watcher)
    await world.pass_s(2)
    second = await world.join(world.person("ana"), audio=True)
    assert second.participant.microphone_connection == second.connection.id
    assert second.participant.audio
    assert first.connection.id != second.connection.id


async def test_share_ends_with_a_refresh(world: World) -> None:
    """JOIN-5: a screen share ends with the tab that shared; a browser cannot go on by itself."""
    await world.create()
    ana, first, _ = await world.come("ana")
    shown = await change(world.control, ana, MEETING, Intents(screen=True))
    assert shown.screen
    back = await world.join(world.person("ana"), replaces=first.connection.id)
    assert not back.participant.screen


async def test_refresh_after_the_end_begins_no_run(world: World) -> None:
    """MEET-7: a tab that comes back by itself begins no run that nobody has asked for."""
    host = await world.create()
    _, first, _ = await world.come("ana", audio=True, video=True)
    await ending.end(world.control, host, MEETING)
    problem = await refused(world.join(world.person("ana"), replaces=first.connection.id))
    assert (problem.kind.id, problem.kind.status) == ("meeting_ended", 410)
    assert (await world.row("ana")).status == "disconnected"
    anew = await world.join(world.person("ana"))
    assert (anew.meeting.run, anew.participant.audio) == (2, False)
    back = await world.join(world.person("ana"), replaces=anew.connection.id)
    assert back.participant.connections == 1


async def test_connection_of_somebody_else(world: World) -> None:
    """PERSON-2: knowing a connection's id does not make anybody its owner."""
    await world.create()
    _, joined, _ = await world.come("ana")
    chosen = joined.connection.id
    problem = await refused(world.join(world.person("bo"), connection_id=chosen))
    assert problem.kind.status == 422
    await world.join(world.person("bo"), replaces=chosen)
    seat = await joining.seat(world.control, world.person("ana"), MEETING)
    assert [each.state for each in seat.connections] == ["open"]


async def test_connections_are_bounded(world: World) -> None:
    """JOIN-6, ERR-1: of more connections than anybody needs the oldest without a stream go."""
    await world.create()
    _, first, page = await world.come("ana", audio=True)
    for _ in range(joining.CONNECTION_LIMIT + 3):
        last = await world.join(world.person("ana"))
    assert last.participant.connections == joining.CONNECTION_LIMIT
    seat = await joining.seat(world.control, world.person("ana"), MEETING)
    alive = {each.id for each in seat.connections}
    assert {first.connection.id, last.connection.id} <= alive
    assert last.participant.microphone_connection == first.connection.id
    await page.read()
    assert page.watcher.ending is None


async def test_removed_person_stays_out(world: World) -> None:
    """JOIN-8: who was removed is refused until restored, whatever connection they come with."""
    await world.create()
    host, _, _ = await world.come("host")
    _, joined, page = await world.come("ana")
    await moderating.remove(world.control, host, MEETING, joined.participant.id)
    await page.read()
    assert page.watcher.ending == "participant_removed"
    for _ in range(2):
        problem = await refused(world.join(world.person("ana")))
        assert problem.kind.id == "participant_removed"
    await moderating.restore(world.control, host, MEETING, joined.participant.id)
    assert (await world.join(world.person("ana"))).participant.id == joined.participant.id


@pytest.mark.parametrize(
    ("settings", "refusal"),
    [
        ({"locked": True}, "meeting_locked"),
        ({"max_participants": 2}, "meeting_full"),
        ({"lobby": True}, "lobby_required"),
    ],
)
async def test_returning_participant_is_never_shut_out(
    world: World, settings: dict, refusal: str
) -> None:
    """JOIN-9: a lock, a full meeting or a lobby stops strangers, never one who comes back."""
    await world.create()
    host, _, _ = await world.come("host")
    ana, _, _ = await world.come("ana")
    await leaving.leave(world.control, ana, MEETING)
    if refusal == "meeting_full":
        await world.come("cleo")
    meeting = (await meetings.look(world.control, host, MEETING)).meeting
    assert not meeting.locked
    await meetings.change_settings(
        world.control, host, MEETING, SettingsPatch(**settings), expected_version=1
    )
    assert (await refused(world.join(world.person("bo")))).kind.id == refusal
    assert (await world.join(world.person("ana"))).participant.status == "connected"


async def test_fullness_counts_persons(world: World) -> None:
    """JOIN-9: a meeting is full by persons, not by their tabs."""
    await world.create(max_participants=2)
    await world.come("host")
    await world.join(world.person("host"))
    await world.join(world.person("host"))
    await world.join(world.person("ana"))
    problem = await refused(world.join(world.person("bo")))
    assert problem.facts == {"max_participants": 2}


async def test_server_limit(build: Build) -> None:
    """JOIN-9: the server's own limit holds where the meeting has none."""
    world = await build(max_participants=1)
    await world.create()
    await world.join(world.person("host"))
    assert (await refused(world.join(world.person("ana")))).kind.id == "meeting_full"


async def test_twins(world: World) -> None:
    """PERSON-3: two people of one name are told apart by a number that stays while they are in."""
    await world.create()
    labels = [
        (await world.join(world.person(who), name=name)).participant.label
        for who, name in (("a", "Ana"), ("b", "ana"), ("c", "Bo"), ("d", "Ana"))
    ]
    assert labels == ["Ana", "ana (2)", "Bo", "Ana (3)"]
    await leaving.leave(world.control, world.person("a"), MEETING)
    assert (await world.join(world.person("b"), name="ana")).participant.label == "ana (2)"
    assert (await world.join(world.person("e"), name="Ana")).participant.label == "Ana"


async def test_name_is_needed_once(world: World) -> None:
    """PERSON-3: the first join needs a name, a later one keeps it."""
    await world.create()
    nameless = JoinRequest()

    async def join() -> joining.Joined:
        return await joining.join(
            world.control, world.person("ana"), MEETING, nameless, media_url=MEDIA_URL
        )

    assert (await refused(join())).kind.id == "name_invalid"
    await world.join(world.person("ana"), name="Ana")
    assert (await join()).participant.name == "Ana"


async def test_name_of_an_account_is_verified(world: World) -> None:
    """PERSON-3: a name counts as verified while it is the one the account says."""
    await world.create()
    account = world.person("ana", name="Ana Berg", is_account=True)
    assert (await world.join(account, name="Ana Berg")).participant.verified
    assert not (await world.join(account, name="The Boss")).participant.verified


async def test_guest_who_may_not_unmute_comes_in_muted(world: World) -> None:
    """HOST-4: where guests may not unmute, a guest comes in muted instead of being refused."""
    await world.create(guests_may_unmute=False)
    assert not (await world.join(world.person("ana"), audio=True)).participant.audio
    assert (await world.join(world.person("host"), audio=True)).participant.audio


async def test_media_ticket_follows_the_intents(world: World) -> None:
    """EVENT-4, MEDIA-3: the ticket names this connection and allows what is switched on."""
    await world.create()
    ana, joined, _ = await world.come("ana", audio=True)
    assert joined.media.room == f"{MEETING}.1"
    assert joined.media.identity == f"{joined.participant.id}.{joined.connection.id}"
    world.connect(joined)
    assert await world.forwarded(joined) == {"microphone"}
    fresh = await joining.renew_media(world.control, ana, MEETING, media_url=MEDIA_URL)
    assert fresh.identity == joined.media.identity
    unnamed = joining.renew_media(world.control, world.person("ana"), MEETING, media_url=MEDIA_URL)
    assert (await refused(unnamed)).kind.id == "body_invalid"


async def test_media_engine_away(world: World) -> None:
    """JOIN-1: with the media engine away a join is unavailable and can be repeated."""
    await world.create()
    await world.media.close()
    chosen = ConnectionId(str(uuid4()))
    problem = await refused(world.join(world.person("ana"), connection_id=chosen))
    assert (problem.kind.id, problem.retry_after_s) == ("unavailable", 2)
    await world.media.start()
    again = await world.join(world.person("ana"), connection_id=chosen)
    assert again.participant.connections == 1


async def test_roll(world: World) -> None:
    """HOST-4: everyone in sees who is in; hosts also see who waits; strangers see nothing."""
    await world.create(lobby=True)
    host, _, _ = await world.come("host")
    await lobby.knock(world.control, world.person("bo"), MEETING, name="Bo")
    statuses = [
        each.status for each in (await joining.roll(world.control, host, MEETING)).participants
    ]
    assert sorted(statuses) == ["connected", "waiting"]
    problem = await refused(joining.roll(world.control, world.person("bo"), MEETING))
    assert problem.kind.id == "not_in_meeting"
    problem = await refused(joining.seat(world.control, world.person("cy"), MEETING))
    assert problem.kind.id == "participant_not_found"


async def test_log_of_a_join(world: World) -> None:
    """LOG-1: a join logs its steps with ids as fields and no name in them."""
    await world.create()
    await world.join(world.person("ana"), name="Ana Secret")
    texts = world.log.texts()
    assert "Participant joined successfully" in texts
    assert "Meeting initialization complete" in texts
    assert "Ana Secret" not in repr(world.log.lines)
    facts = next(f for _, text, f in world.log.lines if text == "Participant joined successfully")
    assert set(facts) == {"meeting_id", "participant_id", "connection_id"}
