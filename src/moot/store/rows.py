"""Rows to values and values to parameters: the one place that knows the order of columns.

A row is a tuple in the order of `COLUMNS`; every statement names its columns from there, so a
column that a newer release has added disturbs nobody. SQLite has no booleans: flags come back as
numbers and are made what they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import asdict, fields

from moot.model.meeting import (
    ChatMessage,
    Connection,
    Event,
    MediaLease,
    Meeting,
    Participant,
    Process,
    Settings,
)

Row = Sequence[Any]
Parameters = dict[str, Any]

_SETTINGS: Final = tuple(field.name for field in fields(Settings))


def _columns(value: type, *, instead: dict[str, tuple[str, ...]] | None = None) -> tuple[str, ...]:
    names = [(instead or {}).get(field.name, (field.name,)) for field in fields(value)]
    return tuple(name for group in names for name in group)


COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "meeting": _columns(Meeting, instead={"settings": _SETTINGS}),
    "participant": _columns(Participant),
    "connection": _columns(Connection),
    "message": _columns(ChatMessage),
    "event": _columns(Event),
    "process": _columns(Process),
    "media_lease": _columns(MediaLease),
}
"""The columns of each table that is a value, in the order of the value's fields. A setting is a
column of its own, so that a release that does not know a newer one leaves it alone."""


def _flags(value: type) -> tuple[int, ...]:
    return tuple(at for at, field in enumerate(fields(value)) if field.type is bool)


_FIRST_SETTING: Final = COLUMNS["meeting"].index(_SETTINGS[0])
_MEETING_SETTINGS: Final = slice(_FIRST_SETTING, _FIRST_SETTING + len(_SETTINGS))
_SETTINGS_FLAGS: Final = _flags(Settings)
_PARTICIPANT_FLAGS: Final = _flags(Participant)
_PROCESS_FLAGS: Final = _flags(Process)


def _with_flags(row: Row, flags: tuple[int, ...]) -> list[Any]:
    values = list(row)
    for at in flags:
        values[at] = bool(values[at])
    return values


def meeting(row: Row) -> Meeting:
    """Make a meeting of a row."""
    values = list(row)
    settings = _with_flags(row[_MEETING_SETTINGS], _SETTINGS_FLAGS)
    values[_MEETING_SETTINGS] = [Settings(*settings)]
    return Meeting(*values)


def participant(row: Row) -> Participant:
    """Make a participant of a row."""
    return Participant(*_with_flags(row, _PARTICIPANT_FLAGS))


def connection(row: Row) -> Connection:
    """Make a connection of a row."""
    return Connection(*row)


def message(row: Row) -> ChatMessage:
    """Make a chat message of a row."""
    return ChatMessage(*row)


def event(row: Row) -> Event:
    """Make an event of a row."""
    return Event(*row)


def process(row: Row) -> Process:
    """Make a process of a row."""
    return Process(*_with_flags(row, _PROCESS_FLAGS))


def meeting_parameters(value: Meeting) -> Parameters:
    """Spread a meeting over the columns of its table."""
    return asdict(value) | asdict(value.settings)
