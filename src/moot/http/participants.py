"""Joining, leaving and one's own seat over HTTP."""

from __future__ import annotations

from typing import Final

from moot.control import intents, joining, leaving, reactions
from moot.gate.limits import REACTIONS
from moot.gate.origin import websocket_base
from moot.http import shapes
from moot.http.answer import Answer, created, ok
from moot.http.asking import actor, connection_id, meeting_id, own_connection
from moot.http.edge import Edge
from moot.http.operation import Operation, Shown
from moot.http.request import Request


async def _join(edge: Edge, request: Request) -> Answer:
    body: shapes.JoinBody = request.body or shapes.JoinBody()
    joined = await joining.join(
        edge.control,
        actor(request),
        meeting_id(request),
        joining.JoinRequest(
            name=body.name,
            audio=body.audio,
            video=body.video,
            connection_id=connection_id(body.connection_id),
            replaces=connection_id(body.replaces, field="replaces"),
            device=body.device,
            passcode=body.passcode,
        ),
        media_url=websocket_base(request.own),
    )
    return created(
        shapes.Joined(
            created=joined.created,
            meeting=joined.meeting,
            participant=joined.participant,
            connection=own_connection(edge, joined.meeting.id, joined.connection),
            media=joined.media,
            snapshot=joined.snapshot,
        ),
        is_new=joined.created,
    )


async def _leave(edge: Edge, request: Request) -> Answer:
    query: shapes.LeaveQuery = request.query
    view = await leaving.leave(
        edge.control,
        actor(request),
        meeting_id(request),
        connection_id=connection_id(query.connection_id),
    )
    return ok(shapes.ParticipantOnly(view))


async def _roll(edge: Edge, request: Request) -> Answer:
    roll = await joining.roll(edge.control, actor(request), meeting_id(request))
    return ok(shapes.Roll(roll.participants, roll.event_seq, roll.epoch))


async def _seat(edge: Edge, request: Request) -> Answer:
    seat = await joining.seat(edge.control, actor(request), meeting_id(request))
    return ok(shapes.Seat(seat.participant, seat.connections))


async def _intend(edge: Edge, request: Request) -> Answer:
    body: shapes.IntentsBody = request.body
    view = await intents.change(
        edge.control,
        actor(request),
        meeting_id(request),
        intents.Intents(
            name=body.name,
            audio=body.audio,
            video=body.video,
            screen=body.screen,
            hand=body.hand,
        ),
    )
    return ok(shapes.ParticipantOnly(view))


async def _media(edge: Edge, request: Request) -> Answer:
    view = await joining.renew_media(
        edge.control,
        actor(request),
        meeting_id(request),
        media_url=websocket_base(request.own),
    )
    return ok(shapes.MediaOnly(view))


async def _react(edge: Edge, request: Request) -> Answer:
    body: shapes.ReactionBody = request.body
    edge.limits.take(REACTIONS, request.person.id)
    await reactions.react(edge.control, actor(request), meeting_id(request), body.emoji)
    return Answer(202, shapes.Nothing())


_PARTICIPANTS: Final = "/api/v1/meetings/{meeting_id}/participants"
_ME: Final = f"{_PARTICIPANTS}/me"
_TAG: Final = "Joining and leaving"
_HERE: Final = {"meeting_id": "$response.body#/meeting/id"}
_SELF: Final = {"participant_id": "$response.body#/participant/id"}
_SENDER: Final = {"Moot-Connection": "$response.body#/connection/id"}

OPERATIONS: Final = [
    Operation(
        id="join",
        method="PUT",
        path=_ME,
        tag=_TAG,
        summary="Join a meeting, or come back to it.",
        description=(
            "The same person always gets the same participant. `connection_id` is a UUID that the "
            "client makes, so that a repeat is the same connection; `replaces` names the "
            "connection of the same tab before its refresh: where a host has ended that run of the "
            "meeting meanwhile, the answer is `meeting_ended` instead of the next run. Never 409."
        ),
        handler=_join,
        asking="made",
        body=shapes.JoinBody,
        example={"name": "Ana", "audio": True, "video": False, "device": "Firefox on Linux"},
        answers={
            201: Shown(shapes.Joined, "In for the first time."),
            200: Shown(shapes.Joined, "Back: the same participant as before."),
        },
        problems=(
            "meeting_not_found",
            "participant_removed",
            "meeting_locked",
            "meeting_full",
            "passcode_required",
            "passcode_wrong",
            "lobby_required",
            "name_invalid",
            "connection_closed",
            "meeting_ended",
        ),
        links={
            "leave": ("leave", _HERE),
            "seat": ("read_seat", _HERE),
            "roll": ("list_participants", _HERE),
            "snapshot": ("read_snapshot", _HERE),
            "intend": ("change_intents", _HERE),
            "media": ("renew_media", _HERE | _SENDER),
            "chat": ("read_chat", _HERE),
            "post": ("post_message", _HERE),
            "react": ("react", _HERE),
            "statistics": ("read_statistics", _HERE),
            "mute": ("mute", _HERE | _SELF),
            "lower_hand": ("lower_hand", _HERE | _SELF),
            "role": ("set_role", _HERE | _SELF),
            "remove": ("remove", _HERE | _SELF),
            "restore": ("restore", _HERE | _SELF),
        },
    ),
    Operation(
        id="leave",
        method="DELETE",
        path=_ME,
        tag=_TAG,
        summary="Leave at once; leaving again changes nothing.",
        handler=_leave,
        asking="known",
        query=shapes.LeaveQuery,
        takes_connection=True,
        answers={200: Shown(shapes.ParticipantOnly, "The seat, which is kept.")},
        problems=("meeting_not_found", "participant_not_found"),
    ),
    Operation(
        id="list_participants",
        method="GET",
        path=_PARTICIPANTS,
        tag=_TAG,
        summary="List who is in; hosts also see who waits and who was removed.",
        handler=_roll,
        asking="known",
        answers={200: Shown(shapes.Roll, "Everyone the asker may see.")},
        problems=("meeting_not_found", "not_in_meeting"),
    ),
    Operation(
        id="read_seat",
        method="GET",
        path=_ME,
        tag=_TAG,
        summary="Read one's own seat and connections.",
        handler=_seat,
        asking="known",
        answers={200: Shown(shapes.Seat, "One's own participant and connections.")},
        problems=("meeting_not_found", "participant_not_found"),
    ),
    Operation(
        id="change_intents",
        method="PATCH",
        path=_ME,
        tag=_TAG,
        summary="Change one's own name, microphone, camera, screen share or hand.",
        description="`audio: true` and `screen: true` take it to the connection that sends this.",
        handler=_intend,
        asking="known",
        body=shapes.IntentsBody,
        is_body_needed=True,
        example={"audio": False, "hand": True},
        takes_connection=True,
        answers={200: Shown(shapes.ParticipantOnly, "The participant as all see it now.")},
        problems=("meeting_not_found", "not_in_meeting", "not_allowed", "name_invalid"),
    ),
    Operation(
        id="renew_media",
        method="POST",
        path=f"{_ME}/media",
        tag=_TAG,
        summary="Get a fresh media ticket for the connection that sends this.",
        handler=_media,
        asking="known",
        takes_connection=True,
        answers={200: Shown(shapes.MediaOnly, "What a LiveKit SDK needs to connect.")},
        problems=("meeting_not_found", "not_in_meeting"),
    ),
    Operation(
        id="react",
        method="POST",
        path="/api/v1/meetings/{meeting_id}/reactions",
        tag=_TAG,
        summary="Show an emoji to everyone who is in; it may be lost.",
        handler=_react,
        asking="known",
        body=shapes.ReactionBody,
        is_body_needed=True,
        example={"emoji": "👏"},
        takes_connection=True,
        answers={202: Shown(shapes.Nothing, "On its way.")},
        problems=("meeting_not_found", "not_in_meeting"),
    ),
]
"""The operations on one's own seat."""
