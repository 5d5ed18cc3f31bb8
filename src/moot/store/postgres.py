"""The store in PostgreSQL, for any number of hosts.

Works on a connection of its own and behind a transaction-mode pooler: no session state, no LISTEN,
no session locks. READ COMMITTED with the meeting's row lock orders the writers of a meeting.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final, TypeVar

from moot.errors import Problem
from moot.store.jobs import CLOSE_WITHIN_S
from moot.store.port import StoreUnusable, Transaction
from moot.store.postgres_address import parse_address, place
from moot.store.postgres_errors import PostgresError
from moot.store.postgres_handle import PostgresHandle, number_statements
from moot.store.postgres_workers import PostgresWorkers
from moot.store.statements import Statements, load_statements
from moot.store.upgrade import UPGRADE_WAIT_S, steps_missing, upgrade

T = TypeVar("T")

_UPGRADE_LOCK: Final = 0x6D6F6F74
"""The advisory lock of migrations; any number that no other program takes ("moot" in ASCII)."""


class PostgresStore:
    """A `Store` in a PostgreSQL database.

    Args:
        url: `postgresql://…` as libpq reads it.
        pool: connections, at most; 1 to 200.
        statements: other statements, for tests that show what goes wrong with them.

    Raises:
        StoreUnusable: the address cannot be read.
    """

    def __init__(self, url: str, *, pool: int = 10, statements: Statements | None = None) -> None:
        self._parameters = parse_address(url)
        self._pool = pool
        self._statements = number_statements(statements or load_statements("postgres"))
        self._workers: PostgresWorkers | None = None

    async def open(self) -> None:
        """Connect and start the threads; calling it again changes nothing.

        Raises:
            StoreUnusable: the server cannot be reached or refuses, or the schema is newer.
        """
        if self._workers is not None:
            return
        await asyncio.to_thread(self._check_schema)
        self._workers = PostgresWorkers(self._connect, self._pool)
        self._workers.start()

    async def migrate(self) -> list[str]:
        """Run the missing steps in one transaction; works before and after `open`.

        Raises:
            StoreUnusable: as `open`.
        """
        return await asyncio.to_thread(self._migrate)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run work; run it again where it collides with others.

        Raises:
            Problem: `unavailable`, `storage_full`.

        If cancelled, the work may or may not be committed.
        """
        return await self._submit(work, writes=True)

    async def write_first(self, work: Callable[[Transaction], T]) -> T:
        """As `write`, but by the next thread that is free, however much waits.

        Raises:
            Problem: `unavailable`, `storage_full`.

        If cancelled, the work may or may not be committed.
        """
        return await self._submit(work, writes=True, is_first=True)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run work; all of it sees one state. Cancelling it changes nothing.

        Raises:
            Problem: `unavailable`.
        """
        return await self._submit(work, writes=False)

    async def check(self) -> None:
        """Raise `Problem("unavailable")` unless a trivial read works."""
        await self.read(lambda transaction: transaction.event_heads(()))

    async def close(self) -> None:
        """Finish what was asked, as far as a few seconds allow, then close the connections.

        Calling it again changes nothing.
        """
        workers, self._workers = self._workers, None
        if workers is not None:
            await asyncio.to_thread(workers.stop, CLOSE_WITHIN_S)

    async def _submit(
        self, work: Callable[[Transaction], T], *, writes: bool, is_first: bool = False
    ) -> T:
        if self._workers is None:
            raise Problem("unavailable", retry_after_s=1)
        result: T = await self._workers.submit(work, writes=writes, is_first=is_first)
        return result

    def _connect(self) -> PostgresHandle:
        return PostgresHandle(self._parameters, self._statements)

    def _reach(self) -> PostgresHandle:
        try:
            return self._connect()
        except PostgresError as error:
            # The first line ends with the reason, behind where it failed and how badly.
            reason = re.split(r"failed: |FATAL: ", str(error).splitlines()[0])[-1].strip()
            raise StoreUnusable(
                f"PostgreSQL at {place(self._parameters)} cannot be used ({reason}): check "
                "`database_url`, and that the server runs and can be reached from here."
            ) from error

    def _check_schema(self) -> tuple[str, ...]:
        handle = self._reach()
        try:
            return steps_missing(_version(handle))
        finally:
            handle.close()

    def _migrate(self) -> list[str]:
        if not self._check_schema():
            return []
        import psycopg  # noqa: PLC0415 - most starts have nothing to do
        from sqlalchemy import create_engine  # noqa: PLC0415
        from sqlalchemy.pool import NullPool  # noqa: PLC0415

        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(**self._parameters, prepare_threshold=None),
            poolclass=NullPool,
        )
        return upgrade(
            engine,
            lock=(
                f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{UPGRADE_WAIT_S}s'",
                # Held until the commit, and therefore safe behind a pooler.
                f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})",
            ),
        )


def _version(handle: PostgresHandle) -> str | None:
    known = handle.command("SELECT to_regclass('alembic_version') IS NOT NULL").get_value(0, 0)
    if known != b"t":
        return None
    found = handle.command("SELECT version_num FROM alembic_version")
    text = found.get_value(0, 0) if found.ntuples else None
    return text.decode() if text else None
