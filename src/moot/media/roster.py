"""Who the engine carries in a meeting right now: what control compares its own records with."""

from __future__ import annotations

from msgspec import Struct

from moot.media.source import Source


class RosterEntry(Struct, frozen=True, kw_only=True):
    """One connection that the engine knows.

    Attributes:
        identity: `participant_id.connection_id`.
        is_connected: a transport carries media now; False while signalling is open or lingers.
        allowed: sources the engine forwards if they are published.
        active: sources that are published and not muted.
    """

    identity: str
    is_connected: bool
    allowed: frozenset[Source]
    active: frozenset[Source]


class Roster(Struct, frozen=True, kw_only=True):
    """Every connection of one meeting; empty for a meeting the engine does not know."""

    meeting_key: str
    entries: tuple[RosterEntry, ...] = ()
