"""What hosts do to others, cell by cell of role x action x target (HOST-1 to HOST-4)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.control.test_joining import refused
from tests.unit.control.world import MEETING, World

from moot.control import ending, leaving, lobby, meetings, moderating
from moot.control.actor import Actor
from moot.control.intents import Intents, change
from moot.control.meetings import SettingsPatch
from moot.model.ids import ParticipantId
from moot.model.permission import PERMISSIONS

Command = Callable[[World, Actor, ParticipantId], Awaitable[Any]]

ON_PARTICIPANTS: dict[str, Command] = {
    "mute": lambda w, a, t: moderating.mute(w.control, a, MEETING, t, ["microphone"]),
    "lower_hand": lambda w, a, t: moderating.lower_hand(w.control, a, MEETING, t),
    "set_role": lambda w, a, t: moderating.set_role(w.control, a, MEETING, t, "host"),
    "remove": lambda w, a, t: moderating.remove(w.control, a, MEETING, t),
    "restore": lambda w, a, t: moderating.restore(w.control, a, MEETING, t),
    "admit": lambda w, a, t: lobby.admit(w.control, a, MEETING, t),
    "deny": lambda w, a, t: lobby.deny(w.control, a, MEETING, t),
}
ON_THE_MEETING: dict[str, Callable[[World, Actor], Awaitable[Any]]] = {
    "change_settings": lambda w, a: meetings.change_settings(
        w.control, a, MEETING, SettingsPatch(locked=True), expected_version=1
    ),
    "end": lambda w, a: ending.end(w.control, a, MEETING),
    "mute_all": lambda w, a: moderating.mute_all(w.control, a, MEETING, ["microphone"]),
    "admit_all": lambda w, a: lobby.admit_all(w.control, a, MEETING),
}


async def people(world: World) -> tuple[dict[str, Actor], dict[str, ParticipantId]]:
    """Two hosts and two guests, all in."""
    await world.create()
    actors, ids = {}, {}
    for who in ("host", "cohost", "guest", "other"):
        actors[who], joined, _ = await world.come(who, audio=True)
        ids[who] = joined.participant.id
    await moderating.set_role(world.control, actors["host"], MEETING, ids["cohost"], "host")
    return actors, ids


@pytest.mark.parametrize("target", ["self", "guest", "host"])
@pytest.mark.parametrize("role", ["host", "guest"])
@pytest.mark.parametrize("action", sorted(ON_PARTICIPANTS))
async def test_matrix_on_participants(world: World, action: str, role: str, target: str) -> None:
    """HOST-4: each cell of the table holds at the command, and a refusal changes nothing."""
    actors, ids = await people(world)
    actor = "host" if role == "host" else "guest"
    victim = {
        "self": actor,
        "guest": "other",
        "host": "cohost",
    }[target]
    command = ON_PARTICIPANTS[action](world, actors[actor], ids[victim])
    if target in PERMISSIONS[action][role]:
        await command
        return
    before = (await world.rows(), await world.kinds())
    assert (await refused(command)).kind.id == "host_only"
    assert (await world.rows(), await world.kinds()) == before


@pytest.mark.parametrize("role", ["host", "guest", "stranger", "removed"])
@pytest.mark.parametrize("action", sorted(ON_THE_MEETING))
async def test_matrix_on_the_meeting(world: World, action: str, role: str) -> None:
    """HOST-4: only hosts act on the meeting; strangers and removed hosts do not."""
    actors, ids = await people(world)
    actors["stranger"] = world.person("stranger")
    if role == "removed":
        await moderating.remove(world.control, actors["host"], MEETING, ids["cohost"])
        actors["removed"] = world.person("cohost")
    work = ON_THE_MEETING[action](world, actors[role])
    if role == "host":
        await work
    else:
        assert (await refused(work)).kind.id == "host_only"


@pytest.mark.parametrize("action", sorted(ON_PARTICIPANTS))
async def test_ids_of_another_meeting(world: World, action: str) -> None:
    """PERSON-2: an id of another meeting is participant_not_found, whatever the command."""
    actors, _ = await people(world)
    stranger = ParticipantId("00000000-0000-7000-8000-000000000000")
    problem = await refused(ON_PARTICIPANTS[action](world, actors["host"], stranger))
    assert problem.kind.id == "participant_not_found"


async def test_mute_is_enforced_and_only_undone_by_the_person(world: World) -> None:
    """HOST-4, EVENT-4: a muted person is silent in the engine at once, and unmutes themself."""
    await world.create()
    host, _, _ = await world.come("host")
    ana, joined, page = await world.come("ana", audio=True, video=True)
    await change(world.control, ana, MEETING, Intents(screen=True))
    world.connect(joined)
    for _ in range(2):
        view = await moderating.mute(
            world.control, host, MEETING, joined.participant.id, ["microphone", "screen"]
        )
        assert (view.audio, view.video, view.screen) == (False, True, False)
    assert await world.forwarded(joined) == {"camera"}
    await page.read()
    assert page.kinds.count("participant.updated") == 2
    assert (await change(world.control, ana, MEETING, Intents(audio=True))).audio
    assert "microphone" in await world.forwarded(joined)


async def test_mute_of_somebody_away(world: World) -> None:
    """EVENT-4: who is muted while away is muted when coming back."""
    await world.create()
    host, _, _ = await world.come("host")
    ana, joined, _ = await world.come("ana", audio=True)
    await leaving.leave(world.control, ana, MEETING)
    target = joined.participant.id
    await moderating.mute(world.control, host, MEETING, target, ["microphone"])
    assert not (await world.join(world.person("ana"))).participant.audio


async def test_mute_all_spares_hosts(world: World) -> None:
    """HOST-4: muting all mutes every guest and no host."""
    actors, ids = await people(world)
    views = await moderating.mute_all(world.control, actors["host"], MEETING, ["microphone"])
    assert {view.id for view in views} == {ids["guest"], ids["other"]}
    audio = {row.person_id: row.audio for row in await world.rows()}
    assert audio == {
        "guest:host": True,
        "guest:cohost": True,
        "guest:guest": False,
        "guest:other": False,
    }


async def test_role_is_given_and_taken_back(world: World) -> None:
    """HOST-1, HOST-2: the role is in the row: it survives refresh, device and leave."""
    actors, _ = await people(world)
    await leaving.leave(world.control, actors["cohost"], MEETING)
    assert (await world.join(world.person("cohost"))).participant.role == "host"
    row = await world.row("cohost")
    view = await moderating.set_role(world.control, actors["host"], MEETING, row.id, "guest")
    assert view.role == "guest"
    assert (await world.join(world.person("cohost"))).participant.role == "guest"


async def test_last_host_stays(world: World) -> None:
    """HOST-2: the last host cannot lose the role, neither by demotion nor by removal."""
    await world.create()
    host, joined, _ = await world.come("host")
    me = joined.participant.id
    for work in (
        moderating.set_role(world.control, host, MEETING, me, "guest"),
        moderating.remove(world.control, host, MEETING, me),
    ):
        assert (await refused(work)).kind.id == "last_host"
    _, ana, _ = await world.come("ana")
    await moderating.set_role(world.control, host, MEETING, ana.participant.id, "host")
    view = await moderating.set_role(world.control, host, MEETING, me, "guest")
    assert view.role == "guest"


async def test_nobody_is_promoted_at_random(world: World) -> None:
    """HOST-3: while no host is present the meeting goes on, and nobody gets the role."""
    await world.create()
    host, _, _ = await world.come("host")
    ana, _, _ = await world.come("ana")
    await leaving.leave(world.control, host, MEETING)
    await world.pass_s(60, step_s=5)
    assert (await world.row("ana")).role == "guest"
    assert (await change(world.control, ana, MEETING, Intents(hand=True))).hand_at
    assert (await world.join(world.person("host"))).participant.role == "host"


async def test_new_host_sees_what_hosts_see(world: World) -> None:
    """HOST-2, EVENT-2: who becomes a host gets a snapshot with the lobby, and goes on gapless."""
    await world.create(lobby=True)
    host, _, _ = await world.come("host")
    for who in ("ana", "bo"):
        knocked = await lobby.knock(world.control, world.person(who), MEETING, name=who)
        if who == "ana":
            await lobby.admit(world.control, host, MEETING, knocked.participant.id)
            _, ana, page = await world.come("ana")
    row = await world.row("bo")
    assert row.id not in page.participants
    await moderating.set_role(world.control, host, MEETING, ana.participant.id, "host")
    await world.settle()
    await page.read()
    assert page.snapshots == 2
    assert page.participants[row.id]["status"] == "waiting"
    await lobby.deny(world.control, host, MEETING, row.id)
    await page.read()
    assert page.kinds[-1] == "lobby.denied"


async def test_role_lets_a_waiting_person_in(world: World) -> None:
    """HOST-2: making a waiting person a host lets them in."""
    await world.create(lobby=True)
    host, _, _ = await world.come("host")
    knocked = await lobby.knock(world.control, world.person("ana"), MEETING, name="Ana")
    target = knocked.participant.id
    view = await moderating.set_role(world.control, host, MEETING, target, "host")
    assert (view.role, view.status) == ("host", "disconnected")
    assert (await world.join(world.person("ana"))).participant.role == "host"


async def test_removal_follows_the_person(world: World) -> None:
    """JOIN-8: a removal closes every connection of the person, media included, once."""
    await world.create()
    host, _, _ = await world.come("host")
    _, first, first_page = await world.come("ana")
    _, second, second_page = await world.come("ana")
    world.connect(first)
    world.connect(second)
    target = first.participant.id
    for _ in range(2):
        view = await moderating.remove(world.control, host, MEETING, target)
        assert (view.status, view.connections) == ("removed", 0)
    for page in (first_page, second_page):
        await page.read()
        assert page.watcher.ending == "participant_removed"
    assert (await world.media.roster(first.media.room)).entries == ()
    assert (await world.kinds()).count("participant.removed") == 1
    with pytest.raises(Exception, match=r"^$"):
        world.connect(first)


async def test_restore(world: World) -> None:
    """JOIN-8: restoring is idempotent and leads past the lobby; it joins nobody by itself."""
    await world.create(lobby=True)
    host, _, _ = await world.come("host")
    knocked = await lobby.knock(world.control, world.person("ana"), MEETING, name="Ana")
    target = knocked.participant.id
    await moderating.remove(world.control, host, MEETING, target)
    for _ in range(2):
        view = await moderating.restore(world.control, host, MEETING, target)
        assert view.status == "disconnected"
    assert (await world.kinds()).count("participant.restored") == 1
    assert (await world.join(world.person("ana"))).participant.status == "connected"


async def test_lower_hand(world: World) -> None:
    """HOST-4: a host lowers a hand; lowering it again changes nothing."""
    await world.create()
    host, _, _ = await world.come("host")
    ana, joined, _ = await world.come("ana")
    await change(world.control, ana, MEETING, Intents(hand=True))
    before = len(await world.kinds())
    for _ in range(2):
        view = await moderating.lower_hand(world.control, host, MEETING, joined.participant.id)
        assert view.hand_at is None
    assert len(await world.kinds()) == before + 1


async def test_demoted_host_loses_what_guests_may_not(world: World) -> None:
    """HOST-4: a host who becomes a guest stops sharing where guests may not share."""
    await world.create(guests_may_share=False)
    host, _, _ = await world.come("host")
    _, ana, _ = await world.come("ana")
    target = ana.participant.id
    await moderating.set_role(world.control, host, MEETING, target, "host")
    await change(world.control, world.person("ana"), MEETING, Intents(screen=True))
    view = await moderating.set_role(world.control, host, MEETING, target, "guest")
    assert not view.screen
