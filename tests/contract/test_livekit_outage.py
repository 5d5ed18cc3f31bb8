"""LiveKit dies and comes back, or its webhooks do not come: control is told all the same."""

from __future__ import annotations

import asyncio

import pytest
from tests.contract.media_stage import livekit_stage
from tests.livekit.server import LiveKitServer, free_ports

from moot.media.event import EventsLost
from moot.media.port import MediaUnavailable
from moot.media.source import Source

ANA = "ana.1"
pytestmark = [pytest.mark.livekit, pytest.mark.timeout(150)]


async def test_lost_webhooks_are_healed_by_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """MEDIA-2: a LiveKit that tells nothing is asked, and every step is heard."""
    monkeypatch.setattr("moot.media.livekit.ASK_INTERVAL_S", 0.5)
    (deaf,) = free_ports(1)
    with LiveKitServer() as server:
        async with livekit_stage(server, deaf) as stage:
            guest = await stage.join("ana")
            await guest.publish(Source.MICROPHONE)
            await stage.until(lambda: stage.told("SourceActive", ANA))
            await guest.mute(Source.MICROPHONE, is_muted=True)
            await stage.until(lambda: stage.told("SourceInactive", ANA))
            await guest.leave()
            await stage.until(lambda: stage.told("TransportDisconnected", ANA))
            await stage.until(lambda: stage.told("MeetingClosed"))


async def test_a_livekit_that_dies_is_followed_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """JOIN-10: killed and started again, who was there is back, once; what is granted holds."""
    monkeypatch.setattr("moot.media.livekit.ASK_INTERVAL_S", 0.5)
    webhooks, *ports = free_ports(4)
    hooks = (f"http://127.0.0.1:{webhooks}/webhook",)
    with LiveKitServer(hooks, ports) as first:
        async with livekit_stage(first, webhooks) as stage:
            guest = await stage.join("ana")
            await guest.publish(Source.CAMERA)
            await stage.until(lambda: stage.told("SourceActive", ANA))
            await stage.engine.set_sources(
                stage.meeting, ANA, frozenset({Source.CAMERA, Source.SCREEN})
            )
            first.stop()
            with pytest.raises(MediaUnavailable):
                await stage.engine.roster(stage.meeting)
            assert not (await stage.engine.status()).is_ready
            await asyncio.sleep(1.5)
            with LiveKitServer(hooks, ports):
                await stage.until(lambda: EventsLost() in stage.heard)
                await stage.until(lambda: stage.told("TransportDisconnected", ANA))
                back = await stage.enter(await stage.ticket("ana", sources=frozenset()))
                await stage.until(lambda: len(stage.told("TransportConnected", ANA)) >= 2)
                entries = (await stage.engine.roster(stage.meeting)).entries
                assert [one.identity for one in entries] == [ANA]
                assert entries[0].allowed == frozenset()
                assert not back.is_out()
