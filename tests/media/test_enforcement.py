"""What the engine forbids does not pass, whatever a client sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.contract.media_stage import MediaStage, builtin_stage
from tests.media.program import Program

from moot.media.builtin.notice import MuteChanged
from moot.media.builtin.outbox import Outbox
from moot.media.source import EVERY_SOURCE, Source

pytestmark = pytest.mark.timeout(90)
ENFORCED_WITHIN_S = 0.1


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MediaStage]:
    """A running engine whose clients never hear that they were muted, so they go on sending."""
    put = Outbox.put

    def deaf(self: Outbox, notice: object) -> None:
        if not isinstance(notice, MuteChanged):
            put(self, notice)  # type: ignore[arg-type]

    monkeypatch.setattr(Outbox, "put", deaf)
    async with builtin_stage() as made:
        yield made


async def test_a_client_that_ignores_its_mute_is_silent_all_the_same(stage: MediaStage) -> None:
    """HOST-4, EVENT-4: 100 ms after the order no packet of that source passes; others go on."""
    sender, receiver = await stage.ticket("ana"), await stage.ticket("bo")
    async with (
        Program(sender.url, sender.token) as ana,
        Program(receiver.url, receiver.token) as bo,
    ):
        await ana.publish_tone()
        await ana.publish_colour((200, 30, 30))
        await bo.hears("ana.1")
        await bo.sees("ana.1", (200, 30, 30))
        await stage.engine.set_sources(stage.meeting, "ana.1", frozenset({Source.CAMERA}))
        await asyncio.sleep(ENFORCED_WITHIN_S)
        # What was on its way has arrived; the counter is read where it no longer can move.
        heard, seen = await bo.packets_of("audio"), await bo.packets_of("video")
        assert heard > 0
        await asyncio.sleep(1.5)
        assert await bo.packets_of("audio") == heard
        assert await bo.packets_of("video") > seen
        await stage.engine.set_sources(stage.meeting, "ana.1", EVERY_SOURCE)
        await asyncio.sleep(1)
        assert await bo.packets_of("audio") == heard, "only its owner unmutes"


async def test_a_removed_client_gets_and_gives_nothing(stage: MediaStage) -> None:
    """JOIN-8: the transports of who is removed carry nothing more, in either direction."""
    sender, receiver = await stage.ticket("ana"), await stage.ticket("bo")
    async with (
        Program(sender.url, sender.token) as ana,
        Program(receiver.url, receiver.token) as bo,
    ):
        await ana.publish_tone()
        await bo.publish_tone()
        await bo.hears("ana.1")
        await ana.hears("bo.1")
        await stage.engine.remove(stage.meeting, "ana.1")
        await ana.until(lambda: ana.did("disconnected"))
        await bo.until(lambda: "ana.1" not in bo.room.remote_participants)
        assert len((await stage.engine.roster(stage.meeting)).entries) == 1
