"""What is left of picture and sound when 5, 10 or 20 % of all packets are lost?

Two real Chromiums with LiveKit's JavaScript SDK, one publishing its (fake) camera in layers and its
microphone, the other watching, and the server at the other end of a wire that drops each packet
with the given probability, on its way to the server as well as from it. What the watching browser
decodes, freezes and conceals is its own account (`getStats`). moot's media half and livekit-server
are tried in turn, A B A B, with the same page; within one meeting the losses follow each other.

    python -m bench.loss [--rounds 2] [--seconds 12] [--losses 0 5 10 20]

It needs root: it works in network namespaces of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.livekit.server import API_KEY, API_SECRET, build
from tests.livekit.server import version as livekit_version
from tests.media.browser import Browser, browser
from tests.media.road import HTTP_PORT, MOOT, THERE, road

from bench.figure import figure, not_run

INSIDE = "MOOT_BENCH_LOSS_INSIDE"
"""Set where this program already runs in a namespace of its own."""
SETTLE_S = 5.0
"""After a change of the loss, before the window."""
FLOWS_WITHIN_S = 40.0
PUBLISHER, WATCHER, ROOM = "ana.1", "bo.1", "LOSS.1"


@dataclass(frozen=True)
class Window:
    """What one window of one run came to."""

    video_kbps: float
    frames_per_s: float
    frozen_percent: float
    freezes_per_minute: float
    concealed_percent: float


ASPECTS = (
    ("video_kbps", "kbit/s of video received"),
    ("frames_per_s", "frames decoded per second"),
    ("frozen_percent", "% of the time frozen"),
    ("freezes_per_minute", "freezes per minute"),
    ("concealed_percent", "% of the sound concealed"),
)


def between(before: dict[str, Any], after: dict[str, Any], seconds: float) -> Window:
    """Judge a window by the browser's accounts at both ends of it.

    A browser counts a freeze when the picture moves again: a picture that never did so is frozen
    for the whole window.

    Args:
        before: `video` and `audio`, each an RTCInboundRtpStreamStats.
        after: the same, later.
        seconds: the time between them.
    """

    def grown(kind: str, name: str) -> float:
        return float(after[kind].get(name, 0) - before[kind].get(name, 0))

    frames = grown("video", "framesDecoded")
    frozen_s = min(grown("video", "totalFreezesDuration"), seconds) if frames else seconds
    samples = grown("audio", "totalSamplesReceived")
    # Silence that is filled in while nothing was sent is nobody's loss.
    concealed = grown("audio", "concealedSamples") - grown("audio", "silentConcealedSamples")
    return Window(
        video_kbps=grown("video", "bytesReceived") * 8 / 1000 / seconds,
        frames_per_s=frames / seconds,
        frozen_percent=100 * frozen_s / seconds,
        freezes_per_minute=grown("video", "freezeCount") * 60 / seconds,
        concealed_percent=100 * concealed / samples if samples else 100.0,
    )


def livekit_command(folder: Path) -> list[str]:
    """Write livekit-server's settings; return how it is started."""
    config = {
        "port": HTTP_PORT,
        "bind_addresses": [THERE],
        "keys": {API_KEY: API_SECRET},
        "logging": {"level": "warn", "pion_level": "error"},
        "rtc": {
            "tcp_port": HTTP_PORT + 1,
            "udp_port": HTTP_PORT + 2,
            "use_external_ip": False,
            "node_ip": THERE,
            "stun_servers": [],
        },
    }
    path = folder / "livekit.yaml"
    path.write_text(json.dumps(config))
    return [str(build()), "--config", str(path)]


def chromium_version() -> str:
    """Name the browser's version."""
    told = subprocess.run(["chromium", "--version"], capture_output=True, text=True, check=False)
    words = told.stdout.split()
    return words[1] if len(words) > 1 else "unknown"


async def _accounts(page: Browser) -> dict[str, Any]:
    found = {}
    for kind, source in (("video", "camera"), ("audio", "microphone")):
        found[kind] = await page.order("inbound", PUBLISHER, source)
    return found


def _flows(accounts: dict[str, Any]) -> bool:
    video, audio = accounts["video"], accounts["audio"]
    return bool(video and audio and video.get("framesDecoded", 0) > 30)


async def measure(
    name: str, command: Sequence[str], losses: Sequence[int], seconds: float
) -> list[Window]:
    """Measure one server once, one window a loss.

    Raises:
        RuntimeError: no picture arrived even without loss.
    """
    with road(name, command) as (way, server):
        async with browser("chromium") as ana, browser("chromium") as bo:
            await ana.order("join", *server.door(PUBLISHER, ROOM), {})
            await bo.order("join", *server.door(WATCHER, ROOM), {})
            await ana.order("publishCameraAndMicrophone")
            clock = asyncio.get_running_loop().time
            until = clock() + FLOWS_WITHIN_S
            while not _flows(await _accounts(bo)):
                if clock() > until:
                    raise RuntimeError(f"{name}: no picture within {FLOWS_WITHIN_S} s")
                await asyncio.sleep(0.2)
            windows = []
            for loss in losses:
                way.drop(*([f"numgen random mod 100 < {loss}"] if loss else []))
                await asyncio.sleep(SETTLE_S)
                before, began = await _accounts(bo), clock()
                await asyncio.sleep(seconds)
                after, ended = await _accounts(bo), clock()
                if not (before["video"] and after["video"] and after["audio"]):
                    raise RuntimeError(f"{name}: the tracks were taken away at {loss} % loss")
                windows.append(between(before, after, ended - began))
            # Let everyone leave by a road that is open.
            way.drop()
            return windows


async def run(losses: Sequence[int], seconds: float, rounds: int) -> None:
    """Measure both in turn and print the figures."""
    with tempfile.TemporaryDirectory(prefix="moot-loss-") as folder:
        servers = {"moot": list(MOOT), "livekit-server": livekit_command(Path(folder))}
        runs: dict[str, list[list[Window]]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, command in servers.items():
                runs[name].append(await measure(name, command, losses, seconds))
    known = {"livekit-server": livekit_version(), "chromium": chromium_version()}
    for at, loss in enumerate(losses):
        for aspect, unit in ASPECTS:
            ours, theirs = (
                [float(getattr(one[at], aspect)) for one in runs[name]] for name in servers
            )
            figure(
                "loss",
                statistics.median(ours),
                unit,
                case=f"{loss} % lost",
                peer="livekit-server",
                peer_value=statistics.median(theirs),
                pairs=list(zip(ours, theirs, strict=True)),
                aim="",
                seed=None,
                **known,
            )


def main() -> None:
    """Measure by command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=12.0, help="length of a window")
    parser.add_argument("--losses", type=int, nargs="+", default=[0, 5, 10, 20])
    options = parser.parse_args()
    if INSIDE in os.environ:
        asyncio.run(run(options.losses, options.seconds, options.rounds))
        return
    build()
    if os.geteuid() != 0:
        not_run("loss", "livekit-server", "network namespaces need root")
        return
    os.execvpe(
        "unshare",
        ["unshare", "--net", sys.executable, "-m", "bench.loss", *sys.argv[1:]],
        {**os.environ, INSIDE: "1"},
    )


if __name__ == "__main__":
    main()
