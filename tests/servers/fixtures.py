"""Servers as fixtures: one of each kind for a run, a fresh database for each test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers.certificate import Certificate, make_certificate
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer
from tests.servers.running import running

from moot.store.postgres import PostgresStore


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with running(PostgresServer()) as server:
        yield server


@pytest.fixture(scope="session")
def pgbouncer(postgres: PostgresServer) -> Iterator[PgBouncer]:
    """A transaction-mode pooler before `postgres`."""
    with running(PgBouncer(postgres)) as pooler:
        yield pooler


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def postgres_tls(certificate: Certificate) -> Iterator[PostgresServer]:
    """A PostgreSQL server that speaks nothing but TLS."""
    with running(PostgresServer(certificate=certificate)) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """A database of `postgres` with the newest schema, to copy from."""
    name = postgres.create_database()
    asyncio.run(PostgresStore(postgres.url(name)).migrate())
    return name


@pytest.fixture(scope="session")
def postgres_tls_query(certificate: Certificate) -> str:
    """What an address needs to trust `postgres_tls` and nobody else."""
    return f"?sslmode=verify-full&sslrootcert={certificate.authority}"


@pytest.fixture(scope="session")
def postgres_tls_template(postgres_tls: PostgresServer, postgres_tls_query: str) -> str:
    """A database of `postgres_tls` with the newest schema, to copy from."""
    name = postgres_tls.create_database()
    asyncio.run(PostgresStore(postgres_tls.url(name, query=postgres_tls_query)).migrate())
    return name


@pytest.fixture
def postgres_tls_url(
    postgres_tls: PostgresServer, postgres_tls_template: str, postgres_tls_query: str
) -> Iterator[str]:
    """The address of a fresh database of `postgres_tls` with the newest schema."""
    name = postgres_tls.create_database(template=postgres_tls_template)
    yield postgres_tls.url(name, query=postgres_tls_query)
    postgres_tls.drop_database(name)


@pytest.fixture
def postgres_database(postgres: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The name of a fresh database of `postgres` with the newest schema."""
    name = postgres.create_database(template=postgres_template)
    yield name
    postgres.drop_database(name)


@pytest.fixture
def postgres_url(postgres: PostgresServer, postgres_database: str) -> str:
    """The address of `postgres_database`."""
    return postgres.url(postgres_database)


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """Where a SQLite store may put its file; its folder does not exist yet."""
    return tmp_path / "data" / "moot.sqlite3"
