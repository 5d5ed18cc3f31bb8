"""What joining and knocking share: the passcode's proof, admission, name and number."""

from __future__ import annotations

from dataclasses import dataclass

from moot.control.actor import Actor
from moot.control.change import Change
from moot.control.context import Control
from moot.control.reading import found_meeting
from moot.errors import Problem
from moot.model.admission import (
    PasscodeState,
    Refusal,
    admission,
    is_welcome,
    needs_passcode,
    person_limit,
)
from moot.model.ids import MeetingId, ParticipantId, PersonId, parse_name
from moot.model.meeting import Meeting, Participant
from moot.model.participant import free_twin, name_key
from moot.model.status import is_present
from moot.model.view import twin_of
from moot.store.port import Transaction


@dataclass(frozen=True, slots=True)
class Proof:
    """What a passcode was found to be, and against which stored hash."""

    state: PasscodeState
    hashed: str | None = None


async def prove(
    control: Control, actor: Actor, meeting_id: MeetingId, passcode: str | None
) -> Proof:
    """Check a passcode before the transaction, where one would be looked at.

    Raises:
        Problem: `meeting_not_found`, `rate_limited`.
    """
    if passcode is None:
        return Proof("missing")

    def work(tx: Transaction) -> tuple[Meeting, bool]:
        meeting = found_meeting(tx, meeting_id)
        participant = tx.find_participant(meeting.uid, actor.person_id)
        return meeting, needs_passcode(meeting, participant, actor.person_id)

    meeting, needed = await control.store.read(work)
    if not needed or meeting.passcode_hash is None:
        return Proof("missing")
    right = await control.passcodes.check(
        meeting.uid,
        hashed=meeting.passcode_hash,
        passcode=passcode,
        person=actor.person_id,
        address=actor.address,
    )
    return Proof("right" if right else "wrong", meeting.passcode_hash)


def refusal(
    change: Change,
    actor: Actor,
    participant: Participant | None,
    proof: Proof,
    *,
    server_limit: int,
) -> Refusal | None:
    """Decide whether a person may come in; None is yes."""
    meeting = change.meeting
    state = proof.state
    if state != "missing" and proof.hashed != meeting.passcode_hash:
        # The passcode was changed between its check and this transaction: ask again.
        state = "missing"
    present = 0
    if not is_welcome(meeting, participant, actor.person_id):
        # Only where somebody new might make it too many.
        present = sum(is_present(each.status) for each in change.here().people.values())
    return admission(
        meeting,
        participant,
        actor.person_id,
        passcode=state,
        present=present,
        server_limit=server_limit,
    )


def require_admission(
    change: Change,
    actor: Actor,
    participant: Participant | None,
    proof: Proof,
    *,
    server_limit: int,
) -> None:
    """Let a person come in.

    Raises:
        Problem: the refusal.
    """
    problem = refusal(change, actor, participant, proof, server_limit=server_limit)
    if problem is not None:
        raise refused(problem, change.meeting, server_limit=server_limit)


def refused(problem: Refusal, meeting: Meeting, *, server_limit: int) -> Problem:
    """Make the problem that tells a person why they stay outside."""
    if problem == "meeting_full":
        return Problem(problem, max_participants=person_limit(meeting, server_limit=server_limit))
    return Problem(problem)


def seat_name(actor: Actor, wished: str | None, before: Participant | None) -> tuple[str, bool]:
    """Choose the name to show, and tell whether an account says so (PERSON-3).

    Raises:
        Problem: `name_invalid` where none is given and none is known.
    """
    of_account = actor.name if actor.is_account else None
    if wished is not None:
        return wished, of_account is not None and name_key(wished) == name_key(of_account)
    if before is not None:
        return before.name, before.verified
    if of_account is not None:
        return parse_name(of_account), True
    raise Problem("name_invalid", reason="This one is empty.")


def seat_twin(
    change: Change, before: Participant | None, participant_id: ParticipantId, name: str
) -> int:
    """Number a name among those who are in, or keep the number while name and presence last.

    Args:
        before: the participant's row while it is in the meeting or waits, else None.
    """
    if before is not None and name_key(before.name) == name_key(name):
        return before.twin
    return free_twin(
        name,
        (
            (other.name, twin_of(other))
            for other in change.here().people.values()
            if other.status != "removed" and other.id != participant_id
        ),
    )


def newcomer(
    participant_id: ParticipantId,
    meeting: Meeting,
    person_id: PersonId,
    *,
    name: str,
    now: int,
) -> Participant:
    """Make the row of a person who was never here; the creator of the meeting is its host."""
    return Participant(
        id=participant_id,
        meeting_uid=meeting.uid,
        person_id=person_id,
        name=name,
        role="host" if meeting.created_by == person_id else "guest",
        status="disconnected",
        joined_at=now,
        changed_at=now,
        run=meeting.run,
    )
