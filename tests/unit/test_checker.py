"""The checker of histories finds what is wrong and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.checker import Operation, check


def _call(call: float, ret: float, **fields: Any) -> Operation:
    values: dict[str, Any] = {"kind": "put", "st": "ok", "id": None, "created": False}
    return Operation(call=call, ret=ret, **(values | fields))


@pytest.mark.parametrize(
    ("history", "fault"),
    [
        ([], None),
        ([_call(0, 1, id="a", created=True), _call(0, 2, id="a")], None),
        ([_call(0, 1, id="a", created=True), _call(0, 2, id="b")], "two rows"),
        ([_call(0, 1, id="a", created=True), _call(0, 2, id="a", created=True)], "two callers"),
        ([_call(0, 1, id="a"), _call(2, 3, id="a", created=True)], "created after"),
        ([_call(0, 2, id="a"), _call(1, 3, id="a", created=True)], None),
        ([_call(0, 1, id="a")], "nobody created"),
        ([_call(0, 1, id="a"), _call(0, 9, st="info")], None),
        ([_call(0, 1, id="a"), _call(2, 9, st="info")], "nobody created"),
        ([_call(0, 1, id="a", created=True), _call(2, 3, kind="get")], "not found after"),
        ([_call(0, 2, id="a", created=True), _call(1, 3, kind="get")], None),
        ([_call(0, 1, kind="get"), _call(2, 3, id="a", created=True)], None),
    ],
)
def test_every_kind_of_fault_is_named(history: list[Operation], fault: str | None) -> None:
    """MEET-3: each history that no order explains is refused, each other one is not."""
    found = check(history)
    assert (found is None) == (fault is None)
    assert fault is None or fault in str(found)


@given(
    st.lists(
        st.tuples(st.booleans(), st.floats(0, 100), st.floats(0, 10), st.floats(0, 1)), max_size=20
    )
)
def test_a_register_that_sticks_is_never_accused(
    calls: list[tuple[bool, float, float, float]],
) -> None:
    """MEET-3: histories of a correct store pass, whatever overlaps in them."""
    history: list[Operation] = []
    made = False
    for puts, began, length, _ in sorted(calls, key=lambda call: call[1] + call[2] * call[3]):
        created = puts and not made
        made = made or created
        kind = "put" if puts else "get"
        found = "a" if made else None
        history.append(_call(began, began + length, kind=kind, id=found, created=created))
    assert check(history) is None
