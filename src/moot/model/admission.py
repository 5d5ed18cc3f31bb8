"""Who may come in, decided in one fixed order (JOIN-8, JOIN-9, MEET-4)."""

from __future__ import annotations

from typing import Literal

from moot.model.ids import PersonId
from moot.model.meeting import Meeting, Participant, Role

PasscodeState = Literal["missing", "wrong", "right"]
"""What a request brought for a meeting that has a passcode."""

Refusal = Literal[
    "participant_removed",
    "meeting_locked",
    "meeting_full",
    "passcode_required",
    "passcode_wrong",
    "lobby_required",
]
"""Why somebody stays outside; each is a row of the table of errors."""


def role_of(meeting: Meeting, participant: Participant | None, person_id: PersonId) -> Role:
    """Say the role of a person: the participant's, or for one who never came, the creator's."""
    if participant is not None:
        return participant.role
    return "host" if meeting.created_by == person_id else "guest"


def is_welcome(meeting: Meeting, participant: Participant | None, person_id: PersonId) -> bool:
    """Tell whether lock, fullness, passcode and lobby do not apply (JOIN-9).

    They do not apply to hosts and to those who were in or let in during this run.
    """
    if role_of(meeting, participant, person_id) == "host":
        return True
    return participant is not None and participant.admitted and participant.run == meeting.run


def person_limit(meeting: Meeting, *, server_limit: int) -> int:
    """Say how many persons may be in at once: the meeting's limit within the server's."""
    wished = meeting.settings.max_participants
    return min(wished, server_limit) if wished else server_limit


def admission(
    meeting: Meeting,
    participant: Participant | None,
    person_id: PersonId,
    *,
    passcode: PasscodeState,
    present: int,
    server_limit: int,
) -> Refusal | None:
    """Decide whether a person may come in; None is yes.

    Args:
        participant: the person's row, None for one who was never here.
        passcode: what the request brought; ignored where the meeting has none.
        present: persons who are in now, not counting this one.
        server_limit: most persons that the server allows in one meeting.
    """
    if participant is not None and participant.status == "removed":
        return "participant_removed"
    if is_welcome(meeting, participant, person_id):
        return None
    if meeting.settings.locked:
        return "meeting_locked"
    if present >= person_limit(meeting, server_limit=server_limit):
        return "meeting_full"
    if meeting.passcode_hash is not None and passcode != "right":
        return "passcode_required" if passcode == "missing" else "passcode_wrong"
    if meeting.settings.lobby:
        return "lobby_required"
    return None


def needs_passcode(meeting: Meeting, participant: Participant | None, person_id: PersonId) -> bool:
    """Tell whether a passcode would be looked at, so that nobody is hashed for nothing."""
    if meeting.passcode_hash is None or meeting.settings.locked:
        return False
    if participant is not None and participant.status == "removed":
        return False
    return not is_welcome(meeting, participant, person_id)
