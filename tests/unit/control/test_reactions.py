"""Reactions: from a list, by those inside, at a pace (EVENT-3)."""

import pytest
from tests.unit.control.conftest import Build
from tests.unit.control.test_joining import refused
from tests.unit.control.world import MEETING, World

from moot.control import reactions


@pytest.mark.parametrize("emoji", ["", "x", "👍👍", "<script>", "👎"])
async def test_only_the_list(world: World, emoji: str) -> None:
    """ERR-1: anything but the list is refused."""
    await world.create()
    ana, _, _ = await world.come("ana")
    problem = await refused(reactions.react(world.control, ana, MEETING, emoji))
    assert problem.kind.id == "body_invalid"


async def test_only_inside(world: World) -> None:
    """PERSON-2: who is not in the meeting cannot react in it."""
    await world.create()
    stranger = reactions.react(world.control, world.person("bo"), MEETING, "👍")
    assert (await refused(stranger)).kind.id == "not_in_meeting"


async def test_pace(world: World) -> None:
    """EVENT-3: ten at once and two a second, then it was too often."""
    await world.create()
    ana, _, _ = await world.come("ana")
    for _ in range(10):
        await reactions.react(world.control, ana, MEETING, "👍")
    problem = await refused(reactions.react(world.control, ana, MEETING, "👍"))
    assert (problem.kind.id, problem.retry_after_s) == ("rate_limited", 1)
    world.clock.pass_s(0.5)
    await reactions.react(world.control, ana, MEETING, "👍")


async def test_no_pace_for_load_tests(build: Build) -> None:
    """EVENT-3: with limits off nothing is held back."""
    world = await build(rate_limits=False)
    await world.create()
    ana, _, _ = await world.come("ana")
    for _ in range(30):
        await reactions.react(world.control, ana, MEETING, "👍")
