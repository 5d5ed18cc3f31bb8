"""The judge of the meeting that goes on: it finds growth, and only growth."""

from __future__ import annotations

import pytest
from tests.programs.soak import Sample, judge, quarters

BUSY = [Sample(100.0 + number % 3, 60 + number % 9, 7) for number in range(400)]


def test_what_only_varies_is_not_complained_of() -> None:
    """Memory and descriptors go up and down with who is there."""
    assert judge(*quarters(BUSY)) == []


def test_a_warm_up_is_no_growth() -> None:
    """What grows in the first quarter and then stays was needed."""
    warm_up = [Sample(60.0 + number / 3, 40, 5) for number in range(100)]
    assert judge(*quarters(warm_up + BUSY[100:])) == []


@pytest.mark.parametrize(
    ("grown", "word"),
    [
        ([Sample(100.0 + number / 20, 60, 7) for number in range(400)], "memory"),
        ([Sample(100.0, 60 + number // 20, 7) for number in range(400)], "descriptors"),
        ([Sample(100.0, 60, 7 + number // 200) for number in range(400)], "threads"),
    ],
)
def test_growth_is_named(grown: list[Sample], word: str) -> None:
    """Each of the three is looked at by itself."""
    (complaint,) = judge(*quarters(grown))
    assert complaint.startswith(word)
