"""The named statements of `queries/*.sql`, in the words of one database.

One text serves SQLite and PostgreSQL. It differs from SQL in four small ways:

- `{meeting}` stands for the columns of a value's table, `{c.connection}` for the same behind an
  alias, `{:meeting}` for a parameter for each;
- `:name` is a parameter;
- `IN (:names[])` takes a list of any length as one parameter;
- `/*postgres … */` is for PostgreSQL only; SQLite sees a comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal

from moot.store.rows import COLUMNS

Dialect = Literal["sqlite", "postgres"]
Statements = Mapping[str, str]

_STATEMENT: Final = re.compile(
    r"^-- name: (?P<name>\w+)\n(?P<text>.*?);\n", re.DOTALL | re.MULTILINE
)
_COMMENT: Final = re.compile(r"^--.*\n", re.MULTILINE)
_COLUMNS: Final = re.compile(r"\{(?P<mark>:|\w+\.)?(?P<table>\w+)\}")
_LIST: Final = re.compile(r"IN \(:(?P<name>\w+)\[\]\)")
_POSTGRES_ONLY: Final = re.compile(r"/\*postgres (?P<text>.*?) \*/")
_QUOTED: Final = frozenset({"to"})
"""Columns whose name is a word of SQL."""


def load_statements(dialect: Dialect) -> Statements:
    """Read every statement by its name.

    Raises:
        ValueError: a name stands twice, or a text cannot be read; both are bugs of a release.
    """
    statements: dict[str, str] = {}
    folder = files("moot.store") / "queries"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        text = file.read_text(encoding="utf-8")
        found = list(_STATEMENT.finditer(text))
        if len(found) != text.count("-- name:"):
            raise ValueError(f"{file.name}: a statement does not end with a semicolon")
        for match in found:
            if match["name"] in statements:
                raise ValueError(f"{file.name}: {match['name']} stands twice")
            statements[match["name"]] = translate(match["text"], dialect)
    return MappingProxyType(statements)


def translate(text: str, dialect: Dialect) -> str:
    """Bring one statement into the words of a database."""
    text = _COMMENT.sub("", text).strip()
    text = _COLUMNS.sub(_spell_columns, text)
    if dialect == "sqlite":
        return _LIST.sub(r"IN (SELECT value FROM json_each(:\g<name>))", text)
    text = _POSTGRES_ONLY.sub(r"\g<text>", text)
    return _LIST.sub(r"= ANY(:\g<name>)", text)


def _spell_columns(match: re.Match[str]) -> str:
    mark = match["mark"] or ""
    names = COLUMNS[match["table"]]
    if mark == ":":
        return ", ".join(f":{name}" for name in names)
    return ", ".join(f'{mark}"{name}"' if name in _QUOTED else f"{mark}{name}" for name in names)
