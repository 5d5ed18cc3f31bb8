"""The lobby: waiting survives a refresh, the approval follows the person (JOIN-9, HOST-4)."""

import pytest
from tests.unit.control.conftest import Build
from tests.unit.control.test_joining import refused
from tests.unit.control.world import MEETING, Page, World

from moot.control import leaving, lobby, meetings
from moot.control.lobby import Knocked
from moot.model.ids import ConnectionId


async def knock(world: World, who: str, **facts) -> Knocked:
    return await lobby.knock(world.control, world.person(who), MEETING, name=who, **facts)


@pytest.fixture
async def locked_door(world: World) -> World:
    await world.create(lobby=True)
    return world


async def test_waiting_is_seen_by_hosts_alone(locked_door: World) -> None:
    """HOST-4: hosts see who waits; others get only the number of the event."""
    world = locked_door
    host, _, host_page = await world.come("host")
    first = await knock(world, "ana")
    await lobby.admit(world.control, host, MEETING, first.participant.id)
    _, _, page = await world.come("ana")
    second = await knock(world, "bo")
    await page.read()
    await host_page.read()
    assert second.participant.id in host_page.participants
    assert second.participant.id not in page.participants
    assert page.kinds[-1] == "hidden"
    assert page.event_seq == host_page.event_seq


async def test_answer_reaches_the_waiting(locked_door: World) -> None:
    """JOIN-9: a waiting person hears the host's answer on their stream, and sees nothing else."""
    world = locked_door
    host, _, _ = await world.come("host")
    knocked = await knock(world, "ana")
    page = await world.watch(knocked)
    assert page.participants == {}
    assert page.said == [{"type": "lobby", "status": "waiting"}]
    await world.come("host")
    await lobby.admit(world.control, host, MEETING, knocked.participant.id)
    await page.read()
    assert page.said[-1] == {"type": "lobby", "status": "admitted"}
    assert page.seqs == []
    joined = await world.join(world.person("ana"), connection_id=knocked.connection.id)
    assert joined.participant.status == "connected"
    await world.watch(joined)
    assert page.watcher.ending == "connection_replaced"


async def test_waiting_survives_a_refresh(locked_door: World) -> None:
    """JOIN-9: knocking again after a refresh is the same wait, and asks no passcode again."""
    world = locked_door
    first = await knock(world, "ana")
    page = await world.watch(first)
    world.watching.unwatch(page.watcher)
    await world.pass_s(5)
    second = await knock(world, "ana")
    assert (first.created, second.created) == (True, False)
    assert first.participant.id == second.participant.id
    assert second.participant.status == "waiting"


async def test_waiting_ends_with_the_linger_time(locked_door: World) -> None:
    """JOIN-4: who waits and closes the tab is off the list after the linger time."""
    world = locked_door
    _, _, host_page = await world.come("host")
    knocked = await knock(world, "ana")
    page = await world.watch(knocked)
    world.watching.unwatch(page.watcher)
    await world.pass_s(29)
    assert (await world.row("ana")).status == "waiting"
    await world.pass_s(2)
    await host_page.read()
    assert host_page.participants[knocked.participant.id]["status"] == "disconnected"
    assert host_page.kinds[-1] == "lobby.left"


async def test_late_word_of_an_older_wait(locked_door: World) -> None:
    """JOIN-3: an older page that stops to wait, late, does not end the wait of a newer one."""
    world = locked_door
    first = await knock(world, "ana")
    older = world.sitting("ana", first)
    await lobby.stop_waiting(world.control, older, MEETING)
    await lobby.stop_waiting(world.control, older, MEETING)
    second = await knock(world, "ana")
    problem = await refused(lobby.stop_waiting(world.control, older, MEETING))
    assert problem.kind.id == "connection_closed"
    assert (await world.row("ana")).status == "waiting"
    await lobby.stop_waiting(world.control, world.sitting("ana", second), MEETING)
    assert (await world.row("ana")).status == "disconnected"


async def test_denied_may_knock_after_a_minute(locked_door: World) -> None:
    """HOST-4: a denied person is told so, and may knock again after a minute."""
    world = locked_door
    host, _, _ = await world.come("host")
    knocked = await knock(world, "ana")
    page = await world.watch(knocked)
    for _ in range(2):
        view = await lobby.deny(world.control, host, MEETING, knocked.participant.id)
        assert view.status == "denied"
    await page.read()
    assert page.said[-1]["status"] == "denied"
    assert page.watcher.ending == "lobby_denied"
    problem = await refused(knock(world, "ana"))
    assert (problem.kind.id, problem.retry_after_s) == ("lobby_denied", 60)
    assert (await refused(world.join(world.person("ana")))).kind.id == "lobby_required"
    world.clock.pass_s(60)
    assert (await knock(world, "ana")).participant.status == "waiting"
    assert (await world.kinds()).count("lobby.denied") == 1


async def test_host_changes_their_mind(locked_door: World) -> None:
    """HOST-4: a denied person may still be admitted, and admitting twice is admitting once."""
    world = locked_door
    host, _, _ = await world.come("host")
    knocked = await knock(world, "ana")
    await lobby.deny(world.control, host, MEETING, knocked.participant.id)
    for _ in range(2):
        view = await lobby.admit(world.control, host, MEETING, knocked.participant.id)
        assert view.status == "disconnected"
    assert (await world.kinds()).count("lobby.admitted") == 1
    assert (await world.join(world.person("ana"))).participant.status == "connected"


async def test_admit_all(locked_door: World) -> None:
    """HOST-4: everyone who waits is let in at once; with nobody waiting nothing happens."""
    world = locked_door
    host, _, _ = await world.come("host")
    for who in ("ana", "bo"):
        await knock(world, who)
    assert len(await lobby.admit_all(world.control, host, MEETING)) == 2
    assert await lobby.admit_all(world.control, host, MEETING) == []
    assert (await world.kinds()).count("lobby.admitted") == 2


async def test_stop_waiting(locked_door: World) -> None:
    """JOIN-7: to stop waiting is idempotent and seen by hosts."""
    world = locked_door
    knocked = await knock(world, "ana")
    page = await world.watch(knocked)
    for _ in range(2):
        await lobby.stop_waiting(world.control, world.person("ana"), MEETING)
    await page.read()
    assert page.watcher.ending == "left"
    assert (await world.kinds()).count("lobby.left") == 1
    await lobby.stop_waiting(world.control, world.person("nobody"), MEETING)


async def test_knocking_where_there_is_no_lobby(world: World) -> None:
    """JOIN-9: who need not wait does not: the answer says to join."""
    await world.create()
    knocked = await knock(world, "ana")
    assert (knocked.created, knocked.participant.status) == (True, "disconnected")
    page = await world.watch(knocked)
    assert page.said == [{"type": "lobby", "status": "admitted"}]
    assert await world.kinds() == []
    assert (await world.join(world.person("ana"))).participant.status == "connected"


async def test_host_never_waits(locked_door: World) -> None:
    """JOIN-9, HOST-1: the host is not stuck in their own lobby."""
    world = locked_door
    assert (await knock(world, "host")).participant.status == "disconnected"
    host, _, _ = await world.come("host")
    await leaving.leave(world.control, host, MEETING)
    assert (await world.join(world.person("host"))).participant.status == "connected"


async def test_knocking_at_a_locked_meeting(world: World) -> None:
    """JOIN-9: a lock keeps strangers from knocking, too."""
    await world.create(lobby=True, locked=True)
    assert (await refused(knock(world, "ana"))).kind.id == "meeting_locked"


async def test_knocking_with_a_passcode(world: World) -> None:
    """HOST-4: a meeting with passcode and lobby asks for the passcode first."""
    await world.create(lobby=True)
    patch = meetings.SettingsPatch(passcode="abc")
    host = world.person("host")
    await meetings.change_settings(world.control, host, MEETING, patch, expected_version=1)
    assert (await refused(knock(world, "ana"))).kind.id == "passcode_required"
    assert (await knock(world, "ana", passcode="abc")).participant.status == "waiting"
    assert (await knock(world, "ana")).participant.status == "waiting"


async def test_guests_do_not_answer(locked_door: World) -> None:
    """HOST-4: guests can neither admit nor deny, nor learn who waits by trying ids."""
    world = locked_door
    host, _, _ = await world.come("host")
    knocked = await knock(world, "ana")
    await lobby.admit(world.control, host, MEETING, knocked.participant.id)
    ana, _, _ = await world.come("ana")
    waiting = await knock(world, "bo")
    for target in (waiting.participant.id, "00000000-0000-7000-8000-000000000000"):
        for command in (lobby.admit, lobby.deny):
            problem = await refused(command(world.control, ana, MEETING, target))
            assert problem.kind.id == "host_only"
    assert (await refused(lobby.admit_all(world.control, ana, MEETING))).kind.id == "host_only"
    gone = await refused(
        lobby.admit(world.control, host, MEETING, "00000000-0000-7000-8000-000000000000")
    )
    assert gone.kind.id == "participant_not_found"


async def test_lobby_is_bounded(build: Build) -> None:
    """ERR-1: no more people wait than could be in; who waits already is not sent away."""
    world = await build(max_participants=2)
    await world.create(lobby=True)
    for who in ("ana", "bo"):
        assert (await knock(world, who)).participant.status == "waiting"
    assert (await refused(knock(world, "cy"))).kind.id == "meeting_full"
    assert (await knock(world, "bo")).participant.status == "waiting"


async def test_connection_of_somebody_else(locked_door: World) -> None:
    """PERSON-2: a knock cannot take over somebody else's connection."""
    world = locked_door
    _, joined, _ = await world.come("host")
    taken = ConnectionId(joined.connection.id)
    assert (await refused(knock(world, "ana", connection_id=taken))).kind.status == 422
    assert isinstance(await world.watch(joined), Page)


async def test_look_of_those_who_knocked(locked_door: World) -> None:
    """JOIN-9: who was let in has a seat to come back to; who waits or was turned away has none."""
    world = locked_door
    host = world.person("host")
    seen = []
    for answer in (lobby.admit, lobby.deny):
        who = f"one to {answer.__name__}"
        knocked = await knock(world, who)
        before = await meetings.look(world.control, world.person(who), MEETING)
        await answer(world.control, host, MEETING, knocked.participant.id)
        after = await meetings.look(world.control, world.person(who), MEETING)
        seen.append((before.known, after.known))
    assert seen == [(False, True), (False, False)]
