"""Token buckets and the budget on guesses."""

from hypothesis import given
from hypothesis import strategies as st

from moot.gate.rate import Buckets, GuessBudget, Rate, retry_after_s

RATE = Rate("test", burst=3, per_s=2)


def test_a_burst_passes_and_then_the_rate_counts():
    """Three at once, then one every half second."""
    buckets = Buckets(RATE)
    assert [buckets.take("a", now=0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.take("a", now=0.0) == 0.5
    assert buckets.take("a", now=0.4) > 0.0
    assert buckets.take("a", now=0.6) == 0.0
    assert buckets.take("b", now=0.0) == 0.0


def test_a_refused_request_costs_nothing():
    """Knocking on a closed door does not keep it closed."""
    buckets = Buckets(RATE)
    for _ in range(100):
        buckets.take("a", now=0.0)
    assert buckets.take("a", now=0.5) == 0.0


def test_waiting_takes_nothing():
    """Asking beforehand leaves the bucket as it was."""
    buckets = Buckets(RATE)
    for _ in range(10):
        assert buckets.wait("a", now=0.0) == 0.0
    assert buckets.take("a", now=0.0) == 0.0


def test_what_is_spent_beyond_the_last_is_owed():
    """Work that was let in side by side does not come cheaper than one after the other."""
    buckets = Buckets(RATE)
    for _ in range(7):
        buckets.spend("a", now=0.0)
    assert buckets.wait("a", now=0.0) == 2.5
    assert buckets.take("a", now=2.0) == 0.5
    assert buckets.take("a", now=2.5) == 0.0


def test_memory_is_bounded():
    """A flood of new keys forgets the least recently seen one, and nothing grows past the limit."""
    buckets = Buckets(RATE, capacity=10)
    for number in range(1000):
        buckets.take(str(number), now=0.0)
    assert len(buckets) == 10


@given(st.lists(st.floats(0, 1), max_size=60))
def test_no_schedule_beats_the_rate(gaps):
    """However requests are spaced, no more pass than the burst and the rate allow."""
    buckets, now, passed = Buckets(RATE), 0.0, 0
    for gap in gaps:
        now += gap
        passed += buckets.take("a", now=now) == 0.0
    assert passed <= RATE.burst + RATE.per_s * now + 1e-6


def test_guesses_are_counted_by_distinct_ids():
    """Waiting for one meeting to begin is no guessing; thirty different ids in a minute are."""
    budget = GuessBudget(distinct=3, window_s=60)
    for _ in range(50):
        budget.charge("a", "AAA", now=0.0)
    assert budget.wait("a", now=0.0) == 0.0
    budget.charge("a", "BBB", now=1.0)
    budget.charge("a", "CCC", now=2.0)
    assert budget.wait("a", now=10.0) == 50.0
    assert budget.wait("b", now=10.0) == 0.0
    assert budget.wait("a", now=60.0) == 0.0
    budget.charge("a", "DDD", now=61.0)
    assert budget.wait("a", now=61.0) == 0.0


def test_guess_memory_is_bounded():
    """A million ids from one key, or a million keys, need no more memory than the limits say."""
    budget = GuessBudget(distinct=5, capacity=10)
    for number in range(1000):
        budget.charge("a", str(number), now=0.0)
        budget.charge(str(number), "AAA", now=0.0)
    assert len(budget._seen) <= 11
    assert max(len(ids) for _, ids in budget._seen.values()) <= 5


def test_retry_after_is_whole_seconds_and_at_least_one():
    """`Retry-After: 0` would invite a loop."""
    assert retry_after_s(0.01) == 1
    assert retry_after_s(1.2) == 2
