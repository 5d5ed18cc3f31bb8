"""The bus of a single process: what is published is heard by the same process, in order."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

from moot.bus.port import Announcement
from moot.model.ids import MeetingUid

WAITING_LIMIT: Final = 50_000
"""Announcements kept for the listener. It reads them all at once whenever it gets a turn, so this
many wait only when the event loop itself stands still."""


class LocalBus:
    """Carries announcements within this process.

    Other processes on the same store find events by asking the store.
    """

    def __init__(self, limit: int = WAITING_LIMIT) -> None:
        self._followed: Counter[MeetingUid] = Counter()
        self._waiting: deque[Announcement] = deque()
        self._wake = asyncio.Event()
        self._limit = limit
        self._dropped = 0
        self._is_open = False

    async def open(self) -> None:
        """Begin to carry."""
        self._is_open = True

    async def close(self) -> None:
        """Stop carrying; the listener ends. Idempotent."""
        self._is_open = False
        self._wake.set()

    def publish(self, announcement: Announcement) -> None:
        """Hand out an announcement to the listener, if the meeting is followed."""
        if not self._is_open or announcement.meeting_uid not in self._followed:
            return
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(announcement)
        self._wake.set()

    def follow(self, meeting_uid: MeetingUid) -> None:
        """Ask for the announcements of a meeting."""
        self._followed[meeting_uid] += 1

    def unfollow(self, meeting_uid: MeetingUid) -> None:
        """Stop asking for them; the last who asked ends them."""
        self._followed[meeting_uid] -= 1
        if self._followed[meeting_uid] <= 0:
            del self._followed[meeting_uid]

    def is_followed(self, meeting_uid: MeetingUid) -> bool:
        """Whether anybody here asks for the announcements of a meeting."""
        return meeting_uid in self._followed

    async def listen(self) -> AsyncIterator[Sequence[Announcement]]:
        """Yield what was published, in order, until the bus is closed."""
        while self._is_open:
            await self._wake.wait()
            self._wake.clear()
            if self._waiting:
                batch = tuple(self._waiting)
                self._waiting.clear()
                yield batch

    @property
    def is_connected(self) -> bool:
        """Never: other processes on the same store are not heard here."""
        return False

    @property
    def dropped(self) -> int:
        """How many announcements were dropped since the start."""
        return self._dropped
