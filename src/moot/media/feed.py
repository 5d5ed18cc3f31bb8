"""Media events to several readers, none of which can hold up another or the engine."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from moot.media.event import EventsLost, MediaEvent, QualityChanged, SpeakersChanged

FEED_LIMIT = 4096
"""Events kept for one reader. Larger rides out longer pauses and costs memory; 4,096 is about a
second of everyone in a thousand meetings toggling something."""


class _Reader:
    """One subscription: what it has not read yet, and a wake-up."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[MediaEvent] = deque()
        self._wake = asyncio.Event()
        self.is_closed = False

    def put(self, event: MediaEvent) -> None:
        if len(self._waiting) >= self._limit:
            if isinstance(event, SpeakersChanged | QualityChanged):
                return
            self._waiting.clear()
            self._waiting.append(EventsLost())
        self._waiting.append(event)
        self._wake.set()

    def close(self) -> None:
        self.is_closed = True
        self._wake.set()

    async def read(self) -> MediaEvent | None:
        while not self._waiting:
            if self.is_closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()


class EventFeed:
    """Hands each media event to every reader, in order, without waiting for any."""

    def __init__(self, limit: int = FEED_LIMIT) -> None:
        self._limit = limit
        self._readers: set[_Reader] = set()
        self._is_closed = False

    def publish(self, event: MediaEvent) -> None:
        """Give one event to every present reader; never blocks."""
        for reader in self._readers:
            reader.put(event)

    def events(self) -> AsyncIterator[MediaEvent]:
        """Subscribe now; the subscription exists from this call on, before the first read."""
        reader = _Reader(self._limit)
        if self._is_closed:
            reader.close()
        else:
            self._readers.add(reader)
        return self._iterate(reader)

    def close(self) -> None:
        """End every subscription once its reader has read what is waiting. Idempotent."""
        self._is_closed = True
        for reader in self._readers:
            reader.close()

    async def _iterate(self, reader: _Reader) -> AsyncIterator[MediaEvent]:
        try:
            while (event := await reader.read()) is not None:
                yield event
        finally:
            self._readers.discard(reader)
