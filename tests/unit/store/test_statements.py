"""Statements are read once and spelled for each database."""

from __future__ import annotations

import inspect
import re

import pytest

from moot.store.port import Transaction
from moot.store.rows import COLUMNS
from moot.store.statements import Dialect, load_statements, translate

_DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres")


@pytest.mark.parametrize("dialect", _DIALECTS)
def test_nothing_of_our_own_spelling_is_left(dialect: Dialect) -> None:
    """MEET-3: what reaches the database is SQL."""
    for name, text in load_statements(dialect).items():
        assert not re.search(r"[{}]|\[\]|^--|/\*", text, re.MULTILINE) or dialect == "sqlite", name
        assert not re.search(r"[{}]|\[\]", text), name
        assert ";" not in text, name


def test_only_postgresql_locks_rows() -> None:
    """EVENT-1: PostgreSQL holds the meeting's row; SQLite sees a comment there."""
    assert load_statements("postgres")["lock_meeting"].endswith("FOR NO KEY UPDATE")
    assert load_statements("sqlite")["lock_meeting"].endswith("/*postgres FOR NO KEY UPDATE */")


def test_lists_are_one_parameter() -> None:
    """MEET-3: a list of any length is one statement, prepared once."""
    text = "SELECT 1 WHERE a IN (:states[])"
    assert translate(text, "sqlite").endswith("IN (SELECT value FROM json_each(:states))")
    assert translate(text, "postgres").endswith("a = ANY(:states)")


def test_columns_are_spelled_where_they_belong() -> None:
    """MEET-3: columns, columns behind an alias and parameters come in one order."""
    assert translate("{process}", "postgres") == ", ".join(COLUMNS["process"])
    assert translate("{p.process}", "postgres").startswith("p.id, p.started_at")
    assert translate("{:process}", "postgres").startswith(":id, :started_at")
    assert '"to"' in translate("{m.message}", "sqlite")
    assert ":to" in translate("{:message}", "sqlite")


def test_every_statement_is_a_call_of_the_port() -> None:
    """MEET-3: a statement nobody can call, or a call without a statement, is a mistake."""
    calls = {name for name, _ in inspect.getmembers(Transaction, inspect.isfunction)}
    calls -= {name for name in calls if name.startswith("_")}
    names = set(load_statements("postgres"))
    assert names - calls == {"take_event_seq", "insert_event", "list_messages_before"}
    assert calls <= names


@pytest.mark.parametrize("name", ["insert_meeting", "insert_message", "insert_idempotency"])
def test_what_may_exist_already_is_inserted_in_one_statement(name: str) -> None:
    """MEET-3: creating never relies on an earlier look."""
    assert re.search(
        r"ON CONFLICT \([\w, ]+\) DO NOTHING\nRETURNING", load_statements("sqlite")[name]
    )


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("upsert_participant", "participant"),
        ("update_participant", "participant"),
        ("upsert_process", "process"),
        ("update_settings", "meeting"),
    ],
)
def test_a_new_field_is_not_forgotten(name: str, table: str) -> None:
    """HOST-1: every column is written by an update, but for those that are said to stay."""
    kept = {
        "upsert_participant": {"id", "meeting_uid", "person_id", "joined_at", "role"},
        "update_participant": {"meeting_uid", "person_id", "joined_at", "fence"},
        "upsert_process": {"id"},
        "update_settings": {
            *("id", "created_by", "created_at", "run", "epoch", "event_seq"),
            *("ended_at", "active_at"),
        },
    }[name]
    text = (
        load_statements("sqlite")[name].rpartition("RETURNING")[0]
        or load_statements("sqlite")[name]
    )
    written = set(re.findall(r"(\w+) = ", text.partition("SET ")[2]))
    assert set(COLUMNS[table]) - kept <= written
