"""The address chooses the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from moot.config import Config, Secret
from moot.store.open import open_store
from moot.store.port import StoreUnusable
from moot.store.postgres import PostgresStore
from moot.store.postgres_address import parse_address, place
from moot.store.sqlite import SqliteStore


def _config(url: str | None) -> Config:
    return Config(data=Path("/srv/moot"), database_url=None if url is None else Secret(url))


def test_without_an_address_there_is_a_file_in_the_data_folder() -> None:
    """JOIN-10: a start without settings keeps meetings in one file."""
    store = open_store(_config(None))
    assert isinstance(store, SqliteStore)
    assert store._path == Path("/srv/moot/moot.sqlite3")


@pytest.mark.parametrize("url", ["sqlite:///srv/a%20b.db", "sqlite:////srv/a b.db"])
def test_a_sqlite_address_names_an_absolute_path(url: str) -> None:
    """JOIN-10: three slashes and four mean the same file."""
    store = open_store(_config(url))
    assert isinstance(store, SqliteStore)
    assert store._path == Path("/srv/a b.db")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://moot@db/moot",
        "postgres://moot@db/moot",
        "postgresql+psycopg://moot@db/moot",
        "postgresql://moot@db1:5432,db2:5433/moot?target_session_attrs=read-write",
        " postgresql://moot@db/moot\n",
    ],
)
def test_postgresql_has_several_spellings(url: str) -> None:
    """JOIN-10: what other programs call a PostgreSQL address is one."""
    assert isinstance(open_store(_config(url)), PostgresStore)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://root:hunter2@db/moot", "begins with `mysql:`"),
        ("moot.sqlite3", "begins with `:`"),
        ("sqlite://", "names no SQLite file"),
        ("sqlite://moot.db", "names no SQLite file"),
        ("postgresql://moot:hunter2@db:port/moot", "cannot be read as a PostgreSQL address"),
        ("postgresql://moot:hunter2@db/moot?sslmod=require", "cannot be read as a PostgreSQL"),
        ("postgresql://[hunter2/moot", "is not an address"),
    ],
)
def test_a_wrong_address_is_one_sentence_without_secrets(url: str, sentence: str) -> None:
    """JOIN-10: what is wrong with an address is said with its cure and without the password."""
    with pytest.raises(StoreUnusable, match=sentence) as caught:
        open_store(_config(url))
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_hosted_address_is_taken_as_it_is_shown() -> None:
    """JOIN-10: the address that Supabase shows for its pooler works, foreign words and all."""
    parameters = parse_address(
        "postgres://postgres.abcd:p%40ss@aws-0-eu-west-1.pooler.supabase.com:6543/postgres"
        "?pgbouncer=true&sslmode=require&connection_limit=1"
    )
    assert parameters["host"] == "aws-0-eu-west-1.pooler.supabase.com"
    assert parameters["user"] == "postgres.abcd"
    assert parameters["password"] == "p@ss"
    assert parameters["sslmode"] == "require"
    assert place(parameters) == "aws-0-eu-west-1.pooler.supabase.com:6543"


def test_what_the_address_says_wins() -> None:
    """JOIN-10: defaults for time-outs and names stand behind what an operator has written."""
    parameters = parse_address("postgresql://db/moot?connect_timeout=30")
    assert parameters["connect_timeout"] == "30"
    assert parameters["application_name"] == "moot"
    assert parameters["keepalives"] == 1
