"""Measure what moot promises: run every question in `bench/` and show the figures together.

`python -m scripts.bench [QUESTION…]`; a question is a file of `bench/` that can be run by itself.
Each prints one line of JSON a figure; all of them are kept in `.build/bench.jsonl`.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".build/bench.jsonl"


def questions() -> list[str]:
    """Return the names of the files in `bench/` that can be run by themselves."""
    return sorted(
        file.stem
        for file in (ROOT / "bench").glob("*.py")
        if '__name__ == "__main__"' in file.read_text(encoding="utf-8")
    )


def ask(name: str) -> tuple[list[dict[str, Any]], int]:
    """Run one question, showing what it says; return its figures and its exit code."""
    print(f"\n== {name}", flush=True)
    figures = []
    with subprocess.Popen(
        [ROOT / ".venv/bin/python", "-m", f"bench.{name}"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        for line in running.stdout or ():
            if line.startswith("{"):
                figures.append(json.loads(line))
                print(row(figures[-1]), flush=True)
            else:
                print(line, end="", flush=True)
    return figures, running.returncode


def row(figure: dict[str, Any]) -> str:
    """Show one figure on one line."""
    what = f"{figure['question']} {figure['case']}".strip()
    beside = ""
    if figure.get("peer"):
        beside = f"  ({figure['peer']}: {figure['peer_value']:,}, ratio {figure['ratio']})"
    aim = f"  [aim: {figure['aim']}]" if figure.get("aim") else ""
    return f"{what:<44} {figure['value']:>14,} {figure['unit']}{beside}{aim}"


def main(names: Sequence[str]) -> int:
    """Ask the questions and show all figures; return 1 if one could not be answered."""
    known = questions()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no question {', '.join(unknown)}; there are: {', '.join(known)}.")
        return 2
    figures, unanswered = [], []
    for name in names or known:
        found, code = ask(name)
        figures += found
        if code or not found:
            unanswered.append(name)
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text("".join(json.dumps(figure) + "\n" for figure in figures), encoding="utf-8")
    print("\n== figures")
    for figure in figures:
        print(row(figure))
    for name in unanswered:
        print(f"{name} was not answered.")
    return 1 if unanswered else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
