"""The lobby: knocking, waiting, letting in and sending away (JOIN-9, HOST-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moot.control.context import Actor, Control
from moot.model.ids import ConnectionId, MeetingId, ParticipantId
from moot.model.meeting import Connection
from moot.model.view import MeetingView, ParticipantView


@dataclass(frozen=True, slots=True)
class Knocked:
    """The answer to a knock; `participant.status` says whether the person waits."""

    created: bool
    meeting: MeetingView
    participant: ParticipantView
    connection: Connection


async def knock(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    *,
    name: str | None,
    connection_id: ConnectionId | None = None,
    passcode: str | None = None,
) -> Knocked:
    """Ask to be let in, and wait; knocking again is the same wait.

    Raises:
        Problem: `meeting_not_found`, `participant_removed`, `meeting_locked`, `meeting_full`,
            `passcode_required`, `passcode_wrong`, `rate_limited`, `lobby_denied` (within a minute
            of a host's no), `name_invalid`.
    """
    raise NotImplementedError


async def stop_waiting(control: Control, actor: Actor, meeting_id: MeetingId) -> None:
    """Stop waiting; stopping again changes nothing.

    Raises:
        Problem: `meeting_not_found`.
    """
    raise NotImplementedError


async def admit(
    control: Control, actor: Actor, meeting_id: MeetingId, participant_id: ParticipantId
) -> ParticipantView:
    """Let a waiting person in; host only, idempotent.

    Raises:
        Problem: `meeting_not_found`, `connection_closed`, `host_only`, `participant_not_found`.
    """
    raise NotImplementedError


async def admit_all(
    control: Control, actor: Actor, meeting_id: MeetingId
) -> Sequence[ParticipantView]:
    """Let everyone in who waits; host only, idempotent.

    Raises:
        Problem: as `admit`.
    """
    raise NotImplementedError


async def deny(
    control: Control, actor: Actor, meeting_id: MeetingId, participant_id: ParticipantId
) -> ParticipantView:
    """Send a waiting person away; host only, idempotent.

    Raises:
        Problem: as `admit`.
    """
    raise NotImplementedError
