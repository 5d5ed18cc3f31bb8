"""Who may do what to whom: one table, every cell of it tested (HOST-4)."""

from __future__ import annotations

from typing import Final, Literal

from moot.model.meeting import Participant, Role, Settings

Action = Literal[
    "mute",
    "lower_hand",
    "set_role",
    "remove",
    "restore",
    "admit",
    "deny",
    "edit_message",
    "delete_message",
    "change_settings",
    "end",
]
Target = Literal["self", "guest", "host", "meeting"]

_SELF: Final[frozenset[Target]] = frozenset({"self"})
_ANYONE: Final[frozenset[Target]] = frozenset({"self", "guest", "host"})
_MEETING: Final[frozenset[Target]] = frozenset({"meeting"})
_NOBODY: Final[frozenset[Target]] = frozenset()

PERMISSIONS: Final[dict[Action, dict[Role, frozenset[Target]]]] = {
    "mute": {"host": _ANYONE, "guest": _NOBODY},
    "lower_hand": {"host": _ANYONE, "guest": _NOBODY},
    "set_role": {"host": _ANYONE, "guest": _NOBODY},
    "remove": {"host": _ANYONE, "guest": _NOBODY},
    "restore": {"host": _ANYONE, "guest": _NOBODY},
    "admit": {"host": _ANYONE, "guest": _NOBODY},
    "deny": {"host": _ANYONE, "guest": _NOBODY},
    "edit_message": {"host": _SELF, "guest": _SELF},
    "delete_message": {"host": _ANYONE, "guest": _SELF},
    "change_settings": {"host": _MEETING, "guest": _NOBODY},
    "end": {"host": _MEETING, "guest": _NOBODY},
}
"""Action, role of the one who acts, and the targets it reaches. A guest's own microphone, camera,
screen and hand are intents, not moderation, and do not stand here."""

Intent = Literal["unmute", "share", "chat"]


def may(role: Role, action: Action, target: Target) -> bool:
    """Look a cell of the table up."""
    return target in PERMISSIONS[action][role]


def target_of(actor: Participant | None, target: Participant) -> Target:
    """Say which target a participant is to the one who acts."""
    if actor is not None and actor.id == target.id:
        return "self"
    return target.role


def may_intend(role: Role, intent: Intent, settings: Settings) -> bool:
    """Tell whether a role may unmute, share or chat under these settings."""
    if role == "host":
        return True
    if intent == "unmute":
        return settings.guests_may_unmute
    if intent == "share":
        return settings.guests_may_share
    return settings.guests_may_chat
