"""ERR-1: the table of errors is whole, stable and used."""

import re
from pathlib import Path

from moot.errors import PROBLEMS, Problem

ROOT = Path(__file__).parents[2]
RAISED = re.compile(r"""\bProblem\(\s*["']([a-z_]+)["']""")
# Ids that are chosen by a table rather than written where they are raised.
SOURCES = [*(ROOT / "src/moot").rglob("*.py")]


def test_ids_statuses_and_close_codes_are_in_range() -> None:
    """ERR-1: an id is lower_snake_case, a status 4xx or 5xx, a close code in the private range."""
    for kind in PROBLEMS.values():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.id), kind
        assert kind.status == 0 or 400 <= kind.status <= 599, kind
        assert kind.close is None or 4000 <= kind.close <= 4999, kind
        assert kind.status or kind.close, kind


def test_no_row_answers_409() -> None:
    """MEET-2: there is no error that could answer 409."""
    assert [kind.id for kind in PROBLEMS.values() if kind.status == 409] == []


def test_sentences_are_sentences() -> None:
    """ERR-1: what happened and what to do are said in whole sentences, also without their facts."""
    for kind in PROBLEMS.values():
        bare = Problem(kind.id).sentence
        assert "{" not in bare, kind
        assert kind.sentence[0].isupper(), kind
        assert kind.sentence.rstrip("}")[-1] in ".{" or kind.sentence.endswith("}"), kind
        assert kind.cure.endswith("."), kind


def test_every_raised_id_stands_in_the_table() -> None:
    """ERR-1: no code raises an id that the table lacks."""
    raised = {
        (name, str(file.relative_to(ROOT)))
        for file in SOURCES
        for name in RAISED.findall(file.read_text(encoding="utf-8"))
    }
    assert {(name, file) for name, file in raised if name not in PROBLEMS} == set()


def test_every_row_is_used() -> None:
    """ERR-1: a row that nothing can raise is a promise that nobody keeps."""
    text = "\n".join(
        file.read_text(encoding="utf-8") for file in SOURCES if file.name != "errors.py"
    )
    assert [name for name in PROBLEMS if not re.search(rf"""["']{name}["']""", text)] == []
