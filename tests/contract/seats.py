"""Meetings, people and their connections to put into a store."""

from __future__ import annotations

import secrets
import time
from typing import Any

from moot.model.ids import (
    ConnectionId,
    MeetingId,
    MeetingUid,
    MessageId,
    ParticipantId,
    PersonId,
    ProcessId,
    uuid7,
)
from moot.model.meeting import ChatMessage, Connection, Meeting, Participant, Process
from moot.store.port import Store, Transaction

NOW = 1_760_000_000_000
"""The time of every value that does not say another."""


def new_id() -> str:
    """Make a UUID that nothing else has."""
    return uuid7(now_ms=time.time_ns() // 1_000_000, random=secrets.randbits(80))


def new_person() -> PersonId:
    """Make a guest that nobody else is."""
    return PersonId(f"guest:{secrets.token_hex(16)}")


def new_meeting(code: str = "", **fields: Any) -> Meeting:
    """Make a meeting value; without an id it gets one of its own."""
    values: dict[str, Any] = {
        "uid": MeetingUid(new_id()),
        "id": MeetingId(code or secrets.token_hex(8).upper()),
        "created_by": new_person(),
        "created_at": NOW,
        "active_at": NOW,
    }
    return Meeting(**(values | fields))


def new_participant(meeting: Meeting, **fields: Any) -> Participant:
    """Make a guest who is connected."""
    values: dict[str, Any] = {
        "id": ParticipantId(new_id()),
        "meeting_uid": meeting.uid,
        "person_id": new_person(),
        "name": "Ana",
        "role": "guest",
        "status": "connected",
        "joined_at": NOW,
        "changed_at": NOW,
    }
    return Participant(**(values | fields))


def new_connection(participant: Participant, **fields: Any) -> Connection:
    """Make a pending connection."""
    values: dict[str, Any] = {
        "id": ConnectionId(new_id()),
        "participant_id": participant.id,
        "meeting_uid": participant.meeting_uid,
        "fence": participant.fence,
        "state": "pending",
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Connection(**(values | fields))


def new_message(participant: Participant, **fields: Any) -> ChatMessage:
    """Make a message to everyone."""
    values: dict[str, Any] = {
        "id": MessageId(new_id()),
        "meeting_uid": participant.meeting_uid,
        "run": 1,
        "participant_id": participant.id,
        "name": participant.name,
        "text": "Hello",
        "posted_at": NOW,
        "event_seq": 1,
    }
    return ChatMessage(**(values | fields))


def new_process(**fields: Any) -> Process:
    """Make a process that has just started."""
    values: dict[str, Any] = {"id": ProcessId(new_id()), "started_at": NOW, "heartbeat_at": NOW}
    return Process(**(values | fields))


def create_or_get(transaction: Transaction, meeting: Meeting) -> tuple[Meeting, bool]:
    """Look, insert unless it is taken, look again: how the control room creates (MEET-3)."""
    found = transaction.find_meeting(meeting.id)
    if found is not None:
        return found, False
    made = transaction.insert_meeting(meeting)
    if made is not None:
        return made, True
    found = transaction.find_meeting(meeting.id)
    assert found is not None
    return found, False


def join(transaction: Transaction, meeting_id: MeetingId, person: PersonId) -> Participant:
    """Lock, look, upsert, open a connection, tell: how the control room joins."""
    meeting = transaction.lock_meeting(meeting_id)
    assert meeting is not None
    before = transaction.find_participant(meeting.uid, person)
    seat = transaction.upsert_participant(new_participant(meeting, person_id=person))
    connection = transaction.upsert_connection(new_connection(seat))
    assert connection is not None
    kind = "participant.updated" if before else "participant.joined"
    transaction.append_event(meeting.uid, type=kind, at=NOW, body=b'{"participant":{}}')
    return seat


async def seated(store: Store, **fields: Any) -> tuple[Meeting, Participant]:
    """Store a meeting with one participant in it."""
    meeting = new_meeting()

    def work(transaction: Transaction) -> Participant:
        transaction.insert_meeting(meeting)
        return transaction.upsert_participant(new_participant(meeting, **fields))

    return meeting, await store.write(work)
