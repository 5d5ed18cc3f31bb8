"""A pace that each of many may keep: a token bucket by name, bounded in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable


class Pace:
    """Allows `burst` at once and `per_s` a second for each name.

    Args:
        monotonic: seconds on a clock that never steps.
        burst: how many may come at once.
        per_s: how many a second after that.
        names: how many names are remembered; the longest unseen one is forgotten first.
    """

    def __init__(
        self, monotonic: Callable[[], float], *, burst: float, per_s: float, names: int = 50_000
    ) -> None:
        self._monotonic = monotonic
        self._burst = burst
        self._per_s = per_s
        self._names = names
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> bool:
        """Take one for a name; False where it came too soon."""
        now = self._monotonic()
        left, at = self._left.get(name, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        is_taken = left >= 1.0
        self._left[name] = (left - 1.0 if is_taken else left, now)
        self._left.move_to_end(name)
        while len(self._left) > self._names:
            self._left.popitem(last=False)
        return is_taken
