"""The engine's figures for `/metrics`: totals, spread over transports, nobody by name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.media.builtin.test_signalling import join
from tests.unit.media.scripted import MEETING, Stage

from moot._media import EngineStats
from moot.media.builtin.figures import engine_figures
from moot.metrics import Metrics


class Totals:
    """Totals of the core, each of them 7; only names that the core has."""

    def __getattr__(self, name: str) -> int:
        assert hasattr(EngineStats, name), f"the core has no {name}"
        return 7


@pytest.fixture
async def measured(stage: Stage) -> Stage:
    """An engine with one connection and three transports."""
    ana = await join(stage, "ana")
    stage.core.stats = Totals  # type: ignore[attr-defined]
    stage.core.figures = [
        SimpleNamespace(
            meeting=MEETING,
            rtt_ms=rtt,
            loss_in=0.0,
            loss_out=0.1,
            estimate_bps=0,
            tracks=[SimpleNamespace(inbound=True, jitter_ms=2.0)],
        )
        for rtt in (30.0, 10.0, -1.0)
    ]
    stage.happens(
        "QualityChanged",
        meeting=MEETING,
        connection=ana.connection.sid,
        quality="poor",
        score=2.0,
        cause="loss",
    )
    stage.engine.hub.counts["unknown_track"] = 3
    return stage


async def test_totals_and_spread(measured: Stage) -> None:
    """Each figure has a name, a sentence and a value; what is not known is left out."""
    found: dict[Any, float] = {
        (figure.name, figure.labels): figure.value for figure in engine_figures(measured.engine.hub)
    }
    assert found["media_packets_forwarded", ()] == 7
    assert found["media_round_trip_ms", (("quantile", "0.5"),)] == 30.0
    assert found["media_round_trip_ms", (("quantile", "1.0"),)] == 30.0
    assert found["media_loss_out", (("quantile", "0.95"),)] == 0.1
    assert found["media_connection_quality", (("quality", "poor"),)] == 1
    assert found["media_connection_quality", (("quality", "good"),)] == 0
    assert found["media_ignored", (("kind", "unknown_track"),)] == 3
    assert not any(name == "media_estimate_bps" for name, _ in found)


async def test_they_are_exposed_without_names(measured: Stage) -> None:
    """LOG-1: `/metrics` shows the engine, and no identity, meeting or address of anybody."""
    metrics = Metrics("1")
    metrics.collect(measured.engine.figures)
    text = metrics.exposition().decode()
    assert "moot_media_packets_forwarded 7.0" in text
    assert 'moot_media_connection_quality{quality="poor"} 1.0' in text
    assert text.count("# HELP moot_media_round_trip_ms ") == 1
    assert "ana" not in text
    assert MEETING not in text
    await measured.engine.close()
    closed = metrics.exposition().decode().splitlines()
    assert any("moot_media_packets_forwarded" in line for line in closed)
    assert not any(line.startswith("moot_media") for line in closed)
