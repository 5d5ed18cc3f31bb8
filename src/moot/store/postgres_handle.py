"""One connection to PostgreSQL, used by one thread, at the level of libpq.

Statements go through `psycopg.pq` and not through a cursor: the calls are blocking, hold no lock of
the interpreter while they wait, and cost half as much (measured with `bench/join_store.py`).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import pq

from moot.errors import Problem
from moot.store.postgres_errors import PostgresError
from moot.store.rows import Parameters, Row
from moot.store.statements import Statements

STATEMENT_TIMEOUT_S: Final = 10
LOCK_TIMEOUT_S: Final = 5
IDLE_TIMEOUT_S: Final = 10
"""A process that stops in the middle of a transaction holds a meeting's row; after this time the
server takes it back. Larger keeps others waiting, smaller ends transactions of a busy machine."""

_PARAMETER: Final = re.compile(r"(?<!:):(?P<name>\w+)")
_TIMEOUTS: Final = {
    "statement_timeout": STATEMENT_TIMEOUT_S,
    "lock_timeout": LOCK_TIMEOUT_S,
    "idle_in_transaction_session_timeout": IDLE_TIMEOUT_S,
}
_SET: Final = "; ".join(f"SET {name} = '{seconds}s'" for name, seconds in _TIMEOUTS.items())
_SET_LOCAL: Final = _SET.replace("SET ", "SET LOCAL ")
# Said in full: a server may have other defaults. Reads of several statements must see one state.
_BEGIN_WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BEGIN_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_DECODE: Final[dict[int, Callable[[bytes], Any]]] = {
    16: b"t".__eq__,  # bool
    17: lambda text: bytes.fromhex(text[2:].decode("ascii")),  # bytea, as \x…
    20: int,  # int8
    23: int,  # int4
}
"""From a type's number (pg_type.oid) to what reads its text; every other type is text."""


class Numbered:
    """A statement with `$1, $2 …` for parameters, as the wire protocol wants it."""

    __slots__ = ("decoders", "name", "names", "text")

    def __init__(self, name: str, text: str) -> None:
        names: list[str] = []

        def number(match: re.Match[str]) -> str:
            if match["name"] not in names:
                names.append(match["name"])
            return f"${names.index(match['name']) + 1}"

        self.name = name.encode()
        self.text = _PARAMETER.sub(number, text).encode()
        self.names = tuple(names)
        self.decoders: list[Callable[[bytes], Any]] | None = None

    def encode(self, parameters: Parameters) -> list[bytes | None]:
        """Put the parameters in order, as text."""
        return [_encode(parameters[name]) for name in self.names]

    def rows(self, result: pq.abc.PGresult) -> list[Row]:
        """Read the rows of a result."""
        decoders = self.decoders
        if decoders is None:
            decoders = [_DECODE.get(result.ftype(at), bytes.decode) for at in range(result.nfields)]
            self.decoders = decoders
        value = result.get_value
        return [
            tuple(
                None if (text := value(at, column)) is None else decode(text)
                for column, decode in enumerate(decoders)
            )
            for at in range(result.ntuples)
        ]


def number_statements(statements: Statements) -> Mapping[str, Numbered]:
    """Bring every statement into the words of the wire protocol."""
    return {name: Numbered(name, text) for name, text in statements.items()}


def array(values: Sequence[str]) -> str:
    """Spell a list of texts as PostgreSQL's array literal (documentation, 8.15.6)."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


class PostgresHandle:
    """An open connection.

    Behind a pooler that lends connections for one transaction, statements do not stay prepared and
    settings do not stay set; on a connection of its own they do, which saves half the server's
    work. Which of the two it is shows in the number of the server's process: a pooler gives one of
    its own making.

    Attributes:
        pooled: whether each transaction may be on another connection of the server's.

    Raises:
        PostgresError: the server cannot be reached, or refuses.
    """

    def __init__(self, parameters: Mapping[str, Any], statements: Mapping[str, Numbered]) -> None:
        try:
            self._connection = psycopg.Connection.connect(
                **parameters, autocommit=True, prepare_threshold=None
            )
        except psycopg.Error as error:
            raise PostgresError("08001", str(error)) from error
        self._pg = self._connection.pgconn
        self._statements = statements
        self._escaping = pq.Escaping(self._pg)
        self._prepared: set[str] = set()
        self._begin: str | None = None
        try:
            pid = self.command("SELECT pg_backend_pid()").get_value(0, 0)
            self.pooled = pid != b"%d" % self._pg.backend_pid
            if not self.pooled:
                self.command(_SET)
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether the connection was in order when it was last used."""
        return self._pg.status == pq.ConnStatus.OK

    def begin(self, *, writes: bool) -> None:
        """Begin a transaction; said to the server together with the first statement."""
        self._begin = _BEGIN_WRITE if writes else _BEGIN_READ

    def commit(self) -> None:
        """Commit; if it raises with the connection lost, nobody knows whether it has happened."""
        begin, self._begin = self._begin, None
        if begin:  # nothing was asked
            return
        said = self.command("COMMIT").command_status
        if said != b"COMMIT":
            raise PostgresError("25P02", "work has gone on after an error of a statement")

    def roll_back(self) -> None:
        """Undo the transaction, as far as there is a connection to say it on."""
        self._begin = None
        if self.alive and self._pg.transaction_status != pq.TransactionStatus.IDLE:
            with contextlib.suppress(PostgresError):
                self.command("ROLLBACK")

    def command(self, text: str) -> pq.abc.PGresult:
        """Run plain SQL without parameters; several statements are one round trip."""
        return _checked(self._pg.exec_(text.encode()))

    def run(self, name: str, parameters: Parameters) -> tuple[Numbered, pq.abc.PGresult]:
        """Run a named statement; it has at least one parameter."""
        statement = self._statements[name]
        values = statement.encode(parameters)
        begin, self._begin = self._begin, None
        if self.pooled:
            if begin:
                self.command(f"{begin}; {_SET_LOCAL}")
            return statement, _checked(self._pg.exec_params(statement.text, values))
        if name not in self._prepared:
            _checked(self._pg.prepare(statement.name, statement.text))
            self._prepared.add(name)
        if begin:
            literals = b", ".join(map(self._literal, values))
            text = b"%s; EXECUTE %s(%s)" % (begin.encode(), statement.name, literals)
            return statement, _checked(self._pg.exec_(text))
        # psycopg's own type forgets that a parameter may be NULL.
        result = self._pg.exec_prepared(statement.name, values)  # type: ignore[arg-type]
        return statement, _checked(result)

    def _literal(self, text: bytes | None) -> bytes:
        return b"NULL" if text is None else self._escaping.escape_literal(text)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _checked(result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    sqlstate = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
    message = result.error_message.decode(errors="replace").strip()
    raise PostgresError(sqlstate.decode("ascii"), message)


def _encode(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        text = value.encode()
        # libpq takes texts up to their first NUL, and PostgreSQL cannot store one.
        if b"\0" in text:
            raise Problem("body_invalid", reason="a text holds the character NUL")
        return text
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode("ascii")
    raise TypeError(f"no column holds a {type(value).__name__}")
