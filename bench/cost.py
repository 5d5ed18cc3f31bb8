"""What do 1,000 participant-minutes cost, at your price of a CPU-hour and of a gigabyte sent?

A calculation, not a measurement: it takes what `bench.forward` measured (of this run where there is
one, else the kept figures) and multiplies. For a participant who receives what a subscriber of a
case received,

    packets = packets per second / subscribers * 60,000 s
    CPU     = packets / packets per CPU-second / 3600 * price of a CPU-hour
    traffic = packets * bytes per packet / 10^9 * price of a gigabyte
    memory  is in the price of the machine.

Bytes are those of the media in the packets as they arrive, without the headers of RTP, UDP and IP,
for every server alike. Machines are never full: at half use the CPU costs twice this.

    python -m bench.cost [--cpu-hour 0.04] [--gigabyte 0.05] [--case 1x50 …]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import page
from bench.figure import figure, not_run

ROOT = Path(__file__).resolve().parent.parent
RUNNING = ROOT / ".build/bench.jsonl"
"""What the run that asks this question has found so far."""
MINUTES = 1_000
CASES = {"1x50": 50, "5x10": 10}
"""Cases of `bench.forward`, and how many receive in each."""
PACKETS, PER_CPU_S, BYTES = "packets per second", "packets per CPU-second", "bytes per packet"


def cpu_hours(packets_per_s: float, packets_per_cpu_s: float) -> float:
    """Return the CPU-hours of 1,000 minutes of somebody who receives so many packets a second."""
    return packets_per_s * MINUTES * 60 / packets_per_cpu_s / 3600


def gigabytes(packets_per_s: float, bytes_per_packet: float) -> float:
    """Return the gigabytes (10^9 bytes) sent in 1,000 minutes."""
    return packets_per_s * MINUTES * 60 * bytes_per_packet / 1e9


def forwarded(figures: Sequence[dict[str, Any]], case: str) -> dict[str, dict[str, float]]:
    """Gather what one case of forwarding came to: unit to value, by server."""
    found: dict[str, dict[str, float]] = {}
    for one in figures:
        if one["question"] != "forward" or one.get("case") != case:
            continue
        found.setdefault("moot", {})[one["unit"]] = one["value"]
        if one["peer"] and one["peer_value"] is not None:
            found.setdefault(one["peer"], {})[one["unit"]] = one["peer_value"]
    wanted = {PACKETS, PER_CPU_S, BYTES}
    return {name: values for name, values in found.items() if wanted <= values.keys()}


def costs(
    measured: dict[str, float], receivers: int, cpu_hour: float, gigabyte: float
) -> dict[str, float]:
    """Calculate what 1,000 participant-minutes take, and cost."""
    rate = measured[PACKETS] / receivers
    hours = cpu_hours(rate, measured[PER_CPU_S])
    sent = gigabytes(rate, measured[BYTES])
    return {
        "CPU-hours": hours,
        "GB sent": sent,
        "cost of the CPU": hours * cpu_hour,
        "cost of the traffic": sent * gigabyte,
    }


def main() -> None:
    """Calculate by command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--cpu-hour", type=float, default=0.04, help="price of a CPU-hour")
    parser.add_argument("--gigabyte", type=float, default=0.05, help="price of 10^9 bytes sent")
    parser.add_argument("--case", nargs="*", choices=sorted(CASES), default=sorted(CASES))
    options = parser.parse_args()
    figures = page.load()
    if RUNNING.is_file():
        figures = page.merge(figures, page.load(RUNNING))
    for case in options.case:
        found = forwarded(figures, case)
        if "moot" not in found:
            not_run("cost", "moot", f"forwarding {case} has not been measured")
            continue
        prices = f"{options.cpu_hour:g} a CPU-hour, {options.gigabyte:g} a GB"
        ours, *others = (
            (name, costs(values, CASES[case], options.cpu_hour, options.gigabyte))
            for name, values in found.items()
        )
        for unit, value in ours[1].items():
            for name, theirs in others or [("", {})]:
                figure(
                    "cost",
                    value,
                    f"{unit}, per 1,000 participant-minutes",
                    case=f"{case} at {prices}",
                    peer=name or None,
                    peer_value=theirs.get(unit),
                )


if __name__ == "__main__":
    main()
