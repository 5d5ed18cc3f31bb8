"""What the engine has to tell, as LiveKit's signalling messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from livekit.protocol import models, rtc
from msgspec import Struct

from moot.media.builtin import notice as notices
from moot.media.builtin.door import Joined
from moot.media.builtin.notice import Notice
from moot.media.builtin.view import ConnectionView
from moot.signal.translate import (
    LAYERS,
    PUBLISH_CODECS,
    QUALITIES,
    REASONS,
    participant_info,
    room,
    track_info,
)
from moot.wire import binary_frame

PING_INTERVAL_S: Final = 5
"""How often a client pings. Shorter finds a dead socket sooner and costs a message each."""
PING_TIMEOUT_S: Final = 15
"""How long a client waits for anything before it calls its socket dead and resumes."""
SPOKEN_VERSION: Final = "1.11.0"
"""The LiveKit server whose dialect this is, told to clients that ask for a version."""
SPOKEN_PROTOCOL: Final = 17
"""The protocol number of that dialect; clients switch features on by it."""


class IceServer(Struct, frozen=True, kw_only=True):
    """A STUN or TURN server handed to clients."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""


def server_info() -> models.ServerInfo:
    """Describe this server."""
    return models.ServerInfo(
        edition=models.ServerInfo.Edition.Standard,
        version=SPOKEN_VERSION,
        protocol=SPOKEN_PROTOCOL,
        node_id="moot",
    )


def join_response(joined: Joined, ice_servers: Sequence[IceServer]) -> bytes:
    """Make the first message of a new connection.

    It is put together from fields encoded before: who is there already has not changed since
    the last newcomer, mostly, and to encode hundreds anew would be the most of what a join costs.
    """
    own = rtc.JoinResponse(
        room=room(joined.meeting),
        participant=participant_info(joined.own),
        ice_servers=_ice(ice_servers),
        subscriber_primary=joined.connection.mode == "dual",
        fast_publish=joined.own.permission.may_publish,
    )
    others = (_other_participant(view) for view in joined.others)
    join = b"".join((_SAME_FOR_ALL, own.SerializeToString(), *others))
    return _field(rtc.SignalResponse.JOIN_FIELD_NUMBER, join)


_SAME_FOR_ALL: Final = rtc.JoinResponse(
    server_version=SPOKEN_VERSION,
    server_info=server_info(),
    ping_timeout=PING_TIMEOUT_S,
    ping_interval=PING_INTERVAL_S,
    enabled_publish_codecs=PUBLISH_CODECS,
).SerializeToString()
_others: WeakKeyDictionary[ConnectionView, bytes] = WeakKeyDictionary()


def _other_participant(view: ConnectionView) -> bytes:
    """Encode one of `JoinResponse.other_participants`."""
    encoded = _others.get(view)
    if encoded is None:
        encoded = _field(
            rtc.JoinResponse.OTHER_PARTICIPANTS_FIELD_NUMBER,
            participant_info(view).SerializeToString(),
        )
        _others[view] = encoded
    return encoded


def _field(number: int, message: bytes) -> bytes:
    """Encode a field that holds a message: its tag and length as varints, then the message itself.
    Encodings one after the other are one message with the fields of each (Protocol Buffers,
    Encoding).
    """
    return _varint(number << 3 | 2) + _varint(len(message)) + message


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def reconnect_responses(joined: Joined, ice_servers: Sequence[IceServer]) -> list[bytes]:
    """Make the first messages of a connection that resumes: how everything is now."""
    return [
        _encoded(
            rtc.SignalResponse(
                reconnect=rtc.ReconnectResponse(
                    ice_servers=_ice(ice_servers), server_info=server_info()
                )
            )
        ),
        _encoded(rtc.SignalResponse(room_update=rtc.RoomUpdate(room=room(joined.meeting)))),
        _encoded(
            rtc.SignalResponse(
                update=rtc.ParticipantUpdate(
                    participants=[participant_info(view) for view in (joined.own, *joined.others)]
                )
            )
        ),
    ]


def leave(
    reason: models.DisconnectReason, action: rtc.LeaveRequest.Action, *, may_resume: bool = False
) -> bytes:
    """Make the last message of a connection."""
    return _encoded(
        rtc.SignalResponse(
            leave=rtc.LeaveRequest(reason=reason, action=action, can_reconnect=may_resume)
        )
    )


def pong_to_request(last_ping_timestamp: int, now_ms: int) -> bytes:
    """Answer a `ping_req`, which wants its own time back."""
    return _encoded(
        rtc.SignalResponse(
            pong_resp=rtc.Pong(last_ping_timestamp=last_ping_timestamp, timestamp=now_ms)
        )
    )


def pong(now_ms: int) -> bytes:
    """Answer a plain `ping`."""
    return _encoded(rtc.SignalResponse(pong=now_ms))


def refused(**request: Any) -> bytes:
    """Answer a request of a kind that this server does not serve."""
    return _encoded(
        rtc.SignalResponse(
            request_response=rtc.RequestResponse(
                reason=rtc.RequestResponse.Reason.UNSUPPORTED_TYPE, **request
            )
        )
    )


class Encoder:
    """Encodes notices as frames, each once however many connections it goes to.

    Keeps the last few with their bytes: a notice reaches everyone's outbox in one step, and is
    written to all of them shortly after.
    """

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._kept: dict[int, tuple[Notice, bytes]] = {}

    def encode(self, notice: Notice) -> bytes:
        """Give the frame with the message for a notice."""
        kept = self._kept.get(id(notice))
        if kept is not None and kept[0] is notice:
            return kept[1]
        encoded = binary_frame(_encoded(_BY_TYPE[type(notice)](notice)))
        if len(self._kept) >= self._limit:
            del self._kept[next(iter(self._kept))]
        self._kept[id(notice)] = (notice, encoded)
        return encoded


def _encoded(message: rtc.SignalResponse) -> bytes:
    return message.SerializeToString()


def _ice(servers: Sequence[IceServer]) -> list[rtc.ICEServer]:
    return [
        rtc.ICEServer(urls=server.urls, username=server.username, credential=server.credential)
        for server in servers
    ]


def _participants_changed(notice: notices.ParticipantsChanged) -> rtc.SignalResponse:
    infos = [participant_info(view) for view in notice.views]
    return rtc.SignalResponse(update=rtc.ParticipantUpdate(participants=infos))


def _meeting_changed(notice: notices.MeetingChanged) -> rtc.SignalResponse:
    return rtc.SignalResponse(room_update=rtc.RoomUpdate(room=room(notice.view)))


def _track_accepted(notice: notices.TrackAccepted) -> rtc.SignalResponse:
    return rtc.SignalResponse(
        track_published=rtc.TrackPublishedResponse(
            cid=notice.cid, track=track_info(notice.publication)
        )
    )


def _track_ended(notice: notices.TrackEnded) -> rtc.SignalResponse:
    return rtc.SignalResponse(
        track_unpublished=rtc.TrackUnpublishedResponse(track_sid=notice.track_id)
    )


def _track_taken(notice: notices.TrackTaken) -> rtc.SignalResponse:
    return rtc.SignalResponse(track_subscribed=rtc.TrackSubscribed(track_sid=notice.track_id))


def _mute_changed(notice: notices.MuteChanged) -> rtc.SignalResponse:
    return rtc.SignalResponse(mute=rtc.MuteTrackRequest(sid=notice.track_id, muted=notice.is_muted))


def _described(notice: notices.Described) -> rtc.SignalResponse:
    description = rtc.SessionDescription(
        type=notice.kind, sdp=notice.sdp, id=notice.number, mid_to_track_id=notice.sections
    )
    if notice.kind == "offer":
        return rtc.SignalResponse(offer=description)
    return rtc.SignalResponse(answer=description)


def _sections_wanted(notice: notices.SectionsWanted) -> rtc.SignalResponse:
    return rtc.SignalResponse(
        media_sections_requirement=rtc.MediaSectionsRequirement(
            num_audios=notice.audio, num_videos=notice.video
        )
    )


def _speakers_heard(notice: notices.SpeakersHeard) -> rtc.SignalResponse:
    return rtc.SignalResponse(
        speakers_changed=rtc.SpeakersChanged(
            speakers=[
                models.SpeakerInfo(sid=spoken.sid, level=spoken.level, active=spoken.is_active)
                for spoken in notice.speakers
            ]
        )
    )


def _quality_seen(notice: notices.QualitySeen) -> rtc.SignalResponse:
    return rtc.SignalResponse(
        connection_quality=rtc.ConnectionQualityUpdate(
            updates=[
                rtc.ConnectionQualityInfo(
                    participant_sid=sid, quality=QUALITIES[quality], score=score
                )
                for sid, quality, score in notice.qualities
            ]
        )
    )


def _forwarding_paused(notice: notices.ForwardingPaused) -> rtc.SignalResponse:
    state = rtc.StreamState.PAUSED if notice.is_paused else rtc.StreamState.ACTIVE
    return rtc.SignalResponse(
        stream_state_update=rtc.StreamStateUpdate(
            stream_states=[
                rtc.StreamStateInfo(
                    participant_sid=notice.publisher_sid, track_sid=notice.track_id, state=state
                )
            ]
        )
    )


def _layers_wanted(notice: notices.LayersWanted) -> rtc.SignalResponse:
    codecs = [
        rtc.SubscribedCodec(
            codec=codec,
            qualities=[
                rtc.SubscribedQuality(quality=LAYERS[name], enabled=is_wanted)
                for name, is_wanted in layers
            ],
        )
        for codec, layers in notice.codecs
    ]
    return rtc.SignalResponse(
        subscribed_quality_update=rtc.SubscribedQualityUpdate(
            track_sid=notice.track_id,
            # For clients that send in one codec.
            subscribed_qualities=codecs[0].qualities,
            subscribed_codecs=codecs,
        )
    )


def _subscription_refused(notice: notices.SubscriptionRefused) -> rtc.SignalResponse:
    return rtc.SignalResponse(
        subscription_response=rtc.SubscriptionResponse(
            track_sid=notice.track_id, err=models.SubscriptionError.SE_TRACK_NOTFOUND
        )
    )


def _subscription_allowed(notice: notices.SubscriptionAllowed) -> rtc.SignalResponse:
    return rtc.SignalResponse(
        subscription_permission_update=rtc.SubscriptionPermissionUpdate(
            participant_sid=notice.publisher_sid,
            track_sid=notice.track_id,
            allowed=notice.is_allowed,
        )
    )


_OUTCOMES: Final = {
    "ok": rtc.RequestResponse.Reason.OK,
    "not_allowed": rtc.RequestResponse.Reason.NOT_ALLOWED,
    "limit_exceeded": rtc.RequestResponse.Reason.LIMIT_EXCEEDED,
}


def _request_answered(notice: notices.RequestAnswered) -> rtc.SignalResponse:
    return rtc.SignalResponse(
        request_response=rtc.RequestResponse(
            request_id=notice.number,
            reason=_OUTCOMES[notice.outcome],
            message=notice.sentence,
        )
    )


def _publish_refused(notice: notices.PublishRefused) -> rtc.SignalResponse:
    return rtc.SignalResponse(
        request_response=rtc.RequestResponse(
            reason=_OUTCOMES[notice.reason], add_track=rtc.AddTrackRequest(cid=notice.cid)
        )
    )


def _ticket_renewed(notice: notices.TicketRenewed) -> rtc.SignalResponse:
    return rtc.SignalResponse(refresh_token=notice.token)


def _closed(notice: notices.Closed) -> rtc.SignalResponse:
    action = rtc.LeaveRequest.Action.DISCONNECT
    if notice.may_return:
        action = rtc.LeaveRequest.Action.RECONNECT
    return rtc.SignalResponse(
        leave=rtc.LeaveRequest(
            reason=REASONS[notice.why], action=action, can_reconnect=notice.may_return
        )
    )


_BY_TYPE: Final[dict[type, Callable[[Any], rtc.SignalResponse]]] = {
    notices.ParticipantsChanged: _participants_changed,
    notices.MeetingChanged: _meeting_changed,
    notices.TrackAccepted: _track_accepted,
    notices.TrackEnded: _track_ended,
    notices.TrackTaken: _track_taken,
    notices.MuteChanged: _mute_changed,
    notices.Described: _described,
    notices.SectionsWanted: _sections_wanted,
    notices.SpeakersHeard: _speakers_heard,
    notices.QualitySeen: _quality_seen,
    notices.ForwardingPaused: _forwarding_paused,
    notices.LayersWanted: _layers_wanted,
    notices.SubscriptionRefused: _subscription_refused,
    notices.SubscriptionAllowed: _subscription_allowed,
    notices.RequestAnswered: _request_answered,
    notices.PublishRefused: _publish_refused,
    notices.TicketRenewed: _ticket_renewed,
    notices.Closed: _closed,
}
