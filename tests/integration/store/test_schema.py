"""The migrations lead to the schema, and the schema to the statements."""

from __future__ import annotations

import sqlite3
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from tests.servers.postgres import PostgresServer

from moot.store.migrations import REVISIONS
from moot.store.port import StoreUnusable
from moot.store.postgres import PostgresStore
from moot.store.rows import COLUMNS
from moot.store.schema import metadata
from moot.store.sqlite import SqliteStore


def _differences(engine: sqlalchemy.Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = list(compare_metadata(context, metadata))
    engine.dispose()
    return found


async def test_sqlites_migrations_lead_to_the_schema(sqlite_path: Path) -> None:
    """MEET-3: tables, keys and indexes of a migrated file are those of the metadata."""
    await SqliteStore(sqlite_path).migrate()
    assert _differences(sqlalchemy.create_engine(f"sqlite:///{sqlite_path}")) == []


def test_postgresqls_migrations_lead_to_the_schema(postgres_url: str) -> None:
    """MEET-3: tables, keys and indexes of a migrated database are those of the metadata."""
    url = postgres_url.replace("postgresql:", "postgresql+psycopg:")
    assert _differences(sqlalchemy.create_engine(url)) == []


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_messages_of_before_keep_their_order(
    dialect: str, tmp_path: Path, postgres: PostgresServer
) -> None:
    """MEET-7: who upgrades finds the chat as it was, with room below it for what is new."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    if dialect == "postgresql":
        url = postgres.url(postgres.create_database()).replace("postgresql:", "postgresql+psycopg:")
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        _take(connection, "0001_initial", "0002_media_lease")
        connection.exec_driver_sql(
            "INSERT INTO meeting (uid, id, created_by, created_at, run, epoch, event_seq, version, "
            "title, lobby, locked, guests_may_share, guests_may_chat, guests_may_unmute, "
            "max_participants, active_at) VALUES ('u', 'ABC123', 'p', 1, 2, 1, 9, 1, "
            "'', false, false, true, true, true, 10, 1)"
        )
        for at in (3, 1, 4, 7, 5, 0, 2, 6):
            connection.exec_driver_sql(
                "INSERT INTO message (id, meeting_uid, run, participant_id, name, text, posted_at) "
                f"VALUES ('m{at}', 'u', {1 + at // 4}, 'p', 'Ana', 'Hello', {at // 2})"
            )
        _take(connection, "0003_message_order")
        found = connection.exec_driver_sql("SELECT run, event_seq, id FROM message ORDER BY id")
        assert [tuple(row) for row in found] == [
            (1 + at // 4, 1 + at % 4, f"m{at}") for at in range(8)
        ]
    engine.dispose()


def _take(connection: sqlalchemy.Connection, *steps: str) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        for step in steps:
            import_module(f"moot.store.migrations.versions.{step}").upgrade()


def test_a_forgotten_column_would_be_seen(tmp_path: Path) -> None:
    """MEET-3: the comparison finds what is missing."""
    with sqlite3.connect(tmp_path / "a.db") as handle:
        handle.execute("CREATE TABLE meeting (uid TEXT PRIMARY KEY) WITHOUT ROWID")
    handle.close()
    assert _differences(sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'a.db'}"))


def test_every_field_has_its_column() -> None:
    """MEET-3: a value's fields are its table's columns, in whatever order."""
    for table, columns in COLUMNS.items():
        assert {column.name for column in metadata.tables[table].columns} == set(columns)


def test_every_step_is_named() -> None:
    """JOIN-10: a start without work to do knows all steps without reading them."""
    folder = files("moot.store.migrations") / "versions"
    steps = sorted(file.name for file in folder.iterdir() if file.name.endswith(".py"))
    assert tuple(name.partition("_")[0] for name in steps) == REVISIONS


@pytest.mark.parametrize("role", ["anon"])
def test_other_roles_of_a_hosted_database_read_nothing(
    postgres: PostgresServer, postgres_url: str, role: str
) -> None:
    """PERSON-2: a database that serves its tables over HTTP shows nobody a row of moot's."""
    engine = sqlalchemy.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    insert = (
        "INSERT INTO process (id, started_at, heartbeat_at, media_url, draining) "
        "VALUES ('a', 1, 1, '', false)"
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role}")
        connection.exec_driver_sql(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        connection.exec_driver_sql(insert)
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
        for table in metadata.tables:
            count = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            assert count == 0, table
        count = connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar()
        assert count == 0
        connection.exec_driver_sql("RESET ROLE")
        assert connection.exec_driver_sql("SELECT count(*) FROM process").scalar() == 1
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP ROLE {role}")
    engine.dispose()


async def test_an_account_without_rights_is_one_sentence(
    postgres: PostgresServer,
) -> None:
    """JOIN-10: an account that may not create tables is told so, and nothing is half done."""
    database = postgres.create_database()
    with psycopg.connect(postgres.url(database), autocommit=True) as connection:
        connection.execute("CREATE ROLE weak LOGIN PASSWORD 'weak'")
        store = PostgresStore(f"postgresql://weak:weak@127.0.0.1:{postgres.port}/{database}")
        with pytest.raises(StoreUnusable, match=r"permission denied for schema public") as caught:
            await store.migrate()
        assert "\n" not in str(caught.value)
        found = connection.execute("SELECT to_regclass('meeting')").fetchone()
        connection.execute("DROP ROLE weak")
    assert found == (None,)
