"""What hosts do to others, over HTTP."""

from __future__ import annotations

from typing import Final

from moot.control import moderating, statistics
from moot.http import shapes
from moot.http.answer import Answer, ok
from moot.http.asking import actor, meeting_id, participant_id
from moot.http.edge import Edge
from moot.http.operation import Operation, Shown
from moot.http.request import Request


async def _mute(edge: Edge, request: Request) -> Answer:
    body: shapes.SourcesBody = request.body
    view = await moderating.mute(
        edge.control, actor(request), meeting_id(request), participant_id(request), body.sources
    )
    return ok(shapes.ParticipantOnly(view))


async def _mute_all(edge: Edge, request: Request) -> Answer:
    body: shapes.SourcesBody = request.body
    views = await moderating.mute_all(
        edge.control, actor(request), meeting_id(request), body.sources
    )
    return ok(shapes.Participants(views))


async def _set_role(edge: Edge, request: Request) -> Answer:
    body: shapes.RoleBody = request.body
    view = await moderating.set_role(
        edge.control, actor(request), meeting_id(request), participant_id(request), body.role
    )
    return ok(shapes.ParticipantOnly(view))


async def _remove(edge: Edge, request: Request) -> Answer:
    view = await moderating.remove(
        edge.control, actor(request), meeting_id(request), participant_id(request)
    )
    return ok(shapes.ParticipantOnly(view))


async def _restore(edge: Edge, request: Request) -> Answer:
    view = await moderating.restore(
        edge.control, actor(request), meeting_id(request), participant_id(request)
    )
    return ok(shapes.ParticipantOnly(view))


async def _lower_hand(edge: Edge, request: Request) -> Answer:
    view = await moderating.lower_hand(
        edge.control, actor(request), meeting_id(request), participant_id(request)
    )
    return ok(shapes.ParticipantOnly(view))


async def _measure(edge: Edge, request: Request) -> Answer:
    measured = await statistics.measure(edge.control, actor(request), meeting_id(request))
    return ok(shapes.Statistics([_figures(connection) for connection in measured]))


def _figures(connection: statistics.MeasuredConnection) -> shapes.ConnectionFigures:
    stats = connection.stats
    return shapes.ConnectionFigures(
        participant_id=connection.participant_id,
        connection_id=connection.connection_id,
        quality=stats.quality.value,
        cause=stats.cause,
        round_trip_ms=stats.round_trip_ms,
        loss=stats.loss,
        estimate_bps=stats.estimate_bps,
        received_bytes=stats.received_bytes,
        sent_bytes=stats.sent_bytes,
        tracks=[
            shapes.TrackFigures(
                source=track.source.value,
                muted=track.is_muted,
                bitrate_bps=track.bitrate_bps,
                loss=track.loss,
                jitter_ms=track.jitter_ms,
            )
            for track in stats.tracks
        ],
    )


_PARTICIPANTS: Final = "/api/v1/meetings/{meeting_id}/participants"
_ONE: Final = f"{_PARTICIPANTS}/{{participant_id}}"
_TAG: Final = "Hosts"
_REFUSALS: Final = ("meeting_not_found", "not_in_meeting", "host_only", "participant_not_found")
_AFTER: Final = {200: Shown(shapes.ParticipantOnly, "The participant as all see it now.")}

OPERATIONS: Final = [
    Operation(
        id="mute",
        method="POST",
        path=f"{_ONE}/mute",
        tag=_TAG,
        summary="Switch a participant's microphone, camera or screen share off.",
        description="Enforced in the media engine; only the person switches it on again.",
        handler=_mute,
        asking="known",
        body=shapes.SourcesBody,
        is_body_needed=True,
        example={"sources": ["microphone"]},
        takes_connection=True,
        answers=_AFTER,
        problems=_REFUSALS,
    ),
    Operation(
        id="mute_all",
        method="POST",
        path=f"{_PARTICIPANTS}/mute",
        tag=_TAG,
        summary="Switch sources off for everyone but hosts.",
        handler=_mute_all,
        asking="known",
        body=shapes.SourcesBody,
        is_body_needed=True,
        example={"sources": ["microphone"]},
        takes_connection=True,
        answers={200: Shown(shapes.Participants, "Everyone it concerned, as all see them now.")},
        problems=("meeting_not_found", "not_in_meeting", "host_only"),
    ),
    Operation(
        id="set_role",
        method="PUT",
        path=f"{_ONE}/role",
        tag=_TAG,
        summary="Make a participant a host, or take the role back.",
        handler=_set_role,
        asking="known",
        body=shapes.RoleBody,
        is_body_needed=True,
        example={"role": "host"},
        takes_connection=True,
        answers=_AFTER,
        problems=(*_REFUSALS, "last_host"),
    ),
    Operation(
        id="remove",
        method="POST",
        path=f"{_ONE}/remove",
        tag=_TAG,
        summary="Remove a person until a host lets them back in.",
        handler=_remove,
        asking="known",
        takes_connection=True,
        answers=_AFTER,
        problems=(*_REFUSALS, "last_host"),
    ),
    Operation(
        id="restore",
        method="POST",
        path=f"{_ONE}/restore",
        tag=_TAG,
        summary="Let a removed person back in.",
        handler=_restore,
        asking="known",
        takes_connection=True,
        answers=_AFTER,
        problems=_REFUSALS,
    ),
    Operation(
        id="lower_hand",
        method="POST",
        path=f"{_ONE}/lower_hand",
        tag=_TAG,
        summary="Lower a participant's hand.",
        handler=_lower_hand,
        asking="known",
        takes_connection=True,
        answers=_AFTER,
        problems=_REFUSALS,
    ),
    Operation(
        id="read_statistics",
        method="GET",
        path="/api/v1/meetings/{meeting_id}/statistics",
        tag=_TAG,
        summary="Measure how everyone's media fares, and say why a picture is bad.",
        handler=_measure,
        asking="known",
        answers={200: Shown(shapes.Statistics, "Every connection that has media.")},
        problems=("meeting_not_found", "not_in_meeting", "host_only"),
    ),
]
"""The operations of hosts."""
