"""The bus between processes over Redis pub/sub: fast, forgetful, supervised.

Redis only makes things faster. What it loses (its own restart, a full buffer, a failover) is found
by number in the store, so this bus never waits for it: it publishes from a bounded queue, and
delivers to its own process without asking Redis at all.

Whether the others are heard is proven by a canary: a message to oneself every second. Three
seconds without hearing it mean that the connection is dead, however alive it looks, and it is made
anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final
from uuid import uuid4

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from moot.bus.local import LocalBus
from moot.bus.port import Announcement
from moot.bus.wire import pack, unpack
from moot.model.ids import MeetingUid

CANARY_S: Final = 1.0
DEAF_AFTER_S: Final = 3.0
"""How long no canary may be heard. Shorter makes the connection anew for a Redis that is merely
slow; longer leaves everything to the polling of the store for longer."""
OUTGOING_LIMIT: Final = 10_000
"""Announcements kept for Redis while it is away: a second of a very busy process. They are soon
stale, since every process reads the store meanwhile."""
_BATCH: Final = 256
_FOLLOW_WITHIN_S: Final = 0.05
_LONGEST_WAIT_S: Final = 5.0
_PREFIX: Final = "moot:meeting:"


class RedisBus:
    """Carries announcements between all processes that name the same Redis.

    Args:
        url: `redis://` or `rediss://`, with user, password and database as in redis-py.
        monotonic: seconds on a clock that never steps.
    """

    def __init__(self, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._monotonic = monotonic
        self._name = uuid4().hex
        self._canary = f"moot:canary:{self._name}"
        self._local = LocalBus()
        self._wanted: set[str] = set()
        self._changes = 0
        self._outgoing: deque[tuple[str, bytes]] = deque()
        self._out_wake = asyncio.Event()
        self._dropped = 0
        self._heard_at: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("moot.bus")

    async def open(self) -> None:
        """Begin to carry; connects in the background, again and again."""
        await self._local.open()
        if self._task is None:
            self._task = asyncio.create_task(self._supervise())

    async def close(self) -> None:
        """Stop carrying. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._heard_at = None
        await self._local.close()

    def publish(self, announcement: Announcement) -> None:
        """Hand out an announcement here at once and to the others by way of Redis."""
        self._local.publish(announcement)
        if self._task is None:
            return
        if len(self._outgoing) >= OUTGOING_LIMIT:
            self._outgoing.popleft()
            self._dropped += 1
        topic = _PREFIX + announcement.meeting_uid
        self._outgoing.append((topic, pack(self._name, announcement)))
        self._out_wake.set()

    def follow(self, meeting_uid: MeetingUid) -> None:
        """Ask for the announcements of a meeting."""
        self._local.follow(meeting_uid)
        self._wanted.add(_PREFIX + meeting_uid)
        self._changes += 1

    def unfollow(self, meeting_uid: MeetingUid) -> None:
        """Stop asking for them; the last who asked ends them."""
        self._local.unfollow(meeting_uid)
        if not self._local.is_followed(meeting_uid):
            self._wanted.discard(_PREFIX + meeting_uid)
            self._changes += 1

    def listen(self) -> AsyncIterator[Sequence[Announcement]]:
        """Yield what arrives, from here and elsewhere."""
        return self._local.listen()

    @property
    def is_connected(self) -> bool:
        """Whether a canary was heard within the last three seconds."""
        return self._heard_at is not None and self._monotonic() - self._heard_at < DEAF_AFTER_S

    @property
    def dropped(self) -> int:
        """How many announcements were dropped since the start."""
        return self._dropped + self._local.dropped

    async def _supervise(self) -> None:
        wait_s = 0.1
        while True:
            began = self._monotonic()
            try:
                await self._carry()
            except (RedisError, OSError, TimeoutError) as problem:
                # Neither the address nor its password may reach a log.
                self._log.warning("Redis is away", problem=type(problem).__name__)
            self._heard_at = None
            if self._monotonic() - began > _LONGEST_WAIT_S:
                wait_s = 0.1
            # Apart from each other, so that a Redis that comes back is not stormed.
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def _carry(self) -> None:
        """Carry over one pair of connections until anything is wrong with them."""
        client = Redis.from_url(
            self._url, socket_timeout=DEAF_AFTER_S, socket_connect_timeout=DEAF_AFTER_S
        )
        try:
            tasks = [
                asyncio.create_task(self._send(client)),
                asyncio.create_task(self._receive(client)),
                asyncio.create_task(self._sing(client)),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await client.aclose()

    async def _send(self, client: Redis) -> None:
        while True:
            while self._outgoing:
                count = min(_BATCH, len(self._outgoing))
                async with client.pipeline(transaction=False) as pipe:
                    for _ in range(count):
                        pipe.publish(*self._outgoing.popleft())
                    await pipe.execute()
            self._out_wake.clear()
            await self._out_wake.wait()

    async def _sing(self, client: Redis) -> None:
        deadline = self._monotonic() + DEAF_AFTER_S
        while True:
            await client.publish(self._canary, b"")
            await asyncio.sleep(CANARY_S)
            now = self._monotonic()
            if self._heard_at is not None:
                deadline = self._heard_at + DEAF_AFTER_S
            if now > deadline:
                raise TimeoutError("no canary was heard")

    async def _receive(self, client: Redis) -> None:
        async with client.pubsub() as pubsub:
            await pubsub.subscribe(self._canary)
            subscribed: set[str] = set()
            changes = -1
            while True:
                if changes != self._changes:
                    changes = self._changes
                    await self._follow_wanted(pubsub, subscribed)
                message = await pubsub.get_message(
                    ignore_subscribe_messages=True, timeout=_FOLLOW_WITHIN_S
                )
                if message is not None:
                    self._hear(message)

    async def _follow_wanted(self, pubsub: Any, subscribed: set[str]) -> None:
        wanted = set(self._wanted)
        fresh, gone = wanted - subscribed, subscribed - wanted
        if fresh:
            await pubsub.subscribe(*fresh)
        if gone:
            await pubsub.unsubscribe(*gone)
        subscribed.clear()
        subscribed.update(wanted)

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] != "message":
            return
        if message["channel"] == self._canary.encode():
            self._heard_at = self._monotonic()
            return
        read = unpack(message["data"])
        if read is not None and read[0] != self._name:
            self._local.publish(read[1])
