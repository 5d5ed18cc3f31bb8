"""A participant's status as a small state machine: what each step makes of it."""

from __future__ import annotations

from typing import Final, Literal

from moot.model.meeting import Status

Step = Literal[
    "knock", "admit", "deny", "join", "lose", "recover", "leave", "remove", "restore", "end"
]
"""What happens to a participant. `lose`: the last connection is lost. `recover`: one is back.
`leave`: by one's own will, or the linger time is over. `end`: a host ends the run."""

_EVERY: Final[tuple[Status, ...]] = (
    "waiting",
    "connected",
    "reconnecting",
    "disconnected",
    "removed",
    "denied",
)

_MOVES: Final[dict[Step, dict[Status, Status]]] = {
    "knock": {"disconnected": "waiting", "denied": "waiting"},
    "admit": {"waiting": "disconnected", "denied": "disconnected"},
    "deny": {"waiting": "denied"},
    "join": {
        "waiting": "connected",
        "denied": "connected",
        "disconnected": "connected",
        "reconnecting": "connected",
    },
    "lose": {"connected": "reconnecting"},
    "recover": {"reconnecting": "connected"},
    "leave": {
        "connected": "disconnected",
        "reconnecting": "disconnected",
        "waiting": "disconnected",
    },
    "remove": dict.fromkeys(_EVERY, "removed"),
    "restore": {"removed": "disconnected"},
    "end": {
        "connected": "disconnected",
        "reconnecting": "disconnected",
        "waiting": "disconnected",
        "denied": "disconnected",
    },
}


def after(status: Status, step: Step) -> Status:
    """Say the status after a step; a step that means nothing there changes nothing.

    In particular no step but `restore` leads out of `removed` (JOIN-8).
    """
    return _MOVES[step].get(status, status)


def is_present(status: Status) -> bool:
    """Tell whether others see the participant in the meeting."""
    return status in ("connected", "reconnecting")
