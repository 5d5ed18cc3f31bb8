"""Both servers that the programs of this folder are tried against, behind one face."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.livekit.server import API_KEY, API_SECRET, LiveKitServer, free_ports

from livekit import api

READY_WITHIN_S = 60.0


class MediaServer(NamedTuple):
    """A running server that speaks LiveKit's dialect."""

    name: str
    url: str
    pid: int = 0

    @property
    def http_url(self) -> str:
        """The base of its HTTP API."""
        return "http" + self.url.removeprefix("ws")

    def token(self, identity: str, room: str, **grants: object) -> str:
        """Sign a token for joining, as any program with the key and secret would."""
        video = api.VideoGrants(room_join=True, room=room, **grants)  # type: ignore[arg-type]
        return (
            api.AccessToken(API_KEY, API_SECRET)
            .with_identity(identity)
            .with_name(f"{identity}'s name")
            .with_ttl(dt.timedelta(minutes=5))
            .with_grants(video)
            .to_jwt()
        )

    def door(self, identity: str, room: str, **grants: object) -> tuple[str, str]:
        """Give the address and a token for joining."""
        return self.url, self.token(identity, room, **grants)

    def api(self) -> api.LiveKitAPI:
        """Open LiveKit's server API; close it with `aclose`."""
        return api.LiveKitAPI(self.http_url, API_KEY, API_SECRET)


@contextmanager
def moot_server(log: Path, port: int | None = None) -> Iterator[MediaServer]:
    """Serve moot's media half in a process of its own, on a free port unless one is named."""
    if port is None:
        (port,) = free_ports(1)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.media.standalone", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/rtc/validate", timeout=1)
            except urllib.error.HTTPError:
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"moot did not start:\n{log.read_text()[-4000:]}") from None
                time.sleep(0.05)
        yield MediaServer("moot", f"ws://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@contextmanager
def livekit_server() -> Iterator[MediaServer]:
    """Serve LiveKit's own server."""
    with LiveKitServer() as server:
        yield MediaServer("livekit", server.url)
