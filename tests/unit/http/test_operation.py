"""The table of routes and the router."""

import pytest
from tests.unit.http.world import OPERATIONS

from moot.http.operation import Router, parameters


def test_every_operation_has_its_own_id_and_address():
    """An id names one operation in the metrics and in OpenAPI."""
    assert len({operation.id for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(o.method, o.path) for o in OPERATIONS}) == len(OPERATIONS)
    with pytest.raises(ValueError, match="stands twice"):
        Router([*OPERATIONS, OPERATIONS[0]])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("api/v1/meetings/ABC/participants/me", "join"),
        ("api/v1/meetings/me/participants/me", "join"),
        ("api/v1/meetings/ABC/participants/xyz", None),
        ("api/v1/meetings/ABC/lobby/me", "knock"),
        ("api/v1/meetings/ABC", "ensure_meeting"),
        ("api/v1/meetings/", "ensure_meeting"),
        ("api/v1/meetings", None),
        ("api/v1", None),
        ("", None),
    ],
)
def test_fixed_parts_win_over_parameters(path, expected):
    """`me` is never somebody's id; what is not in the table is nowhere."""
    found = Router(OPERATIONS).find(path.split("/"))
    operation = found.get("PUT") if found else None
    assert (operation.id if operation else None) == expected


def test_parameters_are_the_parts_that_the_path_names():
    """An encoded slash stays inside its part."""
    mute = next(o for o in OPERATIONS if o.id == "mute")
    parts = ["api", "v1", "meetings", "A/B", "participants", "p", "mute"]
    assert parameters(mute, parts) == {"meeting_id": "A/B", "participant_id": "p"}
