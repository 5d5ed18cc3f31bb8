"""Measure what moot promises, beside its peers: run every question in `bench/`, show the figures.

`python -m scripts.bench [--quick] [QUESTION…]`; a question is a file of `bench/` that can be run
by itself. Each prints one line of JSON a figure. The full form puts them into `bench/figures.jsonl`
and makes `docs/benchmarks.md`, its plots and README's table again; the quick form asks short forms
of the questions that have one, in under five minutes together, and keeps them in `.build/` only.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.packages import install, missing

from bench import page

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".build/bench.jsonl"
QUICK_IN_ALL_S = 290.0
FULL_IN_ALL_S = 3300.0
"""An hour, less what building everything from a fresh clone takes."""


@dataclass(frozen=True)
class Plan:
    """How a question is asked: its arguments and how long it may take, in both forms."""

    full: tuple[str, ...] = ()
    full_s: float = 300.0
    quick: tuple[str, ...] | None = None
    """None: it has no quick form, and the quick form says so."""
    quick_s: float = 60.0


PLANS = {
    "forward": Plan(full=("--seconds", "7"), full_s=1100.0),
    "joins": Plan(full_s=150.0, quick=("--store", "sqlite", "--seconds", "2"), quick_s=40.0),
    "join_store": Plan(full_s=120.0, quick=("--store", "sqlite", "--seconds", "1"), quick_s=25.0),
    "fanout": Plan(
        full_s=150.0, quick=("--watchers", "50", "--toggles", "30", "--idle", "200"), quick_s=40.0
    ),
    "fanout_peers": Plan(
        full_s=300.0,
        quick=("--watchers", "50", "--changes", "40", "--processes", "1", "--rounds", "1"),
        quick_s=50.0,
    ),
    "seats": Plan(
        full_s=440.0,
        quick=("--people", "20", "--reloads", "5", "--rounds", "1", "--only", "livekit-server"),
        quick_s=90.0,
    ),
    "first_frame": Plan(full_s=120.0),
    "toggle": Plan(full_s=200.0),
    "page_cost": Plan(full_s=340.0),
    "cold_start": Plan(full_s=240.0),
    "loss": Plan(
        full_s=420.0,
        quick=("--rounds", "1", "--seconds", "5", "--losses", "10"),
        quick_s=50.0,
    ),
    "cost": Plan(full_s=20.0, quick=(), quick_s=5.0),
}


def questions() -> list[str]:
    """Return the names of the files in `bench/` that can be run by themselves, the cost last.

    Cost is calculated from what the others find; they come in the order of the page.
    """
    names = [
        file.stem
        for file in (ROOT / "bench").glob("*.py")
        if '__name__ == "__main__"' in file.read_text(encoding="utf-8")
    ]
    known = [*(name for name in page.QUESTIONS if name != "cost"), "cost"]
    return sorted(names, key=lambda name: (known.index(name) if name in known else 0, name))


def ask(name: str, arguments: Sequence[str], limit_s: float) -> tuple[list[dict[str, Any]], str]:
    """Run one question, showing what it says; return its lines and, if it failed, why."""
    lines = []
    with subprocess.Popen(
        [ROOT / ".venv/bin/python", "-m", f"bench.{name}", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        late = threading.Event()

        def end() -> None:
            late.set()
            # Its children are in its group: none outlives it.
            os.killpg(running.pid, signal.SIGKILL)

        limit = threading.Timer(limit_s, end)
        limit.start()
        try:
            for line in running.stdout or ():
                if line.startswith("{"):
                    lines.append(json.loads(line))
                    print(row(lines[-1]), flush=True)
                else:
                    print(line, end="", flush=True)
            running.wait()
        finally:
            limit.cancel()
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
    if late.is_set():
        return lines, f"was not done within {limit_s:.0f} s"
    if running.returncode:
        return lines, f"ended with {running.returncode}"
    return lines, "" if lines else "said nothing"


def row(figure: dict[str, Any]) -> str:
    """Show one figure on one line."""
    if "not_run" in figure:
        return f"{figure['question']}: {figure['not_run']} was not run: {figure['reason']}"
    what = f"{figure['question']} {figure['case']}".strip()
    beside = ""
    if figure.get("peer"):
        theirs = figure["peer_value"]
        told = "nothing to count" if theirs is None else f"{theirs:,}, ratio {figure['ratio']}"
        beside = f"  ({figure['peer']}: {told})"
    aim = f"  [aim: {figure['aim']}]" if figure.get("aim") else ""
    return f"{what:<44} {figure['value']:>14,} {figure['unit']}{beside}{aim}"


def write(pages: dict[Path, str]) -> None:
    """Write files, making their folders."""
    for path, text in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _lines(figures: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(figure) + "\n" for figure in figures)


def main(words: Sequence[str]) -> int:
    """Ask the questions and show all figures; return 1 if one could not be answered."""
    is_quick = "--quick" in words
    known = questions()
    names = [word for word in words if word != "--quick"]
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no question {', '.join(unknown)}; there are: {', '.join(known)}.")
        return 2
    if packages := missing(["bench"]):
        print(f"== installing {' '.join(packages)}", flush=True)
        if reason := install(packages):
            # The questions name the peers that they do without.
            print(reason, file=sys.stderr)
    began = time.monotonic()
    figures: list[dict[str, Any]] = []
    answered: list[dict[str, Any]] = []
    unanswered = []
    chosen = names or known
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text("", encoding="utf-8")
    for number, name in enumerate(chosen, 1):
        plan = PLANS.get(name, Plan())
        passed_s = time.monotonic() - began
        arguments, limit_s = plan.full, min(plan.full_s, FULL_IN_ALL_S - passed_s)
        print(f"\n== question {number} of {len(chosen)}: {name} ({passed_s:.0f} s)", flush=True)
        if is_quick:
            if plan.quick is None:
                print("It has no quick form.")
                continue
            arguments, limit_s = plan.quick, min(plan.quick_s, QUICK_IN_ALL_S - passed_s)
        if limit_s < 5:
            unanswered.append(f"{name} was not asked: the time is over")
            continue
        found, why = ask(name, arguments, limit_s)
        figures += found
        # At once: a run that is broken off has lost nothing, and cost reads what is there.
        KEPT.write_text(_lines(figures), encoding="utf-8")
        if why:
            unanswered.append(f"{name} {why}")
        else:
            answered += found
    if not is_quick:
        # What was not answered whole keeps its older figures.
        page.FIGURES.write_text(_lines(page.merge(page.load(), answered)), encoding="utf-8")
        write(page.pages())
    print(f"\n== figures ({time.monotonic() - began:.0f} s)")
    for figure in figures:
        print(row(figure))
    for reason in unanswered:
        print(f"NOT ANSWERED: {reason}.")
    return 1 if unanswered else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
