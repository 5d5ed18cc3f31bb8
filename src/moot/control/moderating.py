"""What hosts do to others: mute, give the role, remove, restore, lower a hand (HOST-2, HOST-4).

Every command is host only and idempotent, and is enforced in the media engine before it returns.
Each raises `Problem`: `meeting_not_found`, `connection_closed`, `meeting_ended`, `host_only`,
`participant_not_found`, and what it names itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from moot.control.actor import Actor
from moot.control.change import PRESENT, Change
from moot.control.context import Control
from moot.control.lobby import let_in
from moot.control.seat import acting_on, acting_on_guests, participant_by_id
from moot.errors import Problem
from moot.model.ids import MeetingId, ParticipantId
from moot.model.meeting import Participant, Role, Source
from moot.model.participant import left, muted, renewed, restricted
from moot.model.status import after
from moot.model.view import ParticipantView


async def mute(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    participant_id: ParticipantId,
    sources: Sequence[Source],
) -> ParticipantView:
    """Switch sources of one participant off; only the person switches them on again."""

    def decide(change: Change) -> ParticipantView:
        _, target = acting_on(change, actor, "mute", participant_id)
        return _become(change, target, muted(target, sources))

    return await control.change(meeting_id, decide)


async def mute_all(
    control: Control, actor: Actor, meeting_id: MeetingId, sources: Sequence[Source]
) -> Sequence[ParticipantView]:
    """Switch sources off for everyone but hosts; answers those who are in and no hosts."""

    def decide(change: Change) -> Sequence[ParticipantView]:
        acting_on_guests(change, actor, "mute")
        return [
            _become(change, each, muted(each, sources))
            for each in change.tx.list_participants(change.meeting.uid, statuses=PRESENT)
            if each.role != "host"
        ]

    return await control.change(meeting_id, decide)


async def set_role(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    participant_id: ParticipantId,
    role: Role,
) -> ParticipantView:
    """Make a participant a host, or take the role back; `last_host` where none would remain.

    One who waits in the lobby is let in by becoming a host; one who was removed stays removed, and
    is a host on return.
    """

    def decide(change: Change) -> ParticipantView:
        _, target = acting_on(change, actor, "set_role", participant_id)
        if target.role == role:
            return change.view(target)
        if role == "guest":
            _keep_a_host(change, target)
        elif target.status == "waiting":
            let_in(change, target)
            target = participant_by_id(change.tx, change.meeting.uid, target.id)
        wished = restricted(replace(target, role=role), change.meeting.settings)
        return _become(change, target, wished)

    return await control.change(meeting_id, decide)


async def remove(
    control: Control, actor: Actor, meeting_id: MeetingId, participant_id: ParticipantId
) -> ParticipantView:
    """Remove a person until a host lets them back in (JOIN-8); `last_host` for the last one."""

    def decide(change: Change) -> ParticipantView:
        host, target = acting_on(change, actor, "remove", participant_id)
        if target.status == "removed":
            return change.view(target)
        if target.role == "host":
            _keep_a_host(change, target)
        gone = change.tx.close_connections(target.id, at=change.now)
        removed = change.write(
            replace(
                left(target, at=change.now),
                status=after(target.status, "remove"),
                admitted=False,
            )
        )
        view = change.moderated(
            "participant.removed", removed, by=None if host is None else host.id
        )
        change.disconnect(removed, gone)
        return view

    return await control.change(meeting_id, decide)


async def restore(
    control: Control, actor: Actor, meeting_id: MeetingId, participant_id: ParticipantId
) -> ParticipantView:
    """Let a removed person back in, past lock and lobby of this run; they join by themselves."""

    def decide(change: Change) -> ParticipantView:
        host, target = acting_on(change, actor, "restore", participant_id)
        if target.status != "removed":
            return change.view(target)
        restored = change.write(
            replace(
                renewed(target, change.meeting),
                status=after(target.status, "restore"),
                admitted=True,
            )
        )
        by = None if host is None else host.id
        return change.moderated("participant.restored", restored, by=by)

    return await control.change(meeting_id, decide)


async def lower_hand(
    control: Control, actor: Actor, meeting_id: MeetingId, participant_id: ParticipantId
) -> ParticipantView:
    """Lower a participant's hand."""

    def decide(change: Change) -> ParticipantView:
        _, target = acting_on(change, actor, "lower_hand", participant_id)
        return _become(change, target, replace(target, hand_at=None))

    return await control.change(meeting_id, decide)


def _become(change: Change, before: Participant, wished: Participant) -> ParticipantView:
    """Write a participant who differs, tell it and enforce it; nothing where nothing differs."""
    seen = change.view(before)
    if wished == before:
        return seen
    participant = change.write(wished)
    view = change.updated(seen, participant)
    change.allow(participant)
    return view


def _keep_a_host(change: Change, target: Participant) -> None:
    is_counted = target.status != "removed"
    if is_counted and change.tx.count_hosts(change.meeting.uid) <= 1:
        raise Problem("last_host")
