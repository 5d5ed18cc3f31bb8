"""How many packets does the media engine forward per CPU-second, and what do joins and people cost?

The load is `moot-load` (crates/moot-load), which speaks LiveKit's signalling as its SDKs do and
counts every packet that arrives after decryption. moot's media half (engine and signalling, in one
process) and livekit-server are loaded in turn, A B A B, with the same program and the same cases;
Janus, whose VideoRoom the program speaks as well, once in the cases that it and we have in common.
CPU and memory are the server process's own, so that the load beside it on the same cores counts for
nobody; of memory what the process has made itself, not the parts of its program that were read in.
Traffic does not leave the machine: it is on loopback, and for Janus, which leaves loopback out, on
an address of the network namespace that this runs in. It needs root.

    python -m bench.forward [--rounds 2] [--seconds 10] [--only 1x50 …] [--alone] [--program PATH]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.livekit.server import API_KEY, API_SECRET, LiveKitServer, build, free_ports
from tests.livekit.server import version as livekit_version

from bench import janus, namespace
from bench.figure import figure, not_run
from bench.process import anonymous_kib, cpu_s

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60.0
SETTLE_S = 2.0
"""How long publishers send to nobody: what that costs is known before the first join."""
IDLE_S = 10.0
"""How long an idle server is watched."""


@dataclass(frozen=True)
class Case:
    """One load: who publishes what to whom."""

    name: str
    publishers: int
    subscribers: int
    media: str = "video"
    spread_ms: int = 0
    is_simulcast: bool = False
    join_interval_ms: int = 50
    joins_in_flight: int = 0
    meetings: int = 1
    is_for_janus: bool = False

    def arguments(self, url: str, seconds: float) -> list[str]:
        """Spell the case for the load program."""
        return [
            *("--url", url, "--key", API_KEY, "--secret", API_SECRET),
            *("--room", f"bench-{self.name}"),
            *("--publishers", str(self.publishers), "--subscribers", str(self.subscribers)),
            *("--media", self.media, "--spread-ms", str(self.spread_ms)),
            *("--simulcast", "yes" if self.is_simulcast else "no"),
            *("--join-interval-ms", str(self.join_interval_ms)),
            *("--joins-in-flight", str(self.joins_in_flight), "--rooms", str(self.meetings)),
            *("--settle-s", str(round(SETTLE_S))),
            # Without media there is nothing to settle but the joins themselves.
            *("--warm-up-s", "8" if self.publishers else "2"),
            *("--window-s", str(round(seconds if self.publishers else min(seconds, 4)))),
        ]


CASES = (
    Case("200 at once in 1", 0, 200, join_interval_ms=0, joins_in_flight=8),
    Case("200 at once in 40", 0, 200, join_interval_ms=0, joins_in_flight=8, meetings=40),
    Case("500 at once in 100", 0, 500, join_interval_ms=0, joins_in_flight=8, meetings=100),
    Case("joins alone", 0, 100),
    Case("1x10 one by one", 1, 10, join_interval_ms=700),
    Case("1x10", 1, 10, is_for_janus=True),
    Case("1x50", 1, 50, is_for_janus=True),
    Case("1x50 spread", 1, 50, spread_ms=15),
    Case("1x50 simulcast", 1, 50, is_simulcast=True),
    Case("1x100", 1, 100, is_for_janus=True),
    Case("5x10", 5, 10, is_for_janus=True),
    Case("5x50 audio", 5, 50, media="audio", is_for_janus=True),
)


@dataclass
class Measured:
    """What one run of one case cost one server."""

    packets_per_cpu_s: float
    packets_per_s: float
    bytes_per_packet: float
    lost: int
    cpu_per_join_ms: float
    kib_per_participant: float
    first_packet_ms: float
    join_ms: float


@dataclass
class Gathered:
    """The runs of one case at one server."""

    runs: list[Measured] = field(default_factory=list)

    def best(self, name: str, *, least: bool = False) -> float:
        """Return the best run's figure: noise of the machine only ever makes a run worse."""
        values = [getattr(run, name) for run in self.runs]
        return float(min(values) if least else max(values))


@contextmanager
def moot() -> Iterator[tuple[str, int]]:
    """Serve moot's media half; yields its address and process id."""
    (port,) = free_ports(1)
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.media.standalone", str(port)],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _until_answering(f"http://127.0.0.1:{port}/rtc/validate", process)
            yield f"ws://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _until_answering(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("moot's media half did not start")


@contextmanager
def livekit() -> Iterator[tuple[str, int]]:
    """Serve livekit-server; yields its address and process id."""
    with LiveKitServer() as server:
        yield server.url, server.pid


@contextmanager
def janus_server() -> Iterator[tuple[str, int]]:
    """Serve Janus; yields its address and process id."""
    server = janus.JanusServer()
    try:
        asyncio.run(server.start())
        yield f"ws://127.0.0.1:{server.port}", server.pid
    finally:
        server.forget()


LIVEKIT, JANUS = "livekit-server", "Janus"
SERVERS = {"moot": moot, LIVEKIT: livekit, JANUS: janus_server}
SPOKEN = {JANUS: ("--protocol", "janus", "--address", namespace.ADDRESS)}
"""What the load program is told beyond the case."""


def load_program() -> Path:
    """Build the load program as it is released."""
    subprocess.run(
        ["cargo", "build", "--release", "--locked", "--quiet", "-p", "moot-load"],
        cwd=ROOT,
        check=True,
    )
    told = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return Path(json.loads(told.stdout)["target_directory"]) / "release" / "moot-load"


def measure(program: Path, arguments: Sequence[str], case: Case, pid: int) -> Measured:
    """Run one case against one server.

    Raises:
        RuntimeError: not everyone could join, or the load program failed.
    """
    empty_kib = anonymous_kib(pid)
    marks: dict[str, float] = {}
    result: dict[str, Any] = {}
    used_kib = empty_kib
    with subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            told = json.loads(line)
            event = told["event"]
            if event == "failed":
                raise RuntimeError(f"{case.name}: {told['reason']}")
            if event == "result":
                result = told
                continue
            marks[event] = cpu_s(pid)
            marks[f"{event} at"] = time.monotonic()
            used_kib = max(used_kib, anonymous_kib(pid))
    if not result:
        raise RuntimeError(f"{case.name}: the load program ended by itself")
    window_cpu_s = marks["window_end"] - marks["window_begin"]
    packets = result["packets"]
    # Media flows to those who have joined already. What that costs grows from its price with nobody
    # there to its price with everybody, and is taken off.
    price_before = (marks["joining"] - marks["published"]) / SETTLE_S
    price_after = window_cpu_s / result["duration_s"]
    joins_s = marks["joined at"] - marks["joining at"]
    flowing_cpu_s = (price_before + price_after) / 2 * joins_s
    joins_cpu_s = max(0.0, marks["joined"] - marks["joining"] - flowing_cpu_s)
    first_packet_ms = result.get("first_packet_after_connected_ms", {"p50": 0.0})["p50"]
    return Measured(
        packets_per_cpu_s=packets / max(window_cpu_s, 0.01),
        packets_per_s=packets / result["duration_s"],
        bytes_per_packet=result["bytes"] / max(packets, 1),
        lost=result["lost"],
        cpu_per_join_ms=joins_cpu_s * 1000 / case.subscribers,
        kib_per_participant=(used_kib - empty_kib) / (case.publishers + case.subscribers),
        first_packet_ms=first_packet_ms,
        join_ms=result["join_ms"]["p50"],
    )


def idle_cpu(pid: int) -> float:
    """Watch a server with nobody in it; return its percentage of one core."""
    before = cpu_s(pid)
    time.sleep(IDLE_S)
    return (cpu_s(pid) - before) * 100 / IDLE_S


FLOW_ASPECTS = (
    # name, unit, whether less is better, aim
    ("packets_per_cpu_s", "packets per CPU-second", False, "at least twice livekit-server"),
    ("packets_per_s", "packets per second", False, ""),
    ("bytes_per_packet", "bytes per packet", False, ""),
    ("lost", "packets lost", True, "0"),
    ("first_packet_ms", "ms from connected to first packet", True, "at most 60"),
)
JOIN_ASPECTS = (
    ("cpu_per_join_ms", "ms CPU per join", True, "at most 3"),
    ("kib_per_participant", "KiB per participant", True, "at most 410"),
    ("join_ms", "ms to the join answer", True, ""),
)


def tell(case: Case, gathered: dict[str, Gathered]) -> None:
    """Print the figures of one case, beside each peer that had it."""
    ours = gathered["moot"]
    peers = {name: runs for name, runs in gathered.items() if name != "moot"}
    aspects = (*FLOW_ASPECTS, *JOIN_ASPECTS) if case.publishers else JOIN_ASPECTS
    for name, unit, least, aim in aspects:
        for peer, theirs in peers.items() or [(None, None)]:
            figure(
                "forward",
                ours.best(name, least=least),
                unit,
                case=case.name,
                peer=peer,
                peer_value=theirs.best(name, least=least) if theirs else None,
                pairs=(),
                seed=None,
                aim=aim,
                runs=str(len(ours.runs)),
                **VERSIONS,
            )


VERSIONS: dict[str, str] = {}


def run(program: Path, case: Case, server: str, seconds: float) -> Measured:
    """Start a server, run one case against it and end it."""
    with SERVERS[server]() as (url, pid):
        arguments = [*case.arguments(url, seconds), *SPOKEN.get(server, ())]
        return measure(program, arguments, case, pid)


def main() -> None:
    """Run the cases and print their figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=2, help="runs of each case at each server")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a measured window")
    parser.add_argument("--only", nargs="*", help="the cases to run, by name")
    parser.add_argument("--alone", action="store_true", help="leave the peers out")
    parser.add_argument("--program", type=Path, help="a load program that is already built")
    options = parser.parse_args()
    program = options.program or load_program()
    servers = ["moot"]
    if not options.alone:
        build()
        servers.append(LIVEKIT)
        VERSIONS["livekit_server"] = livekit_version()
    namespace.enter("bench.forward")
    has_janus = False
    if not options.alone:
        if reason := janus.absence():
            not_run("forward", JANUS, reason)
        else:
            has_janus = True
            VERSIONS["janus"] = janus.version()
    idle = {}
    for name in [*servers, JANUS] if has_janus else servers:
        with SERVERS[name]() as (_, pid):
            idle[name] = idle_cpu(pid)
    peers: list[str | None] = [*list(idle)[1:]]
    for peer in peers or [None]:
        figure(
            "forward",
            idle["moot"],
            "% of a core, idle",
            peer=peer,
            peer_value=idle[peer] if peer else None,
            case="",
            pairs=(),
            seed=None,
            aim="",
            **VERSIONS,
        )
    for case in CASES:
        if options.only and case.name not in options.only:
            continue
        gathered = {name: Gathered() for name in servers}
        for _ in range(options.rounds):
            for name in servers:
                gathered[name].runs.append(run(program, case, name, options.seconds))
        if has_janus and case.is_for_janus:
            gathered[JANUS] = Gathered([run(program, case, JANUS, options.seconds)])
        tell(case, gathered)


if __name__ == "__main__":
    main()
