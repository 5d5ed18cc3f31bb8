"""The bus as control sees it: announcements to every process that follows a meeting.

The bus only makes things fast. What it loses or reorders is found by number in the store
(EVENT-1, EVENT-2), so an adapter may drop whatever it cannot carry.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from moot.model.event import Ephemeral
from moot.model.ids import MeetingUid
from moot.model.meeting import Event

Announcement = Event | Ephemeral


class Bus(Protocol):
    """Carries announcements between the processes of one installation, itself included."""

    async def open(self) -> None:
        """Begin to carry; returns at once even where the other end cannot be reached."""
        ...

    async def close(self) -> None:
        """Stop carrying; every `listen` ends. Idempotent."""
        ...

    def publish(self, announcement: Announcement) -> None:
        """Hand out an announcement, after the commit that made it true (EVENT-6).

        Never blocks and never raises: what cannot be carried is dropped and counted.
        """
        ...

    def follow(self, meeting_uid: MeetingUid) -> None:
        """Ask for the announcements of a meeting: each comes once, however many ask."""
        ...

    def unfollow(self, meeting_uid: MeetingUid) -> None:
        """Stop asking for them; they end with the last one who asked."""
        ...

    def listen(self) -> AsyncIterator[Sequence[Announcement]]:
        """Yield what arrives for followed meetings, in batches; one listener a process.

        Bounded: of a listener that falls behind, the oldest announcements are dropped.
        """
        ...

    @property
    def is_connected(self) -> bool:
        """Whether announcements of other processes arrive; where not, the store is asked often."""
        ...

    @property
    def dropped(self) -> int:
        """How many announcements were dropped since the start, for metrics."""
        ...
