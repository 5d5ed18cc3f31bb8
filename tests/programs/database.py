"""A PostgreSQL of one's own for a program's run, syncing its disk as in production."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.postgres import PostgresServer
from tests.servers.running import running


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a PostgreSQL server and give the address of a fresh database on it."""
    with running(PostgresServer(durable=True)) as server:
        yield server.url(server.create_database())
