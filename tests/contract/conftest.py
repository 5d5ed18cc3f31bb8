"""One suite for every store: in memory, SQLite, PostgreSQL, behind a pooler, over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.contract.stores import IN_MEMORY, build

from moot.store.port import Store


def _address(kind: str, request: pytest.FixtureRequest) -> str:
    if kind == "memory":
        return IN_MEMORY
    if kind == "sqlite":
        return str(request.getfixturevalue("sqlite_path"))
    if kind == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    if kind == "pgbouncer":
        pooler = request.getfixturevalue("pgbouncer")
        return str(pooler.url(request.getfixturevalue("postgres_database")))
    return str(request.getfixturevalue("postgres_tls_url"))


@pytest.fixture(params=["memory", "sqlite", "postgres", "pgbouncer", "tls"])
def store_address(request: pytest.FixtureRequest) -> str:
    """Where the store of this round is; other processes find it there, too, but for `memory`."""
    return _address(request.param, request)


@pytest.fixture(params=["sqlite", "postgres", "pgbouncer"])
def shared_address(request: pytest.FixtureRequest) -> str:
    """Where the store of this round is, for several processes at once."""
    return _address(request.param, request)


@pytest.fixture
async def store(store_address: str) -> AsyncIterator[Store]:
    """The store of this round, empty and open."""
    store = build(store_address)
    await store.migrate()
    await store.open()
    yield store
    await store.close()
