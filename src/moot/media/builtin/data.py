"""Where a data message goes: decided by the dialect, carried out here."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct


class DataSender(Struct, frozen=True):
    """Who sent a data message, by both of its names."""

    sid: str
    identity: str


class RoutedData(Struct, frozen=True, kw_only=True):
    """A data message that may go out.

    Attributes:
        payload: with the true sender written into it, whatever the client had claimed.
        identities: receivers by identity. sids: receivers by the engine's id. Both empty:
            everyone else in the meeting.
    """

    payload: bytes
    identities: frozenset[str] = frozenset()
    sids: frozenset[str] = frozenset()


class DataRouter(Protocol):
    """The dialect's pure rule for data messages; the engine is given one when it is built."""

    def __call__(
        self, payload: bytes, kind: Literal["reliable", "lossy"], sender: DataSender
    ) -> RoutedData | None:
        """Say where a message goes; None where it goes nowhere (malformed, or not for others)."""
        ...
