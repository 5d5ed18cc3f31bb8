"""What a database's errors mean to a caller."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from moot.errors import Problem
from moot.store import sqlite_errors
from moot.store.postgres_errors import PostgresError, problem_of
from moot.store.postgres_handle import array


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        ("53100", "storage_full"),
        ("53300", "unavailable"),
        ("57P01", "unavailable"),
        ("57014", "unavailable"),
        ("55P03", "unavailable"),
        ("40001", "unavailable"),
        ("40P01", "unavailable"),
        ("08006", "unavailable"),
        ("25006", "unavailable"),
        ("", "unavailable"),
    ],
)
def test_what_passes_is_a_problem_to_try_again(sqlstate: str, expected: str) -> None:
    """ERR-1: what a caller can wait for is 503 or 507 with a time, without an inner detail."""
    problem = problem_of(PostgresError(sqlstate, "secret detail"))
    assert isinstance(problem, Problem)
    assert problem.kind.id == expected
    assert problem.retry_after_s
    assert "secret detail" not in str(problem)


@pytest.mark.parametrize("sqlstate", ["23505", "42601", "42P01", "22003"])
def test_our_own_mistakes_stay_mistakes(sqlstate: str) -> None:
    """ERR-1: a broken statement is not the database's absence."""
    error = PostgresError(sqlstate, "")
    assert problem_of(error) is error


def _caught(tmp_path: Path, *statements: str) -> sqlite3.Error:
    handle = sqlite3.connect(tmp_path / "a.db", isolation_level=None, timeout=0)
    try:
        for statement in statements:
            handle.execute(statement)
    except sqlite3.Error as error:
        return error
    finally:
        handle.close()
    raise AssertionError("nothing was wrong")


def test_sqlites_errors_are_told_apart(tmp_path: Path) -> None:
    """ERR-1: full, busy and broken are three things."""
    full = _caught(
        tmp_path,
        "CREATE TABLE t (a PRIMARY KEY)",
        "PRAGMA max_page_count=4",
        "INSERT INTO t VALUES (zeroblob(100000))",
    )
    problem = sqlite_errors.problem_of(full)
    assert isinstance(problem, Problem)
    assert problem.kind.id == "storage_full"
    wrong = _caught(tmp_path, "SELECT nonsense FROM t")
    assert sqlite_errors.problem_of(wrong) is wrong
    twice = _caught(tmp_path, "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)")
    assert sqlite_errors.unique_violation(twice)
    assert sqlite_errors.problem_of(twice) is twice
    assert not sqlite_errors.unique_violation(full)
    assert not sqlite_errors.unique_violation(ValueError())


def test_arrays_are_quoted() -> None:
    """ERR-1: no text in a list can end the list."""
    assert array([]) == "{}"
    assert array(["a", 'b"c', "d\\", "}", "NULL", ""]) == '{"a","b\\"c","d\\\\","}","NULL",""}'
