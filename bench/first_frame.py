"""How long is it from the click on "Join now" to the first picture of somebody else on the screen?

moot's own page on `moot serve`, and beside it the least page on LiveKit's own client
(bench/peers/plain) on the real livekit-server, in one Chromium and in turn, A B A B. Both do the
same things before and after: in a context without cookies or cached files the page is opened, opens
the fake camera and microphone and shows itself; a moment later a mouse clicks "Join now"; the page
joins, publishes both devices, and subscribes to the one person who is there, a program that
publishes the same picture at both (bench/publisher.py). The time is taken in the page, from the
click event's own time stamp until `requestVideoFrameCallback` tells that a frame of the other's
video has been decoded and shown.

What is not the same is to the peer's advantage: its page holds a token from the start, and has
prepared its connection as LiveKit's guide says, where moot's joins by HTTP after the click, is
written to disk, opens an event stream and draws a whole meeting. Everything stays on loopback.

    python -m bench.first_frame [--joins 20] [--steps]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.livekit.server import LiveKitServer, build
from tests.media.server import MediaServer
from tests.programs.person import AUTH_SECRET
from tests.programs.server import Server

from bench.browser import BrowserFailed, Chromium, Page, chromium
from bench.figure import figure, percentile
from bench.namespace import enter
from bench.plain_page import PlainPage, client_version, plain_page
from bench.publisher import company, publisher

PICTURE = (320, 180)
FPS = 15
SETTLE_S = 1.0
"""How long a page is left alone before the click: less than a person needs to look at it."""
SHOWN_WITHIN_S = 30.0
ROOM = "FIRSTFRAME"
WATCH = (Path(__file__).parent / "peers/watch.js").read_text(encoding="utf-8")
NAMED = """localStorage.setItem("moot.preferences", '{"name": "Newcomer"}');"""
"""The page remembers names; which keys were pressed for one is not what is measured."""

_BUTTON = "[...document.querySelectorAll('button')].find((b) => b.innerText.trim() === 'Join now')"
_IS_READY = f"(() => {{ const b = {_BUTTON}; return b && !b.disabled; }})()"
_SEES_ITSELF = "[...document.querySelectorAll('video')].some((v) => v.videoWidth > 0)"

Join = Callable[[], Awaitable[dict[str, Any]]]


async def _click(page: Page) -> dict[str, Any]:
    """Click and wait for the picture; answers what `watch.js` tells."""
    await page.until(f"{_IS_READY} && {_SEES_ITSELF}")
    await asyncio.sleep(SETTLE_S)
    await page.click(_BUTTON)
    try:
        async with asyncio.timeout(SHOWN_WITHIN_S):
            told: dict[str, Any] = await page.ask("firstFrame")
    except TimeoutError:
        seen = await page.ask("document.body.innerText")
        raise BrowserFailed(f"no picture within {SHOWN_WITHIN_S:.0f} s on: {seen}") from None
    return told


async def join_moot(browser: Chromium, server: Server) -> dict[str, Any]:
    """Join through moot's own page, and leave."""
    page = await browser.page()
    try:
        await page.before_each(f"{WATCH}\n{NAMED}")
        await page.open(f"http://127.0.0.1:{server.port}/{ROOM}")
        told = await _click(page)
        await page.click("document.querySelector('button[aria-label=\"Leave\"]')")
        return told
    finally:
        await page.close()


async def join_livekit(
    browser: Chromium, plain: PlainPage, server: MediaServer, number: int
) -> dict[str, Any]:
    """Join through the plain page."""
    page = await browser.page()
    try:
        await page.before_each(WATCH)
        token = server.token(f"newcomer-{number}", ROOM)
        await page.open(plain.url(server.url, token, camera=True, microphone=True))
        told = await _click(page)
        await page.ask("room.disconnect()")
        return told
    finally:
        await page.close()


def median_steps(runs: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """Give each step's median time after the click in ms, in order; steps that were not in at
    least half of the runs are left out, of repeated ones the first counts.
    """
    times: dict[str, list[float]] = {}
    for run in runs:
        first: dict[str, float] = {}
        for name, at in run["steps"]:
            first[name] = min(at, first.get(name, at))
        for name, at in first.items():
            times.setdefault(name, []).append(at)
    known = [
        (name, statistics.median(found))
        for name, found in times.items()
        if len(found) * 2 >= len(runs)
    ]
    return sorted(known, key=lambda step: step[1])


def _tell(moot: list[dict[str, Any]], livekit: list[dict[str, Any]]) -> None:
    ours, theirs = [run["ms"] for run in moot], [run["ms"] for run in livekit]
    for share, name in ((0.5, "p50"), (0.95, "p95")):
        figure(
            "first_frame",
            percentile(ours, share),
            "ms from click to first remote frame",
            case=f"chromium, {name} of {len(ours)} joins",
            peer="livekit-client on livekit-server",
            peer_value=percentile(theirs, share),
            # Only the middle may be paired: the worst of both were not beside each other.
            pairs=list(zip(ours, theirs, strict=True)) if share == 0.5 else (),
            aim="no later than the peer",
            livekit_client=client_version(),
            livekit_server="1.11.0",
        )


async def run(joins: int, *, shows_steps: bool) -> None:
    """Join in turn and print the figures."""
    with tempfile.TemporaryDirectory(prefix="moot-bench-") as folder, LiveKitServer() as peer:
        livekit = MediaServer("livekit", peer.url)
        moot = Server(
            Path(folder),
            MOOT_MEDIA="builtin",
            MOOT_MEDIA_PORT="0",
            MOOT_AUTH_SECRET=AUTH_SECRET,
        )
        try:
            await moot.start()
            async with (
                plain_page() as plain,
                company(moot, ROOM, 1, size=PICTURE, fps=FPS),
                publisher(livekit.url, livekit.token("host", ROOM), size=PICTURE, fps=FPS),
                chromium() as browser,
            ):
                found: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
                # The first of each warms what a server has warmed for everyone but its first guest.
                for number in range(joins + 1):
                    ours = await join_moot(browser, moot)
                    theirs = await join_livekit(browser, plain, livekit, number)
                    if number:
                        found[0].append(ours)
                        found[1].append(theirs)
        finally:
            moot.kill()
    _tell(*found)
    for name, runs in zip(("moot", "livekit"), found, strict=True) if shows_steps else ():
        sys.stdout.write(f"{name}: median ms after the click\n")
        for step, at in median_steps(runs):
            sys.stdout.write(f"  {at:7.1f}  {step}\n")


def main() -> None:
    """Measure in a network namespace."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--joins", type=int, default=20, help="joins at each server")
    parser.add_argument("--steps", action="store_true", help="show when each step was done")
    options = parser.parse_args()
    build()
    enter("bench.first_frame")
    asyncio.run(run(options.joins, shows_steps=options.steps))


if __name__ == "__main__":
    main()
