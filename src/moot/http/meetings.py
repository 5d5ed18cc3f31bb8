"""Meetings over HTTP: create, look, set, end."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from moot.control import ending, meetings
from moot.errors import Problem
from moot.gate.limits import MEETINGS_OF_ADDRESS, MEETINGS_OF_PERSON
from moot.http import shapes
from moot.http.answer import Answer, created, etag, ok
from moot.http.asking import actor, meeting_id
from moot.http.edge import Edge
from moot.http.operation import Operation, Shown
from moot.http.request import Request
from moot.model.view import Snapshot

_ETAG: Final = re.compile(r'"([0-9]{1,16})"')
_WEAK: Final = re.compile(r'(W/)?"[^"]*"')


async def _ensure(edge: Edge, request: Request) -> Answer:
    body: shapes.MeetingBody = request.body or shapes.MeetingBody()
    _check_quota(edge, request)
    ensured = await meetings.ensure(
        edge.control,
        actor(request),
        meeting_id(request),
        settings=body.settings.settings(),
        passcode=body.passcode,
    )
    if ensured.created:
        _take_quota(edge, request)
    return created(
        shapes.Ensured(ensured.created, ensured.meeting),
        etag(str(ensured.meeting.version)),
        is_new=ensured.created,
    )


async def _create(edge: Edge, request: Request) -> Answer:
    body: shapes.MeetingBody = request.body or shapes.MeetingBody()
    _check_quota(edge, request)
    ensured = await meetings.create(
        edge.control,
        actor(request),
        settings=body.settings.settings(),
        passcode=body.passcode,
        idempotency_key=request.headers.get("idempotency-key"),
    )
    _take_quota(edge, request)
    location = f"/api/v1/meetings/{ensured.meeting.id}"
    return Answer(
        201,
        shapes.Ensured(True, ensured.meeting),
        (etag(str(ensured.meeting.version)), (b"location", location.encode())),
    )


def _check_quota(edge: Edge, request: Request) -> None:
    """Creating makes each call a write, so new meetings are held to a rate of their own."""
    edge.limits.check(MEETINGS_OF_PERSON, request.person.id)
    edge.limits.check(MEETINGS_OF_ADDRESS, request.address)


def _take_quota(edge: Edge, request: Request) -> None:
    edge.limits.spend(MEETINGS_OF_PERSON, request.person.id)
    edge.limits.spend(MEETINGS_OF_ADDRESS, request.address)


async def _look(edge: Edge, request: Request) -> Answer:
    asker = actor(request) if request.asker is not None else None
    glance = await meetings.look(edge.control, asker, meeting_id(request))
    return ok(
        shapes.Glance(
            glance.meeting,
            glance.participants,
            glance.known,
            glance.host,
            msgspec.UNSET if glance.names is None else glance.names,
        )
    )


async def _change(edge: Edge, request: Request) -> Answer:
    patch = msgspec.convert(msgspec.to_builtins(request.body), meetings.SettingsPatch)
    view = await meetings.change_settings(
        edge.control,
        actor(request),
        meeting_id(request),
        patch,
        expected_version=_expected_version(request),
    )
    return ok(shapes.MeetingOnly(view), etag(str(view.version)))


def _expected_version(request: Request) -> int:
    told = request.headers.get("if-match")
    if told is None:
        raise Problem("precondition_required")
    match = _ETAG.fullmatch(told.strip())
    if match is not None:
        return int(match[1])
    if _WEAK.fullmatch(told.strip()):
        raise Problem("precondition_failed")
    raise Problem("body_malformed", reason="its `If-Match` is not one ETag")


async def _end(edge: Edge, request: Request) -> Answer:
    body: shapes.EndBody = request.body or shapes.EndBody()
    view = await ending.end(edge.control, actor(request), meeting_id(request), run=body.run)
    return ok(shapes.MeetingOnly(view))


async def _snapshot(edge: Edge, request: Request) -> Answer:
    snapshot = await meetings.snapshot(edge.control, actor(request), meeting_id(request))
    tag = etag(f"{snapshot.meeting.epoch}.{snapshot.meeting.event_seq}")
    fresh = (tag, (b"cache-control", b"private, no-cache"), (b"vary", b"Cookie, Authorization"))
    known = [item.strip() for item in request.headers.get("if-none-match", "").split(",")]
    if tag[1].decode() in known:
        return Answer(304, headers=fresh)
    return ok(snapshot, *fresh)


_MEETING: Final = "/api/v1/meetings/{meeting_id}"
_SAME_MEETING: Final = {"meeting_id": "$response.body#/meeting/id"}
_THIS_VERSION: Final = {"If-Match": "$response.header.ETag"}

OPERATIONS: Final = [
    Operation(
        id="ensure_meeting",
        method="PUT",
        path=_MEETING,
        tag="Meetings",
        summary="Create a meeting, or get the one that has this Meeting ID.",
        description="The body is used only on creation. Never 409: a meeting that exists is found.",
        handler=_ensure,
        asking="made",
        body=shapes.MeetingBody,
        example={"settings": {"title": "Standup", "lobby": False}},
        answers={
            201: Shown(shapes.Ensured, "The meeting is new; the asker is its host.", ("ETag",)),
            200: Shown(shapes.Ensured, "The meeting was there already.", ("ETag",)),
        },
        links={
            "join": ("join", _SAME_MEETING),
            "look": ("look_at_meeting", _SAME_MEETING),
            "end": ("end_meeting", _SAME_MEETING),
            "knock": ("knock", _SAME_MEETING),
            "mute_all": ("mute_all", _SAME_MEETING),
            "admit_all": ("admit_all", _SAME_MEETING),
            "change": ("change_settings", _SAME_MEETING | _THIS_VERSION),
        },
    ),
    Operation(
        id="create_meeting",
        method="POST",
        path="/api/v1/meetings",
        tag="Meetings",
        summary="Create a meeting with a generated Meeting ID.",
        description="With an `Idempotency-Key`, a repeat within 24 hours gets the first answer.",
        handler=_create,
        asking="made",
        body=shapes.MeetingBody,
        example={"settings": {"title": "Standup"}},
        idempotency_key=True,
        answers={201: Shown(shapes.Ensured, "The new meeting.", ("ETag", "Location"))},
        problems=("idempotency_key_invalid", "idempotency_key_reused", "unavailable"),
        links={"join": ("join", _SAME_MEETING), "snapshot": ("read_snapshot", _SAME_MEETING)},
    ),
    Operation(
        id="look_at_meeting",
        method="GET",
        path=_MEETING,
        tag="Meetings",
        summary="See of a meeting what a stranger may see.",
        handler=_look,
        asking="anybody",
        answers={200: Shown(shapes.Glance, "The meeting from outside.")},
        problems=("meeting_not_found",),
    ),
    Operation(
        id="change_settings",
        method="PATCH",
        path=_MEETING,
        tag="Meetings",
        summary="Change a meeting's settings; hosts only.",
        handler=_change,
        asking="known",
        body=shapes.SettingsPatchBody,
        is_body_needed=True,
        example={"locked": True},
        if_match=True,
        takes_connection=True,
        answers={200: Shown(shapes.MeetingOnly, "The meeting as it is now.", ("ETag",))},
        problems=(
            "meeting_not_found",
            "not_in_meeting",
            "host_only",
            "precondition_required",
            "precondition_failed",
        ),
    ),
    Operation(
        id="end_meeting",
        method="POST",
        path=f"{_MEETING}/end",
        tag="Meetings",
        summary="End a run of the meeting for all; hosts only.",
        description="Naming the `run` makes it safe to repeat: a run ends once.",
        handler=_end,
        asking="known",
        body=shapes.EndBody,
        example={"run": 1},
        takes_connection=True,
        answers={200: Shown(shapes.MeetingOnly, "The meeting, ready for its next run.")},
        problems=("meeting_not_found", "not_in_meeting", "host_only"),
    ),
    Operation(
        id="read_snapshot",
        method="GET",
        path=f"{_MEETING}/snapshot",
        tag="Meetings",
        summary="Read the whole state of a meeting one is in.",
        handler=_snapshot,
        asking="known",
        if_none_match=True,
        answers={
            200: Shown(Snapshot, "The state at `meeting.event_seq`.", ("ETag",)),
            304: Shown(None, "Nothing has changed since the given `ETag`.", ("ETag",)),
        },
        problems=("meeting_not_found", "not_in_meeting"),
    ),
]
"""The operations on meetings."""
