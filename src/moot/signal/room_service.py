"""LiveKit's server API for rooms, spoken as Twirp (protobuf or JSON over POST).

Programs that manage LiveKit rooms manage moot's meetings with the same calls and tokens. What
they change reaches control as media events, like everything else that happens in the engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import structlog
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import DecodeError, Message
from livekit.protocol import models, room
from msgspec import Struct

from moot.media.builtin.connection import Connection
from moot.media.builtin.engine import BuiltinMediaEngine
from moot.media.builtin.meeting import LiveMeeting
from moot.media.builtin.notice import MeetingChanged
from moot.media.builtin.signalling import METADATA_LIMIT
from moot.media.port import MediaUnavailable
from moot.media.tokens import Claims, TokenInvalid
from moot.signal import translate
from moot.signal.asgi import Receive, Scope, Send, answer, header, read_body

log = structlog.get_logger(__name__)

PREFIX: Final = "/twirp/livekit.RoomService/"
BODY_LIMIT: Final = 262_144
"""Longest request taken, in bytes; metadata and data messages stay under 64 KiB each."""
DATA_LIMIT: Final = 65_536
"""Longest data message, in bytes; the core's own limit."""
ROOMS_LIMIT: Final = 1_000
"""Meetings that may be open without anyone in them; a creator of more is refused."""

_STATUS: Final = {
    "malformed": 400,
    "invalid_argument": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "bad_route": 404,
    "failed_precondition": 412,
    "resource_exhausted": 429,
    "unavailable": 503,
}


class Fault(Exception):
    """A Twirp error (Twirp wire protocol v7, "Error codes").

    Attributes:
        code: one of `_STATUS`.
        sentence: for the developer at the other end.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class _Method(Struct, frozen=True):
    """One procedure: what it takes, who may call it, what it does."""

    request: type[Message]
    may: Callable[[Claims, Any], bool]
    act: Callable[[Any], Any]


def _is_admin(claims: Claims, request: Any) -> bool:
    return claims.may_administer and claims.meeting_key == request.room


class RoomService:
    """An ASGI application for `/twirp/livekit.RoomService/…`."""

    def __init__(self, engine: BuiltinMediaEngine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._methods: Final[dict[str, _Method]] = {
            "CreateRoom": _Method(
                room.CreateRoomRequest, lambda claims, _: claims.may_create, self._create
            ),
            "ListRooms": _Method(
                room.ListRoomsRequest, lambda claims, _: claims.may_list, self._list
            ),
            "DeleteRoom": _Method(
                room.DeleteRoomRequest, lambda claims, _: claims.may_create, self._delete
            ),
            "ListParticipants": _Method(room.ListParticipantsRequest, _is_admin, self._present),
            "GetParticipant": _Method(room.RoomParticipantIdentity, _is_admin, self._find),
            "RemoveParticipant": _Method(room.RoomParticipantIdentity, _is_admin, self._remove),
            "MutePublishedTrack": _Method(room.MuteRoomTrackRequest, _is_admin, self._mute),
            "UpdateParticipant": _Method(room.UpdateParticipantRequest, _is_admin, self._update),
            "UpdateSubscriptions": _Method(
                room.UpdateSubscriptionsRequest, _is_admin, self._subscriptions
            ),
            "SendData": _Method(room.SendDataRequest, _is_admin, self._send_data),
            "UpdateRoomMetadata": _Method(
                room.UpdateRoomMetadataRequest, _is_admin, self._metadata
            ),
        }

    @staticmethod
    def serves(path: str) -> bool:
        """Tell whether a path belongs to this API."""
        return path.startswith(PREFIX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        if scope["method"] == "OPTIONS":
            await answer(send, 204, b"", b"text/plain")
            return
        is_json = header(scope, b"content-type").partition(";")[0].strip() == "application/json"
        try:
            response = await self._serve(scope, receive, is_json=is_json)
        except Fault as fault:
            body = json.dumps({"code": fault.code, "msg": fault.sentence}).encode()
            await answer(send, _STATUS[fault.code], body, b"application/json")
            return
        if is_json:
            text = MessageToJson(response, preserving_proto_field_name=True, indent=None)
            await answer(send, 200, text.encode(), b"application/json")
        else:
            await answer(send, 200, response.SerializeToString(), b"application/protobuf")

    async def _serve(self, scope: Scope, receive: Receive, *, is_json: bool) -> Message:
        method = self._methods.get(scope["path"].removeprefix(PREFIX))
        if method is None or scope["method"] != "POST":
            raise Fault("bad_route", "no such procedure")
        claims = self._claims(scope)
        request = await self._request(method, scope, receive, is_json=is_json)
        if not method.may(claims, request):
            raise Fault("permission_denied", "the token does not allow this")
        try:
            response = method.act(request)
            if hasattr(response, "__await__"):
                response = await response
        except MediaUnavailable:
            raise Fault("unavailable", "the media engine is unavailable") from None
        if not isinstance(response, Message):
            raise TypeError(f"{scope['path']} answered {type(response).__name__}")
        return response

    def _claims(self, scope: Scope) -> Claims:
        scheme, _, token = header(scope, b"authorization").partition(" ")
        if scheme.lower() != "bearer":
            raise Fault("unauthenticated", "a bearer token is missing")
        try:
            return self._engine.signer.read(token.strip(), self._clock())
        except TokenInvalid:
            raise Fault("unauthenticated", "the token is not valid") from None

    async def _request(
        self, method: _Method, scope: Scope, receive: Receive, *, is_json: bool
    ) -> Message:
        content_type = header(scope, b"content-type").partition(";")[0].strip()
        if not is_json and content_type != "application/protobuf":
            raise Fault("malformed", "send application/json or application/protobuf")
        body = await read_body(receive, BODY_LIMIT)
        if body is None:
            raise Fault("resource_exhausted", f"more than {BODY_LIMIT} bytes")
        request = method.request()
        try:
            if is_json:
                Parse(body.decode() or "{}", request, ignore_unknown_fields=True)
            else:
                request.ParseFromString(body)
        except (ParseError, DecodeError, ValueError, RecursionError):
            raise Fault("malformed", "the request cannot be read") from None
        return request

    # Rooms.

    def _create(self, request: room.CreateRoomRequest) -> models.Room:
        if not 0 < len(request.name) <= 128:
            raise Fault("invalid_argument", "name must have 1 to 128 characters")
        _check_size(request.metadata)
        hub = self._engine.hub
        if request.name not in hub.meetings:
            waiting = sum(1 for meeting in hub.meetings.values() if not len(meeting))
            if waiting >= ROOMS_LIMIT:
                raise Fault("resource_exhausted", "too many rooms with nobody in them")
        meeting = hub.meeting(request.name)
        meeting.empty_timeout_s = min(request.empty_timeout or 300, 86_400)
        meeting.max_connections = request.max_participants or meeting.max_connections
        if request.metadata:
            self._set_metadata(meeting, request.metadata)
        return translate.room(meeting.view())

    def _list(self, request: room.ListRoomsRequest) -> room.ListRoomsResponse:
        meetings = self._engine.hub.meetings
        named = set(request.names) or meetings.keys()
        return room.ListRoomsResponse(
            rooms=[
                translate.room(meeting.view()) for key, meeting in meetings.items() if key in named
            ]
        )

    async def _delete(self, request: room.DeleteRoomRequest) -> room.DeleteRoomResponse:
        self._meeting(request.room)
        await self._engine.end(request.room)
        return room.DeleteRoomResponse()

    def _metadata(self, request: room.UpdateRoomMetadataRequest) -> models.Room:
        _check_size(request.metadata)
        meeting = self._meeting(request.room)
        self._set_metadata(meeting, request.metadata)
        return translate.room(meeting.view())

    # Participants.

    def _present(self, request: room.ListParticipantsRequest) -> room.ListParticipantsResponse:
        meeting = self._engine.hub.meetings.get(request.room)
        return room.ListParticipantsResponse(
            participants=[
                translate.participant_info(connection.view()) for connection in meeting or ()
            ]
        )

    def _find(self, request: room.RoomParticipantIdentity) -> models.ParticipantInfo:
        return translate.participant_info(self._connection(request).view())

    async def _remove(
        self, request: room.RoomParticipantIdentity
    ) -> room.RemoveParticipantResponse:
        self._connection(request)
        await self._engine.remove(request.room, request.identity)
        return room.RemoveParticipantResponse()

    def _mute(self, request: room.MuteRoomTrackRequest) -> room.MuteRoomTrackResponse:
        connection = self._connection(request)
        if not request.muted:
            raise Fault("failed_precondition", "remote unmute not enabled")
        if not self._engine.signalling.mute_other(connection, request.track_sid):
            raise Fault("not_found", "track is not published")
        publication = connection.publications[request.track_sid]
        return room.MuteRoomTrackResponse(track=translate.track_info(publication))

    def _update(self, request: room.UpdateParticipantRequest) -> models.ParticipantInfo:
        connection = self._connection(request)
        signalling = self._engine.signalling
        if request.HasField("permission"):
            signalling.permit(connection, translate.permission_back(request.permission))
        if (request.name or request.metadata or request.attributes) and not signalling.update(
            connection,
            name=request.name,
            metadata=request.metadata,
            attributes=request.attributes,
        ):
            raise Fault("invalid_argument", f"more than {METADATA_LIMIT} bytes")
        return translate.participant_info(connection.view())

    def _subscriptions(
        self, request: room.UpdateSubscriptionsRequest
    ) -> room.UpdateSubscriptionsResponse:
        named = list(request.track_sids)
        for tracks in request.participant_tracks:
            named.extend(tracks.track_sids)
        self._engine.signalling.want(self._connection(request), named, is_wanted=request.subscribe)
        return room.UpdateSubscriptionsResponse()

    def _send_data(self, request: room.SendDataRequest) -> room.SendDataResponse:
        meeting = self._meeting(request.room)
        identities = [*request.destination_identities]
        identities += [
            other.identity
            for sid in request.destination_sids
            if (other := meeting.with_sid(sid)) is not None
        ]
        packet = models.DataPacket(
            kind=request.kind,
            destination_identities=identities,
            user=models.UserPacket(
                payload=request.data,
                destination_identities=identities,
                nonce=request.nonce,
            ),
        )
        if request.HasField("topic"):
            packet.user.topic = request.topic
        payload = packet.SerializeToString()
        if len(payload) > DATA_LIMIT:
            raise Fault("invalid_argument", f"more than {DATA_LIMIT} bytes")
        to: list[str] | None = None
        if request.destination_identities or request.destination_sids:
            to = [
                other.sid
                for identity in identities
                if (other := meeting.find(identity)) is not None
            ]
        is_lossy = request.kind == models.DataPacket.Kind.LOSSY
        self._engine.hub.core.send_data(
            meeting.key, "lossy" if is_lossy else "reliable", payload, to=to
        )
        return room.SendDataResponse()

    # Finding.

    def _meeting(self, key: str) -> LiveMeeting:
        meeting = self._engine.hub.meetings.get(key)
        if meeting is None:
            raise Fault("not_found", "requested room does not exist")
        return meeting

    def _connection(self, request: Any) -> Connection:
        connection = self._engine.hub.find(request.room, request.identity)
        if connection is None:
            raise Fault("not_found", "participant does not exist")
        return connection

    def _set_metadata(self, meeting: LiveMeeting, metadata: str) -> None:
        meeting.metadata = metadata
        self._engine.hub.tell_all(meeting.key, MeetingChanged(view=meeting.changed()))


def _check_size(metadata: str) -> None:
    if len(metadata) > METADATA_LIMIT:
        raise Fault("invalid_argument", f"more than {METADATA_LIMIT} bytes of metadata")
