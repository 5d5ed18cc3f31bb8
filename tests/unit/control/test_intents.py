"""One's own microphone, camera, screen, hand and name (EVENT-4, JOIN-6)."""

import asyncio

from tests.unit.control.test_joining import refused
from tests.unit.control.world import MEETING, World

from moot.control import leaving
from moot.control.intents import Intents, change


async def test_saying_what_is_so_changes_nothing(world: World) -> None:
    """EVENT-1: where nothing changes, nothing is numbered."""
    await world.create()
    ana, _, _ = await world.come("ana", audio=True)
    for intents in (Intents(), Intents(audio=True), Intents(hand=False), Intents(name="ana")):
        await change(world.control, ana, MEETING, intents)
    assert await world.kinds() == ["participant.joined"]


async def test_intent_and_engine_agree(world: World) -> None:
    """EVENT-4: what the engine forwards is what the row and every page say."""
    await world.create()
    ana, joined, _ = await world.come("ana")
    _, _, page = await world.come("bo")
    world.connect(joined)
    steps = [
        (Intents(audio=True), {"microphone"}),
        (Intents(video=True), {"microphone", "camera"}),
        (Intents(screen=True), {"microphone", "camera", "screen", "screen_audio"}),
        (Intents(audio=False), {"camera", "screen", "screen_audio"}),
        (Intents(video=False, screen=False), set()),
    ]
    for intents, allowed in steps:
        view = await change(world.control, ana, MEETING, intents)
        await page.read()
        seen = page.participants[joined.participant.id]
        assert (seen["audio"], seen["video"], seen["screen"]) == (
            view.audio,
            view.video,
            view.screen,
        )
        assert await world.forwarded(joined) == allowed


async def test_moving_the_microphone(world: World) -> None:
    """JOIN-6: switching on from another tab moves the one live microphone there."""
    await world.create()
    first_actor, first, _ = await world.come("ana", audio=True)
    second_actor, second, _ = await world.come("ana")
    world.connect(first)
    world.connect(second)
    view = await change(world.control, second_actor, MEETING, Intents(audio=True))
    assert view.microphone_connection == second.connection.id
    assert "microphone" not in await world.forwarded(first)
    assert "microphone" in await world.forwarded(second)
    view = await change(world.control, first_actor, MEETING, Intents(audio=False))
    assert not view.audio
    assert "microphone" not in await world.forwarded(second)


async def test_unnamed_connection(world: World) -> None:
    """JOIN-6: a command that names no connection speaks for the holder, else the newest."""
    await world.create()
    _, first, _ = await world.come("ana", audio=True)
    _, second, _ = await world.come("ana")
    ana = world.person("ana")
    view = await change(world.control, ana, MEETING, Intents(audio=True))
    assert view.microphone_connection == first.connection.id
    await change(world.control, ana, MEETING, Intents(screen=True))
    assert (await world.row("ana")).screen_connection == second.connection.id


async def test_only_inside(world: World) -> None:
    """PERSON-2: who is not in the meeting has no microphone in it."""
    await world.create()
    ana, _, _ = await world.come("ana")
    await leaving.leave(world.control, ana, MEETING)
    for actor in (world.person("ana"), world.person("stranger")):
        problem = await refused(change(world.control, actor, MEETING, Intents(audio=True)))
        assert problem.kind.id == "not_in_meeting"


async def test_what_guests_may_not(world: World) -> None:
    """HOST-4: guests cannot unmute or share where hosts have switched that off; hosts can."""
    await world.create(guests_may_unmute=False, guests_may_share=False)
    host, _, _ = await world.come("host")
    ana, _, _ = await world.come("ana")
    for intents in (Intents(audio=True), Intents(screen=True), Intents(audio=True, hand=True)):
        problem = await refused(change(world.control, ana, MEETING, intents))
        assert problem.kind.id == "not_allowed"
    assert (await world.row("ana")).hand_at is None
    assert (await change(world.control, ana, MEETING, Intents(audio=False, video=True))).video
    assert (await change(world.control, host, MEETING, Intents(audio=True, screen=True))).screen


async def test_hand_keeps_its_place(world: World) -> None:
    """HOST-4: raising a raised hand again keeps its place in the queue."""
    await world.create()
    ana, _, _ = await world.come("ana")
    first = await change(world.control, ana, MEETING, Intents(hand=True))
    world.clock.pass_s(10)
    again = await change(world.control, ana, MEETING, Intents(hand=True))
    assert first.hand_at == again.hand_at == world.clock.now_ms() - 10_000
    lowered = await change(world.control, ana, MEETING, Intents(hand=False))
    assert lowered.hand_at is None


async def test_rename(world: World) -> None:
    """PERSON-3: a new name is checked, numbered among its twins, and seen by all."""
    await world.create()
    await world.come("bo")
    ana, joined, page = await world.come("ana")
    view = await change(world.control, ana, MEETING, Intents(name="  BO "))
    assert (view.name, view.label) == ("BO", "BO (2)")
    await page.read()
    assert page.participants[joined.participant.id]["label"] == "BO (2)"
    problem = await refused(change(world.control, ana, MEETING, Intents(name="\u202eevil")))
    assert problem.kind.id == "name_invalid"


async def test_racing_toggles_end_as_the_store_says(world: World) -> None:
    """EVENT-4: however toggles race, engine, row and pages agree in the end."""
    await world.create()
    ana, joined, page = await world.come("ana")
    world.connect(joined)
    for round_number in range(20):
        await asyncio.gather(
            *(
                change(world.control, ana, MEETING, Intents(audio=bool((n + round_number) % 2)))
                for n in range(7)
            )
        )
        row = await world.row("ana")
        await page.read()
        assert ("microphone" in await world.forwarded(joined)) == row.audio
        assert page.participants[joined.participant.id]["audio"] == row.audio
