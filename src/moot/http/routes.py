"""The table of routes: everything the API answers, in one list."""

from __future__ import annotations

from moot.http import chat, hosts, lobby, meetings, participants
from moot.http.operation import Operation
from moot.http.server import operations_of_server


def operations(version: str) -> list[Operation]:
    """Make the whole table."""
    commands = [
        *meetings.OPERATIONS,
        *participants.OPERATIONS,
        *lobby.OPERATIONS,
        *hosts.OPERATIONS,
        *chat.OPERATIONS,
    ]
    return [*commands, *operations_of_server(version, commands)]
