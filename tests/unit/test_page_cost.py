"""What `bench/page_cost.py` accepts as a page that shows all pictures."""

import pytest
from bench.page_cost import fps


def test_the_rate_is_that_of_the_median_video():
    """One video that lags does not hide what the others show."""
    assert fps([0, 10, 20], [100, 110, 30], 10.0) == 10.0


@pytest.mark.parametrize(("before", "after"), [([1, 1], [1, 50]), ([1, 1], [50]), ([5, 5], [6, 2])])
def test_a_picture_that_stands_still_costs_nothing_and_is_no_measurement(before, after):
    """A frozen, lost or restarted video would make a page look cheap: the run fails."""
    with pytest.raises(RuntimeError):
        fps(before, after, 10.0)
