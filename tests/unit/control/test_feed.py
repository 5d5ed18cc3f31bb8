"""A feed delivers each event once, in its turn, and asks for what it lacks (EVENT-1)."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.control.test_watcher import make

from moot.control import frames
from moot.control.feed import Feed
from moot.model.meeting import Event

BODY = b'{"participant":{"id":"q","role":"guest","connections":1}}'
ENDED = b'{"meeting":{"run":3}}'


class Notes:
    """What a feed has asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def catch_up(self, feed) -> None:
        self.asked.append("catch_up")

    def renew(self, feed, watchers) -> None:
        self.asked.append(f"renew {len(watchers)}")

    def check(self, feed, participant_id) -> None:
        self.asked.append(f"check {participant_id}")

    def ended(self, feed, run, *, event_seq) -> None:
        self.asked.append(f"ended {run} at {event_seq}")

    def told(self, feed, event, participant_id) -> None:
        self.asked.append(f"told {participant_id}")


def event(n: int, *, kind="chat.posted", body=b"{}", audience="", epoch=1) -> Event:
    return Event("u", n, epoch, kind, n, body, audience)  # type: ignore[arg-type]


def follow(notes: Notes | None = None, *, at: int = 0):
    feed = Feed("ABC", "u", notes or Notes())  # type: ignore[arg-type]
    watcher = make()
    feed.add(watcher)
    watcher.start(at, [])
    feed.begin(1, at)
    return feed, watcher


async def numbers(watcher) -> list[int]:
    return [msgspec.json.decode(text)["event_seq"] for text in watcher.take()]


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_any_order_comes_out_in_order(seed: int, count: int) -> None:
    """EVENT-1: however announcements arrive, repeated or reordered, each is delivered in turn."""
    import asyncio

    arrivals = [event(n) for n in range(1, count + 1)] * 2
    random.Random(seed).shuffle(arrivals)
    notes = Notes()

    async def play() -> list[int]:
        feed, watcher = follow(notes)
        for each in arrivals:
            feed.take(each)
        return await numbers(watcher)

    assert asyncio.run(play()) == list(range(1, count + 1))


async def test_gap_is_asked_for() -> None:
    """EVENT-1: an event that is ahead waits for those before it, which are asked for."""
    notes = Notes()
    feed, watcher = follow(notes)
    feed.take(event(3))
    assert notes.asked == ["catch_up"]
    assert await numbers(watcher) == []
    feed.take(event(1))
    feed.take(event(2))
    assert await numbers(watcher) == [1, 2, 3]


async def test_learning_of_more() -> None:
    """EVENT-1: a store that is further is asked; one that is not is left alone."""
    notes = Notes()
    feed, _ = follow(notes, at=5)
    feed.learn(1, 5)
    feed.learn(1, 4)
    assert notes.asked == []
    feed.learn(1, 6)
    assert notes.asked == ["catch_up"]


async def test_another_epoch_starts_over() -> None:
    """EVENT-2: another history is never mixed in: everyone gets a new snapshot."""
    for meet in (lambda feed: feed.learn(2, 1), lambda feed: feed.take(event(1, epoch=2))):
        notes = Notes()
        feed, watcher = follow(notes, at=5)
        meet(feed)
        assert notes.asked == ["renew 1"]
        assert feed.event_seq is None
        feed.take(event(2, epoch=2))
        feed.learn(2, 3)
        watcher.start(1, [])
        feed.begin(2, 1)
        assert await numbers(watcher) == [2]


async def test_hidden() -> None:
    """EVENT-1: who is not of the audience gets the number and nothing else."""
    feed, guest = follow()
    host = make()
    host.is_host = True
    feed.add(host)
    host.start(0, [])
    secret = event(1, body=b'{"x":"secret"}', audience="hosts")
    feed.take(secret)
    assert list(host.take()) == [frames.event(secret)]
    (shown,) = guest.take()
    assert "secret" not in shown
    assert msgspec.json.decode(shown) == {
        "type": "event",
        "epoch": 1,
        "event_seq": 1,
        "kind": "hidden",
    }


@pytest.mark.parametrize(
    ("kind", "body", "ending"),
    [
        ("participant.removed", BODY, "participant_removed"),
        ("participant.left", BODY[:-1] + b',"reason":"left"}', "left"),
        ("participant.left", BODY[:-1] + b',"reason":"lost"}', "connection_closed"),
        ("lobby.denied", BODY, "lobby_denied"),
        ("lobby.left", BODY, "left"),
        ("meeting.ended", ENDED, "meeting_ended"),
        ("meeting.updated", b"{}", None),
        ("chat.posted", b"{}", None),
        ("participant.joined", BODY, None),
    ],
)
async def test_what_ends_a_stream(kind: str, body: bytes, ending: str | None) -> None:
    """JOIN-7, JOIN-8, MEET-7: a stream ends with the reason that the event gives, and reads it."""
    feed, watcher = follow()
    bystander = make()
    feed.discard(watcher)
    watcher.participant_id = "q"  # type: ignore[assignment]
    feed.add(watcher)
    feed.add(bystander)
    bystander.start(0, [])
    feed.take(event(1, kind=kind, body=body))
    assert watcher.ending == ending
    assert await numbers(watcher) == [1]
    assert bystander.ending == ("meeting_ended" if kind == "meeting.ended" else None)


async def test_an_end_stops_the_media_of_its_run() -> None:
    """MEET-7: the event carries the meeting as it is for the next run."""
    notes = Notes()
    feed, _ = follow(notes)
    feed.take(event(1, kind="meeting.ended", body=ENDED))
    assert notes.asked == ["ended 2 at 1"]


async def test_promotion_renews_and_holds() -> None:
    """HOST-2: who becomes a host holds until the new snapshot, and is renewed once."""
    notes = Notes()
    feed, watcher = follow(notes)
    feed.discard(watcher)
    watcher.participant_id = "q"  # type: ignore[assignment]
    feed.add(watcher)
    host = b'{"participant":{"id":"q","role":"host","connections":1}}'
    feed.take(event(1, kind="participant.updated", body=host))
    feed.take(event(2, kind="participant.updated", body=host))
    assert notes.asked == ["told q", "check q", "renew 1", "told q"]
    assert await numbers(watcher) == [1]
    watcher.start(1, [])
    assert await numbers(watcher) == [2]
    feed.take(event(3, kind="participant.updated", body=BODY))
    assert not watcher.is_host
    assert notes.asked.count("renew 1") == 1
