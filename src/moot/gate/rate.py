"""How often: token buckets by person and address, and a budget on unknown Meeting IDs.

Kept in this process's memory, so the limits hold without Redis; behind n processes the whole
allows at most n times as much. Time is an argument: seconds of any clock that only goes forward.
"""

from __future__ import annotations

import math
from collections import OrderedDict

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """What is allowed: a burst at once, then so many a second.

    Attributes:
        name: for the metrics.
        burst: most at once; larger forgives a page that opens many things, smaller stops sooner.
        per_s: refill a second.
    """

    name: str
    burst: float
    per_s: float


class Buckets:
    """One bucket per key for one rate, with bounded memory.

    Args:
        rate: what each key may do.
        capacity: keys remembered. The least recently seen is forgotten first, which gives it a
            full bucket: a flood of new addresses may forgive an old one, never fill the memory.
    """

    def __init__(self, rate: Rate, *, capacity: int = 100_000) -> None:
        self.rate = rate
        self._capacity = capacity
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str, *, now: float) -> float:
        """Seconds until one can be taken; 0.0 if it can be now. Takes nothing."""
        level, at = self._buckets.get(key, (self.rate.burst, now))
        level += max(0.0, now - at) * self.rate.per_s
        return max(0.0, 1.0 - level) / self.rate.per_s

    def take(self, key: str, *, now: float) -> float:
        """Take one from a key's bucket; 0.0 if it was there, else the seconds until it will be."""
        wait = self.wait(key, now=now)
        self._pay(key, 1.0 if wait == 0.0 else 0.0, now)
        return wait

    def spend(self, key: str, *, now: float) -> None:
        """Take one even where none is there: the next has to wait for what is owed, too."""
        self._pay(key, 1.0, now)

    def _pay(self, key: str, price: float, now: float) -> None:
        level, at = self._buckets.pop(key, (self.rate.burst, now))
        level = min(self.rate.burst, level + max(0.0, now - at) * self.rate.per_s)
        self._buckets[key] = (level - price, now)
        if len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)

    def __len__(self) -> int:
        return len(self._buckets)


class GuessBudget:
    """How many distinct unknown Meeting IDs one key may ask for in a window.

    Asking for the same unknown id again costs nothing: somebody who waits for a meeting to begin
    is not guessing.

    Args:
        distinct: unknown ids in one window; 30 is far above a person's typing errors.
        window_s: seconds after which the count starts afresh.
        capacity: keys remembered, least recently seen forgotten first.
    """

    def __init__(
        self, *, distinct: int = 30, window_s: float = 60.0, capacity: int = 20_000
    ) -> None:
        self._distinct = distinct
        self._window_s = window_s
        self._capacity = capacity
        self._seen: OrderedDict[str, tuple[float, set[str]]] = OrderedDict()

    def wait(self, key: str, *, now: float) -> float:
        """Seconds until this key may ask for an id again; 0.0 if it may now."""
        entry = self._seen.get(key)
        if entry is None or now - entry[0] >= self._window_s or len(entry[1]) < self._distinct:
            return 0.0
        return self._window_s - (now - entry[0])

    def charge(self, key: str, meeting_id: str, *, now: float) -> None:
        """Note that this key has asked for an id that nobody has started."""
        started, ids = self._seen.pop(key, (now, set()))
        if now - started >= self._window_s:
            started, ids = now, set()
        if len(ids) < self._distinct:
            ids.add(meeting_id)
        self._seen[key] = (started, ids)
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)


def retry_after_s(wait: float) -> int:
    """Round a wait up to whole seconds, at least 1, for `Retry-After` (RFC 9110 §10.2.3)."""
    return max(1, math.ceil(wait))
