"""The stored intents are the truth, whatever the media engine reports (EVENT-4, EVENT-3)."""

import asyncio

import pytest
from tests.unit.control.world import MEETING, World

from moot.control import moderating
from moot.control.intents import Intents, change
from moot.control.media_events import MediaEvents
from moot.media.event import (
    EventsLost,
    MediaEvent,
    Quality,
    QualityChanged,
    SourceActive,
    Speaker,
    SpeakersChanged,
    TransportConnected,
)
from moot.media.source import EVERY_SOURCE, Source
from moot.model.ids import ProcessId

HERE = ProcessId("here")


async def test_source_without_permission_is_stopped(world: World) -> None:
    """EVENT-4: nobody is audible who is shown as muted, even where an order was lost."""
    await world.create()
    _, joined, _ = await world.come("ana", video=True)
    world.connect(joined)
    await world.media.set_sources(joined.media.room, joined.media.identity, EVERY_SOURCE)
    assert "microphone" in await world.forwarded(joined)
    await MediaEvents(world.control, lambda: HERE).handle(
        SourceActive(
            meeting_key=joined.media.room,
            identity=joined.media.identity,
            source=Source.MICROPHONE,
            track_id="TR_1",
        )
    )
    assert await world.forwarded(joined) == {"camera"}


async def test_everything_is_compared_after_a_loss(world: World) -> None:
    """EVENT-4: after lost events each connection is brought in line, and ghosts are put out."""
    await world.create()
    ana, first, _ = await world.come("ana", audio=True)
    _, second, page = await world.come("bo", audio=True)
    for joined in (first, second):
        world.connect(joined)
        await world.media.set_sources(joined.media.room, joined.media.identity, EVERY_SOURCE)
    world.watching.unwatch(page.watcher)
    real, world.media.remove = world.media.remove, forget  # type: ignore[method-assign]
    await world.pass_s(40, step_s=1)
    world.media.remove = real  # type: ignore[method-assign]
    assert await world.forwarded(second) != set()
    await MediaEvents(world.control, lambda: HERE).handle(EventsLost())
    assert await world.forwarded(first) == {"microphone"}
    roster = await world.media.roster(first.media.room)
    assert [entry.identity for entry in roster.entries] == [first.media.identity]
    assert ana.connection_id == first.connection.id


async def forget(meeting_key: str, identity: str) -> None:
    """Lose an order on the way."""


@pytest.mark.parametrize("source", [None, Source.MICROPHONE])
async def test_the_old_ticket_of_who_was_removed(world: World, source: Source | None) -> None:
    """JOIN-8: a ticket from before the removal opens nothing that stays, whoever missed it."""
    host = await world.create()
    _, joined, _ = await world.come("ana", audio=True)
    real, world.media.remove = world.media.remove, forget  # type: ignore[method-assign]
    await moderating.remove(world.control, host, MEETING, joined.participant.id)
    world.media.remove = real  # type: ignore[method-assign]
    world.connect(joined)
    key, identity = joined.media.room, joined.media.identity
    happened: MediaEvent = TransportConnected(meeting_key=key, identity=identity)
    if source is not None:
        happened = SourceActive(meeting_key=key, identity=identity, source=source, track_id="TR_1")
    await MediaEvents(world.control, lambda: HERE).handle(happened)
    assert (await world.media.roster(key)).entries == ()


async def test_connected_transport_of_an_ended_run(world: World) -> None:
    """MEDIA-3: a transport that appears in a run that has ended is closed."""
    await world.create()
    _, joined, _ = await world.come("ana")
    world.connect(joined)
    events = MediaEvents(world.control, lambda: HERE)
    stale = f"{MEETING}.99"
    await events.handle(TransportConnected(meeting_key=stale, identity=joined.media.identity))
    assert len((await world.media.roster(joined.media.room)).entries) == 1
    for key in ("rubbish", "X.1.2", f"{MEETING}.1"):
        await events.handle(TransportConnected(meeting_key=key, identity="not-ours"))


async def test_speakers_are_persons(world: World) -> None:
    """EVENT-3: speakers are folded by person, the loudest of their connections, unnumbered."""
    await world.create()
    _, first, page = await world.come("ana")
    _, second, _ = await world.come("ana")
    _, bo, _ = await world.come("bo")
    before = await world.kinds()
    await MediaEvents(world.control, lambda: HERE).handle(
        SpeakersChanged(
            meeting_key=first.media.room,
            speakers=(
                Speaker(first.media.identity, 0.25),
                Speaker(second.media.identity, 0.75),
                Speaker(bo.media.identity, 0.5),
                Speaker("rubbish", 1.0),
            ),
        )
    )
    await page.read()
    assert page.said[-1] == {
        "type": "ephemeral",
        "kind": "speakers",
        "body": {
            "participants": [
                {"id": first.participant.id, "level": 0.75},
                {"id": bo.participant.id, "level": 0.5},
            ]
        },
    }
    assert await world.kinds() == before


async def test_quality(world: World) -> None:
    """EVENT-3: quality is told of the person, with its cause; of unknown meetings nothing is."""
    await world.create()
    _, joined, page = await world.come("ana")
    events = MediaEvents(world.control, lambda: HERE)
    for key in (joined.media.room, f"{MEETING}.7", "NOBODY.1"):
        await events.handle(
            QualityChanged(
                meeting_key=key,
                identity=joined.media.identity,
                quality=Quality.POOR,
                cause="Packets are lost.",
            )
        )
    await page.read()
    assert [each["body"] for each in page.said] == [
        {
            "participant_id": joined.participant.id,
            "quality": "poor",
            "cause": "Packets are lost.",
        }
    ]


async def test_run_follows_the_engine_through_store_failures(world: World) -> None:
    """EVENT-4: a store that is away does not end the following; the engine's end does."""
    await world.create()
    _, joined, page = await world.come("ana")
    running = asyncio.create_task(MediaEvents(world.control, lambda: HERE).run())
    await asyncio.sleep(0)
    real = world.store.read
    await world.store.close()
    world.media.tell(
        TransportConnected(meeting_key=joined.media.room, identity=joined.media.identity)
    )
    await asyncio.sleep(0.05)
    await world.store.open()
    assert world.store.read == real
    assert "Media event could not be handled" in world.log.texts()
    world.media.speak(joined.media.room, (Speaker(joined.media.identity, 0.5),))
    await asyncio.sleep(0.1)
    await page.read()
    assert page.said[-1]["kind"] == "speakers"
    await world.media.close()
    async with asyncio.timeout(2):
        await running
    await world.media.start()
    ana = world.sitting("ana", joined)
    assert (await change(world.control, ana, MEETING, Intents(hand=True))).hand_at
