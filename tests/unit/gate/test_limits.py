"""Which rates there are, and that they can only be switched off as a whole."""

import pytest

from moot.errors import Problem
from moot.gate.limits import ADDRESS, CHAT, Limits


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_spent_bucket_is_429_with_retry_after():
    """The answer says after how many seconds it will work, and then it does."""
    clock = Clock()
    limits = Limits(is_on=True, monotonic=clock)
    for _ in range(int(CHAT.burst)):
        limits.take(CHAT, "guest:a")
    with pytest.raises(Problem) as caught:
        limits.take(CHAT, "guest:a")
    assert caught.value.kind.id == "rate_limited"
    assert caught.value.retry_after_s is not None
    clock.now += caught.value.retry_after_s
    limits.take(CHAT, "guest:a")


def test_limits_can_be_switched_off_for_load_tests():
    """MOOT_RATE_LIMITS=off limits nothing."""
    limits = Limits(is_on=False, monotonic=Clock())
    for number in range(5000):
        limits.take(ADDRESS, "192.0.2.1")
        limits.charge_guess(f"ID{number}", "192.0.2.1")
    limits.check_guesses("192.0.2.1")


def test_check_takes_nothing_and_spend_refuses_nothing():
    """Work that is only sometimes charged is checked before and paid after."""
    limits = Limits(is_on=True, monotonic=Clock())
    for _ in range(100):
        limits.check(CHAT, "a")
    for _ in range(100):
        limits.spend(CHAT, "a")
    with pytest.raises(Problem):
        limits.check(CHAT, "a")


def test_a_neighbourhood_shares_one_budget_of_guesses():
    """An attacker with a /64 of addresses has one budget."""
    limits = Limits(is_on=True, monotonic=Clock())
    for number in range(40):
        limits.charge_guess(f"ID{number}", f"2001:db8::{number:x}")
    with pytest.raises(Problem):
        limits.check_guesses("2001:db8::ffff")
    limits.check_guesses("2001:db8:1::1")
