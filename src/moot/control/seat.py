"""Who gives a command, judged inside the transaction that carries it out (PERSON-2, JOIN-3)."""

from __future__ import annotations

from moot.control.actor import Actor
from moot.control.change import Change
from moot.errors import Problem
from moot.model.admission import role_of
from moot.model.ids import MeetingUid, ParticipantId
from moot.model.meeting import Meeting, Participant, Role
from moot.model.permission import PERMISSIONS, Action, Target, may, target_of
from moot.model.status import is_present
from moot.store.port import Transaction


def acting(change: Change, actor: Actor) -> Participant | None:
    """Find the participant who acts; None for a person who never came.

    Raises:
        Problem: `connection_closed` where the command names a connection that is closed, somebody
            else's, or has made room for a newer one; `meeting_ended` where it was closed with a
            run in which its person was last.
    """
    participant = change.tx.find_participant(change.meeting.uid, actor.person_id)
    if actor.connection_id is None:
        return participant
    connection = change.tx.find_connection(actor.connection_id)
    if participant is None or connection is None or connection.participant_id != participant.id:
        raise Problem("connection_closed")
    if connection.state == "closed" or actor.fence not in (None, connection.fence):
        raise closed(change.meeting, participant)
    return participant


def closed(meeting: Meeting, participant: Participant) -> Problem:
    """Say why a participant's connection is of no use any more.

    Whoever is told that a host has ended the meeting does not join again by itself: that would
    begin the next run, which nobody has asked for.
    """
    return Problem("connection_closed" if participant.run == meeting.run else "meeting_ended")


def acting_inside(change: Change, actor: Actor) -> Participant:
    """Find the participant who acts and is in the meeting.

    Raises:
        Problem: `connection_closed`, `meeting_ended`, `not_in_meeting`.
    """
    return _inside(acting(change, actor))


def reading_inside(tx: Transaction, meeting: Meeting, actor: Actor) -> Participant:
    """Find the participant who reads and is in the meeting; a closed connection may still read.

    Raises:
        Problem: `not_in_meeting`.
    """
    return _inside(tx.find_participant(meeting.uid, actor.person_id))


def acting_on_meeting(change: Change, actor: Actor, action: Action) -> Participant | None:
    """Let somebody act on the meeting as a whole; None is a creator who has not come yet.

    Raises:
        Problem: `connection_closed`, `meeting_ended`, `host_only`.
    """
    return _acting_on(change, actor, action, "meeting")


def acting_on_guests(change: Change, actor: Actor, action: Action) -> Participant | None:
    """Let somebody act on all guests at once; None is a creator who has not come yet.

    Raises:
        Problem: `connection_closed`, `meeting_ended`, `host_only`.
    """
    return _acting_on(change, actor, action, "guest")


def acting_on(
    change: Change, actor: Actor, action: Action, participant_id: ParticipantId
) -> tuple[Participant | None, Participant]:
    """Let somebody act on a participant; answers the actor and the target.

    Raises:
        Problem: `connection_closed`, `meeting_ended`, `host_only`, `participant_not_found` (also
            for an id of another meeting).
    """
    participant = acting(change, actor)
    role = _role(change, actor, participant)
    if not PERMISSIONS[action][role]:
        # Before the target is looked up: who may not act learns nothing about ids.
        raise Problem("host_only")
    target = participant_by_id(change.tx, change.meeting.uid, participant_id)
    if not may(role, action, target_of(participant, target)):
        raise Problem("host_only")
    return participant, target


def participant_by_id(
    tx: Transaction, meeting_uid: MeetingUid, participant_id: ParticipantId
) -> Participant:
    """Find a participant of this meeting.

    Raises:
        Problem: `participant_not_found`, also for an id of another meeting.
    """
    participant = tx.find_participant_by_id(meeting_uid, participant_id)
    if participant is None:
        raise Problem("participant_not_found")
    return participant


def _acting_on(change: Change, actor: Actor, action: Action, target: Target) -> Participant | None:
    participant = acting(change, actor)
    if not may(_role(change, actor, participant), action, target):
        raise Problem("host_only")
    return participant


def _inside(participant: Participant | None) -> Participant:
    if participant is None or not is_present(participant.status):
        raise Problem("not_in_meeting")
    return participant


def _role(change: Change, actor: Actor, participant: Participant | None) -> Role:
    # A removed host has lost what the role gives for as long as the removal lasts (JOIN-8).
    if participant is not None and participant.status == "removed":
        return "guest"
    return role_of(change.meeting, participant, actor.person_id)
