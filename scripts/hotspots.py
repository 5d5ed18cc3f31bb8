"""Where the media engine's processor time goes while media flows.

    python -m scripts.hotspots [CASE] [--seconds 10]

A server's process is sampled, and each sample counted for what it was at. CASE is one of
`bench.forward`'s. The core is built a second time, with its symbols and frame pointers (some
minutes, once for each state of the code), and served beside a load as in the benchmark. It needs
root and `perf`. Shares are of all samples of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.forward import CASES, Case, load_program, moot

from bench import namespace

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target/hotspots"
RATE_HZ = 1999
"""Samples a second; no divisor of a timer's rate, so that periodic work is met fairly."""

WORK = (
    ("the kernel sends", r"sendmmsg|sendmsg"),
    ("the kernel receives", r"recvmmsg|recvmsg"),
    ("waiting and waking", r"ppoll|nanosleep|epoll|eventfd"),
    (
        "allocating, page faults",
        r"^(malloc|free|realloc|calloc|_int_|sysmalloc|asm_exc_page_fault)",
    ),
    ("sealing (SRTP)", r"Sealer|seal_rtp"),
    ("reports, estimate, pacing", r"take_report|[Ee]stimator|[Ll]edger|pacer|take_nack|take_block"),
    ("writing packets", r"Egress|moot_send"),
    ("opening what comes in (SRTP)", r"unprotect|handle_rtp_receive|handle_rtcp_receive|rtcp"),
    ("choosing, renumbering", r"moot_sfu::router|moot_forward"),
    ("ICE, DTLS, data channels", r"\bis::|dimpl|sctp|str0m"),
    ("keeping house, statistics", r"moot_sfu|moot_net"),
)
"""What a sample is taken for: the first of these that a function on its stack matches."""
_MEDIA_THREAD = "moot-media"


def main() -> None:
    """Profile one case and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    names = [case.name for case in CASES if case.publishers]
    parser.add_argument("case", nargs="?", default="1x50", choices=names)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the sampled window")
    options = parser.parse_args()
    if shutil.which("perf") is None:
        parser.error("perf is not installed (Debian: linux-perf)")
    program = load_program()
    core = _build()
    namespace.enter("scripts.hotspots")
    case = next(case for case in CASES if case.name == options.case)
    with tempfile.TemporaryDirectory() as directory:
        sources = Path(directory) / "src"
        shutil.copytree(ROOT / "src/moot", sources / "moot")
        shutil.copy(core, sources / "moot/_media.abi3.so")
        os.environ["PYTHONPATH"] = str(sources)
        samples = Path(directory) / "samples"
        _sample(program, case, options.seconds, samples)
        counted = Counter(work for work in _work(samples))
    total = counted.total()
    print(f"\n{case.name}: {total} samples\n\n| what | share |\n| --- | --- |")
    for work, count in counted.most_common():
        print(f"| {work} | {count * 100 / total:.1f} % |")


def _build() -> Path:
    """Build the core with what `perf` needs to name its functions; returns the library."""
    settings = {
        "RUSTFLAGS": "-C force-frame-pointers=yes",
        "CARGO_PROFILE_RELEASE_STRIP": "none",
    }
    subprocess.run(
        [*("cargo", "build", "--release", "--locked", "-p", "moot-py", "--target-dir"), TARGET],
        cwd=ROOT,
        env={**os.environ, **settings},
        check=True,
    )
    return TARGET / "release/lib_media.so"


def _sample(program: Path, case: Case, seconds: float, samples: Path) -> None:
    """Load a server with a case and sample it while everybody is there."""
    perf: subprocess.Popen[bytes] | None = None
    with (
        moot() as (url, pid),
        subprocess.Popen(
            [program, *case.arguments(url, seconds)], stdout=subprocess.PIPE, text=True
        ) as load,
    ):
        for line in load.stdout or ():
            event = json.loads(line)["event"]
            print(event, flush=True)
            if event == "window_begin":
                asked = f"perf record --quiet -g -F {RATE_HZ} -p {pid} -o {samples}"
                perf = subprocess.Popen(asked.split())
            elif event == "window_end" and perf is not None:
                perf.terminate()
                perf.wait()
    if not samples.exists():
        raise RuntimeError(f"{case.name}: nothing was sampled")


def _work(samples: Path) -> Iterator[str]:
    """Go through the samples and say what each was at."""
    told = subprocess.run(
        ["perf", "script", "--no-inline", "-F", "comm,ip,sym", "-i", samples],
        check=True,
        capture_output=True,
        text=True,
    )
    for sample in told.stdout.split("\n\n"):
        thread, *frames = sample.strip().splitlines() or [""]
        if not thread:
            continue
        if not thread.startswith(_MEDIA_THREAD):
            yield "Python"
            continue
        functions = [frame.split(maxsplit=1)[-1].strip() for frame in frames]
        yield next(
            (
                work
                for work, pattern in WORK
                if any(re.search(pattern, function) for function in functions)
            ),
            "the rest",
        )


if __name__ == "__main__":
    main()
