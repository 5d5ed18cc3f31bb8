"""One suite for every media engine: fake, builtin, and LiveKit's own server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.contract.media_stage import (
    MediaStage,
    Refused,
    builtin_stage,
    fake_stage,
    livekit_stage,
)
from tests.livekit.server import API_KEY, API_SECRET, LiveKitServer, free_ports

from moot.media.grant import GrantRequest
from moot.media.livekit import LiveKitMediaEngine
from moot.media.port import MediaUnavailable
from moot.media.roster import Roster, RosterEntry
from moot.media.source import EVERY_SOURCE, Source

ANA, BO = "ana.1", "bo.1"
BOTH = frozenset({Source.MICROPHONE, Source.CAMERA})
pytestmark = [pytest.mark.livekit, pytest.mark.timeout(90)]


@pytest.fixture(scope="session")
def livekit() -> Iterator[tuple[LiveKitServer, int]]:
    """One LiveKit server for the whole run, and the port of its webhooks."""
    (port,) = free_ports(1)
    with LiveKitServer((f"http://127.0.0.1:{port}/webhook",)) as server:
        yield server, port


@pytest.fixture(params=["fake", "builtin", "livekit"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[MediaStage]:
    """A running engine, with a meeting of its own."""
    if request.param == "fake":
        opened = fake_stage()
    elif request.param == "builtin":
        opened = builtin_stage()
    else:
        opened = livekit_stage(*request.getfixturevalue("livekit"))
    async with opened as made:
        yield made


async def entry(stage: MediaStage, name: str) -> RosterEntry | None:
    """What the roster says of an identity."""
    roster: Roster = await stage.engine.roster(stage.meeting)
    assert roster.meeting_key == stage.meeting
    return next((one for one in roster.entries if one.identity == name), None)


async def test_who_comes_in_is_told_and_listed(stage: MediaStage) -> None:
    """MEDIA-2: a ticket opens the door; control hears of it and finds the identity listed."""
    assert (await stage.engine.roster(stage.meeting)).entries == ()
    await stage.join("ana")
    await stage.join("bo")
    ana = await entry(stage, ANA)
    assert ana is not None
    assert ana.is_connected
    assert (ana.allowed, ana.active) == (EVERY_SOURCE, frozenset())
    assert await entry(stage, BO) is not None
    figures = await stage.engine.stats(stage.meeting)
    assert {figure.identity for figure in figures} == {ANA, BO}
    assert await stage.engine.stats("NOBODY.1") == ()


async def test_who_leaves_is_told_and_gone(stage: MediaStage) -> None:
    """JOIN-7: leaving is told at once, with its reason, and the roster forgets."""
    guest = await stage.join("ana")
    await guest.leave()
    await stage.until(lambda: stage.told("TransportDisconnected", ANA))
    (gone,) = stage.told("TransportDisconnected", ANA)
    assert gone.reason == "left"
    assert await entry(stage, ANA) is None


async def test_what_is_published_is_active_until_it_is_muted(stage: MediaStage) -> None:
    """EVENT-4: control hears of each source that can be seen or heard, and when it cannot."""
    guest = await stage.join("ana")
    await guest.publish(Source.MICROPHONE)
    await guest.publish(Source.CAMERA)
    await stage.until(lambda: len(stage.told("SourceActive", ANA)) == 2)
    assert {event.source for event in stage.told("SourceActive", ANA)} == BOTH
    ana = await entry(stage, ANA)
    assert ana is not None
    assert ana.active == BOTH
    await guest.mute(Source.MICROPHONE, is_muted=True)
    await stage.until(lambda: stage.told("SourceInactive", ANA))
    (quiet,) = stage.told("SourceInactive", ANA)
    assert quiet.source is Source.MICROPHONE
    await guest.mute(Source.MICROPHONE, is_muted=False)
    await stage.until(lambda: len(stage.told("SourceActive", ANA)) == 3)


async def test_a_forbidden_source_is_silent(stage: MediaStage) -> None:
    """HOST-4: what is forbidden while it is published falls silent, whatever the client does."""
    guest = await stage.join("ana")
    await guest.publish(Source.MICROPHONE)
    await guest.publish(Source.CAMERA)
    await stage.until(lambda: len(stage.told("SourceActive", ANA)) == 2)
    for _ in range(2):
        await stage.engine.set_sources(stage.meeting, ANA, frozenset({Source.CAMERA}))
    await stage.until(lambda: stage.told("SourceInactive", ANA))
    ana = await entry(stage, ANA)
    assert ana is not None
    assert ana.allowed == {Source.CAMERA}
    assert ana.active == {Source.CAMERA}
    (quiet,) = stage.told("SourceInactive", ANA)
    assert quiet.source is Source.MICROPHONE
    await stage.engine.set_sources(stage.meeting, ANA, EVERY_SOURCE)
    ana = await entry(stage, ANA)
    assert ana is not None
    assert ana.allowed == EVERY_SOURCE


async def test_a_word_said_before_the_door_opens_holds(stage: MediaStage) -> None:
    """EVENT-4: what was forbidden after the ticket was made is forbidden when it is used."""
    ticket = await stage.ticket("ana")
    await stage.engine.set_sources(stage.meeting, ANA, frozenset({Source.CAMERA}))
    guest = await stage.enter(ticket)

    async def is_enforced() -> bool:
        ana = await entry(stage, ANA)
        return ana is not None and ana.allowed == {Source.CAMERA}

    await stage.until(is_enforced)
    await guest.publish(Source.CAMERA)
    await stage.until(lambda: stage.told("SourceActive", ANA))
    assert [event.source for event in stage.told("SourceActive", ANA)] == [Source.CAMERA]


async def test_a_ticket_allows_what_it_says(stage: MediaStage) -> None:
    """HOST-4: the sources of the grant are the sources that are allowed."""
    await stage.enter(await stage.ticket("ana", sources=frozenset({Source.SCREEN})))
    await stage.until(lambda: stage.told("TransportConnected", ANA))
    ana = await entry(stage, ANA)
    assert ana is not None
    assert ana.allowed == {Source.SCREEN}


async def test_who_is_removed_stays_out(stage: MediaStage) -> None:
    """JOIN-8: the transport closes and the ticket is worth nothing any more."""
    ticket = await stage.ticket("ana")
    guest = await stage.enter(ticket)
    await stage.until(lambda: stage.told("TransportConnected", ANA))
    await stage.join("bo")
    await stage.engine.remove(stage.meeting, ANA)
    await stage.until(guest.is_out)
    await stage.until(lambda: stage.told("TransportDisconnected", ANA))
    assert stage.told("TransportDisconnected", ANA)[0].reason == "removed"
    try:
        again = await stage.enter(ticket)
    except Refused:
        pass
    else:
        await stage.until(again.is_out)
    assert await entry(stage, ANA) is None
    assert await entry(stage, BO) is not None


async def test_who_is_let_back_in_gets_in(stage: MediaStage) -> None:
    """JOIN-8: a ticket that is granted after the removal opens the door again."""
    await stage.join("bo")
    await stage.join("ana")
    await stage.engine.remove(stage.meeting, ANA)
    await stage.until(lambda: stage.told("TransportDisconnected", ANA))
    guest = await stage.enter(await stage.ticket("ana"))
    await stage.until(lambda: len(stage.told("TransportConnected", ANA)) == 2)
    assert not guest.is_out()


async def test_an_end_is_for_everyone_and_for_one_run(stage: MediaStage) -> None:
    """MEET-7, MEDIA-3: everyone is out, the tickets are dead, the next run is another room."""
    ticket = await stage.ticket("ana")
    guests = [await stage.enter(ticket), await stage.join("bo")]
    await stage.until(lambda: stage.told("TransportConnected", ANA))
    next_run = f"{stage.meeting}9"
    other = await stage.join("ana", meeting_key=next_run)
    await stage.engine.end(stage.meeting)
    await stage.engine.end(stage.meeting)
    await stage.until(lambda: all(guest.is_out() for guest in guests))
    await stage.until(lambda: stage.told("MeetingClosed"))
    for name in (ANA, BO):
        assert stage.told("TransportDisconnected", name)[0].reason == "ended"
    assert (await stage.engine.roster(stage.meeting)).entries == ()
    assert not other.is_out()
    try:
        again = await stage.enter(ticket)
    except Refused:
        return
    await stage.until(again.is_out)


async def test_the_same_identity_again_is_another_connection(stage: MediaStage) -> None:
    """MEDIA-3: the earlier holder of an identity goes, the later one stays."""
    earlier = await stage.join("ana")
    later = await stage.enter(await stage.ticket("ana"))
    await stage.until(earlier.is_out)
    await stage.until(lambda: len(stage.told("TransportConnected", ANA)) == 2)
    assert stage.told("TransportDisconnected", ANA)[0].reason == "replaced"
    assert not later.is_out()
    assert await entry(stage, ANA) is not None


async def test_one_process_does_not_undo_what_another_has_said(
    livekit: tuple[LiveKitServer, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """EVENT-4: the process that made the ticket leaves alone what was ordered elsewhere since."""
    monkeypatch.setattr("moot.media.livekit.ASK_INTERVAL_S", 0.1)
    server, _ = livekit
    async with livekit_stage(*livekit) as stage:
        other = LiveKitMediaEngine(server.url, API_KEY, API_SECRET)
        await other.start()
        request = GrantRequest(
            meeting_key=stage.meeting,
            participant_id="ana",
            connection_id="1",
            name="Ana",
            url="",
            sources=frozenset({Source.CAMERA}),
        )
        ana = await stage.enter(await other.grant(request))
        await stage.until(lambda: stage.told("TransportConnected", ANA))
        await asyncio.sleep(1)
        await stage.engine.set_sources(stage.meeting, ANA, EVERY_SOURCE)
        await ana.publish(Source.MICROPHONE)
        await asyncio.sleep(2)
        seen = await entry(stage, ANA)
        assert seen is not None
        assert (seen.allowed, seen.active) == (EVERY_SOURCE, {Source.MICROPHONE})
        assert stage.told("SourceInactive", ANA) == []
        await other.close()


async def test_nobody_is_no_error(stage: MediaStage) -> None:
    """ERR-1: orders about those who are not there are already carried out."""
    await stage.engine.set_sources(stage.meeting, "nobody.1", frozenset())
    await stage.engine.remove(stage.meeting, "nobody.1")
    await stage.engine.end("NEVER.1")
    assert stage.heard == []


async def test_it_says_whether_it_is_ready(stage: MediaStage) -> None:
    """ERR-1: a running engine is ready; a closed one says so, ends its events, refuses verbs."""
    assert (await stage.engine.status()).is_ready
    assert (await stage.engine.status()).name == stage.name
    events = stage.engine.events()
    await stage.engine.close()
    await stage.engine.close()
    assert [event async for event in events] == []
    assert not (await stage.engine.status()).is_ready
    with pytest.raises(MediaUnavailable):
        await stage.ticket("ana")
    with pytest.raises(MediaUnavailable):
        await stage.engine.roster(stage.meeting)
