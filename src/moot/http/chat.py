"""Chat over HTTP."""

from __future__ import annotations

from typing import Final

from moot.control import chat
from moot.gate.limits import CHAT
from moot.http import shapes
from moot.http.answer import Answer, created, ok
from moot.http.asking import actor, meeting_id, message_id
from moot.http.edge import Edge
from moot.http.operation import Operation, Shown
from moot.http.request import Request
from moot.model.ids import MessageId, ParticipantId, parse_uuid


async def _read(edge: Edge, request: Request) -> Answer:
    query: shapes.ChatQuery = request.query
    before = MessageId(parse_uuid(query.before, field="before")) if query.before else None
    views = await chat.read(
        edge.control, actor(request), meeting_id(request), before=before, limit=query.limit
    )
    return ok(shapes.Messages(views))


async def _post(edge: Edge, request: Request) -> Answer:
    body: shapes.MessageBody = request.body
    edge.limits.take(CHAT, request.person.id)
    posted = await chat.post(
        edge.control,
        actor(request),
        meeting_id(request),
        message_id(request),
        body.text,
        to=ParticipantId(parse_uuid(body.to, field="to")) if body.to else None,
        reply_to=MessageId(parse_uuid(body.reply_to, field="reply_to")) if body.reply_to else None,
    )
    return created(shapes.Posted(posted.created, posted.message), is_new=posted.created)


async def _edit(edge: Edge, request: Request) -> Answer:
    body: shapes.TextBody = request.body
    edge.limits.take(CHAT, request.person.id)
    view = await chat.edit(
        edge.control, actor(request), meeting_id(request), message_id(request), body.text
    )
    return ok(shapes.MessageOnly(view))


async def _delete(edge: Edge, request: Request) -> Answer:
    view = await chat.delete(edge.control, actor(request), meeting_id(request), message_id(request))
    return ok(shapes.MessageOnly(view))


_CHAT: Final = "/api/v1/meetings/{meeting_id}/chat"
_ONE: Final = f"{_CHAT}/{{message_id}}"
_TAG: Final = "Chat"
_SAME_MESSAGE: Final = {
    "meeting_id": "$request.path.meeting_id",
    "message_id": "$response.body#/message/id",
}
_REFUSALS: Final = ("meeting_not_found", "not_in_meeting", "message_not_found")

OPERATIONS: Final = [
    Operation(
        id="read_chat",
        method="GET",
        path=_CHAT,
        tag=_TAG,
        summary="Read the chat of this run, oldest first.",
        handler=_read,
        asking="known",
        query=shapes.ChatQuery,
        answers={200: Shown(shapes.Messages, "The newest messages before the given one.")},
        problems=("meeting_not_found", "not_in_meeting", "message_not_found"),
    ),
    Operation(
        id="post_message",
        method="PUT",
        path=_ONE,
        tag=_TAG,
        summary="Post a message once, however often it is sent.",
        handler=_post,
        asking="known",
        body=shapes.MessageBody,
        is_body_needed=True,
        example={"text": "Good morning"},
        takes_connection=True,
        answers={
            201: Shown(shapes.Posted, "Posted."),
            200: Shown(shapes.Posted, "It was posted before; nothing has changed."),
        },
        problems=(*_REFUSALS, "not_allowed", "participant_not_found"),
        links={
            "edit": ("edit_message", _SAME_MESSAGE),
            "delete": ("delete_message", _SAME_MESSAGE),
        },
    ),
    Operation(
        id="edit_message",
        method="PATCH",
        path=_ONE,
        tag=_TAG,
        summary="Replace the text of one's own message.",
        handler=_edit,
        asking="known",
        body=shapes.TextBody,
        is_body_needed=True,
        example={"text": "Good morning, all"},
        takes_connection=True,
        answers={200: Shown(shapes.MessageOnly, "The message as it is now.")},
        problems=(*_REFUSALS, "not_allowed"),
    ),
    Operation(
        id="delete_message",
        method="DELETE",
        path=_ONE,
        tag=_TAG,
        summary="Delete one's own message, or any as a host; deleting again changes nothing.",
        handler=_delete,
        asking="known",
        takes_connection=True,
        answers={200: Shown(shapes.MessageOnly, "The message without its text.")},
        problems=(*_REFUSALS, "host_only"),
    ),
]
"""The operations of the chat."""
