"""How long is it from the click that mutes a microphone until another person's page shows it?

Two people are in one meeting of moot's, in one Chromium, each with cookies of their own. One clicks
on their microphone's button 200 times; the time is taken from the click event's own time stamp to
the change of `data-audio` on their tile in the other's page, both on the machine's one clock
(`performance.timeOrigin`). In between lie a command by HTTP, a commit on disk, an event to everyone
and a drawn tile. Beside it, in turn by tens, livekit-client does the same on livekit-server, in
plain pages (bench/peers/plain) whose attribute follows the client's own events.

    python -m bench.toggle [--toggles 200]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

from tests.livekit.server import LiveKitServer, build
from tests.media.server import MediaServer
from tests.programs.person import AUTH_SECRET
from tests.programs.server import Server

from bench.browser import Chromium, Page, chromium
from bench.figure import figure, percentile
from bench.namespace import enter
from bench.plain_page import PlainPage, client_version, plain_page

BLOCK = 10
"""Toggles in a row at one server, before it is the other's turn."""
PAUSE_S = 0.1
SEEN_WITHIN_S = 10.0
ROOM = "TOGGLE"

_JOIN = "[...document.querySelectorAll('button')].find((b) => b.innerText.trim() === 'Join now')"
_IS_READY = f"(() => {{ const b = {_JOIN}; return b && !b.disabled; }})()"
_SWITCH = "document.querySelector('#call-controls button[aria-label$=\"microphone\"], #microphone')"
_SHOWN = (
    "document.querySelector('article[data-participant-id]:not([data-self]), aside')?.dataset.audio"
)
_WATCH = f"""
  window.clicks = [];
  window.changes = [];
  addEventListener("click", (e) => clicks.push(performance.timeOrigin + e.timeStamp), true);
  let shown;
  new MutationObserver(() => {{
    const now = {_SHOWN};
    if (now !== shown) changes.push(performance.timeOrigin + performance.now());
    shown = now;
  }}).observe(document, {{ subtree: true, childList: true, attributeFilter: ["data-audio"] }});
"""


class Pair:
    """Two people in one meeting: one presses, the other looks."""

    def __init__(self, presser: Page, looker: Page) -> None:
        self._presser = presser
        self._looker = looker
        self.took_ms: list[float] = []

    async def ready(self) -> None:
        """Wait until both are in and the microphone is seen as on."""
        await self._presser.until(f"!!{_SWITCH}")
        await self._looker.until(f"{_SHOWN} === 'on'")

    async def toggle(self) -> None:
        """Press once, wait until it is seen, and note how long that took."""
        before = await self._looker.ask(_SHOWN)
        await self._presser.ask("clicks.length = 0")
        await self._looker.ask("changes.length = 0")
        await self._presser.click(_SWITCH)
        await self._looker.until(f"changes.length > 0 && {_SHOWN} !== {before!r}", SEEN_WITHIN_S)
        (clicked,) = await self._presser.ask("clicks")
        self.took_ms.append((await self._looker.ask("changes[0]")) - clicked)
        await asyncio.sleep(PAUSE_S)


async def _join_moot(browser: Chromium, server: Server, name: str, *, is_on: bool) -> Page:
    page = await browser.page()
    wish = {"name": name, "microphoneOn": is_on, "cameraOn": False}
    await page.before_each(
        f"localStorage.setItem('moot.preferences', {json.dumps(json.dumps(wish))}); {_WATCH}"
    )
    await page.open(f"http://127.0.0.1:{server.port}/{ROOM}")
    await page.until(_IS_READY)
    await page.click(_JOIN)
    return page


async def _join_plain(
    browser: Chromium, plain: PlainPage, server: MediaServer, name: str, *, is_on: bool
) -> Page:
    page = await browser.page()
    await page.before_each(_WATCH)
    await page.open(plain.url(server.url, server.token(name, ROOM), microphone=is_on))
    await page.until(_IS_READY)
    await page.click(_JOIN)
    return page


async def run(toggles: int) -> None:
    """Press in turn and print the figures."""
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
            await moot.wire().ask("PUT", f"/api/v1/meetings/{ROOM}")
            async with plain_page() as plain, chromium() as browser:
                pairs = [
                    Pair(
                        await _join_moot(browser, moot, "Ana", is_on=True),
                        await _join_moot(browser, moot, "Ben", is_on=False),
                    ),
                    Pair(
                        await _join_plain(browser, plain, livekit, "Ana", is_on=True),
                        await _join_plain(browser, plain, livekit, "Ben", is_on=False),
                    ),
                ]
                for pair in pairs:
                    await pair.ready()
                for number in range(toggles * len(pairs)):
                    await pairs[number // BLOCK % len(pairs)].toggle()
        finally:
            moot.kill()
    ours, theirs = (pair.took_ms for pair in pairs)
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        figure(
            "toggle",
            percentile(ours, share),
            "ms from the click to seen by another page",
            case=f"{name} of {len(ours)} toggles",
            peer="livekit-client on livekit-server",
            peer_value=percentile(theirs, share),
            aim="at most 100, p99",
            livekit_client=client_version(),
            livekit_server="1.11.0",
        )


def main() -> None:
    """Measure in a network namespace."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--toggles", type=int, default=200, help="presses at each server")
    options = parser.parse_args()
    build()
    enter("bench.toggle")
    asyncio.run(run(options.toggles))


if __name__ == "__main__":
    main()
