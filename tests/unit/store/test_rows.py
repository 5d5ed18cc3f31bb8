"""Rows and values have the same fields in the same order."""

from __future__ import annotations

from msgspec.structs import astuple
from tests.contract.seats import new_meeting, new_participant, new_process

from moot.model.meeting import Settings
from moot.store import rows


def test_a_meeting_is_spread_and_gathered() -> None:
    """MEET-3: a setting is a column of its own."""
    meeting = new_meeting(settings=Settings(title="A", locked=True, max_participants=5))
    parameters = rows.meeting_parameters(meeting)
    row = [parameters[name] for name in rows.COLUMNS["meeting"]]
    assert rows.meeting([int(v) if isinstance(v, bool) else v for v in row]) == meeting


def test_numbers_become_flags_again() -> None:
    """EVENT-4: a stored intent is true or false, though SQLite knows numbers only."""
    seat = new_participant(new_meeting(), audio=True, verified=True)
    row = [int(v) if isinstance(v, bool) else v for v in astuple(seat)]
    found = rows.participant(row)
    assert found == seat
    assert (found.audio, found.video) == (True, False)
    assert isinstance(found.audio, bool)
    process = rows.process([int(v) if isinstance(v, bool) else v for v in astuple(new_process())])
    assert process.draining is False
