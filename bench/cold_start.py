"""How long does it take from nothing to the first meeting?

In phases: the wheel is installed by `pip` into an empty environment (its dependencies come from the
package index, so this phase measures the network too), the server starts on an empty folder until
it answers, and the first person is in the first meeting with media connected. Start and first
meeting are compared with livekit-server, whose clients are the same SDK, and Janus, whose people
open no media here; the servers are started in turn, A B C A B C. Peers are not installed: both come
as one ready-made package each, and its download would be all that is measured.

    python -m bench.cold_start [--rounds 5] [--wheel PATH]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.livekit.server import version as livekit_version

from bench import janus
from bench.figure import figure, not_run
from bench.process import rss_kib
from bench.seat_peers import HOST, Janus, LiveKit, Moot, Peer, quiet_sdk

ROOT = Path(__file__).resolve().parent.parent
INSTALL_WITHIN_S = 150
BUILD_WITHIN_S = 200


@dataclass(frozen=True)
class Started:
    """What one start came to."""

    start_ms: float
    meeting_ms: float
    rss_mib: float


def wheel() -> Path:
    """Build the wheel; return it."""
    subprocess.run(
        ["make", "wheel"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=BUILD_WITHIN_S
    )
    return max((ROOT / "dist").glob("moot-*.whl"), key=lambda path: path.stat().st_mtime)


def installed(path: Path, environment: Path) -> float:
    """Install a wheel into a fresh environment; return how many seconds `pip install` took."""
    # Not out of this environment: the new one must hold nothing of it.
    clean = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, env=clean)
    began = time.monotonic()
    subprocess.run(
        [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", str(path)],
        check=True,
        env={**clean, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        timeout=INSTALL_WITHIN_S,
    )
    return time.monotonic() - began


async def start(peer: Peer) -> Started:
    """Start a server that has never run, and let the first person in."""
    try:
        began = time.monotonic()
        await peer.start()
        answering = time.monotonic()
        tab = await peer.join(HOST, "FIRST1", creates=True)
        joined = time.monotonic()
        if tab.error:
            raise RuntimeError(f"{peer.name}: {tab.error}")
        used = rss_kib(peer.pid) / 1024
        await tab.close()
    finally:
        peer.forget()
    return Started((answering - began) * 1000, (joined - answering) * 1000, used)


ASPECTS = (
    ("start_ms", "ms from start to answering"),
    ("meeting_ms", "ms from answering to being in"),
    ("rss_mib", "MiB of memory with one person in"),
)


def run(rounds: int, chosen: Path | None) -> None:
    """Measure and print the figures."""
    peers: list[Callable[[], Peer]] = [LiveKit]
    known = {"livekit-server": livekit_version()}
    if reason := janus.absence():
        not_run("cold_start", "Janus", reason)
    else:
        peers.append(Janus)
        known["Janus"] = janus.version()
    path = chosen or wheel()
    with tempfile.TemporaryDirectory(prefix="moot-cold-") as folder:
        environment = Path(folder) / "environment"
        install_s = installed(path, environment)
        figure("cold_start", install_s, "s of pip install", case="the wheel and what it needs")
        figure("cold_start", path.stat().st_size / 2**20, "MiB", case="the wheel")
        size = sum(file.stat().st_size for file in environment.rglob("*") if file.is_file())
        figure("cold_start", size / 2**20, "MiB", case="the environment")
        program = environment / "bin/moot"
        runs: dict[str, list[Started]] = {}
        for number in range(rounds):
            own: Peer = Moot(Path(folder) / str(number), program)
            for peer in (own, *(make() for make in peers)):
                runs.setdefault(peer.name, []).append(asyncio.run(start(peer)))
    tell(runs, known)


def tell(runs: dict[str, list[Started]], known: dict[str, str]) -> None:
    """Print what the starts came to."""
    ours = runs.pop("moot")
    for name, theirs in runs.items():
        for aspect, unit in ASPECTS:
            pairs = [
                (float(getattr(mine, aspect)), float(getattr(other, aspect)))
                for mine, other in zip(ours, theirs, strict=True)
            ]
            figure(
                "cold_start",
                statistics.median(mine for mine, _ in pairs),
                unit,
                peer=name,
                peer_value=statistics.median(other for _, other in pairs),
                pairs=pairs,
                aim="",
                seed=None,
                **known,
            )


def main() -> None:
    """Measure by command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wheel", type=Path, help="a wheel that is already built")
    options = parser.parse_args()
    quiet_sdk()
    run(options.rounds, options.wheel)


if __name__ == "__main__":
    main()
