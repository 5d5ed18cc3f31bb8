"""How everyone's media fares, as a host sees it."""

from __future__ import annotations

import pytest
from tests.unit.control.world import MEETING, World

from moot.control import statistics
from moot.errors import Problem


async def test_a_host_sees_how_everyone_fares(world: World) -> None:
    """MEDIA-2: a host gets each connection's figures under the names that the page knows."""
    await world.create()
    host, joined, _ = await world.come("host")
    world.connect(joined)
    (measured,) = await statistics.measure(world.control, host, MEETING)
    assert measured.participant_id == joined.participant.id
    assert measured.connection_id == joined.connection.id
    assert measured.stats.quality == "excellent"


async def test_figures_are_for_hosts(world: World) -> None:
    """HOST-4: guests and strangers learn nothing of others' links."""
    await world.create()
    await world.come("host")
    guest, _, _ = await world.come("bo")
    with pytest.raises(Problem) as told:
        await statistics.measure(world.control, guest, MEETING)
    assert told.value.kind.id == "host_only"
    with pytest.raises(Problem) as told:
        await statistics.measure(world.control, world.person("cy"), MEETING)
    assert told.value.kind.id == "not_in_meeting"


async def test_figures_of_an_engine_that_is_away(world: World) -> None:
    """ERR-1: without the engine there are no figures now, and the answer says when to come back."""
    await world.create()
    host, _, _ = await world.come("host")
    await world.media.close()
    with pytest.raises(Problem) as told:
        await statistics.measure(world.control, host, MEETING)
    assert (told.value.kind.id, told.value.retry_after_s) == ("unavailable", 2)
