"""What a client asks for in LiveKit's messages, told to the engine in moot's words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Literal

from livekit.protocol import models, rtc

from moot.media.builtin.connection import Connection
from moot.media.builtin.notice import Closing
from moot.media.builtin.signalling import Signalling, SubscriptionWish
from moot.signal import outgoing
from moot.signal.translate import LAYERS_BACK, feature_names, publication_request

TransportName = Literal["publisher", "subscriber"]

SDP_LIMIT: Final = 1_000_000
"""Longest description taken, in bytes; the core's own limit."""
SDP_STEP: Final = 500
"""Bytes of a description whose reading counts as one step. Larger lets one client keep a media
thread longer with long ones; smaller slows those in large meetings, who have to send such."""
CANDIDATE_LIMIT: Final = 1_024
"""Longest ICE candidate taken, in bytes; real ones stay under 300."""
TRACKS_LIMIT: Final = 2_000
"""Track ids read from one message."""


class MessageInvalid(Exception):
    """The message cannot be what a client means; only its sender is closed."""


class Incoming:
    """Carries out one client's requests. What has to be said back at once waits in `replies`.

    Attributes:
        steps: what the requests since the last look have set in motion: tracks named, and pairs of
            a person and a track looked at, and parts of descriptions read.
    """

    def __init__(
        self, signalling: Signalling, connection: Connection, counts: Counter[str]
    ) -> None:
        self._signalling = signalling
        self._connection = connection
        self._counts = counts
        self.replies: list[bytes] = []
        self.steps = 0
        self._by_field: dict[str, Callable[[Any], None]] = {
            "offer": self.offer,
            "answer": self._answer,
            "trickle": self._trickle,
            "add_track": self.add_track,
            "mute": self._mute,
            "subscription": self._subscription,
            "track_setting": self._track_setting,
            "leave": self._leave,
            "update_layers": self._update_layers,
            "subscription_permission": self._subscription_permission,
            "sync_state": self.sync_state,
            "simulate": self._simulate,
            "update_metadata": self._update_metadata,
            "update_audio_track": self._update_audio_track,
            "update_video_track": self._update_video_track,
            "publish_data_track_request": self._publish_data_track,
            "unpublish_data_track_request": self._unpublish_data_track,
            "store_data_blob_request": self._data_blob,
            "get_data_blob_request": self._data_blob,
        }

    def handle(self, request: rtc.SignalRequest) -> None:
        """Carry out one request; one of an unknown kind is counted and otherwise ignored.

        Raises:
            MessageInvalid: the request contradicts the protocol.
        """
        name = request.WhichOneof("message")
        act = self._by_field.get(name) if name is not None else None
        if act is None or name is None:
            self._counts["signal_unknown"] += 1
            return
        act(getattr(request, name))

    def offer(self, description: rtc.SessionDescription) -> None:
        """Take an offer for the transport that clients offer."""
        self._check_sdp(description, "offer")
        self._signalling.offer(self._connection, "publisher", description.sdp, description.id)

    def add_track(self, request: rtc.AddTrackRequest) -> None:
        """Take the announcement of a track, or of another codec of a track that exists."""
        if request.type not in (models.TrackType.AUDIO, models.TrackType.VIDEO):
            raise MessageInvalid
        announced = publication_request(request)
        if request.sid:
            if not (
                announced.cid
                and self._signalling.announce_codec(self._connection, request.sid, announced)
            ):
                # Nobody needs it: the client goes on without.
                self._counts["signal_backup_codec"] += 1
            return
        if not announced.cid:
            raise MessageInvalid
        self._signalling.announce_track(self._connection, announced)

    def sync_state(self, state: rtc.SyncState) -> None:
        """Take what a resuming client thinks of its subscriptions."""
        if state.HasField("subscription"):
            self._subscription(state.subscription)
        self.steps += self._signalling.set_wish(
            self._connection,
            state.track_sids_disabled[:TRACKS_LIMIT],
            SubscriptionWish(is_disabled=True),
        )

    def _answer(self, description: rtc.SessionDescription) -> None:
        self._check_sdp(description, "answer")
        if self._connection.mode == "single":
            self._counts["signal_out_of_place"] += 1
            return
        self._signalling.answer(self._connection, "subscriber", description.sdp, description.id)

    def _trickle(self, trickle: rtc.TrickleRequest) -> None:
        if len(trickle.candidateInit) > CANDIDATE_LIMIT:
            raise MessageInvalid
        transport: TransportName = "publisher"
        if trickle.target == rtc.SignalTarget.SUBSCRIBER:
            transport = "subscriber"
        if trickle.final and not trickle.candidateInit:
            self._signalling.candidate(self._connection, transport, "")
            return
        try:
            candidate = json.loads(trickle.candidateInit)["candidate"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise MessageInvalid from None
        if not isinstance(candidate, str):
            raise MessageInvalid
        self._signalling.candidate(self._connection, transport, candidate)

    def _mute(self, mute: rtc.MuteTrackRequest) -> None:
        self._signalling.mute_own(self._connection, mute.sid, is_muted=mute.muted)

    def _subscription(self, update: rtc.UpdateSubscription) -> None:
        named: list[str] = list(update.track_sids[:TRACKS_LIMIT])
        for tracks in update.participant_tracks[:TRACKS_LIMIT]:
            named.extend(tracks.track_sids[: TRACKS_LIMIT - len(named)])
        self.steps += self._signalling.want(self._connection, named, is_wanted=update.subscribe)

    def _track_setting(self, settings: rtc.UpdateTrackSettings) -> None:
        self.steps += self._signalling.set_wish(
            self._connection,
            settings.track_sids[:TRACKS_LIMIT],
            SubscriptionWish(
                is_disabled=settings.disabled,
                quality=LAYERS_BACK.get(settings.quality, "high"),
                width=settings.width,
                height=settings.height,
                fps=settings.fps,
                priority=settings.priority,
            ),
        )

    def _leave(self, _: rtc.LeaveRequest) -> None:
        self._signalling.leave(self._connection)

    def _update_layers(self, layers: rtc.UpdateVideoLayers) -> None:
        sizes = [(layer.width, layer.height) for layer in layers.layers[:8]]
        if sizes:
            width, height = max(sizes, key=lambda size: size[0] * size[1])
            self._signalling.resize_own(self._connection, layers.track_sid, width, height)

    def _subscription_permission(self, value: rtc.SubscriptionPermission) -> None:
        if value.all_participants:
            self.steps += self._signalling.trust(self._connection, None)
            return
        trusted: dict[str, frozenset[str] | None] = {}
        for entry in value.track_permissions[:TRACKS_LIMIT]:
            identity = entry.participant_identity or self._identity_of(entry.participant_sid)
            if identity:
                tracks = frozenset(entry.track_sids[:TRACKS_LIMIT])
                trusted[identity] = None if entry.all_tracks else tracks
        self.steps += self._signalling.trust(self._connection, trusted)

    def _simulate(self, scenario: rtc.SimulateScenario) -> None:
        """Do to this one connection what its developer wants to see."""
        which = scenario.WhichOneof("scenario")
        if which == "server_leave":
            self._signalling.break_off(self._connection, Closing.ENDED)
        elif which == "leave_request_full_reconnect":
            self._signalling.break_off(self._connection, Closing.CLOSED)
        elif which == "node_failure":
            self._signalling.break_off(self._connection, Closing.FAILED)
        else:
            self._counts["signal_scenario_unused"] += 1

    def _update_metadata(self, update: rtc.UpdateParticipantMetadata) -> None:
        self._signalling.update_own(
            self._connection,
            name=update.name,
            metadata=update.metadata,
            attributes=update.attributes,
            number=update.request_id,
        )

    def _update_audio_track(self, update: rtc.UpdateLocalAudioTrack) -> None:
        self._signalling.describe_own(
            self._connection, update.track_sid, feature_names(update.features)
        )

    def _update_video_track(self, update: rtc.UpdateLocalVideoTrack) -> None:
        self._signalling.resize_own(self._connection, update.track_sid, update.width, update.height)

    def _publish_data_track(self, request: rtc.PublishDataTrackRequest) -> None:
        self.replies.append(outgoing.refused(publish_data_track=request))

    def _unpublish_data_track(self, request: rtc.UnpublishDataTrackRequest) -> None:
        self.replies.append(outgoing.refused(unpublish_data_track=request))

    def _data_blob(self, request: rtc.StoreDataBlobRequest | rtc.GetDataBlobRequest) -> None:
        self.replies.append(outgoing.refused(request_id=request.request_id))

    def _identity_of(self, sid: str) -> str:
        return self._signalling.identity_of(self._connection, sid)

    def _check_sdp(self, description: rtc.SessionDescription, expected: str) -> None:
        if description.type != expected or not 0 < len(description.sdp) <= SDP_LIMIT:
            raise MessageInvalid
        self.steps += len(description.sdp) // SDP_STEP
