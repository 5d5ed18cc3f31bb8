"""The lobby over HTTP."""

from __future__ import annotations

from typing import Final

from moot.control import lobby
from moot.http import shapes
from moot.http.answer import Answer, created, ok
from moot.http.asking import actor, connection_id, meeting_id, own_connection, participant_id
from moot.http.edge import Edge
from moot.http.operation import Operation, Shown
from moot.http.request import Request


async def _knock(edge: Edge, request: Request) -> Answer:
    body: shapes.KnockBody = request.body or shapes.KnockBody()
    knocked = await lobby.knock(
        edge.control,
        actor(request),
        meeting_id(request),
        name=body.name,
        connection_id=connection_id(body.connection_id),
        passcode=body.passcode,
    )
    return created(
        shapes.Knocked(
            knocked.created,
            knocked.meeting,
            knocked.participant,
            own_connection(edge, knocked.meeting.id, knocked.connection),
        ),
        is_new=knocked.created,
    )


async def _stop_waiting(edge: Edge, request: Request) -> Answer:
    await lobby.stop_waiting(edge.control, actor(request), meeting_id(request))
    return ok(shapes.Nothing())


async def _admit(edge: Edge, request: Request) -> Answer:
    view = await lobby.admit(
        edge.control, actor(request), meeting_id(request), participant_id(request)
    )
    return ok(shapes.ParticipantOnly(view))


async def _admit_all(edge: Edge, request: Request) -> Answer:
    views = await lobby.admit_all(edge.control, actor(request), meeting_id(request))
    return ok(shapes.Participants(views))


async def _deny(edge: Edge, request: Request) -> Answer:
    view = await lobby.deny(
        edge.control, actor(request), meeting_id(request), participant_id(request)
    )
    return ok(shapes.ParticipantOnly(view))


_LOBBY: Final = "/api/v1/meetings/{meeting_id}/lobby"
_TAG: Final = "Lobby"
_REFUSALS: Final = ("meeting_not_found", "not_in_meeting", "host_only", "participant_not_found")

OPERATIONS: Final = [
    Operation(
        id="knock",
        method="PUT",
        path=f"{_LOBBY}/me",
        tag=_TAG,
        summary="Knock, and wait; knocking again is the same wait.",
        handler=_knock,
        asking="made",
        body=shapes.KnockBody,
        example={"name": "Ben"},
        answers={
            201: Shown(shapes.Knocked, "The first knock."),
            200: Shown(shapes.Knocked, "Known already: waiting, or let in and free to join."),
        },
        problems=(
            "meeting_not_found",
            "participant_removed",
            "meeting_locked",
            "meeting_full",
            "passcode_required",
            "passcode_wrong",
            "lobby_denied",
            "name_invalid",
            "connection_closed",
        ),
    ),
    Operation(
        id="stop_waiting",
        method="DELETE",
        path=f"{_LOBBY}/me",
        tag=_TAG,
        summary="Stop waiting; stopping again changes nothing.",
        handler=_stop_waiting,
        asking="known",
        takes_connection=True,
        answers={200: Shown(shapes.Nothing, "Not waiting any more.")},
        problems=("meeting_not_found", "participant_not_found"),
    ),
    Operation(
        id="admit",
        method="POST",
        path=f"{_LOBBY}/{{participant_id}}/admit",
        tag=_TAG,
        summary="Let a waiting person in; hosts only.",
        handler=_admit,
        asking="known",
        takes_connection=True,
        answers={200: Shown(shapes.ParticipantOnly, "The person, who may join now.")},
        problems=_REFUSALS,
    ),
    Operation(
        id="deny",
        method="POST",
        path=f"{_LOBBY}/{{participant_id}}/deny",
        tag=_TAG,
        summary="Send a waiting person away; hosts only.",
        handler=_deny,
        asking="known",
        takes_connection=True,
        answers={200: Shown(shapes.ParticipantOnly, "Who may knock again in a minute.")},
        problems=_REFUSALS,
    ),
    Operation(
        id="admit_all",
        method="POST",
        path=f"{_LOBBY}/admit",
        tag=_TAG,
        summary="Let everyone in who waits; hosts only.",
        handler=_admit_all,
        asking="known",
        takes_connection=True,
        answers={200: Shown(shapes.Participants, "Those who were let in.")},
        problems=("meeting_not_found", "not_in_meeting", "host_only"),
    ),
]
"""The operations of the lobby."""
