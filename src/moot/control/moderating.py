"""What hosts do to others: mute, give and take the role, remove, restore, lower a hand (HOST-2, HOST-4).

Every command is host only and idempotent, and is enforced in the media engine before it returns.
Each raises `Problem`: `meeting_not_found`, `connection_closed`, `host_only`,
`participant_not_found`, and what it names itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from moot.control.context import Actor, Control
from moot.model.ids import MeetingId, ParticipantId
from moot.model.meeting import Role, Source
from moot.model.view import ParticipantView


async def mute(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    participant_id: ParticipantId,
    sources: Sequence[Source],
) -> ParticipantView:
    """Switch sources of one participant off; only the person switches them on again."""
    raise NotImplementedError


async def mute_all(
    control: Control, actor: Actor, meeting_id: MeetingId, sources: Sequence[Source]
) -> Sequence[ParticipantView]:
    """Switch sources off for everyone but hosts; answers those who are in and no hosts."""
    raise NotImplementedError


async def set_role(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    participant_id: ParticipantId,
    role: Role,
) -> ParticipantView:
    """Make a participant a host, or take the role back; `last_host` where none would remain."""
    raise NotImplementedError


async def remove(
    control: Control, actor: Actor, meeting_id: MeetingId, participant_id: ParticipantId
) -> ParticipantView:
    """Remove a person until a host lets them back in (JOIN-8); `last_host` for the last one."""
    raise NotImplementedError


async def restore(
    control: Control, actor: Actor, meeting_id: MeetingId, participant_id: ParticipantId
) -> ParticipantView:
    """Let a removed person back in; they join by themselves."""
    raise NotImplementedError


async def lower_hand(
    control: Control, actor: Actor, meeting_id: MeetingId, participant_id: ParticipantId
) -> ParticipantView:
    """Lower a participant's hand."""
    raise NotImplementedError
