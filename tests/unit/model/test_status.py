"""The status of a participant is a small state machine (JOIN-4, JOIN-8)."""

from typing import get_args

import pytest

from moot.model.meeting import Status
from moot.model.status import Step, after, is_present

MOVES = {
    ("disconnected", "knock"): "waiting",
    ("denied", "knock"): "waiting",
    ("waiting", "admit"): "disconnected",
    ("denied", "admit"): "disconnected",
    ("waiting", "deny"): "denied",
    ("waiting", "join"): "connected",
    ("denied", "join"): "connected",
    ("disconnected", "join"): "connected",
    ("reconnecting", "join"): "connected",
    ("connected", "lose"): "reconnecting",
    ("reconnecting", "recover"): "connected",
    ("connected", "leave"): "disconnected",
    ("reconnecting", "leave"): "disconnected",
    ("waiting", "leave"): "disconnected",
    ("removed", "restore"): "disconnected",
    ("connected", "end"): "disconnected",
    ("reconnecting", "end"): "disconnected",
    ("waiting", "end"): "disconnected",
    ("denied", "end"): "disconnected",
}


@pytest.mark.parametrize("step", get_args(Step))
@pytest.mark.parametrize("status", get_args(Status))
def test_every_step_from_every_status(status: Status, step: Step) -> None:
    """JOIN-4, JOIN-8: a step that means nothing changes nothing; only restore ends a removal."""
    expected = "removed" if step == "remove" else MOVES.get((status, step), status)
    assert after(status, step) == expected


def test_present() -> None:
    """JOIN-4: connected and reconnecting count as being in, and nothing else."""
    present = {status for status in get_args(Status) if is_present(status)}
    assert present == {"connected", "reconnecting"}
