"""What waits for a client survives its socket, and never grows without bound."""

from __future__ import annotations

import asyncio

from moot.media.builtin.notice import Closed, Closing, SectionsWanted, TrackEnded
from moot.media.builtin.outbox import Outbox

ONE, TWO = TrackEnded(track_id="1"), TrackEnded(track_id="2")


async def test_what_waits_is_taken_at_once_and_in_order() -> None:
    """Notices come in the order in which they were put, as many as wait."""
    outbox = Outbox()
    attachment = outbox.attach()
    taking = asyncio.create_task(attachment.take())
    await asyncio.sleep(0)
    outbox.put(ONE)
    outbox.put(TWO)
    assert await taking == [ONE, TWO]


async def test_a_newer_socket_takes_what_the_older_left() -> None:
    """JOIN-3: the older socket reads nothing more, and its detaching means nothing."""
    outbox = Outbox()
    older = outbox.attach()
    taking = asyncio.create_task(older.take())
    await asyncio.sleep(0)
    newer = outbox.attach()
    outbox.put(ONE)
    assert await taking == []
    assert not outbox.detach(older)
    assert outbox.is_attached
    assert await newer.take() == [ONE]
    assert outbox.detach(newer)
    assert not outbox.detach()


async def test_the_last_notice_is_the_last() -> None:
    """After a close nothing is added, and the reader ends once it has read."""
    outbox = Outbox()
    attachment = outbox.attach()
    last = Closed(why=Closing.ENDED, may_return=False)
    outbox.put_last(last)
    outbox.put(ONE)
    assert await attachment.take() == [last]
    assert await attachment.take() == []


async def test_too_much_ends_the_socket_not_the_connection() -> None:
    """EVENT-5: an overrun outbox lets go of its socket, and begins anew with the next."""
    outbox = Outbox(limit=1)
    attachment = outbox.attach()
    outbox.put(ONE)
    outbox.put(TWO)
    assert outbox.is_overrun
    assert await attachment.take() == []
    outbox.refresh()
    newer = outbox.attach()
    outbox.put(TWO)
    assert await newer.take() == [TWO]


async def test_a_resume_voids_what_described_transports() -> None:
    """JOIN-4: an offer or a wish for sections of before the cut would confuse the client."""
    outbox = Outbox()
    outbox.put(SectionsWanted(audio=1, video=0))
    outbox.put(ONE)
    outbox.refresh()
    assert outbox.take() == [ONE]
