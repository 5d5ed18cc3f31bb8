"""Who may come in, in one fixed order (JOIN-8, JOIN-9, MEET-4)."""

import itertools

import pytest
from msgspec.structs import replace

from moot.model.admission import (
    admission,
    is_welcome,
    needs_passcode,
    person_limit,
    role_of,
)
from moot.model.ids import MeetingId, MeetingUid, ParticipantId, PersonId
from moot.model.meeting import Meeting, Participant, Settings

CREATOR, ANA = PersonId("guest:creator"), PersonId("guest:ana")
MEETING = Meeting(uid=MeetingUid("u"), id=MeetingId("ABC"), created_by=CREATOR, created_at=0, run=2)
GUEST = Participant(
    id=ParticipantId("p"),
    meeting_uid=MEETING.uid,
    person_id=ANA,
    name="Ana",
    role="guest",
    status="disconnected",
    joined_at=0,
    changed_at=0,
    run=2,
)
CLOSED = replace(
    MEETING,
    settings=Settings(locked=True, lobby=True, max_participants=1),
    passcode_hash="$argon2id$",
)


def judge(meeting=MEETING, participant=None, person=ANA, *, passcode="missing", present=0):
    return admission(
        meeting, participant, person, passcode=passcode, present=present, server_limit=250
    )


def test_open_meeting() -> None:
    """JOIN-1: an open meeting lets everyone in."""
    assert judge() is None


def test_order_of_refusals() -> None:
    """JOIN-9: lock, fullness, passcode and lobby are told in this order, one after the other."""
    seen = []
    meeting = CLOSED
    for opened in (
        {"locked": False},
        {"max_participants": 0},
        {"passcode": None},
        {"lobby": False},
    ):
        seen.append(judge(meeting, present=1))
        if "passcode" in opened:
            meeting = replace(meeting, passcode_hash=None)
        else:
            meeting = replace(meeting, settings=replace(meeting.settings, **opened))
    assert seen == ["meeting_locked", "meeting_full", "passcode_required", "lobby_required"]
    assert judge(meeting, present=1) is None


def test_removal_comes_first() -> None:
    """JOIN-8: a removed person stays out of an open meeting, host or not, admitted or not."""
    for role, admitted in itertools.product(("host", "guest"), (True, False)):
        removed = replace(GUEST, status="removed", role=role, admitted=admitted)
        assert judge(participant=removed) == "participant_removed"


@pytest.mark.parametrize(
    "participant",
    [
        replace(GUEST, admitted=True),
        replace(GUEST, role="host"),
        replace(GUEST, role="host", run=1),
    ],
)
def test_welcome_whatever_is_closed(participant: Participant) -> None:
    """JOIN-9: who was in or let in during this run, and every host, passes everything."""
    assert judge(CLOSED, participant, present=99) is None
    assert is_welcome(CLOSED, participant, ANA)


def test_creator_who_never_came() -> None:
    """MEET-4: the creator is host before having a row."""
    assert role_of(MEETING, None, CREATOR) == "host"
    assert role_of(MEETING, None, ANA) == "guest"
    assert judge(CLOSED, person=CREATOR, present=99) is None


def test_row_decides_the_role() -> None:
    """HOST-1: once there is a row, it says the role, also of the creator."""
    assert role_of(MEETING, GUEST, CREATOR) == "guest"


def test_admission_of_an_earlier_run() -> None:
    """MEET-7: who was let in during an ended run asks again."""
    earlier = replace(GUEST, admitted=True, run=1)
    assert judge(CLOSED, earlier) == "meeting_locked"


@pytest.mark.parametrize(
    ("passcode", "verdict"),
    [("missing", "passcode_required"), ("wrong", "passcode_wrong"), ("right", None)],
)
def test_passcode(passcode: str, verdict: str | None) -> None:
    """HOST-4: only the right passcode opens, and wrong is told from missing."""
    assert judge(replace(MEETING, passcode_hash="x"), passcode=passcode) == verdict


def test_limits() -> None:
    """JOIN-9: the meeting's limit holds within the server's."""
    small = replace(MEETING, settings=Settings(max_participants=5))
    assert person_limit(small, server_limit=250) == 5
    assert person_limit(small, server_limit=3) == 3
    assert person_limit(MEETING, server_limit=250) == 250
    assert judge(small, present=4) is None
    assert judge(small, present=5) == "meeting_full"


def test_when_a_passcode_is_looked_at() -> None:
    """HOST-4: nothing is hashed for those to whom the passcode does not apply."""
    guarded = replace(MEETING, passcode_hash="x")
    assert needs_passcode(guarded, None, ANA)
    assert needs_passcode(guarded, GUEST, ANA)
    for meeting, participant, person in (
        (MEETING, None, ANA),
        (guarded, None, CREATOR),
        (guarded, replace(GUEST, admitted=True), ANA),
        (guarded, replace(GUEST, status="removed"), ANA),
        (replace(guarded, settings=Settings(locked=True)), None, ANA),
    ):
        assert not needs_passcode(meeting, participant, person)
