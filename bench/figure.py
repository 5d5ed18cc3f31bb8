"""A measured figure, printed as one line of JSON with everything needed to judge and repeat it."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any


@cache
def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores, memory, kernel; no names, no addresses."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory_kib / 2**20),
        "kernel": platform.release().split("-")[0],
    }


@cache
def version() -> str:
    """Name moot's version by its commit."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def _jiffies() -> tuple[int, int]:
    """Return the machine's (busy, all) processor time so far, in ticks."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


_BEGAN = _jiffies()


def busy_percent() -> float:
    """Tell how much of the whole machine was in use, by anybody, since this program began."""
    busy, passed = (now - then for now, then in zip(_jiffies(), _BEGAN, strict=True))
    return round(100 * busy / max(passed, 1), 1)


def median_ratio(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return the median of moot / peer over pairs measured one after the other, A B A B.

    What disturbs the machine disturbs both halves of a pair, and an outlier is outvoted. Pairs
    whose peer measured nothing are left out; None if none remains.
    """
    ratios = [ours / theirs for ours, theirs in pairs if theirs]
    return statistics.median(ratios) if ratios else None


def not_run(question: str, peer: str, reason: str) -> None:
    """Print that a peer was not run, and why: it is named, never guessed."""
    sys.stdout.write(json.dumps({"question": question, "not_run": peer, "reason": reason}) + "\n")
    sys.stdout.flush()


def figure(
    question: str,
    value: float,
    unit: str,
    *,
    case: str = "",
    peer: str | None = None,
    peer_value: float | None = None,
    pairs: Sequence[tuple[float, float]] = (),
    seed: int | None = None,
    aim: str = "",
    **versions: str,
) -> None:
    """Print one figure.

    Args:
        question: the file's question, such as `joins`.
        value: the measured value, in `unit`.
        unit: what the value counts, in words.
        case: which of the question's cases, such as the store.
        peer: what stood beside moot in the same run.
        peer_value: the peer's figure in the same unit; the ratio moot / peer is printed with it.
        pairs: (moot, peer) of every repetition, A B A B; the ratio is then the median of theirs.
        seed: what chance was seeded with.
        aim: what was wanted, in words, where the project names an aim.
        versions: of the peers and parts that matter.
    """
    ratio = median_ratio(pairs or ([(value, peer_value)] if peer_value else []))
    line = {
        "question": question,
        "case": case,
        "value": round(value, 4),
        "unit": unit,
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 4),
        "ratio": None if ratio is None else round(ratio, 3),
        "pairs": len(pairs),
        "aim": aim,
        "seed": seed,
        "versions": {"moot": version(), "python": platform.python_version(), **versions},
        "machine": machine(),
        "load": round(os.getloadavg()[0], 2),
        "busy_percent": busy_percent(),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie; the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
