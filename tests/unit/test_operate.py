"""What an operator does with the store from the command line."""

from pathlib import Path

import pytest

from moot.bus.local import LocalBus
from moot.config import Config
from moot.control.actor import Actor
from moot.control.context import Control
from moot.control.meetings import ensure
from moot.errors import Problem
from moot.media.fake import FakeMediaEngine
from moot.model.ids import MeetingId, PersonId
from moot.operate import end_meeting, list_meetings, migrate, opened, show_meeting


@pytest.fixture
async def config(tmp_path: Path) -> Config:
    """An installation with one meeting, ABC123."""
    config = Config(data=tmp_path)
    await migrate(config)
    async with opened(config) as store:
        control = Control(store=store, bus=LocalBus(), media=FakeMediaEngine(), config=config)
        await ensure(control, Actor(person_id=PersonId("guest:" + "a" * 32)), MeetingId("ABC123"))
    return config


async def test_a_store_is_brought_up_to_date_once(tmp_path) -> None:
    """`moot migrate` says its steps the first time, and nothing the second."""
    config = Config(data=tmp_path)
    assert await migrate(config) != []
    assert await migrate(config) == []


async def test_meetings_are_listed(config: Config) -> None:
    """`moot meetings list` has a line for each, with who is present."""
    (line,) = await list_meetings(config)
    assert line.startswith("ABC123 ")
    assert line.endswith(", 0 present")


async def test_a_meeting_is_shown_in_any_spelling(config: Config) -> None:
    """MEET-1: `moot meetings show` takes a Meeting ID as people type it."""
    lines = await show_meeting(config, " abc-123 ")
    assert lines[0] == "ABC123"
    assert "open to everybody who knows its id" in lines[2]


async def test_a_meeting_that_is_not_there_shows_nothing(config: Config) -> None:
    """MEET-6: what nobody has created is not there."""
    assert await show_meeting(config, "NONE") == []
    assert await end_meeting(config, "NONE") == []


async def test_what_is_no_meeting_id_is_refused(config: Config) -> None:
    """MEET-1: a text that can be no Meeting ID is refused in words."""
    with pytest.raises(Problem, match="3 to 64"):
        await show_meeting(config, "!")


async def test_an_operator_ends_a_meeting(config: Config) -> None:
    """MEET-7: ending from the command line begins the next run and keeps the meeting."""
    assert await end_meeting(config, "ABC123") == [
        "ABC123 has ended for all; the next to join begin run 2."
    ]
    lines = await show_meeting(config, "ABC123")
    assert ", run 2, event 1" in lines[1]
