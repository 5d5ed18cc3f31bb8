"""Who gives a command, as the edge hands it over."""

from __future__ import annotations

from dataclasses import dataclass

from moot.model.ids import ConnectionId, PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who gives a command, as the edge has established it (PERSON-2).

    Attributes:
        person_id: who it is.
        name: what an account calls the person; it counts as verified. None for guests.
        is_account: a token says who this is.
        connection_id: the connection that sends the command, where it says so.
        fence: that connection's fencing number, where it says so (JOIN-3).
        address: the network address, only ever used to slow down passcode guessing.
    """

    person_id: PersonId
    name: str | None = None
    is_account: bool = False
    connection_id: ConnectionId | None = None
    fence: int | None = None
    address: str = ""
