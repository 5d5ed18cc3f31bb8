"""Random bits come in portions and are given out once (MEET-5)."""

import pytest

from moot.control.dice import Dice


@pytest.mark.parametrize("bits", [1, 7, 8, 64, 74, 1024])
def test_bits(bits: int) -> None:
    """MEET-5: a number has at most the bits asked for, and every bit can be set."""
    dice = Dice()
    seen = 0
    for _ in range(200):
        number = dice(bits)
        assert 0 <= number < 2**bits
        seen |= number
    assert seen == 2**bits - 1


def test_no_portion_is_given_twice() -> None:
    """MEET-5: numbers do not repeat, within a portion or across portions or dice."""
    one, two = Dice(), Dice()
    drawn = [dice(74) for _ in range(2000) for dice in (one, two)]
    assert len(set(drawn)) == 4000
