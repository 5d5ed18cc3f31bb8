"""The frame of the benchmarks: ratios, the page and the plots are made from figures as claimed."""

import json
from pathlib import Path
from typing import Any

import pytest
from bench.plot import Bars, plot
from scripts import bench

from bench import figure, page


def row(question: str = "joins", **facts: Any) -> dict[str, Any]:
    machine = {"processor": "P", "cores": 2, "memory_gib": 4, "kernel": "6.1"}
    told = {"case": "c", "value": 2000.0, "unit": "durable joins/s", "peer": None, "aim": ""}
    rest = {"peer_value": None, "ratio": None, "seed": None, "load": 1.5, "machine": machine}
    return {"question": question, "versions": {"moot": "abc"}, **told, **rest, **facts}


def test_a_ratio_is_the_median_of_the_pairs() -> None:
    """One disturbed pair changes nothing, and a peer that measured nothing makes no ratio."""
    assert figure.median_ratio([(2, 1), (200, 1), (4, 2), (1, 0)]) == 2
    assert figure.median_ratio([(1, 0)]) is None


def test_a_figure_is_one_line_with_all_that_judges_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Question, value, unit, peer, ratio, seed, versions, machine and load stand in one line."""
    figure.figure("q", 3, "u", peer="p", peer_value=2, pairs=[(4, 2), (9, 3)], seed=7, p="1.2")
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["question"], told["value"], told["unit"]) == ("q", 3, "u")
    assert (told["peer"], told["ratio"], told["pairs"], told["seed"]) == ("p", 2.5, 2, 7)
    assert told["versions"]["p"] == "1.2"
    assert told["machine"]["cores"] > 0
    assert told["load"] >= 0
    assert 0 <= told["busy_percent"] <= 100


def test_a_fresh_run_replaces_the_figures_of_its_questions_only() -> None:
    """What was not asked again stays, and the order is the page's."""
    kept = [row("seats"), row("joins", value=1.0)]
    assert [(one["question"], one["value"]) for one in page.merge(kept, [row("joins")])] == [
        ("joins", 2000.0),
        ("seats", 2000.0),
    ]


def test_the_page_says_what_was_measured_and_what_was_not() -> None:
    """A figure is a row, a peer that was not run is named, a question without figures says so."""
    absent = {"question": "joins", "not_run": "Janus", "reason": "it cannot be installed"}
    text = page.page([row(peer="SQL", peer_value=1000.0, ratio=2.0, pairs=3), absent])
    assert "| case | what            |  moot |   SQL | ratio | pairs |" in text
    assert "| c    | durable joins/s | 2,000 | 1,000 |     2 |     3 |" in text
    assert page.MEANINGS["joins"] in text
    assert "**Not run:** Janus: it cannot be installed." in text
    assert "Machine: P, 2 cores, 4 GiB, Linux 6.1." in text
    assert "make bench PARTS=joins" in text
    assert f"## {page.QUESTIONS['loss']}\n\n{page.MEANINGS['loss']}\n\nNot measured." in text


def test_peers_stand_beside_each_other_in_one_line() -> None:
    """One line a case and unit; a peer that has nothing to count has an empty cell."""
    facts = {"case": "a second tab", "unit": "tabs", "value": 2.0, "pairs": 2}
    rows = [
        row("seats", **facts, peer="livekit-server", peer_value=1.0, ratio=2.0),
        row("seats", **facts, peer="Janus"),
    ]
    text = page.page(rows)
    assert "| case         | what | moot | livekit-server | ratio | pairs |" in text
    assert "| a second tab | tabs |    2 |              1 |     2 |     2 |" in text


def test_readme_quotes_between_its_markers_only() -> None:
    """What stands around the markers stays; without them there is nowhere to quote."""
    facts = {"unit": "ms from start to answering", "case": ""}
    figures = [
        row("cold_start", **facts, peer="livekit-server", peer_value=1000.0, ratio=2.0),
        row("cold_start", **facts, peer="Janus", peer_value=500.0, ratio=4.0),
    ]
    told = page.quoted(f"before\n{page.BEGIN}\nold\n{page.END}\nafter", figures)
    assert told.startswith("before\n")
    assert told.endswith("\nafter")
    assert "old" not in told
    assert "| from start to answering, ms | 2,000 | livekit-server 1,000, Janus 500 |" in told
    with pytest.raises(ValueError, match="markers"):
        page.quoted("no markers", figures)


def test_a_plot_is_drawn_to_scale_and_the_same_each_time() -> None:
    """The longest bar of a group fills it, another its share; text cannot leave its element."""
    groups = [Bars("g", [("moot", 4.0), ("<peer>", 1.0)])]
    drawn = plot("t", groups)
    assert 'width="380.0"' in drawn
    assert 'width="95.0"' in drawn
    assert "&lt;peer&gt;" in drawn
    assert "<peer>" not in drawn
    assert drawn == plot("t", groups)


def test_what_is_drawn_stands_unit_by_unit_and_is_not_all_zero() -> None:
    """Cases of one unit stand together, other units are left to the table."""
    units = ("ms until the list is right", "hosts listed", *page.PLOTTED["seats"][:1])
    facts = {"peer": "Janus", "peer_value": 3.0}
    rows = [row("seats", case=case, unit=unit, **facts) for case in "ab" for unit in units]
    idle = {"case": "idle", "unit": units[0], "value": 0, "peer": "Janus", "peer_value": 0}
    drawn = page.drawing("seats", [*rows, row("seats", **idle)])
    order = [drawn.index(f"{unit}: {case}") for unit in (units[2], units[0]) for case in "ab"]
    assert order == sorted(order)
    assert "hosts listed" not in drawn
    assert "idle" not in drawn


def test_every_plan_is_of_a_question_and_the_forms_end_in_time() -> None:
    """A plan without its file is dead; the quick limits fit 5 minutes, the full ones an hour."""
    assert [name for name in bench.PLANS if name not in bench.questions()] == []
    plans = [bench.PLANS.get(name, bench.Plan()) for name in bench.questions()]
    assert sum(plan.quick_s for plan in plans if plan.quick is not None) <= 300
    assert sum(plan.full_s for plan in plans) <= 3600
    assert bench.questions()[-1] == "cost", "it is calculated from what the others find"


def asked(monkeypatch: pytest.MonkeyPatch, folder: Path, program: str, limit_s: float) -> Any:
    """Ask one question whose program is given."""
    (folder / "bench").mkdir()
    (folder / "bench/q.py").write_text(program)
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to(bench.ROOT / ".venv/bin/python")
    monkeypatch.setattr(bench, "ROOT", folder)
    return bench.ask("q", [], limit_s)


def test_a_question_that_hangs_is_ended_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is killed at its limit with its children, and what it had said is kept."""
    line = json.dumps(row())
    program = f"import subprocess\nprint({line!r}, flush=True)\nsubprocess.run(['sleep', '1000'])\n"
    figures, why = asked(monkeypatch, tmp_path, program, 3.0)
    assert why == "was not done within 3 s"
    assert len(figures) <= 1


def test_a_question_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An exit code other than 0 is told, and so is silence."""
    assert asked(monkeypatch, tmp_path, "raise SystemExit(3)", 60.0) == ([], "ended with 3")
