"""What PostgreSQL's errors mean to a caller (PostgreSQL documentation, appendix A)."""

from __future__ import annotations

from typing import Final

from moot.errors import Problem

UNIQUE_VIOLATION: Final = "23505"
READ_ONLY: Final = "25006"
"""To somebody who writes: this server has become a standby, and another one is the primary now."""
_AGAIN: Final = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
    }
)
_PREPARED_LOST: Final = frozenset(
    {
        "26000",  # invalid_sql_statement_name: the statement was prepared on another connection
        "42P05",  # duplicate_prepared_statement: somebody else prepared it on this one
    }
)
_FULL: Final = frozenset(
    {
        "53100",  # disk_full
    }
)
_PASSING: Final = frozenset(
    {
        READ_ONLY,
        "25P03",  # idle_in_transaction_session_timeout
        "55P03",  # lock_not_available: lock_timeout
        "57014",  # query_canceled: statement_timeout
        "58030",  # io_error
    }
)
_PASSING_CLASSES: Final = frozenset({"08", "53", "57"})
"""Connection exceptions, insufficient resources, operator intervention."""


class PostgresError(Exception):
    """An error that the server, or the way to it, has reported.

    Attributes:
        sqlstate: five characters, or "" where the connection itself was lost.
    """

    def __init__(self, sqlstate: str, message: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(f"{sqlstate or 'connection lost'}: {message}")

    @property
    def again(self) -> bool:
        """Whether the same work may well succeed when it is run again."""
        return self.sqlstate in _AGAIN

    @property
    def prepared_lost(self) -> bool:
        """Whether a pooler has come between a prepared statement and its user."""
        return self.sqlstate in _PREPARED_LOST


def problem_of(error: PostgresError) -> Exception:
    """Translate an error into a `Problem`; one that is our own fault stays what it is."""
    if error.sqlstate in _FULL:
        problem = Problem("storage_full", retry_after_s=30)
    elif (
        not error.sqlstate
        or error.again
        or error.sqlstate in _PASSING
        or error.sqlstate[:2] in _PASSING_CLASSES
    ):
        problem = Problem("unavailable", retry_after_s=1)
    else:
        return error
    problem.__cause__ = error
    return problem
