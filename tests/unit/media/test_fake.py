"""The fake engine keeps the port's rules; more of them in tests/contract/test_media_engine.py."""

from __future__ import annotations

import pytest
from tests.unit.media.scripted import MEETING, Clock

from moot.media.event import (
    EventsLost,
    SourceActive,
    SourceInactive,
    Speaker,
    SpeakersChanged,
)
from moot.media.fake import FakeMediaEngine, TicketRefused
from moot.media.grant import GrantRequest
from moot.media.ledger import TICKET_TTL_S
from moot.media.port import MediaEngine, MediaUnavailable
from moot.media.source import Source


def wish(**facts: object) -> GrantRequest:
    return GrantRequest(
        meeting_key=MEETING,
        participant_id="ana",
        connection_id="1",
        name="Ana",
        url="ws://here",
        **facts,  # type: ignore[arg-type]
    )


async def test_it_is_a_media_engine() -> None:
    """MEDIA-2: the fake has the port's verbs and says so of itself."""
    engine: MediaEngine = FakeMediaEngine()
    assert not (await engine.status()).is_ready
    with pytest.raises(MediaUnavailable):
        await engine.grant(wish())
    await engine.start()
    status = await engine.status()
    assert (status.name, status.is_ready) == ("fake", True)


async def test_an_expired_ticket_opens_nothing() -> None:
    """PERSON-2: a ticket is good for its time and no longer."""
    clock = Clock()
    engine = FakeMediaEngine(clock)
    await engine.start()
    ticket = await engine.grant(wish())
    clock.now += TICKET_TTL_S
    with pytest.raises(TicketRefused):
        engine.connect(ticket)


async def test_publishing_and_unpublishing_are_told() -> None:
    """EVENT-4: a source counts while it is published, allowed and not muted."""
    engine = FakeMediaEngine()
    await engine.start()
    events = engine.events()
    who = engine.connect(await engine.grant(wish(sources=frozenset({Source.CAMERA}))))
    await anext(events)
    engine.publish(MEETING, who, Source.MICROPHONE)
    engine.publish(MEETING, who, Source.CAMERA)
    shown = await anext(events)
    assert isinstance(shown, SourceActive)
    assert shown.source is Source.CAMERA
    engine.unpublish(MEETING, who, Source.MICROPHONE)
    engine.unpublish(MEETING, who, Source.SCREEN)
    engine.unpublish(MEETING, who, Source.CAMERA)
    gone = await anext(events)
    assert isinstance(gone, SourceInactive)
    assert gone.track_id == shown.track_id


async def test_a_test_can_say_what_it_wants_seen() -> None:
    """EVENT-3: speakers, or any event, reach the readers as they are."""
    engine = FakeMediaEngine()
    await engine.start()
    events = engine.events()
    engine.speak(MEETING, (Speaker("ana.1", 0.5),))
    engine.tell(EventsLost())
    assert await anext(events) == SpeakersChanged(
        meeting_key=MEETING, speakers=(Speaker("ana.1", 0.5),)
    )
    assert await anext(events) == EventsLost()
    await engine.close()
    assert [event async for event in events] == []
