"""A pace: so many at once, so many a second, for each name (EVENT-3)."""

from tests.unit.control.world import VirtualClock

from moot.control.pace import Pace


def test_burst_then_pace() -> None:
    """EVENT-3: a burst is allowed, then the pace holds, for each name by itself."""
    clock = VirtualClock()
    pace = Pace(clock.monotonic, burst=3, per_s=2)
    assert [pace.take("a") for _ in range(5)] == [True, True, True, False, False]
    assert pace.take("b")
    clock.pass_s(0.5)
    assert [pace.take("a") for _ in range(2)] == [True, False]
    clock.pass_s(60)
    assert [pace.take("a") for _ in range(4)] == [True, True, True, False]


def test_memory_is_bounded() -> None:
    """ERR-1: names beyond the limit are forgotten, the longest unseen first."""
    clock = VirtualClock()
    pace = Pace(clock.monotonic, burst=1, per_s=0.001, names=2)
    assert pace.take("a")
    assert pace.take("b")
    assert not pace.take("a")
    assert pace.take("c")
    assert not pace.take("a")
    assert pace.take("b")
