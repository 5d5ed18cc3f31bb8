"""The page of benchmarks: what was measured, as `docs/benchmarks.md`, plots and README's table.

All of it is made from `bench/figures.jsonl`, the figures of the last full run of each question, and
from nothing else: the same figures make the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.plot import Bars, plot

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "bench/figures.jsonl"
BEGIN = "<!-- benchmarks: made by `make bench` from bench/figures.jsonl -->"
END = "<!-- end of benchmarks -->"

QUESTIONS = {
    "forward": "Forwarding media",
    "first_frame": "From joining to the first frame, in a browser",
    "page_cost": "What the page costs a browser",
    "joins": "Joins",
    "join_store": "Joins at the store",
    "fanout": "Event fan-out",
    "fanout_peers": "Event fan-out beside Socket.IO and NATS",
    "seats": "The seat",
    "cold_start": "From `pip install` to the first meeting",
    "cost": "What it costs to run",
    "loss": "Bandwidth and freezes on networks that lose",
}
"""Every question, in the order of the page; what has no figure is said to have none."""

HEADLINES = (
    ("forward", "packets per CPU-second"),
    ("forward", "KiB per participant"),
    ("joins", "durable joins/s"),
    ("fanout_peers", "deliveries per CPU-second"),
    ("fanout_peers", "ms to seen, p99"),
    ("seats", "entries listed of one person"),
    ("seats", "ms until the list is right"),
)
"""What README quotes: every figure of these units that has a peer."""

Figure = dict[str, Any]

_HEAD = """# Benchmarks

<!-- Made by `make bench` from bench/figures.jsonl; run it again instead of changing this file. -->

What a person choosing a meeting server asks, with moot and its peers side by side on one machine.
`make bench` measures everything again and writes this page (`PARTS="joins seats"` asks some
questions; `QUICK=1` asks short forms in under five minutes and keeps them in `.build/` only).

**How to read it.** The load generator runs on the same cores as what it loads, and the machine may
be shared: wall-clock figures (per second, milliseconds) are pessimistic for everybody, and only the
*ratio* of two that ran in the same run says something about them. Figures per CPU-second count the
server's processes alone. Where pairs are given, moot and the peer were measured in turn (A B A B)
and the ratio is the median of the pairs' ratios. A ratio is moot's figure over the peer's. "Busy"
is how much of the whole machine was in use during the run.
"""


def load(path: Path = FIGURES) -> list[Figure]:
    """Read the kept figures."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def merge(kept: Iterable[Figure], fresh: Sequence[Figure]) -> list[Figure]:
    """Put a run's figures in the place of the older ones of the same questions."""
    asked = {figure["question"] for figure in fresh}
    both = [figure for figure in kept if figure["question"] not in asked] + list(fresh)
    return sorted(both, key=lambda figure: _rank(figure["question"]))


def pages(figures: Sequence[Figure] | None = None, readme: str | None = None) -> dict[Path, str]:
    """Return every file that is made from the figures by its place."""
    figures = load() if figures is None else figures
    path = ROOT / "README.md"
    readme = path.read_text(encoding="utf-8") if readme is None else readme
    made = {ROOT / "docs/benchmarks.md": page(figures), path: quoted(readme, figures)}
    for question, rows in _by_question(figures):
        if drawn := drawing(question, rows):
            made[ROOT / f"docs/benchmarks/{question}.svg"] = drawn
    return made


def page(figures: Sequence[Figure]) -> str:
    """Return `docs/benchmarks.md`."""
    by_question = dict(_by_question(figures))
    parts = [_HEAD, _machines(figures)]
    for question in dict.fromkeys([*QUESTIONS, *by_question]):
        parts.append(f"\n## {QUESTIONS.get(question, question)}\n")
        rows = by_question.get(question, [])
        if rows:
            parts.append(_section(question, rows))
        else:
            parts.append("Not measured.\n")
    return "\n".join(parts)


def quoted(readme: str, figures: Sequence[Figure]) -> str:
    """Return README with what stands between its two markers made again.

    Raises:
        ValueError: the markers are not there, once and in order.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after:
        raise ValueError("README needs the two markers of the benchmarks, once")
    return f"{before}{BEGIN}\n{headlines(figures)}{END}{after}"


def headlines(figures: Sequence[Figure]) -> str:
    """Return README's table."""
    rows = [
        figure
        for question, unit in HEADLINES
        for figure in figures
        if figure["question"] == question and figure.get("unit") == unit and figure.get("peer")
    ]
    lines = [_row("what", "case", "moot", "beside it", "ratio"), _row(*["---"] * 5)]
    for row in rows:
        peer = f"{row['peer']}: {number(row['peer_value'])}"
        lines.append(
            _row(row["unit"], row["case"], number(row["value"]), peer, number(row["ratio"]))
        )
    return "".join(lines) if rows else "Nothing has been measured beside a peer yet.\n"


def drawing(question: str, rows: Sequence[Figure]) -> str:
    """Draw what has a peer; an empty text if nothing has."""
    groups: dict[str, dict[str, float]] = {}
    for row in rows:
        if row.get("peer") and row["peer_value"] is not None:
            bars = groups.setdefault(f"{row['unit']}: {row['case']}".removesuffix(": "), {})
            bars["moot"] = row["value"]
            bars[row["peer"]] = row["peer_value"]
    bars_of = [Bars(title, list(values.items())) for title, values in groups.items()]
    return plot(QUESTIONS.get(question, question), bars_of) if bars_of else ""


def number(value: float | None) -> str:
    """Write a figure as people read it: three or four digits that matter."""
    if value is None:
        return ""
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _section(question: str, rows: Sequence[Figure]) -> str:
    measured = [row for row in rows if "value" in row]
    parts = [
        f"[bench/{question}.py](../bench/{question}.py) says what is measured and how.\n",
        f"    make bench PARTS={question}\n",
    ]
    if drawing(question, rows):
        parts.append(f"![{QUESTIONS.get(question, question)}](benchmarks/{question}.svg)\n")
    if measured:
        heads = ("case", "unit", "moot", "peer", "peer's", "ratio", "pairs", "aim")
        lines = [_row(*heads), _row(*["---"] * len(heads))]
        for row in measured:
            facts = (number(row[name]) for name in ("value", "peer_value", "ratio"))
            ours, theirs, ratio = facts
            pairs = str(row.get("pairs") or "")
            lines.append(
                _row(
                    *(row["case"], row["unit"], ours, row["peer"] or "", theirs, ratio, pairs),
                    row["aim"],
                )
            )
        parts += ["".join(lines), _conditions(measured)]
    parts += [
        f"**Not run:** {row['not_run']}: {row['reason']}.\n" for row in rows if "not_run" in row
    ]
    return "\n".join(parts)


def _conditions(rows: Sequence[Figure]) -> str:
    versions: dict[str, list[str]] = {}
    for row in rows:
        for name, version in row["versions"].items():
            known = versions.setdefault(name, [])
            if version not in known:
                known.append(version)
    said = ", ".join(f"{name} {' and '.join(known)}" for name, known in versions.items())
    loads = [row["load"] for row in rows]
    told = f"Versions: {said}. Load average {min(loads):.3g} to {max(loads):.3g}"
    if busy := [row["busy_percent"] for row in rows if "busy_percent" in row]:
        told += f", machine {max(busy):.0f} % busy"
    if seeds := sorted({str(row["seed"]) for row in rows if row["seed"] is not None}):
        told += f", seed {', '.join(seeds)}"
    return told + ".\n"


def _machines(figures: Sequence[Figure]) -> str:
    seen = {
        json.dumps(figure["machine"], sort_keys=True) for figure in figures if "value" in figure
    }
    lines = []
    for one in sorted(seen):
        told = json.loads(one)
        lines.append(
            f"Machine: {told['processor']}, {told['cores']} cores, {told['memory_gib']} GiB, "
            f"Linux {told['kernel']}.\n"
        )
    return "".join(lines)


def _by_question(figures: Sequence[Figure]) -> list[tuple[str, list[Figure]]]:
    ordered = sorted(figures, key=lambda figure: _rank(figure["question"]))
    return [(name, list(rows)) for name, rows in groupby(ordered, lambda row: row["question"])]


def _rank(question: str) -> tuple[int, str]:
    known = list(QUESTIONS)
    return (known.index(question) if question in known else len(known), question)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
