"""The lobby: knocking, waiting, letting in and sending away (JOIN-9, HOST-4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from moot.control.actor import Actor
from moot.control.arrival import (
    Proof,
    newcomer,
    prove,
    refusal,
    refused,
    seat_name,
    seat_twin,
)
from moot.control.change import Change
from moot.control.context import Control
from moot.control.leaving import close
from moot.control.seat import acting, acting_on, acting_on_guests
from moot.errors import Problem
from moot.model.admission import is_welcome
from moot.model.event import HOSTS
from moot.model.ids import ConnectionId, MeetingId, ParticipantId, parse_name
from moot.model.meeting import Connection, Meeting, Participant
from moot.model.participant import renewed
from moot.model.status import after, is_present
from moot.model.view import MeetingView, ParticipantView, meeting_view

KNOCK_AGAIN_MS: Final = 60_000
"""How long after a host's no a person may not knock again, in milliseconds."""


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

    Who needs no asking (there is no lobby, or they were let in before) does not wait: the status
    is `disconnected` then, and they join.

    Raises:
        Problem: `meeting_not_found`, `participant_removed`, `meeting_locked`, `meeting_full`,
            `passcode_required`, `passcode_wrong`, `rate_limited`, `lobby_denied` (within a minute
            of a host's no), `name_invalid`.
    """
    wished_name = None if name is None else parse_name(name)
    chosen = connection_id or ConnectionId(control.new_id())
    new_id = ParticipantId(control.new_id())
    proof = await prove(control, actor, meeting_id, passcode)
    limit = control.config.max_participants

    def decide(change: Change) -> Knocked:
        tx, meeting = change.tx, change.meeting
        before = tx.find_participant(meeting.uid, actor.person_id)
        waits = _must_wait(change, actor, before, proof, server_limit=limit)
        shown_name, is_verified = seat_name(actor, wished_name, before)
        seen = None if before is None else change.view(before)
        base = (
            newcomer(new_id, meeting, actor.person_id, name=shown_name, now=change.now)
            if before is None
            else renewed(before, meeting)
        )
        is_here = before is not None and (is_present(before.status) or before.status == "waiting")
        participant = tx.upsert_participant(
            replace(
                base,
                name=shown_name,
                verified=is_verified,
                twin=seat_twin(change, before if is_here else None, base.id, shown_name),
                status=after(base.status, "knock" if waits else "admit"),
                admitted=base.admitted or not waits,
                changed_at=change.now,
            )
        )
        connection = _connect(change, participant, chosen)
        change.touch()
        view = change.view(participant)
        if waits:
            if seen is None or before is None or before.status != "waiting" or view != seen:
                view = change.told("lobby.knocked", participant, audience=HOSTS)
        elif before is not None and before.status == "waiting":
            view = change.told("lobby.admitted", participant)
        elif is_present(participant.status):
            view = change.updated(seen, participant)
        created = before is None and participant.id == new_id
        return Knocked(created, meeting_view(change.meeting), view, connection)

    return await control.change(meeting_id, decide)


async def stop_waiting(control: Control, actor: Actor, meeting_id: MeetingId) -> None:
    """Stop waiting; stopping again changes nothing.

    Raises:
        Problem: `meeting_not_found`, `connection_closed` (the command names a connection that is
            closed, while the person waits by a newer one).
    """

    def decide(change: Change) -> None:
        participant = change.tx.find_participant(change.meeting.uid, actor.person_id)
        if participant is not None and participant.status == "waiting":
            alive = change.alive(participant.id)
            if alive:
                acting(change, actor)
            close(change, participant, alive, reason="left")

    await control.change(meeting_id, decide)


async def admit(
    control: Control, actor: Actor, meeting_id: MeetingId, participant_id: ParticipantId
) -> ParticipantView:
    """Let a waiting person in; host only, idempotent.

    Raises:
        Problem: `meeting_not_found`, `connection_closed`, `meeting_ended`, `host_only`,
            `participant_not_found`.
    """

    def decide(change: Change) -> ParticipantView:
        _, target = acting_on(change, actor, "admit", participant_id)
        return let_in(change, target)

    return await control.change(meeting_id, decide)


async def admit_all(
    control: Control, actor: Actor, meeting_id: MeetingId
) -> Sequence[ParticipantView]:
    """Let everyone in who waits; host only, idempotent.

    Raises:
        Problem: as `admit`.
    """

    def decide(change: Change) -> Sequence[ParticipantView]:
        acting_on_guests(change, actor, "admit")
        return let_all_in(change)

    return await control.change(meeting_id, decide)


async def deny(
    control: Control, actor: Actor, meeting_id: MeetingId, participant_id: ParticipantId
) -> ParticipantView:
    """Send a waiting person away; host only, idempotent.

    Raises:
        Problem: as `admit`.
    """

    def decide(change: Change) -> ParticipantView:
        _, target = acting_on(change, actor, "deny", participant_id)
        if target.status != "waiting":
            return change.view(target)
        change.tx.close_connections(target.id, at=change.now)
        denied = change.write(replace(target, status=after(target.status, "deny")))
        return change.told("lobby.denied", denied, audience=HOSTS)

    return await control.change(meeting_id, decide)


def let_in(change: Change, participant: Participant) -> ParticipantView:
    """Admit a participant who waits or was denied in this run; others stay as they are."""
    if participant.status not in ("waiting", "denied") or participant.run != change.meeting.run:
        return change.view(participant)
    admitted = change.write(
        replace(participant, status=after(participant.status, "admit"), admitted=True)
    )
    return change.told("lobby.admitted", admitted)


def let_all_in(change: Change) -> Sequence[ParticipantView]:
    """Admit everyone who waits in this run."""
    waiting = change.tx.list_participants(change.meeting.uid, statuses=("waiting",))
    return [let_in(change, each) for each in waiting if each.run == change.meeting.run]


def _must_wait(
    change: Change,
    actor: Actor,
    participant: Participant | None,
    proof: Proof,
    *,
    server_limit: int,
) -> bool:
    meeting = change.meeting
    if _waits(participant, meeting):
        # Waiting survives a refresh: whoever knocked rightly once is not asked again.
        return meeting.settings.lobby
    problem = refusal(change, actor, participant, proof, server_limit=server_limit)
    if problem is None:
        return False
    if problem != "lobby_required":
        raise refused(problem, meeting, server_limit=server_limit)
    if (
        participant is not None
        and participant.status == "denied"
        and participant.run == meeting.run
        and not is_welcome(meeting, participant, actor.person_id)
    ):
        rest_ms = participant.changed_at + KNOCK_AGAIN_MS - change.now
        # A clock that was set back must not keep somebody out for longer than the minute.
        if 0 < rest_ms <= KNOCK_AGAIN_MS:
            raise Problem("lobby_denied", retry_after_s=math.ceil(rest_ms / 1000))
    waiting = sum(each.status == "waiting" for each in change.here().people.values())
    if waiting >= server_limit:
        # A lobby nobody can look through; hosts must not be sent a list without an end.
        raise Problem("meeting_full", max_participants=server_limit)
    return True


def _waits(participant: Participant | None, meeting: Meeting) -> bool:
    return (
        participant is not None
        and participant.status == "waiting"
        and participant.run == meeting.run
    )


def _connect(change: Change, participant: Participant, connection_id: ConnectionId) -> Connection:
    connection = change.tx.upsert_connection(
        Connection(
            id=connection_id,
            participant_id=participant.id,
            meeting_uid=change.meeting.uid,
            fence=participant.fence,
            state="pending",
            created_at=change.now,
            changed_at=change.now,
        )
    )
    if connection is None:
        raise Problem("body_invalid", reason="`connection_id` is somebody else's")
    return connection
