"""One suite for every bus, and what Redis may do to its own (EVENT-3, EVENT-6)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from redis.asyncio import Redis
from tests.servers.redis import RedisServer
from tests.servers.running import running

from moot.bus.local import LocalBus
from moot.bus.port import Announcement, Bus
from moot.bus.redis import DEAF_AFTER_S, OUTGOING_LIMIT, RedisBus
from moot.model.event import Ephemeral
from moot.model.ids import MeetingUid
from moot.model.meeting import Event

ONE, TWO = MeetingUid("one"), MeetingUid("two")


def event(n: int, uid: MeetingUid = ONE) -> Event:
    return Event(meeting_uid=uid, event_seq=n, epoch=1, type="chat.posted", at=n, body=b'{"n":1}')


async def soon(claim: Callable[[], bool], *, within_s: float = 5.0) -> bool:
    """Wait until a claim holds, or for that long."""
    for _ in range(int(within_s / 0.02)):
        if claim():
            return True
        await asyncio.sleep(0.02)
    return claim()


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self, bus: Bus) -> None:
        self.heard: list[Announcement] = []
        self.is_ended = False
        self._task = asyncio.create_task(self._listen(bus))

    async def _listen(self, bus: Bus) -> None:
        async for batch in bus.listen():
            self.heard.extend(batch)
        self.is_ended = True

    async def until(self, count: int, *, within_s: float = 5.0) -> list[Announcement]:
        await soon(lambda: len(self.heard) >= count, within_s=within_s)
        return self.heard

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def connected(bus: Bus, *, within_s: float = 15.0) -> None:
    assert await soon(lambda: bus.is_connected, within_s=within_s), "the bus has not come back"
    # What was wished for while connecting is subscribed within a twentieth of a second.
    await asyncio.sleep(0.15)


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with running(RedisServer()) as server:
        yield server


Make = Callable[[], Awaitable[Bus]]


@pytest.fixture(params=["local", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    is_local = request.param == "local"
    one: Bus = LocalBus() if is_local else RedisBus(request.getfixturevalue("redis").url)
    await one.open()
    if request.param == "redis":
        await connected(one)
    yield one
    await one.close()


@pytest.fixture
async def pair(redis: RedisServer) -> AsyncIterator[tuple[RedisBus, RedisBus]]:
    buses = RedisBus(redis.url), RedisBus(redis.url)
    for each in buses:
        await each.open()
    for each in buses:
        await connected(each)
    yield buses
    for each in buses:
        await each.close()


async def test_order(bus: Bus) -> None:
    """EVENT-1: what is published is heard once, in the order of publishing."""
    bus.follow(ONE)
    bus.follow(ONE)
    ear = Ear(bus)
    sent = [event(n) for n in range(1, 501)]
    for each in sent:
        bus.publish(each)
    assert await ear.until(500) == sent
    await asyncio.sleep(0.1)
    assert len(ear.heard) == 500
    await ear.stop()


async def test_only_followed_meetings(bus: Bus) -> None:
    """EVENT-1: a process hears the meetings that it follows and no others."""
    bus.follow(ONE)
    ear = Ear(bus)
    bus.publish(event(1, TWO))
    bus.publish(event(1))
    assert await ear.until(1) == [event(1)]
    bus.follow(ONE)
    bus.unfollow(ONE)
    bus.publish(event(3))
    assert await ear.until(2) == [event(1), event(3)]
    bus.unfollow(ONE)
    bus.unfollow(TWO)
    bus.publish(event(2))
    await asyncio.sleep(0.1)
    assert ear.heard == [event(1), event(3)]
    await ear.stop()


async def test_ephemeral(bus: Bus) -> None:
    """EVENT-3: what has no number travels as well."""
    bus.follow(ONE)
    ear = Ear(bus)
    passing = Ephemeral(ONE, "typing", b"{}", key="x", audience="hosts")
    bus.publish(passing)
    assert await ear.until(1) == [passing]
    await ear.stop()


async def test_close_ends_listening(bus: Bus) -> None:
    """EVENT-6: after closing nothing is carried, and closing again changes nothing."""
    bus.follow(ONE)
    ear = Ear(bus)
    await asyncio.sleep(0.01)
    await bus.close()
    await bus.close()
    bus.publish(event(1))
    await asyncio.sleep(0.05)
    assert ear.is_ended
    assert ear.heard == []
    assert not bus.is_connected


async def test_slow_listener_is_bounded() -> None:
    """EVENT-5: of a listener that stands still the oldest is dropped, and counted."""
    bus = LocalBus(limit=10)
    await bus.open()
    bus.follow(ONE)
    for n in range(25):
        bus.publish(event(n))
    ear = Ear(bus)
    assert [each.event_seq for each in await ear.until(10)] == list(range(15, 25))
    assert bus.dropped == 15
    await bus.close()
    await ear.stop()


async def test_other_processes_hear(pair: tuple[RedisBus, RedisBus]) -> None:
    """EVENT-1: what one process publishes the others hear, and the publisher hears it once."""
    here, there = pair
    for each in pair:
        each.follow(ONE)
    await asyncio.sleep(0.2)
    ears = [Ear(each) for each in pair]
    sent = [event(n) for n in range(1, 301)]
    for each in sent:
        here.publish(each)
    assert await ears[1].until(300) == sent
    assert ears[0].heard == sent
    there.unfollow(ONE)
    await asyncio.sleep(0.2)
    here.publish(event(301))
    await asyncio.sleep(0.2)
    assert len(ears[1].heard) == 300
    for ear in ears:
        await ear.stop()


async def test_rubbish_is_ignored(redis: RedisServer, pair: tuple[RedisBus, RedisBus]) -> None:
    """ERR-1: what others put on the same Redis harms nobody."""
    here, there = pair
    there.follow(ONE)
    await asyncio.sleep(0.2)
    ear = Ear(there)
    client = Redis.from_url(redis.url)
    for rubbish in (b"", b"\xff" * 100, b"\x93\xa1x\xc0\xc0", b"x" * 2_000_000, b"\x80"):
        await client.publish("moot:meeting:one", rubbish)
    await client.flushall()
    await client.aclose()
    here.publish(event(1))
    assert await ear.until(1) == [event(1)]
    await ear.stop()


async def test_redis_killed_and_back(redis: RedisServer, pair: tuple[RedisBus, RedisBus]) -> None:
    """EVENT-6: with Redis gone publishing goes on, is bounded, and comes back by itself."""
    here, _ = pair
    for each in pair:
        each.follow(ONE)
    ears = [Ear(each) for each in pair]
    redis.kill()
    assert await soon(lambda: not here.is_connected, within_s=DEAF_AFTER_S + 1)
    for n in range(OUTGOING_LIMIT + 50):
        here.publish(event(n))
    assert len(await ears[0].until(OUTGOING_LIMIT + 50)) == OUTGOING_LIMIT + 50
    assert here.dropped >= 50
    redis.start()
    for each in pair:
        await connected(each)
    here.publish(event(999_999))
    assert await soon(lambda: event(999_999) in ears[1].heard)
    for ear in ears:
        await ear.stop()


async def test_redis_standing_still(redis: RedisServer, pair: tuple[RedisBus, RedisBus]) -> None:
    """EVENT-6: a Redis that takes bytes and answers nothing counts as away within 3 s."""
    here, _ = pair
    redis.pause()
    try:
        assert await soon(lambda: not here.is_connected, within_s=DEAF_AFTER_S + 1)
    finally:
        redis.wake()
    await connected(here)


async def test_redis_never_there(capsys: pytest.CaptureFixture[str]) -> None:
    """LOG-1: opening does not wait for Redis, and neither address nor password is logged."""
    bus = RedisBus("redis://:hush-hush@127.0.0.1:1/0")
    async with asyncio.timeout(2):
        await bus.open()
    bus.follow(ONE)
    ear = Ear(bus)
    bus.publish(event(1))
    assert await ear.until(1) == [event(1)]
    await asyncio.sleep(0.5)
    assert not bus.is_connected
    await bus.close()
    with contextlib.suppress(asyncio.CancelledError):
        await ear.stop()
    said = capsys.readouterr().out
    assert "Redis is away" in said
    assert "hush-hush" not in said
    assert "127.0.0.1" not in said
