"""The limits of one process: which rates there are, and who pays for what."""

from __future__ import annotations

from collections.abc import Callable

from moot.errors import Problem
from moot.gate.address import rate_key
from moot.gate.rate import Buckets, GuessBudget, Rate, retry_after_s

ADDRESS = Rate("address", burst=600, per_s=200)
"""Requests from one address. A school behind one address has hundreds of browsers: generous."""
PERSON = Rate("person", burst=120, per_s=20)
"""Commands of one person; a page that opens does about 10, a person clicks a few times a second."""
GUESTS = Rate("guests", burst=300, per_s=5)
"""New guests from one address."""
MEETINGS_OF_PERSON = Rate("meetings_of_person", burst=30, per_s=0.5)
MEETINGS_OF_ADDRESS = Rate("meetings_of_address", burst=200, per_s=2)
CHAT = Rate("chat", burst=20, per_s=2)
REACTIONS = Rate("reactions", burst=10, per_s=3)
STREAMS = Rate("streams", burst=300, per_s=30)
"""Event streams opened from one address; a whole office comes back at once after a restart."""

_PERSONAL = (PERSON, MEETINGS_OF_PERSON, CHAT, REACTIONS)
_LOCAL = (ADDRESS, GUESTS, MEETINGS_OF_ADDRESS, STREAMS)


class Limits:
    """Takes from the buckets and raises `rate_limited` where one is empty.

    Args:
        is_on: whether anything is limited at all; off is for load tests only.
        monotonic: seconds of a clock that only goes forward.
    """

    def __init__(self, *, is_on: bool, monotonic: Callable[[], float]) -> None:
        self.is_on = is_on
        self._monotonic = monotonic
        self._buckets = {rate.name: Buckets(rate) for rate in (*_PERSONAL, *_LOCAL)}
        self._guesses = GuessBudget()

    def take(self, rate: Rate, key: str) -> None:
        """Take one from a bucket; addresses are limited by neighbourhood.

        Raises:
            Problem: `rate_limited`, with the seconds after which it will work.
        """
        if not self.is_on:
            return
        key = rate_key(key) if rate in _LOCAL else key
        _refuse(self._buckets[rate.name].take(key, now=self._monotonic()))

    def check(self, rate: Rate, key: str) -> None:
        """Refuse where a bucket is empty, but take nothing yet.

        Raises:
            Problem: `rate_limited`.
        """
        if not self.is_on:
            return
        key = rate_key(key) if rate in _LOCAL else key
        _refuse(self._buckets[rate.name].wait(key, now=self._monotonic()))

    def spend(self, rate: Rate, key: str) -> None:
        """Take one from a bucket that was checked before the work; never refuses.

        Several that were checked side by side may be more than were there; all are paid for.
        """
        if self.is_on:
            key = rate_key(key) if rate in _LOCAL else key
            self._buckets[rate.name].spend(key, now=self._monotonic())

    def check_guesses(self, *keys: str) -> None:
        """Refuse somebody who has asked for too many Meeting IDs that nobody has started.

        Raises:
            Problem: `rate_limited`.
        """
        if not self.is_on:
            return
        now = self._monotonic()
        _refuse(max(self._guesses.wait(rate_key(key), now=now) for key in keys))

    def charge_guess(self, meeting_id: str, *keys: str) -> None:
        """Note that these keys asked for a Meeting ID that nobody has started."""
        if self.is_on:
            now = self._monotonic()
            for key in keys:
                self._guesses.charge(rate_key(key), meeting_id, now=now)


def _refuse(wait: float) -> None:
    if wait > 0.0:
        raise Problem("rate_limited", retry_after_s=retry_after_s(wait))
