"""An outage is written down in a bounded number of lines."""

from __future__ import annotations

import pytest

from moot.errors import Problem
from moot.store.outage import EVERY_S, Outages
from moot.store.postgres_errors import PostgresError, problem_of


def test_a_flood_of_problems_is_one_line_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    """LOG-1: what fails for everybody at once is logged once, with how often it was."""
    now = 100.0
    outages = Outages(clock=lambda: now)
    problem = problem_of(PostgresError("57P01", "host db.example"))
    for _ in range(1000):
        assert outages.note(problem) is problem
    now += EVERY_S
    outages.note(problem)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "57P01" in lines[0]
    assert "times" in lines[1]
    assert "1000" in lines[1]
    assert "db.example" not in "".join(lines)


def test_a_mistake_of_our_own_is_no_outage(capsys: pytest.CaptureFixture[str]) -> None:
    """ERR-1: an error that is no problem goes up as it is."""
    error = ValueError()
    assert Outages().note(error) is error
    assert capsys.readouterr().out == ""


def test_a_refusal_by_a_rule_is_no_outage(capsys: pytest.CaptureFixture[str]) -> None:
    """LOG-1: a command that is refused says nothing about the database."""
    Outages().note(Problem("meeting_locked"))
    assert capsys.readouterr().out == ""
