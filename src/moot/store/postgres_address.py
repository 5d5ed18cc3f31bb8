"""A PostgreSQL address, with what a long-lived server adds to it."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from moot.store.port import StoreUnusable

_DEFAULTS: Final[dict[str, Any]] = {
    "application_name": "moot",
    "client_encoding": "utf8",
    "connect_timeout": 5,
    # A server that has vanished is noticed after about 25 s instead of after hours.
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# What other programs put into the address for themselves; hosted databases show such addresses.
_FOREIGN: Final = frozenset({"pgbouncer", "connection_limit", "pool_timeout", "schema", "supa"})


def parse_address(url: str) -> dict[str, Any]:
    """Read an address into connection parameters.

    Raises:
        StoreUnusable: it cannot be read. The sentence shows no part of it: it holds a password.
    """
    try:
        parts = urlsplit(url)
        if "," not in parts.netloc:
            _ = parts.port  # raises for what is no port; where hosts are several, libpq reads them
        query = [pair for pair in parse_qsl(parts.query, True, True) if pair[0] not in _FOREIGN]
        scheme, _, _ = parts.scheme.partition("+")  # `postgresql+psycopg` is SQLAlchemy's spelling
        plain = urlunsplit((scheme, parts.netloc, parts.path, urlencode(query), ""))
        return _DEFAULTS | conninfo_to_dict(plain)
    except (ValueError, psycopg.ProgrammingError) as error:
        raise StoreUnusable(
            "`database_url` cannot be read as a PostgreSQL address: write "
            "`postgresql://user:password@host:5432/database`, with `%40` for an `@` in the "
            "password, and only parameters that libpq knows."
        ) from error


def place(parameters: dict[str, Any]) -> str:
    """Say where a server is, for a sentence: host and port, never user or password."""
    return f"{parameters.get('host', 'the local socket')}:{parameters.get('port', 5432)}"
