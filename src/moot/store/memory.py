"""The store in memory: the same promises as the databases for as long as the process lives.

For tests and for trying things out: nothing survives a restart. It follows the contract suite that
SQLite and PostgreSQL follow, so a test that passes on it says something about them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from moot.errors import Problem
from moot.store.memory_transaction import MemoryTransaction, Tables
from moot.store.port import Transaction

T = TypeVar("T")


class MemoryStore:
    """A `Store` in dictionaries. One piece of work at a time, so every order is a serial one."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._open = False

    async def open(self) -> None:
        """Start answering. Calling it again changes nothing."""
        self._open = True

    async def migrate(self) -> list[str]:
        """Do nothing: there is no schema."""
        return []

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run work; if it raises, take back what it wrote.

        If cancelled before the work starts, nothing has happened; it cannot be cancelled later.
        """
        await self.check()
        transaction = MemoryTransaction(self._tables)
        try:
            return work(transaction)
        except BaseException:
            transaction.roll_back()
            raise

    async def write_first(self, work: Callable[[Transaction], T]) -> T:
        """As `write`: nothing waits here."""
        return await self.write(work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run work; what it wrote by mistake is taken back. Cancelling it changes nothing."""
        await self.check()
        transaction = MemoryTransaction(self._tables)
        try:
            return work(transaction)
        finally:
            transaction.roll_back()

    async def check(self) -> None:
        """Raise `Problem("unavailable")` unless the store is open; cancelling changes nothing."""
        # Databases always suspend here; code that relies on the opposite must fail in its tests.
        await asyncio.sleep(0)
        if not self._open:
            raise Problem("unavailable", retry_after_s=1)

    async def close(self) -> None:
        """Stop answering; the rows stay for a later `open`."""
        self._open = False
