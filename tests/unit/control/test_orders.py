"""Orders to the media engine: never an older one after a newer one (EVENT-4)."""

import asyncio
import contextlib

import msgspec
import pytest
from tests.unit.control.world import Lines

from moot.control.orders import EndRun, Orders, RemoveConnection, SetSources
from moot.media.fake import FakeMediaEngine, TicketRefused
from moot.media.grant import GrantRequest
from moot.media.port import MediaUnavailable
from moot.media.source import Source

KEY, WHO = "ABC.1", "p.c"
MIC = frozenset({Source.MICROPHONE})
NONE: frozenset[Source] = frozenset()


class Slow(FakeMediaEngine):
    """Takes its time for the first word, as a network would."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[frozenset[Source]] = []
        self.gate = asyncio.Event()

    async def set_sources(self, meeting_key, identity, sources) -> None:
        if not self.said:
            self.said.append(sources)
            await self.gate.wait()
        else:
            self.said.append(sources)
        await super().set_sources(meeting_key, identity, sources)


def sources(event_seq: int, allowed: frozenset[Source]) -> SetSources:
    return SetSources(meeting_key=KEY, identity=WHO, event_seq=event_seq, sources=allowed)


def request(allowed: frozenset[Source]) -> GrantRequest:
    return GrantRequest(
        meeting_key=KEY,
        participant_id="p",
        connection_id="c",
        name="Ana",
        url="ws://x",
        sources=allowed,
    )


def another() -> GrantRequest:
    return msgspec.structs.replace(request(MIC), meeting_key="XYZ.1")


@pytest.fixture
async def media() -> Slow:
    engine = Slow()
    await engine.start()
    return engine


async def allowed(media: FakeMediaEngine) -> frozenset[Source]:
    return (await media.roster(KEY)).entries[0].allowed


async def test_late_order_is_dropped(media: Slow) -> None:
    """EVENT-4: an unmute that comes back from the store after a newer mute is not given."""
    orders = Orders(media, Lines())
    media.gate.set()
    media.connect(await media.grant(request(NONE)))
    await orders.give([sources(7, NONE)])
    await orders.give([sources(6, MIC)])
    assert await allowed(media) == NONE


async def test_orders_of_one_connection_wait_for_each_other(media: Slow) -> None:
    """EVENT-4: while one order is under way the next one waits, so the last word is the newest."""
    orders = Orders(media, Lines())
    media.connect(await media.grant(request(NONE)))
    first = asyncio.create_task(orders.give([sources(1, MIC)]))
    await asyncio.sleep(0)
    second = asyncio.create_task(orders.give([sources(2, NONE)]))
    await asyncio.sleep(0)
    media.gate.set()
    await asyncio.gather(first, second)
    assert media.said == [MIC, NONE]
    assert await allowed(media) == NONE


async def test_grant_that_is_overtaken(media: Slow) -> None:
    """EVENT-4: a ticket asked for before a mute does not bring the sound back."""
    orders = Orders(media, Lines())
    media.gate.set()
    await orders.give([sources(9, NONE)])
    ticket = await orders.grant(request(MIC), event_seq=8)
    media.connect(ticket)
    assert await allowed(media) == NONE


async def test_grant_that_comes_after_the_end(media: Slow) -> None:
    """HOST-4: a ticket asked for before its connection was closed opens nothing."""
    now = 0.0
    orders = Orders(media, Lines(), lambda: now)
    closing = RemoveConnection(meeting_key=KEY, identity=WHO, event_seq=9)
    await orders.give([closing])
    late = await orders.grant(request(MIC), event_seq=8)
    with pytest.raises(TicketRefused):
        media.connect(late)
    assert orders.meeting_keys() == {KEY}
    now = 61.0
    await orders.grant(another(), event_seq=1)
    assert orders.meeting_keys() == {"XYZ.1"}


async def test_engine_away(media: Slow) -> None:
    """EVENT-4: an engine that cannot be told is logged, and no command fails for it."""
    log = Lines()
    orders = Orders(media, log)
    media.gate.set()
    await media.close()
    await orders.give(
        [
            sources(1, MIC),
            RemoveConnection(meeting_key=KEY, identity=WHO, event_seq=2),
            EndRun(meeting_key=KEY, event_seq=3),
        ]
    )
    assert log.texts() == ["Media engine could not be told"] * 3
    with pytest.raises(MediaUnavailable):
        await orders.grant(request(MIC), event_seq=1)


async def test_removal_and_end(media: Slow) -> None:
    """HOST-4: a removed connection is closed, and an ended run has nobody left."""
    orders = Orders(media, Lines())
    media.gate.set()
    ticket = await orders.grant(request(MIC), event_seq=1)
    media.connect(ticket)
    await orders.give([RemoveConnection(meeting_key=KEY, identity=WHO, event_seq=2)])
    assert (await media.roster(KEY)).entries == ()
    with contextlib.suppress(Exception):
        media.connect(ticket)
    assert (await media.roster(KEY)).entries == ()
    media.connect(await orders.grant(request(MIC), event_seq=3))
    await orders.give([EndRun(meeting_key=KEY, event_seq=4)])
    assert (await media.roster(KEY)).entries == ()
    assert orders.meeting_keys() == {KEY}


async def test_who_is_gone_is_forgotten_after_a_while(media: Slow) -> None:
    """EVENT-4: an end outlives orders that come late, and is no burden for ever."""
    now = 0.0
    orders = Orders(media, Lines(), lambda: now)
    media.gate.set()
    media.connect(await orders.grant(request(MIC), event_seq=1))
    await orders.give([RemoveConnection(meeting_key=KEY, identity=WHO, event_seq=2)])
    now = 59.0
    await orders.give([sources(1, MIC)])
    assert media.said == []
    assert orders.meeting_keys() == {KEY}
    now = 61.0
    await orders.grant(another(), event_seq=1)
    assert orders.meeting_keys() == {"XYZ.1"}
    await orders.give([EndRun(meeting_key="XYZ.1", event_seq=2)])
    now = 122.0
    await orders.give([sources(3, MIC)])
    assert orders.meeting_keys() == {KEY}


async def test_who_comes_back_is_not_forgotten(media: Slow) -> None:
    """JOIN-4: an end that a newer word has overtaken is none."""
    now = 0.0
    orders = Orders(media, Lines(), lambda: now)
    media.gate.set()
    await orders.give([RemoveConnection(meeting_key=KEY, identity=WHO, event_seq=2)])
    await orders.grant(request(MIC), event_seq=3)
    now = 100.0
    await orders.grant(another(), event_seq=1)
    await orders.give([sources(2, NONE)])
    assert media.said == []


async def test_an_end_that_the_engine_did_not_hear_is_not_forgotten(media: Slow) -> None:
    """HOST-4: who could not be sent away is compared with the store once the engine is back."""
    now = 0.0
    orders = Orders(media, Lines(), lambda: now)
    await media.close()
    await orders.give([RemoveConnection(meeting_key=KEY, identity=WHO, event_seq=2)])
    now = 1_000.0
    await media.start()
    await orders.grant(another(), event_seq=1)
    assert orders.meeting_keys() == {KEY, "XYZ.1"}


async def test_engine_that_hangs(media: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """EVENT-4: an engine that does not answer holds nobody up for ever, nor the next order."""
    monkeypatch.setattr("moot.control.orders.GIVEN_WITHIN_S", 0.05)
    log = Lines()
    orders = Orders(media, log)
    async with asyncio.timeout(2):
        await orders.give([sources(1, MIC)])
        await orders.give([sources(2, NONE)])
    assert log.texts() == ["Media engine could not be told"]
    assert media.said == [MIC, NONE]
