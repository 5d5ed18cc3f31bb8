"""Creating, looking at, setting and ending meetings (MEET-1 to MEET-7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from moot.control.context import Actor, Control
from moot.model.ids import MeetingId
from moot.model.meeting import Settings
from moot.model.view import MeetingGlance, MeetingView, Snapshot


@dataclass(frozen=True, slots=True)
class Ensured:
    """A meeting that exists, and whether this call made it."""

    created: bool
    meeting: MeetingView


@dataclass(frozen=True, slots=True)
class Glance:
    """What somebody who knows the Meeting ID may see.

    Attributes:
        participants: how many persons are in.
        known: the asker has a seat.
        host: the asker is a host.
        names: labels of up to 5 who are in; None where the asker may not know them.
    """

    meeting: MeetingGlance
    participants: int
    known: bool
    host: bool
    names: Sequence[str] | None


class SettingsPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Changes to a meeting's settings; what is UNSET stays as it is.

    Attributes:
        passcode: 1 to 128 characters; None takes it away.
    """

    title: str | msgspec.UnsetType = msgspec.UNSET
    locked: bool | msgspec.UnsetType = msgspec.UNSET
    lobby: bool | msgspec.UnsetType = msgspec.UNSET
    max_participants: int | msgspec.UnsetType = msgspec.UNSET
    guests_may_share: bool | msgspec.UnsetType = msgspec.UNSET
    guests_may_chat: bool | msgspec.UnsetType = msgspec.UNSET
    guests_may_unmute: bool | msgspec.UnsetType = msgspec.UNSET
    passcode: str | None | msgspec.UnsetType = msgspec.UNSET


async def ensure(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    *,
    settings: Settings | None = None,
    passcode: str | None = None,
) -> Ensured:
    """Create a meeting, or get the one that has this id (MEET-2, MEET-3, MEET-4).

    Args:
        settings: used only on creation, like `passcode`.

    Raises:
        Problem: `body_invalid` (a setting out of range), `unavailable`, `storage_full`.
    """
    raise NotImplementedError


async def create(
    control: Control,
    actor: Actor,
    *,
    settings: Settings | None = None,
    passcode: str | None = None,
    idempotency_key: str | None = None,
) -> Ensured:
    """Create a meeting with a generated id (MEET-5).

    With `idempotency_key` (1 to 255 visible ASCII characters) a repeat gets the first answer.

    Raises:
        Problem: `idempotency_key_invalid`, `idempotency_key_reused`, `body_invalid`.
    """
    raise NotImplementedError


async def look(control: Control, actor: Actor | None, meeting_id: MeetingId) -> Glance:
    """Look at a meeting from outside; changes nothing.

    Raises:
        Problem: `meeting_not_found`.
    """
    raise NotImplementedError


async def snapshot(control: Control, actor: Actor, meeting_id: MeetingId) -> Snapshot:
    """Read the whole state that the asker may see; changes nothing.

    Raises:
        Problem: `meeting_not_found`, `not_in_meeting`.
    """
    raise NotImplementedError


async def change_settings(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    patch: SettingsPatch,
    *,
    expected_version: int,
) -> MeetingView:
    """Change settings if their version is still the expected one; host only.

    Raises:
        Problem: `meeting_not_found`, `connection_closed`, `host_only`, `precondition_failed`,
            `body_invalid`.
    """
    raise NotImplementedError


async def end(
    control: Control, actor: Actor, meeting_id: MeetingId, *, run: int | None = None
) -> MeetingView:
    """End a run for all (MEET-7); ending the same `run` again changes nothing. Host only.

    Args:
        run: the run to end; None means the present one.

    Raises:
        Problem: `meeting_not_found`, `connection_closed`, `host_only`.
    """
    raise NotImplementedError
