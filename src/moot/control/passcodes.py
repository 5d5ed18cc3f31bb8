"""Passcodes: hashed with argon2id off the event loop, and slow to guess."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from moot.errors import Problem
from moot.model.ids import MeetingUid

R = TypeVar("R")

FREE_TRIES: Final = 5
"""Wrong passcodes before the first wait; people mistype, programs do not stop at five."""
LONGEST_WAIT_S: Final = 900.0
"""The wait doubles from 1 s up to this. Longer would let a stranger at the same address keep
people out for longer; shorter gives a program more guesses a day (here 96)."""
_FORGET_AFTER_S: Final = 3600.0
_REMEMBERED: Final = 50_000
_AT_ONCE: Final = 2
"""Hashes computed at once: each takes a core for about 30 ms and 46 MiB."""
_WAITING: Final = 64
"""Checks that may wait for a turn; more are refused, so a flood cannot pile up."""


class _Misses:
    __slots__ = ("at", "count")

    def __init__(self) -> None:
        self.count = 0
        self.at = 0.0


class Passcodes:
    """Hashes and checks passcodes; remembers wrong ones to slow their sender down.

    The memory is this process's own: several processes multiply the free tries, no more.

    Args:
        monotonic: seconds on a clock that never steps.
        hasher: argon2id with the parameters to use.
    """

    def __init__(
        self, monotonic: Callable[[], float], hasher: PasswordHasher | None = None
    ) -> None:
        self._monotonic = monotonic
        # RFC 9106 §4 asks for 64 MiB and three passes where memory is scarce; OWASP's equivalent
        # of 46 MiB and one pass keeps a login at about 30 ms.
        self._hasher = hasher or PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="moot-passcode")
        self._pending = 0
        self._misses: OrderedDict[tuple[MeetingUid, str], _Misses] = OrderedDict()

    async def hash(self, passcode: str) -> str:
        """Make the argon2id hash that is stored.

        Raises:
            Problem: `rate_limited` where too many are being computed.
        """
        return await self._compute(lambda: self._hasher.hash(passcode))

    async def check(
        self, meeting_uid: MeetingUid, *, hashed: str, passcode: str, person: str, address: str
    ) -> bool:
        """Tell whether a passcode is right, in a time that does not depend on it.

        Args:
            hashed: the stored argon2id hash.
            person: who asks; a right passcode forgives this person's misses.
            address: where from, slowed down by itself; "" where it is not known.

        Raises:
            Problem: `rate_limited` with the seconds to wait, before anything is computed.
        """
        keys = [(meeting_uid, f"person {person}")]
        if address:
            keys.append((meeting_uid, f"address {address}"))
        wait = max((self._wait(key) for key in keys), default=0.0)
        if wait > 0:
            raise Problem("rate_limited", retry_after_s=math.ceil(wait))
        for key in keys:
            # Counted before the answer is known, so that guesses at the same moment all count.
            self._miss(key)
        right = await self._compute(lambda: self._matches(hashed, passcode))
        if right:
            self._misses.pop(keys[0], None)
            for key in keys[1:]:
                self._take_back(key)
        return right

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _compute(self, work: Callable[[], R]) -> R:
        if self._pending >= _WAITING:
            raise Problem("rate_limited", retry_after_s=2)
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._pending -= 1

    def _matches(self, hashed: str, passcode: str) -> bool:
        try:
            return self._hasher.verify(hashed, passcode)
        except (VerificationError, InvalidHashError):
            return False

    def _wait(self, key: tuple[MeetingUid, str]) -> float:
        misses = self._misses.get(key)
        if misses is None or misses.count < FREE_TRIES:
            return 0.0
        length = min(2.0 ** (misses.count - FREE_TRIES), LONGEST_WAIT_S)
        return misses.at + length - self._monotonic()

    def _take_back(self, key: tuple[MeetingUid, str]) -> None:
        misses = self._misses.get(key)
        if misses is not None:
            misses.count -= 1
            if misses.count <= 0:
                del self._misses[key]

    def _miss(self, key: tuple[MeetingUid, str]) -> None:
        now = self._monotonic()
        misses = self._misses.setdefault(key, _Misses())
        if now - misses.at > _FORGET_AFTER_S:
            misses.count = 0
        misses.count += 1
        misses.at = now
        self._misses.move_to_end(key)
        while len(self._misses) > _REMEMBERED:
            self._misses.popitem(last=False)
