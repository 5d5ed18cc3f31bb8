"""The whole of moot with LiveKit's clients: the API's word is what the media does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.livekit.server import API_KEY, API_SECRET, LiveKitServer, free_ports
from tests.media.program import Program
from tests.programs.person import AUTH_SECRET, Person
from tests.programs.server import Server

RED = (200, 30, 30)
MEETING = "ABC123"
pytestmark = [pytest.mark.livekit, pytest.mark.timeout(120)]


@pytest.fixture(params=["builtin", "livekit"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    """`moot serve` with each of its real engines."""
    settings = {"MOOT_AUTH_SECRET": AUTH_SECRET, "MOOT_MEDIA": request.param}
    if request.param == "builtin":
        made = await Server(tmp_path, MOOT_MEDIA_PORT="0", **settings).start()
        yield made
        made.stop()
        return
    (port,) = free_ports(1)
    with LiveKitServer((f"http://127.0.0.1:{port}/livekit/webhook",)) as livekit:
        settings |= {
            "MOOT_LIVEKIT_URL": livekit.url,
            "MOOT_LIVEKIT_API_KEY": API_KEY,
            "MOOT_LIVEKIT_API_SECRET": API_SECRET,
        }
        made = await Server(tmp_path, port=port, **settings).start()
        yield made
        made.stop()


async def test_a_host_rules_over_picture_and_sound(server: Server) -> None:
    """HOST-4, MEDIA-2: a guest is seen and heard, muted, removed; the meeting ends for all."""
    host, guest = Person([server], "ana"), Person([server], "bo")
    assert (await host.create(MEETING)).status == 201
    answers = [await person.join(MEETING, audio=True, video=True) for person in (host, guest)]
    ana, bo = [answer.body for answer in answers]
    streams = [
        person.watch(MEETING, body["connection"]) for person, body in ((host, ana), (guest, bo))
    ]
    who = bo["media"]["identity"]
    async with (
        Program(ana["media"]["url"], ana["media"]["token"]) as one,
        Program(bo["media"]["url"], bo["media"]["token"]) as two,
    ):
        await two.publish_colour(RED)
        await two.publish_tone()
        await one.sees(who, RED)
        await one.hears(who)
        path = f"/meetings/{MEETING}/participants/{bo['participant']['id']}"
        muted = await host.ask("POST", f"{path}/mute", {"sources": ["microphone"]})
        assert muted.status == 200
        await one.until(lambda: one.did("track_muted") or one.did("track_unpublished"))
        await one.hears_nothing_of(who)
        await one.sees(who, RED)
        assert (await host.ask("POST", f"{path}/remove")).status == 200
        await two.until(lambda: two.did("disconnected"))
        await one.until(lambda: who not in one.room.remote_participants)
        assert (await guest.join(MEETING)).status == 403
        assert (await host.ask("POST", f"/meetings/{MEETING}/end")).status == 200
        await one.until(lambda: one.did("disconnected"))
    for stream in streams:
        await stream.close()
    for person in (host, guest):
        await person.gone()
