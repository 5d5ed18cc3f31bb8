"""Every test here runs against moot and against LiveKit's server: what differs is ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.media.server import MediaServer, livekit_server, moot_server


@pytest.fixture(scope="session", params=["moot", "livekit"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MediaServer]:
    """A running media server; one of each for the whole run."""
    if request.param == "livekit":
        with livekit_server() as livekit:
            yield livekit
        return
    log: Path = tmp_path_factory.mktemp("moot") / "server.log"
    with moot_server(log) as moot:
        yield moot
