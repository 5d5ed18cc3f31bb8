"""The stores that keep the contract, each as an address that another process can open, too."""

from __future__ import annotations

from pathlib import Path

from moot.store.memory import MemoryStore
from moot.store.port import Store
from moot.store.postgres import PostgresStore
from moot.store.sqlite import SqliteStore
from moot.store.statements import Statements

IN_MEMORY = "memory:"


def build(address: str, statements: Statements | None = None) -> Store:
    """Build the store at an address; it is neither migrated nor open."""
    if address == IN_MEMORY:
        return MemoryStore()
    if address.startswith("postgresql:"):
        return PostgresStore(address, pool=8, statements=statements)
    return SqliteStore(Path(address), busy_timeout_s=20, statements=statements)
