"""From a request to what control takes: the actor, the ids of the path, the connection's answer."""

from __future__ import annotations

from moot.control.context import Actor
from moot.http.edge import Edge
from moot.http.request import Request
from moot.http.shapes import OwnConnection
from moot.model.ids import (
    ConnectionId,
    MeetingId,
    MessageId,
    ParticipantId,
    parse_meeting_id,
    parse_uuid,
)
from moot.model.meeting import Connection


def actor(request: Request) -> Actor:
    """Say who gives this command.

    Raises:
        Problem: `not_authenticated`.
    """
    person, sender = request.person, request.sender
    return Actor(
        person_id=person.id,
        name=person.name,
        is_account=person.is_account,
        connection_id=sender.connection_id if sender else None,
        fence=sender.fence if sender else None,
        address=request.address,
    )


def meeting_id(request: Request) -> MeetingId:
    """Read the meeting that the path names (MEET-1)."""
    return parse_meeting_id(request.parameters["meeting_id"])


def participant_id(request: Request) -> ParticipantId:
    """Read the participant that the path names."""
    return ParticipantId(parse_uuid(request.parameters["participant_id"], field="participant_id"))


def message_id(request: Request) -> MessageId:
    """Read the chat message that the path names."""
    return MessageId(parse_uuid(request.parameters["message_id"], field="message_id"))


def connection_id(raw: str | None, *, field: str = "connection_id") -> ConnectionId | None:
    """Read a connection's id from a body or a query."""
    return None if raw is None else ConnectionId(parse_uuid(raw, field=field))


def own_connection(edge: Edge, meeting: MeetingId, connection: Connection) -> OwnConnection:
    """Show the asker's connection with the token that opens its event stream."""
    return OwnConnection(
        id=connection.id,
        fence=connection.fence,
        token=edge.tokens.make(meeting, connection.id),
        linger_s=edge.config.linger_s,
        device=connection.device,
    )
