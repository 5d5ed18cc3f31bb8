"""Chat: posted once, kept for the run, edited by its sender, deleted by sender or host.

Each function raises `Problem`: `meeting_not_found`, `not_in_meeting`, and what it names itself;
those that change something also `connection_closed` and `meeting_ended`, as of `acting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from moot.control.actor import Actor
from moot.control.change import Change
from moot.control.context import Control
from moot.control.seat import acting_inside, participant_by_id, reading_inside
from moot.errors import Problem
from moot.model.event import EVERYONE, may_read, only
from moot.model.ids import MeetingId, MessageId, ParticipantId
from moot.model.meeting import ChatMessage, Participant
from moot.model.permission import Target, may, may_intend
from moot.model.status import is_present
from moot.model.text import parse_message
from moot.model.view import MessageView, label, message_view

PAGE_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that exists, and whether this call made it."""

    created: bool
    message: MessageView


async def post(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    message_id: MessageId,
    text: str,
    *,
    to: ParticipantId | None = None,
    reply_to: MessageId | None = None,
) -> Posted:
    """Post a message once, however often it is sent (the id is the client's).

    Args:
        text: 1 to 4,000 characters.
        to: the only reader besides the sender; None is everyone.
        reply_to: a message of this run that the sender may read. The answer to a private one has
            the same two readers: nobody else learns that there is such a message.

    Raises:
        Problem: `body_invalid`, `not_allowed` (guests may not chat), `participant_not_found`,
            `message_not_found`.
    """
    checked = parse_message(text)

    def decide(change: Change) -> Posted:
        sender = acting_inside(change, actor)
        known = change.tx.find_message(change.meeting.uid, message_id)
        if known is not None:
            return _known(known, sender)
        if not may_intend(sender.role, "chat", change.meeting.settings):
            raise Problem("not_allowed")
        if to is not None:
            reader = participant_by_id(change.tx, change.meeting.uid, to)
            if not is_present(reader.status):
                raise Problem("participant_not_found")
        if reply_to is not None:
            answered = _readable(change, sender, reply_to)
            if answered.to is not None and _audience(answered) != _readers(sender.id, to):
                raise Problem("body_invalid", reason="an answer to a private message is private")
        message = change.tx.insert_message(
            ChatMessage(
                id=message_id,
                meeting_uid=change.meeting.uid,
                run=change.meeting.run,
                participant_id=sender.id,
                name=label(sender.name, sender.twin),
                text=checked,
                posted_at=change.now,
                event_seq=change.meeting.event_seq + 1,
                to=to,
                reply_to=reply_to,
            )
        )
        if message is None:
            # Of another meeting: there is no way to say more without telling of that one.
            raise Problem("body_invalid", reason="the message's id is taken")
        return Posted(True, change.posted("chat.posted", message, audience=_audience(message)))

    return await control.change(meeting_id, decide)


async def edit(
    control: Control, actor: Actor, meeting_id: MeetingId, message_id: MessageId, text: str
) -> MessageView:
    """Replace the text of one's own message; the same text changes nothing.

    Raises:
        Problem: `body_invalid`, `message_not_found` (unknown, deleted or somebody else's),
            `not_allowed`.
    """
    checked = parse_message(text)

    def decide(change: Change) -> MessageView:
        sender = acting_inside(change, actor)
        message = _readable(change, sender, message_id)
        target: Target = "self" if message.participant_id == sender.id else "guest"
        if message.deleted_at is not None or not may(sender.role, "edit_message", target):
            raise Problem("message_not_found")
        if not may_intend(sender.role, "chat", change.meeting.settings):
            raise Problem("not_allowed")
        if message.text == checked:
            return message_view(message)
        edited = change.tx.update_message(replace(message, text=checked, edited_at=change.now))
        return change.posted("chat.edited", edited, audience=_audience(edited))

    return await control.change(meeting_id, decide)


async def delete(
    control: Control, actor: Actor, meeting_id: MeetingId, message_id: MessageId
) -> MessageView:
    """Delete one's own message, or any as a host; deleting again changes nothing.

    Raises:
        Problem: `message_not_found`, `host_only` (somebody else's).
    """

    def decide(change: Change) -> MessageView:
        actor_now = acting_inside(change, actor)
        message = _readable(change, actor_now, message_id)
        target: Target = "self" if message.participant_id == actor_now.id else "guest"
        if not may(actor_now.role, "delete_message", target):
            raise Problem("host_only")
        if message.deleted_at is not None:
            return message_view(message)
        deleted = change.tx.update_message(replace(message, text="", deleted_at=change.now))
        return change.posted("chat.deleted", deleted, audience=_audience(deleted))

    return await control.change(meeting_id, decide)


async def read(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    *,
    before: MessageId | None = None,
    limit: int = 50,
) -> Sequence[MessageView]:
    """Read messages of this run, oldest first; changes nothing.

    Args:
        before: only messages older than this one; an unknown one is `message_not_found`.
        limit: 1 to 200, the newest of them.
    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise Problem("body_invalid", reason=f"`limit` is not 1 to {PAGE_LIMIT}")

    def look(change: Change) -> Sequence[MessageView]:
        tx, meeting = change.tx, change.meeting
        reader = reading_inside(tx, meeting, actor)
        if before is not None:
            _readable(change, reader, before)
        messages = tx.list_messages(
            meeting.uid, run=meeting.run, reader=reader.id, before=before, limit=limit
        )
        return [message_view(message) for message in messages]

    return await control.ask(meeting_id, look)


def _known(message: ChatMessage, sender: Participant) -> Posted:
    if message.participant_id != sender.id:
        raise Problem("body_invalid", reason="the message's id is taken")
    return Posted(False, message_view(message))


def _readable(change: Change, reader: Participant, message_id: MessageId) -> ChatMessage:
    message = change.tx.find_message(change.meeting.uid, message_id)
    if (
        message is None
        or message.run != change.meeting.run
        or not may_read(_audience(message), reader=reader.id, is_host=False)
    ):
        raise Problem("message_not_found")
    return message


def _audience(message: ChatMessage) -> str:
    return _readers(message.participant_id, message.to)


def _readers(sender: ParticipantId, to: ParticipantId | None) -> str:
    return EVERYONE if to is None else only((sender, to))
