"""The page of benchmarks: what was measured, as `docs/benchmarks.md`, plots and README's table.

All of it is made from `bench/figures.jsonl`, the figures of the last full run of each question, and
from nothing else: the same figures make the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.plot import Bars, number, plot

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "bench/figures.jsonl"
BEGIN = "<!-- benchmarks: made by `make bench` from bench/figures.jsonl -->"
END = "<!-- end of benchmarks -->"

QUESTIONS = {
    "forward": "Forwarding media",
    "first_frame": "From joining to the first frame, in a browser",
    "toggle": "From a mute to seen, from browser to browser",
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


@dataclass(frozen=True)
class Headline:
    """One line of README's table: which figures, in which words."""

    words: str
    question: str
    unit: str
    case: str = ""
    """How the case begins."""


HEADLINES = (
    Headline(
        "packets forwarded per CPU-second, 1 to 50", "forward", "packets per CPU-second", "1x50"
    ),
    Headline("memory per participant there, KiB", "forward", "KiB per participant", "1x50"),
    Headline(
        "from click to the first picture, ms", "first_frame", "ms from click to first remote frame"
    ),
    Headline(
        "events delivered per CPU-second", "fanout_peers", "deliveries per CPU-second", "1 process"
    ),
    Headline(
        "reloads that the others saw as leaving, of 20",
        "seats",
        "times the others were told that the person left",
        "20 reloads",
    ),
    Headline("tabs of one person that stay in, of 2", "seats", "tabs that stay in, of 2"),
    Headline(
        "back after a change of network, ms", "seats", "ms until the list is right", "the network"
    ),
    Headline("back after `kill -9`, ms", "seats", "ms until the list is right", "kill -9"),
    Headline("time frozen at 10 % loss, %", "loss", "% of the time frozen", "10 %"),
    Headline("from start to answering, ms", "cold_start", "ms from start to answering"),
)
"""What README quotes, good or bad."""

MEANINGS = {
    "forward": """What a core carries: how many people one machine can serve.

The aim for joins, 3 ms where livekit-server took 9 to 11, was set on another machine for joins in
bursts, eight at a time, while nobody sends anything: the three cases "at once". Joins that come
apart, and while media flows, cost everybody more; they stand beside the same aim.""",
    "first_frame": "How long somebody who has clicked waits for the first picture of the others.",
    "toggle": "How soon a mute is seen in another page. moot's is on disk before anybody is told, "
    "LiveKit's passes through memory.",
    "page_cost": "What a laptop spends on a meeting, beside the barest page that shows it.",
    "joins": "How many people can come in at once, each join safely on disk, without one refused.",
    "join_store": "The same at the store alone: what the database allows.",
    "fanout": "How soon everybody sees that somebody has muted, and what that costs.",
    "fanout_peers": "The same beside two servers that are made for messages and keep nothing.",
    "seats": """Whether people keep their place: who is listed, how often, in what role, and how
soon it is right.

By design, the peers differ. *LiveKit* knows identities: who connects again removes the earlier
holder of the identity, so that a reload or a second tab is a leave and a join to the others;
the role is whatever the application signs into the token, and who is the host of a meeting that
many start at once is the application's to decide. Its client comes back by itself. *Janus*
knows ids, not persons: each connection is a participant of its own under the same name until
its socket closes, there are no roles, the second to create a room is told that it exists
(counted as refused), and rooms are gone after a crash unless the application makes them again,
as this one does. It runs without media here, which makes its times shorter; its cut connection
is claimed again by the client, as its own library does. *moot* lists participants, each with
any number of connections. moot's and LiveKit's people open their media with the same SDK. In
"the network changes" the signalling socket alone is cut. moot's page waits for a random time of
up to 1 s before it comes back, so that a crowd does not come at once.
An empty cell means that there is nothing to count, or that the list was not right in time: 40 s
after a cut, 20 s after the last of many has come in. All people of a scene are one program's, on
the server's own cores: with 100 of them, times are the program's as much as the server's.""",
    "cold_start": "How long the first try takes, from nothing to a meeting. moot's start includes "
    "making its database; the others keep nothing.",
    "cost": "What 1,000 minutes of one receiving participant cost, calculated from the figures of "
    "forwarding; `python -m bench.cost --cpu-hour … --gigabyte …` takes your prices.",
    "loss": "What people see and hear on a bad network, as two real browsers account for it.",
}
"""What a question means, in one sentence; where it explains much, what a peer does by design."""

PLOTTED = {
    "forward": ("packets per CPU-second", "KiB per participant"),
    "first_frame": ("ms from click to first remote frame",),
    "fanout_peers": ("deliveries per CPU-second", "ms to seen, p99"),
    "seats": ("times the others were told that the person left", "ms until the list is right"),
    "loss": ("% of the time frozen", "% of the sound concealed"),
}
"""The units that are drawn where there are more than a plot can hold; the others draw all."""

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
        if question in MEANINGS:
            parts.append(MEANINGS[question] + "\n")
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
    rows = []
    for line in HEADLINES:
        found = [
            figure
            for figure in figures
            if (figure["question"], figure.get("unit")) == (line.question, line.unit)
            and figure["case"].startswith(line.case)
            and figure["peer"]
        ]
        # Of several cases the first counts: a headline is one line.
        found = [figure for figure in found if figure["case"] == found[0]["case"]]
        if not found:
            continue
        beside = [f"{one['peer']} {number(one['peer_value']) or 'has none'}" for one in found]
        rows.append((line.words, number(found[0]["value"]), ", ".join(beside)))
    if not rows:
        return "Nothing has been measured beside a peer yet.\n"
    return _table(("what", "moot", "beside it"), rows, right=(1,))


def drawing(question: str, rows: Sequence[Figure]) -> str:
    """Draw what has a peer, unit by unit; an empty text if nothing has.

    Where nobody measured anything but 0 there is nothing to see, and nothing is drawn.
    """
    with_peer = [row for row in rows if row.get("peer") and row["peer_value"] is not None]
    units = PLOTTED.get(question) or tuple(dict.fromkeys(row["unit"] for row in with_peer))
    groups: dict[str, dict[str, float]] = {}
    for unit in units:
        for row in with_peer:
            if row["unit"] == unit:
                bars = groups.setdefault(f"{unit}: {row['case']}".removesuffix(": "), {})
                bars["moot"] = row["value"]
                bars[row["peer"]] = row["peer_value"]
    bars_of = [
        Bars(title, list(values.items()))
        for title, values in groups.items()
        if any(values.values())
    ]
    return plot(QUESTIONS.get(question, question), bars_of) if bars_of else ""


def _section(question: str, rows: Sequence[Figure]) -> str:
    measured = [row for row in rows if "value" in row]
    parts = [
        f"[bench/{question}.py](../bench/{question}.py) says what is measured and how.\n",
        f"    make bench PARTS={question}\n",
    ]
    if drawing(question, rows):
        parts.append(f"![{QUESTIONS.get(question, question)}](benchmarks/{question}.svg)\n")
    if measured:
        parts += [_figures(measured), _conditions(measured)]
    parts += [
        f"**Not run:** {row['not_run']}: {row['reason']}.\n" for row in rows if "not_run" in row
    ]
    return "\n".join(parts)


def _figures(rows: Sequence[Figure]) -> str:
    """Make the table of a question: one line a case and unit, the peers beside each other."""
    peers = list(dict.fromkeys(row["peer"] for row in rows if row["peer"]))
    heads = ["case", "what", "moot"]
    for peer in peers:
        heads += [peer, "ratio"]
    merged: dict[tuple[str, str], dict[str, Figure]] = {}
    for row in rows:
        merged.setdefault((row["case"], row["unit"]), {})[row["peer"] or ""] = row
    lines, last = [], None
    for (case, unit), found in merged.items():
        one = next(iter(found.values()))
        cells = ["" if case == last else case, unit, number(one["value"])]
        for peer in peers:
            cells += [number(found.get(peer, {}).get(name)) for name in ("peer_value", "ratio")]
        lines.append((*cells, str(one.get("pairs") or ""), one["aim"]))
        last = case
    heads += ["pairs", "aim"]
    # A column that says nothing is left out.
    kept = [at for at in range(len(heads)) if any(line[at] for line in lines)]
    right = [place for place, at in enumerate(kept) if 2 <= at < len(heads) - 1]
    return _table(
        [heads[at] for at in kept], [[line[at] for at in kept] for line in lines], right=right
    )


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


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int]) -> str:
    """Write a table whose columns stand under each other as text too."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (heads, *rows)]
    widths = [max(3, *(len(row[at]) for row in cells)) for at in range(len(heads))]

    def line(row: Sequence[str]) -> str:
        told = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "| " + " | ".join(told) + " |\n"

    rule = ["-" * (width - 1) + (":" if at in right else "-") for at, width in enumerate(widths)]
    return "".join([line(cells[0]), line(rule), *map(line, cells[1:])])
