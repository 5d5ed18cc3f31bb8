"""What waits for a client survives its socket, and never grows without bound."""

from __future__ import annotations

from moot.media.builtin.notice import Closed, Closing, SectionsWanted, TrackEnded
from moot.media.builtin.outbox import Outbox

ONE, TWO = TrackEnded(track_id="1"), TrackEnded(track_id="2")


def test_what_waits_is_taken_at_once_and_in_order() -> None:
    """Notices come in the order in which they were put, as many as wait, and are told of once."""
    outbox = Outbox()
    attachment = outbox.attach()
    calls: list[int] = []
    attachment.when_waiting(lambda: calls.append(1))
    assert not calls
    outbox.put(ONE)
    outbox.put(TWO)
    assert len(calls) == 1
    assert attachment.take() == [ONE, TWO]
    attachment.when_waiting(lambda: calls.append(1))
    attachment.when_waiting(None)
    outbox.put(ONE)
    assert len(calls) == 1


def test_what_waits_already_is_told_of_at_once() -> None:
    """Nothing that came between two looks is missed."""
    outbox = Outbox()
    attachment = outbox.attach()
    outbox.put(ONE)
    calls: list[int] = []
    attachment.when_waiting(lambda: calls.append(1))
    assert len(calls) == 1


def test_a_newer_socket_takes_what_the_older_left() -> None:
    """JOIN-3: the older socket reads nothing more, and its detaching means nothing."""
    outbox = Outbox()
    older = outbox.attach()
    calls: list[int] = []
    older.when_waiting(lambda: calls.append(1))
    newer = outbox.attach()
    assert len(calls) == 1
    assert older.is_over
    outbox.put(ONE)
    assert older.take() == []
    assert not outbox.detach(older)
    assert outbox.is_attached
    assert newer.take() == [ONE]
    assert not newer.is_over
    assert outbox.detach(newer)
    assert not outbox.detach()


def test_the_last_notice_is_the_last() -> None:
    """After a close nothing is added, and the reader ends once it has read."""
    outbox = Outbox()
    attachment = outbox.attach()
    last = Closed(why=Closing.ENDED, may_return=False)
    outbox.put_last(last)
    outbox.put(ONE)
    assert not attachment.is_over
    assert attachment.take() == [last]
    assert attachment.is_over


def test_too_much_ends_the_socket_not_the_connection() -> None:
    """EVENT-5: an overrun outbox lets go of its socket, and begins anew with the next."""
    outbox = Outbox(limit=1)
    attachment = outbox.attach()
    outbox.put(ONE)
    outbox.put(TWO)
    assert outbox.is_overrun
    assert attachment.is_over
    outbox.refresh()
    newer = outbox.attach()
    outbox.put(TWO)
    assert newer.take() == [TWO]


def test_a_resume_voids_what_described_transports() -> None:
    """JOIN-4: an offer or a wish for sections of before the cut would confuse the client."""
    outbox = Outbox()
    outbox.put(SectionsWanted(audio=1, video=0))
    outbox.put(ONE)
    outbox.refresh()
    assert outbox.take() == [ONE]
