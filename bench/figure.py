"""A measured figure, printed as one line of JSON with everything needed to judge and repeat it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
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


def figure(
    question: str,
    value: float,
    unit: str,
    *,
    case: str = "",
    peer: str | None = None,
    peer_value: float | None = None,
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
        seed: what chance was seeded with.
        aim: what was wanted, in words, where the project names an aim.
        versions: of the peers and parts that matter.
    """
    line = {
        "question": question,
        "case": case,
        "value": round(value, 4),
        "unit": unit,
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 4),
        "ratio": None if not peer_value else round(value / peer_value, 3),
        "aim": aim,
        "seed": seed,
        "versions": {"moot": version(), "python": platform.python_version(), **versions},
        "machine": machine(),
        "load": round(os.getloadavg()[0], 2),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie; the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
