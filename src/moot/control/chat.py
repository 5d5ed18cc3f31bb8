"""Chat: posted once, kept for the run, edited by its sender, deleted by sender or host.

Each function raises `Problem`: `meeting_not_found`, `not_in_meeting`, and what it names itself;
those that change something also `connection_closed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moot.control.context import Actor, Control
from moot.model.ids import MeetingId, MessageId, ParticipantId
from moot.model.view import MessageView


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
        reply_to: a message of this run that the sender may read.

    Raises:
        Problem: `body_invalid`, `not_allowed` (guests may not chat), `participant_not_found`,
            `message_not_found`.
    """
    raise NotImplementedError


async def edit(
    control: Control, actor: Actor, meeting_id: MeetingId, message_id: MessageId, text: str
) -> MessageView:
    """Replace the text of one's own message; the same text changes nothing.

    Raises:
        Problem: `body_invalid`, `message_not_found` (unknown, deleted or somebody else's),
            `not_allowed`.
    """
    raise NotImplementedError


async def delete(
    control: Control, actor: Actor, meeting_id: MeetingId, message_id: MessageId
) -> MessageView:
    """Delete one's own message, or any as a host; deleting again changes nothing.

    Raises:
        Problem: `message_not_found`, `host_only` (somebody else's).
    """
    raise NotImplementedError


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
        before: only messages older than this one.
        limit: 1 to 200, the newest of them.
    """
    raise NotImplementedError
