"""Choose the store by its address."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from moot.config import Config
from moot.store.port import Store, StoreUnusable
from moot.store.sqlite import SqliteStore

FILE = "moot.sqlite3"
"""The file in the data folder where no address is set."""
SCHEMES: Final = ("postgresql", "postgres", "postgresql+psycopg")
"""How an address of PostgreSQL may begin."""


def open_store(config: Config) -> Store:
    """Build the store that the settings name; the caller opens, migrates and closes it.

    Raises:
        StoreUnusable: `database_url` is no address of a database that moot knows.
    """
    if config.database_url is None:
        return SqliteStore(config.data / FILE)
    url = config.database_url.reveal().strip()
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise StoreUnusable(f"`database_url` is not an address ({error}).") from error
    if parts.scheme in SCHEMES:
        # Its driver is a tenth of what a start costs, and most starts have a file.
        from moot.store.postgres import PostgresStore  # noqa: PLC0415

        return PostgresStore(url, pool=config.database_pool)
    if parts.scheme == "sqlite":
        return SqliteStore(_sqlite_path(parts.netloc, unquote(parts.path)))
    raise StoreUnusable(
        f"`database_url` begins with `{parts.scheme}:`; moot knows `postgresql://…` and "
        "`sqlite:///absolute/path`."
    )


def _sqlite_path(netloc: str, path: str) -> Path:
    if netloc or not path.strip("/"):
        raise StoreUnusable(
            "`database_url` names no SQLite file: write `sqlite:///` and the file's absolute path."
        )
    # Both spellings are in use: three slashes and four lead to the same absolute path.
    return Path("/" + path.lstrip("/"))
