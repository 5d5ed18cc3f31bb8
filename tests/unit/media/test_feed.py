"""Media events reach every reader in order, and no reader holds up another."""

import asyncio

from moot.media.event import (
    EventsLost,
    MeetingClosed,
    SpeakersChanged,
)
from moot.media.feed import EventFeed


def closed(number: int) -> MeetingClosed:
    return MeetingClosed(meeting_key=f"M.{number}")


async def test_every_reader_gets_every_event_in_order() -> None:
    """Two readers see the same events in the same order, from their subscription on."""
    feed = EventFeed()
    feed.publish(closed(0))
    one, two = feed.events(), feed.events()
    for number in (1, 2):
        feed.publish(closed(number))
    feed.close()
    assert [event async for event in one] == [closed(1), closed(2)]
    assert [event async for event in two] == [closed(1), closed(2)]
    assert [event async for event in feed.events()] == []


async def test_a_slow_reader_is_told_that_it_missed_something() -> None:
    """EVENT-5: a reader that falls behind gets `EventsLost`, then what came after."""
    feed = EventFeed(limit=3)
    slow, quick = feed.events(), feed.events()
    for number in range(5):
        feed.publish(closed(number))
        assert await anext(quick) == closed(number)
    assert await anext(slow) == EventsLost()
    assert await anext(slow) == closed(3)


async def test_what_may_be_lost_never_displaces_what_may_not() -> None:
    """EVENT-3: a full queue drops speakers before it drops anything else."""
    feed = EventFeed(limit=1)
    reader = feed.events()
    feed.publish(closed(1))
    feed.publish(SpeakersChanged(meeting_key="M.1", speakers=()))
    assert await anext(reader) == closed(1)
    feed.publish(closed(2))
    assert await anext(reader) == closed(2)


async def test_a_reader_that_went_away_costs_nothing() -> None:
    """Cancelling a reader ends its subscription."""
    feed = EventFeed()

    async def read() -> None:
        async for _ in feed.events():
            pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    assert len(feed._readers) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not feed._readers
