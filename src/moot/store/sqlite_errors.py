"""What SQLite's errors mean to a caller."""

from __future__ import annotations

import sqlite3
from typing import Final

from moot.errors import Problem

_PRIMARY: Final = 0xFF
"""The low byte of an extended result code is its family (sqlite.org/rescode.html)."""
_WRITING: Final = frozenset(
    {
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
    }
)
_UNIQUE: Final = frozenset({sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE})


def unique_violation(error: BaseException) -> bool:
    """Tell whether a row was in the way (result codes 1555 and 2067)."""
    return isinstance(error, sqlite3.IntegrityError) and error.sqlite_errorcode in _UNIQUE


def is_busy(error: BaseException) -> bool:
    """Tell whether somebody else holds the file for a moment (result code 5)."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & _PRIMARY) == sqlite3.SQLITE_BUSY


def problem_of(error: sqlite3.Error) -> Exception:
    """Translate an error into a `Problem`; one that is our own fault stays what it is."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or (code & _PRIMARY) in (
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_RANGE,
    ):
        return error
    if (code & _PRIMARY) == sqlite3.SQLITE_FULL or code in _WRITING:
        problem = Problem("storage_full", retry_after_s=30)
    else:
        problem = Problem("unavailable", retry_after_s=1)
    problem.__cause__ = error
    return problem
