"""LiveKit's JavaScript SDK in real browsers, against moot and against LiveKit's server."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from tests.media.browser import Browser, browser
from tests.media.program import Program
from tests.media.server import MediaServer

RED = (200, 30, 30)
GREEN = (22, 162, 22)
_rooms = itertools.count(1)
pytestmark = [pytest.mark.browser, pytest.mark.livekit, pytest.mark.timeout(180)]


@pytest.fixture
def room() -> str:
    """A meeting of its own for each test."""
    return f"LOOK{next(_rooms)}.1"


def is_like(rgb: tuple[int, int, int]) -> Any:
    return lambda seen: (
        seen is not None
        and all(abs(one - other) < 50 for one, other in zip(seen, rgb, strict=True))
    )


def grows(figure: str, beyond: float = 0) -> Any:
    return lambda received: received is not None and received[figure] > beyond


async def join(page: Browser, server: MediaServer, identity: str, room: str, **options: Any) -> str:
    """Let a page join; answers its sid."""
    return str(await page.order("join", *server.door(identity, room), options))


@pytest.mark.parametrize("is_single", [True, False], ids=["v1", "v0"])
@pytest.mark.parametrize("kind", ["chromium", "firefox"])
async def test_a_page_and_a_program_meet(
    server: MediaServer, room: str, kind: str, is_single: bool
) -> None:
    """MEDIA-1: camera, microphone and screen pass both ways, muting is seen, on both dialects."""
    async with (
        browser(kind) as page,
        Program(*server.door("pal.1", room), is_single=is_single) as pal,
    ):
        await pal.publish_colour(RED)
        await pal.publish_tone()
        await join(page, server, "web.1", room, singlePeerConnection=is_single)
        sources = await page.order("publish")
        assert sources == ["camera", "microphone", "screen_share"]
        await asyncio.gather(
            page.until(is_like(RED), "colour", "pal.1", "camera"),
            page.until(grows("energy"), "received", "pal.1", "microphone"),
            pal.until(lambda: len(pal.remote("web.1").track_publications) == 3),
            pal.hears("web.1"),
            pal.sees("web.1", GREEN),
            pal.until(lambda: {frame.height for frame in pal.frames["web.1"]} - {240}),
        )
        await page.order("mute", "microphone", True)
        await pal.until(lambda: pal.did("track_muted"))
        await page.order("mute", "microphone", False)
        await pal.until(lambda: pal.did("track_unmuted"))
        await pal.hears("web.1")
        await page.order("leave")
        await pal.until(lambda: "web.1" not in pal.room.remote_participants)


async def test_two_kinds_of_browser_meet(server: MediaServer, room: str) -> None:
    """MEDIA-1: Chromium and Firefox see and hear each other."""
    async with (
        browser("chromium") as one,
        browser("firefox") as two,
    ):
        await asyncio.gather(join(one, server, "one.1", room), join(two, server, "two.1", room))
        await asyncio.gather(one.order("publish"), two.order("publish"))
        await asyncio.gather(
            one.until(is_like(GREEN), "colour", "two.1", "screen_share"),
            two.until(is_like(GREEN), "colour", "one.1", "screen_share"),
            one.until(grows("frames", 10), "received", "two.1", "camera"),
            two.until(grows("frames", 10), "received", "one.1", "camera"),
            one.until(grows("energy"), "received", "two.1", "microphone"),
            two.until(grows("energy"), "received", "one.1", "microphone"),
        )


async def test_layers_are_chosen(server: MediaServer, room: str) -> None:
    """MEDIA-1: a page that asks for the small picture gets it, and the large one again."""
    async with browser("chromium") as one, browser("chromium") as two:
        await join(one, server, "one.1", room)
        await join(two, server, "two.1", room)
        # Without a screen, which gets most of what Chromium guesses its uplink to carry: beside
        # livekit-server too it may stay at that guess for as long as nothing fills it.
        await one.order("publishCameraAndMicrophone")
        camera = ("one.1", "camera")
        large = await two.until(grows("width", 400), "received", *camera, within_s=45)
        await two.order("setQuality", *camera, 0)
        small = await two.until(lambda seen: seen["width"] < large["width"], "received", *camera)
        await two.order("setQuality", *camera, 2)
        await two.until(grows("width", small["width"]), "received", *camera, within_s=45)


@pytest.mark.parametrize("what", ["layers", "VP9", "screen"])
async def test_what_nobody_wants_stops(server: MediaServer, room: str, what: str) -> None:
    """MEDIA-1: layers that nobody receives are not sent either, and come back when wanted."""
    seen = ("one.1", "screen_share" if what == "screen" else "camera")
    async with browser("chromium") as one, browser("chromium") as two:

        async def sent_in(seconds: float) -> dict[str, int]:
            before = await one.order("layers", seen[1])
            await asyncio.sleep(seconds)
            after = await one.order("layers", seen[1])
            return {name: after[name] - before.get(name, 0) for name in after}

        async def until_sent(*names: str) -> None:
            async with asyncio.timeout(45):
                while {name for name, count in (await sent_in(2)).items() if count} != set(names):
                    pass

        await join(one, server, "one.1", room)
        await join(two, server, "two.1", room)
        match what:
            case "layers":
                await one.order("publishCameraAndMicrophone")
            case "VP9":
                await one.order("publishCameraIn", "vp9")
            case _:
                await one.order("publishScreen")
        await two.until(grows("frames", 10), "received", *seen, within_s=45)
        if what == "layers":
            await until_sent("h", "q")
            await two.order("setQuality", *seen, 0)
            await until_sent("q")
        await two.order("setEnabled", *seen, False)
        await until_sent()
        before = await two.order("received", *seen)
        await two.order("setEnabled", *seen, True)
        await two.until(grows("frames", before["frames"] + 10), "received", *seen)
        if what == "layers":
            await until_sent("q")
            await two.order("setQuality", *seen, 2)
            await until_sent("h", "q")


@pytest.mark.parametrize("codec", ["H264", "VP9", "AV1"])
async def test_a_camera_comes_in_the_codec_that_was_announced(
    server: MediaServer, room: str, codec: str
) -> None:
    """MEDIA-1: the picture comes in that codec, and the small one when that is asked for."""
    camera = ("one.1", "camera")
    async with browser("chromium") as one, browser("chromium") as two:
        await join(one, server, "one.1", room)
        await join(two, server, "two.1", room)
        await one.order("publishCameraIn", codec.lower())
        large = await two.until(grows("width", 400), "received", *camera, within_s=45)
        assert large["codec"] == f"video/{codec}"
        await two.order("setQuality", *camera, 0)
        small = await two.until(lambda seen: 0 < seen["width"] < 400, "received", *camera)
        assert small["codec"] == f"video/{codec}"
        await two.until(grows("frames", small["frames"] + 10), "received", *camera)
        await two.order("setQuality", *camera, 2)
        again = await two.until(grows("width", 400), "received", *camera, within_s=45)
        assert again["freezes"] <= 3


@pytest.mark.parametrize("is_single", [True, False], ids=["v1", "v0"])
async def test_who_cannot_decode_a_codec_gets_the_backup(
    server: MediaServer, room: str, is_single: bool
) -> None:
    """MEDIA-1: a camera in VP9 comes in VP8 once somebody is there who has no VP9."""

    def comes_in(codec: str, beyond: int = 0) -> Any:
        return lambda seen: seen and seen["codec"] == codec and seen["frames"] > beyond

    camera = ("one.1", "camera")
    async with browser("chromium") as one, browser("chromium") as two, browser("chromium") as old:
        for page, identity in ((one, "one.1"), (two, "two.1")):
            await join(page, server, identity, room, singlePeerConnection=is_single)
        await one.order("publishCameraIn", "vp9")
        await two.until(comes_in("video/VP9", 10), "received", *camera)
        await old.order("forgetCodec", "video/VP9")
        await join(old, server, "old.1", room, singlePeerConnection=is_single)
        await old.until(comes_in("video/VP8", 10), "received", *camera)
        seen = await two.until(comes_in("video/VP8"), "received", *camera)
        await two.until(comes_in("video/VP8", seen["frames"] + 10), "received", *camera)


@pytest.mark.parametrize("scenario", ["signal-reconnect", "full-reconnect", "resume-reconnect"])
@pytest.mark.parametrize("is_single", [True, False], ids=["v1", "v0"])
async def test_a_page_that_lost_its_way_comes_back(
    server: MediaServer, room: str, scenario: str, is_single: bool
) -> None:
    """JOIN-4: a lost socket resumes, a lost connection is made anew, and the picture goes on."""
    async with (
        browser("chromium") as page,
        Program(*server.door("pal.1", room), is_single=is_single) as pal,
    ):
        await pal.publish_colour(RED)
        await join(page, server, "web.1", room, singlePeerConnection=is_single)
        await page.order("publish")
        await page.until(is_like(RED), "colour", "pal.1", "camera")
        await pal.sees("web.1", GREEN)
        await page.order("simulate", scenario)
        await page.until(lambda seen: "reconnected" in seen, "happened")
        await page.until(lambda state: state == "connected", "state")
        before = await page.until(grows("frames"), "received", "pal.1", "camera")
        await page.until(grows("frames", before["frames"] + 5), "received", "pal.1", "camera")
        pal.frames["web.1"].clear()
        await pal.sees("web.1", GREEN)
