"""Who is in, kept between transactions: never older, never newer than the meeting's number."""

from __future__ import annotations

import pytest
from tests.unit.control.world import MEETING, World

from moot.control import ending, leaving, lobby, meetings, moderating
from moot.control.attendance import Attendance, Attendances
from moot.errors import Problem
from moot.model.meeting import Meeting
from moot.model.view import Snapshot
from moot.store.port import Transaction


def _reading(control: Attendances, tx: Transaction) -> tuple[Meeting, Attendance]:
    meeting = tx.find_meeting(MEETING)
    assert meeting is not None
    return meeting, control.read(tx, meeting)


async def _snapshot(world: World) -> Snapshot:
    return await meetings.snapshot(world.control, world.person("ana"), MEETING)


async def test_every_kind_of_change(world: World) -> None:
    """EVENT-2: whatever happens to people, events alone lead from one attendance to the next."""
    host = await world.create(lobby=True)
    await world.join(host)
    await world.agree(world.control)
    ana, ben = world.person("ana"), world.person("ben")
    knocked = await lobby.knock(world.control, ana, MEETING, name="Ana")
    await lobby.knock(world.control, ben, MEETING, name="Ana")
    await world.agree(world.control)
    await lobby.admit(world.control, host, MEETING, knocked.participant.id)
    joined = await world.join(ana, name="Ana")
    await world.agree(world.control)
    await lobby.admit_all(world.control, host, MEETING)
    await world.join(ben, name="Ana")
    await world.agree(world.control)
    await leaving.leave(world.control, ben, MEETING)
    await world.agree(world.control)
    # Back with an older place in the order than whoever came meanwhile.
    await world.join(ben, name="Ana")
    await moderating.remove(world.control, host, MEETING, joined.participant.id)
    await world.agree(world.control)
    await ending.end(world.control, host, MEETING)
    await world.agree(world.control)
    await moderating.restore(world.control, host, MEETING, joined.participant.id)
    await world.agree(world.control)


async def test_a_refused_change_leaves_nothing_behind(world: World) -> None:
    """JOIN-2: what a transaction that was taken back has seen of itself is not kept."""
    await world.create()
    first = await world.join(world.person("ana"))
    with pytest.raises(Problem):
        await world.join(world.person("ben"), connection_id=first.connection.id)
    assert [each.name for each in (await _snapshot(world)).participants] == ["ana"]
    await world.agree(world.control)


async def test_an_older_attendance_never_replaces_a_newer_one(world: World) -> None:
    """EVENT-1: answers of the store that come back in another order do no harm."""
    await world.create()
    await world.join(world.person("ana"))
    kept = Attendances()
    meeting, old = await world.store.read(lambda tx: _reading(kept, tx))
    await world.join(world.person("ben"))
    _, new = await world.store.read(lambda tx: _reading(kept, tx))
    kept.keep(meeting.uid, new)
    kept.keep(meeting.uid, old)
    _, found = await world.store.read(lambda tx: _reading(kept, tx))
    assert found is new


async def test_memory_is_bounded(world: World) -> None:
    """Meetings that nobody asks for are forgotten, and read again when somebody does."""
    await world.create()
    await world.join(world.person("ana"))
    kept = Attendances(limit=1)
    meeting, here = await world.store.read(lambda tx: _reading(kept, tx))
    kept.keep(meeting.uid, here)
    _, again = await world.store.read(lambda tx: _reading(kept, tx))
    assert again == here
    assert again is not here
