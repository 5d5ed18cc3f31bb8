"""What control has said about identities, kept for as long as a ticket could still need it."""

from __future__ import annotations

from collections.abc import Collection

from moot.media.source import Source

TICKET_TTL_S = 600
"""Seconds a ticket opens a transport. Longer survives slower devices; a shorter one limits what a
leaked ticket is worth. LiveKit's clients get a fresh token over signalling while connected."""

LEEWAY_S = 10
"""Seconds by which two machines' clocks may differ. Larger forgives worse clocks and lets expired
tickets live longer."""
REMEMBERED_S = TICKET_TTL_S + LEEWAY_S + 1
"""Seconds a ticket may still be accepted: a token says its end in whole seconds, rounded up."""


class _Word:
    """The latest word on one identity."""

    __slots__ = ("allowed", "removed_at", "said_at")

    def __init__(self) -> None:
        self.allowed: frozenset[Source] | None = None
        self.said_at = 0.0
        self.removed_at: float | None = None


class Ledger:
    """Remembers allowed sources, removals and ends, by meeting key and identity.

    A ticket says itself what it allows and when it was made, so the ledger only has to know what
    was said *after* a ticket: an entry older than `REMEMBERED_S` matters to connected identities
    alone. Holds no clock: `now` is Unix seconds.
    """

    def __init__(self) -> None:
        self._words: dict[tuple[str, str], _Word] = {}
        self._ended: dict[str, float] = {}

    def allow(
        self, meeting_key: str, identity: str, sources: frozenset[Source], now: float
    ) -> None:
        """Replace what an identity may publish."""
        word = self._words.setdefault((meeting_key, identity), _Word())
        word.allowed = sources
        word.said_at = now

    def allowed(
        self, meeting_key: str, identity: str, granted: frozenset[Source], granted_at: float
    ) -> frozenset[Source]:
        """Answer what an identity may publish: the newer of its ticket and the latest word."""
        word = self._words.get((meeting_key, identity))
        if word is None or word.allowed is None or word.said_at < granted_at:
            return granted
        return word.allowed

    def latest(self, meeting_key: str, identity: str) -> frozenset[Source] | None:
        """Answer the latest word on an identity; None where nothing was said."""
        word = self._words.get((meeting_key, identity))
        return word.allowed if word is not None else None

    def remove(self, meeting_key: str, identity: str, now: float) -> None:
        """Make every ticket worthless that the identity got until now."""
        word = self._words.setdefault((meeting_key, identity), _Word())
        word.removed_at = now
        word.said_at = max(word.said_at, now)

    def end(self, meeting_key: str, now: float) -> None:
        """Make every ticket worthless that anyone got for this meeting until now."""
        self._ended[meeting_key] = now

    def revocation(self, meeting_key: str, identity: str, granted_at: float) -> str | None:
        """Say what has made a ticket of `granted_at` worthless: `ended`, `removed`, or nothing."""
        ended_at = self._ended.get(meeting_key)
        if ended_at is not None and granted_at <= ended_at:
            return "ended"
        word = self._words.get((meeting_key, identity))
        if word is not None and word.removed_at is not None and granted_at <= word.removed_at:
            return "removed"
        return None

    def is_revoked(self, meeting_key: str, identity: str, granted_at: float) -> bool:
        """Tell whether a ticket made at `granted_at` has been made worthless since."""
        return self.revocation(meeting_key, identity, granted_at) is not None

    def forget(self, now: float, connected: Collection[tuple[str, str]]) -> None:
        """Drop what no ticket and no connected identity can need any more."""
        horizon = now - REMEMBERED_S
        stale = [
            name
            for name, word in self._words.items()
            if word.said_at < horizon and name not in connected
        ]
        for name in stale:
            del self._words[name]
        for key in [key for key, ended_at in self._ended.items() if ended_at < horizon]:
            del self._ended[key]
