"""Who may do what to whom, every cell of the table (HOST-4)."""

from typing import get_args

import pytest
from msgspec.structs import replace
from tests.unit.model.test_admission import GUEST

from moot.model.meeting import Settings
from moot.model.permission import PERMISSIONS, Action, Target, may, may_intend, target_of

ALL = {"self", "guest", "host"}
EXPECTED = {
    ("host", "mute"): ALL,
    ("host", "lower_hand"): ALL,
    ("host", "set_role"): ALL,
    ("host", "remove"): ALL,
    ("host", "restore"): ALL,
    ("host", "admit"): ALL,
    ("host", "deny"): ALL,
    ("host", "edit_message"): {"self"},
    ("host", "delete_message"): ALL,
    ("host", "change_settings"): {"meeting"},
    ("host", "end"): {"meeting"},
    ("guest", "edit_message"): {"self"},
    ("guest", "delete_message"): {"self"},
}


@pytest.mark.parametrize("target", get_args(Target))
@pytest.mark.parametrize("role", ["host", "guest"])
@pytest.mark.parametrize("action", get_args(Action))
def test_every_cell(action: Action, role, target: Target) -> None:
    """HOST-4: a guest moderates nothing but their own messages; a host everything but words."""
    assert may(role, action, target) == (target in EXPECTED.get((role, action), set()))


def test_the_table_is_whole() -> None:
    """HOST-4: no action is missing from the table."""
    assert set(PERMISSIONS) == set(get_args(Action))
    assert all(set(row) == {"host", "guest"} for row in PERMISSIONS.values())


def test_target() -> None:
    """HOST-4: one's own row is self, whatever its role."""
    other = replace(GUEST, id="q", role="host")
    assert target_of(GUEST, GUEST) == "self"
    assert target_of(GUEST, other) == "host"
    assert target_of(None, GUEST) == "guest"


@pytest.mark.parametrize(
    ("intent", "setting"),
    [
        ("unmute", "guests_may_unmute"),
        ("share", "guests_may_share"),
        ("chat", "guests_may_chat"),
    ],
)
def test_intents(intent, setting: str) -> None:
    """HOST-4: each switch holds for its own intent, and for guests only."""
    for name in ("guests_may_unmute", "guests_may_share", "guests_may_chat"):
        settings = Settings(**{name: False})
        assert may_intend("guest", intent, settings) == (name != setting)
        assert may_intend("host", intent, settings)
