"""What do processor and memory pay for a meeting's page, beyond the pictures themselves?

Nine, then 25 people send real VP8 (bench/publisher.py) to one `moot serve`, three of them speaking
in turn, so that there is always a change of speaker to show. A Chromium of its own watches them in
moot's page, and in turn, A B A B, in the least page that can: livekit-client on the same server,
with plain video elements in a grid of as many columns (bench/peers/plain). That page is the limit:
what it costs, decoding and drawing cost anyway. The watcher sends nothing, and its own tile is
hidden by the page's own setting, so that both show the same videos at about the same size.

CPU is that of all the browser's processes over a window, from /proc; memory is theirs at its end,
what they share counted once (PSS). That every picture moves is checked in both.

    python -m bench.page_cost [--tiles 9 25] [--rounds 2] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.programs.person import AUTH_SECRET, Person
from tests.programs.server import Server

from bench.browser import Page, chromium
from bench.figure import figure
from bench.namespace import enter
from bench.plain_page import PlainPage, client_version, plain_page
from bench.publisher import company

PICTURE = (320, 180)
FPS = 10
SPEAKERS = 3
SETTLE_S = 5.0
"""Until what belongs to joining (compiling, first frames, sizes of layers) is over."""
SHOWN_WITHIN_S = 60.0

_BUTTON = "[...document.querySelectorAll('button')].find((b) => b.innerText.trim() === 'Join now')"
_IS_READY = f"(() => {{ const b = {_BUTTON}; return b && !b.disabled; }})()"
_FRAMES = (
    "[...document.querySelectorAll('article video, video.remote')]"
    ".map((video) => video.getVideoPlaybackQuality().totalVideoFrames)"
)


@dataclass(frozen=True)
class Cost:
    """What one page used while it was watched.

    Attributes:
        cpu_percent: of one core.
        memory_mib: of all the browser's processes.
        fps: pictures a second of the median video.
    """

    cpu_percent: float
    memory_mib: float
    fps: float


async def _open_moot(page: Page, server: Server, meeting_id: str) -> None:
    wish = {"name": "Watcher", "hidesSelf": True, "microphoneOn": False, "cameraOn": False}
    await page.before_each(
        f"localStorage.setItem('moot.preferences', {json.dumps(json.dumps(wish))})"
    )
    await page.open(f"http://127.0.0.1:{server.port}/{meeting_id}")


async def _open_plain(page: Page, plain: PlainPage, server: Server, meeting_id: str) -> None:
    # As a member of the meeting: a ticket comes only with a seat.
    person = Person([server], f"Plain {uuid.uuid4()}")
    media = (await person.join(meeting_id)).body["media"]
    await person.gone()
    tiles = int(meeting_id.removeprefix("TILES"))
    await page.open(plain.url(media["url"], media["token"], columns=math.ceil(math.sqrt(tiles))))


async def measure(
    plain: PlainPage | None, server: Server, meeting_id: str, tiles: int, seconds: float
) -> Cost:
    """Watch a meeting in a browser of its own, in the plain page where there is one.

    Raises:
        RuntimeError: a picture stood still.
    """
    async with chromium() as browser:
        page = await browser.page()
        if plain is None:
            await _open_moot(page, server, meeting_id)
        else:
            await _open_plain(page, plain, server, meeting_id)
        await page.until(_IS_READY)
        await page.click(_BUTTON)
        await page.until(
            f"(() => {{ const f = {_FRAMES}; return f.length === {tiles} && f.every((n) => n > 0);"
            " })()",
            SHOWN_WITHIN_S,
        )
        await asyncio.sleep(SETTLE_S)
        before, used_s = await page.ask(_FRAMES), browser.cpu_s()
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(seconds)
        used_s, took_s = browser.cpu_s() - used_s, asyncio.get_running_loop().time() - began
        after = await page.ask(_FRAMES)
        return Cost(used_s * 100 / took_s, browser.memory_kib() / 1024, fps(before, after, took_s))


def fps(before: list[int], after: list[int], took_s: float) -> float:
    """Give the pictures a second of the median video.

    Raises:
        RuntimeError: a video is gone or stood still: its cost would be no cost.
    """
    if len(before) != len(after):
        raise RuntimeError(f"{len(before)} videos became {len(after)}")
    shown = [now - then for then, now in zip(before, after, strict=True)]
    if min(shown) <= 0:
        raise RuntimeError(f"a picture stood still: {shown}")
    return statistics.median(shown) / took_s


def _tell(tiles: int, moot: list[Cost], plain: list[Cost]) -> None:
    for name, unit, aim in (
        ("cpu_percent", "% of a core in the browser", "at most 1.15 of the limit"),
        ("memory_mib", "MiB of memory in the browser", ""),
        ("fps", "pictures per second of each video", "as many as the limit"),
    ):
        ours = [getattr(cost, name) for cost in moot]
        theirs = [getattr(cost, name) for cost in plain]
        figure(
            "page_cost",
            statistics.median(ours),
            unit,
            case=f"{tiles} tiles",
            peer="plain page, livekit-client",
            peer_value=statistics.median(theirs),
            pairs=list(zip(ours, theirs, strict=True)),
            aim=aim,
            livekit_client=client_version(),
        )


async def run(sizes: list[int], rounds: int, seconds: float) -> None:
    """Watch meetings of these sizes in turn and print the figures."""
    with tempfile.TemporaryDirectory(prefix="moot-bench-") as folder:
        server = Server(
            Path(folder),
            MOOT_MEDIA="builtin",
            MOOT_MEDIA_PORT="0",
            MOOT_AUTH_SECRET=AUTH_SECRET,
        )
        try:
            await server.start()
            async with plain_page() as plain:
                for tiles in sizes:
                    meeting_id = f"TILES{tiles}"
                    async with company(
                        server, meeting_id, tiles, size=PICTURE, fps=FPS, speakers=SPEAKERS
                    ):
                        pairs = [
                            [
                                await measure(page, server, meeting_id, tiles, seconds)
                                for page in (None, plain)
                            ]
                            for _ in range(rounds)
                        ]
                    _tell(tiles, [ours for ours, _ in pairs], [theirs for _, theirs in pairs])
        finally:
            server.kill()


def main() -> None:
    """Measure in a network namespace."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--tiles", type=int, nargs="*", default=[9, 25], help="sizes of meetings")
    parser.add_argument("--rounds", type=int, default=2, help="how often both pages are watched")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a window")
    options = parser.parse_args()
    enter("bench.page_cost")
    asyncio.run(run(options.tiles, options.rounds, options.seconds))


if __name__ == "__main__":
    main()
