"""A LiveKit deployment behind the port: its API to act, its webhooks to know where to look.

A webhook is only a hint. It may come twice, late, in the wrong order or never, so nothing in it
is believed but the room's name: that room is then asked who is in it, and the difference to
what was known becomes media events. Rooms in use are asked again every few seconds anyway.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import aiohttp
import jwt
import structlog
from google.protobuf.json_format import Parse, ParseError
from livekit.api import LiveKitAPI
from livekit.api.twirp_client import ServerError
from livekit.protocol import models, room
from livekit.protocol.webhook import WebhookEvent
from msgspec import Struct

from moot.media.event import (
    EventsLost,
    MediaEvent,
    MeetingClosed,
    Quality,
    SourceActive,
    SourceInactive,
    TransportConnected,
    TransportDisconnected,
)
from moot.media.feed import EventFeed
from moot.media.grant import GrantRequest, MediaTicket
from moot.media.key import identity as identity_of
from moot.media.ledger import TICKET_TTL_S, Ledger
from moot.media.port import MediaUnavailable
from moot.media.roster import Roster, RosterEntry
from moot.media.source import EVERY_SOURCE, Source
from moot.media.stats import ConnectionStats, EngineStatus, TrackStats
from moot.media.tokens import TokenInvalid, TokenSigner

log = structlog.get_logger(__name__)
T = TypeVar("T")

ASK_INTERVAL_S: Final = 5.0
"""Seconds between two questions about a room in use. Shorter heals a lost webhook sooner and
costs LiveKit a request each."""
CALL_TIMEOUT_S: Final = 5.0
"""Seconds one call of LiveKit's API may take."""
CALLS_AT_ONCE: Final = 8
WEBHOOK_LIMIT: Final = 262_144
"""Longest webhook taken, in bytes."""
WEBHOOK_AGE_S: Final = 600.0
"""Oldest webhook taken, in seconds; LiveKit signs each for a few minutes."""
_SEEN_LIMIT: Final = 4_096
_GRANTED_AT: Final = "moot.granted_at"

_SOURCES: Final = {
    models.TrackSource.CAMERA: Source.CAMERA,
    models.TrackSource.MICROPHONE: Source.MICROPHONE,
    models.TrackSource.SCREEN_SHARE: Source.SCREEN,
    models.TrackSource.SCREEN_SHARE_AUDIO: Source.SCREEN_AUDIO,
}
_SOURCES_BACK: Final = {source: wire for wire, source in _SOURCES.items()}
_REASONS: Final = {
    models.DisconnectReason.CLIENT_INITIATED: "left",
    models.DisconnectReason.PARTICIPANT_REMOVED: "removed",
    models.DisconnectReason.ROOM_DELETED: "ended",
    models.DisconnectReason.ROOM_CLOSED: "ended",
    models.DisconnectReason.DUPLICATE_IDENTITY: "replaced",
    models.DisconnectReason.SERVER_SHUTDOWN: "closed",
}


class WebhookInvalid(Exception):
    """The webhook is not signed with our secret, does not match its signature, or is too old."""


class _Seen(Struct, frozen=True, kw_only=True):
    """A participant of LiveKit's as it was when last asked."""

    sid: str
    is_connected: bool
    allowed: frozenset[Source]
    active: dict[Source, str]
    tracks: tuple[TrackStats, ...]


class LiveKitMediaEngine:
    """A LiveKit deployment as a media engine.

    Active speakers and connection quality are not to be had from LiveKit's API; its clients learn
    them over their own signalling.

    Args:
        url: `ws://`, `wss://`, `http://` or `https://` base that browsers and this process use.
        api_key: names the secret in LiveKit's configuration.
        api_secret: signs tickets and calls, and checks webhooks.
        clock: Unix seconds.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        api_secret: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = url.rstrip("/")
        self._key = api_key
        self._secret = api_secret
        self._clock = clock
        self._signer = TokenSigner(api_key, api_secret)
        self._ledger = Ledger()
        self._feed = EventFeed()
        self._api: LiveKitAPI | None = None
        self._rooms: dict[str, dict[str, _Seen]] = {}
        self._granted: dict[str, float] = {}
        self._reasons: OrderedDict[str, str] = OrderedDict()
        self._webhooks: OrderedDict[str, None] = OrderedDict()
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        self._asking = asyncio.Semaphore(CALLS_AT_ONCE)
        self._task: asyncio.Task[None] | None = None
        self._is_reachable = True

    async def start(self) -> None:
        """Begin to ask; a LiveKit that cannot be reached yet is no error, `status` says so."""
        self._api = LiveKitAPI(
            self._url.replace("ws", "http", 1) if self._url.startswith("ws") else self._url,
            self._key,
            self._secret,
            timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S),
            failover=False,
        )
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Stop asking. Calls go on: they are LiveKit's. Idempotent."""
        api, self._api = self._api, None
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._feed.close()
        if api is not None:
            await api.aclose()

    async def status(self) -> EngineStatus:
        """Ask LiveKit for one room, and say whether it answered."""
        try:
            await self._call(self._require_api().room.list_rooms(room.ListRoomsRequest(names=[""])))
        except MediaUnavailable as error:
            return EngineStatus(name="livekit", is_ready=False, sentence=error.reason)
        return EngineStatus(
            name="livekit",
            is_ready=True,
            sentence="LiveKit answers.",
            meetings=len(self._rooms),
            connections=sum(len(seen) for seen in self._rooms.values()),
        )

    async def grant(self, request: GrantRequest) -> MediaTicket:
        """Sign a ticket for LiveKit's address; needs no call, so it works while LiveKit is away."""
        self._require_api()
        now = self._clock()
        identity = identity_of(request.participant_id, request.connection_id)
        self._ledger.allow(request.meeting_key, identity, request.sources, now)
        self._granted[request.meeting_key] = now
        if identity in self._rooms.get(request.meeting_key, {}):
            await self.set_sources(request.meeting_key, identity, request.sources)
        attributes = {**request.attributes, _GRANTED_AT: f"{now:.3f}"}
        return self._signer.sign(
            GrantRequest(
                meeting_key=request.meeting_key,
                participant_id=request.participant_id,
                connection_id=request.connection_id,
                name=request.name,
                url=self._client_url(),
                sources=request.sources,
                may_subscribe=request.may_subscribe,
                may_send_data=request.may_send_data,
                attributes=attributes,
            ),
            now,
            is_enforced=False,
        )

    async def set_sources(
        self, meeting_key: str, identity: str, sources: frozenset[Source]
    ) -> None:
        """Change the participant's permission; LiveKit then unpublishes what it forbids."""
        self._ledger.allow(meeting_key, identity, sources, self._clock())
        await self._permit(meeting_key, identity, sources)
        self._ask(meeting_key)

    async def remove(self, meeting_key: str, identity: str) -> None:
        """Remove the participant; should its ticket open the room again, it is removed again."""
        now = self._clock()
        self._ledger.remove(meeting_key, identity, now)
        await self._call_known(
            self._require_api().room.remove_participant(
                room.RoomParticipantIdentity(
                    room=meeting_key, identity=identity, revoke_token_ts=int(now)
                )
            )
        )
        self._ask(meeting_key)

    async def end(self, meeting_key: str) -> None:
        """Delete the room; should a ticket open it again, it is deleted again."""
        self._ledger.end(meeting_key, self._clock())
        await self._call_known(
            self._require_api().room.delete_room(room.DeleteRoomRequest(room=meeting_key))
        )
        self._ask(meeting_key)

    async def roster(self, meeting_key: str) -> Roster:
        """Ask who is in the room."""
        seen = await self._look(meeting_key)
        return Roster(
            meeting_key=meeting_key,
            entries=tuple(
                RosterEntry(
                    identity=identity,
                    is_connected=one.is_connected,
                    allowed=one.allowed,
                    active=frozenset(one.active),
                )
                for identity, one in seen.items()
            ),
        )

    async def stats(self, meeting_key: str) -> tuple[ConnectionStats, ...]:
        """List who was in the room when it was last asked; LiveKit keeps its figures to itself."""
        self._require_api()
        return tuple(
            ConnectionStats(identity=identity, quality=Quality.EXCELLENT, tracks=one.tracks)
            for identity, one in self._rooms.get(meeting_key, {}).items()
        )

    def events(self) -> AsyncIterator[MediaEvent]:
        """Subscribe to what happens from now on."""
        return self._feed.events()

    def receive_webhook(self, body: bytes, authorization: str) -> None:
        """Take one webhook of LiveKit's; the same one again changes nothing.

        Args:
            body: exactly as it came.
            authorization: the header's value, a token of LiveKit's that names the body's hash.

        Raises:
            WebhookInvalid: forged, altered, too old or too long.
        """
        now = self._clock()
        event = self._read_webhook(body, authorization, now)
        if event.id:
            if event.id in self._webhooks:
                return
            _remember(self._webhooks, event.id, None)
        if event.event in ("participant_left", "participant_connection_aborted"):
            reason = _REASONS.get(event.participant.disconnect_reason, "lost")
            _remember(self._reasons, event.participant.sid, reason)
        if event.room.name:
            self._granted.setdefault(event.room.name, now)
            self._ask(event.room.name)

    def _read_webhook(self, body: bytes, authorization: str, now: float) -> WebhookEvent:
        if len(body) > WEBHOOK_LIMIT:
            raise WebhookInvalid
        token = authorization.removeprefix("Bearer ").strip()
        try:
            # The signature and the times are checked like any token's; the hash is in it besides.
            self._signer.read(token, now)
            claimed = jwt.decode(token, options={"verify_signature": False}).get("sha256", "")
            if not isinstance(claimed, str):
                raise WebhookInvalid
            expected = base64.b64decode(claimed, validate=True)
            if not hmac.compare_digest(hashlib.sha256(body).digest(), expected):
                raise WebhookInvalid
            event = Parse(body.decode(), WebhookEvent(), ignore_unknown_fields=True)
        except (TokenInvalid, jwt.PyJWTError, ParseError, ValueError, binascii.Error):
            raise WebhookInvalid from None
        if abs(now - event.created_at) > WEBHOOK_AGE_S:
            raise WebhookInvalid
        return event

    # Asking.

    def _ask(self, meeting_key: str) -> None:
        self._dirty.add(meeting_key)
        self._wake.set()

    async def _watch(self) -> None:
        """Ask about rooms that something pointed at now, and about all in use now and then."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_INTERVAL_S):
                    await self._wake.wait()
            self._wake.clear()
            asked, self._dirty = self._dirty, set()
            if not asked:
                asked = self._in_use()
            await asyncio.gather(*(self._reconcile(key) for key in asked))

    def _in_use(self) -> set[str]:
        now = self._clock()
        for key in [key for key, at in self._granted.items() if at < now - TICKET_TTL_S]:
            del self._granted[key]
        connected = {(key, identity) for key, seen in self._rooms.items() for identity in seen}
        self._ledger.forget(now, connected)
        return self._rooms.keys() | self._granted.keys()

    async def _reconcile(self, meeting_key: str) -> None:
        """Ask about one room and tell what has changed; never raises."""
        try:
            seen = await self._look(meeting_key)
            await self._enforce(meeting_key, seen)
        except MediaUnavailable:
            if self._is_reachable:
                self._is_reachable = False
                log.warning("LiveKit cannot be reached")
            return
        except Exception:
            log.exception("LiveKit's answer could not be used", meeting_key=meeting_key)
            return
        if not self._is_reachable:
            self._is_reachable = True
            log.info("LiveKit can be reached again")
            self._feed.publish(EventsLost())

    async def _look(self, meeting_key: str) -> dict[str, _Seen]:
        """List a room's participants, remember them, and publish the difference."""
        async with self._asking:
            answer = await self._call_known(
                self._require_api().room.list_participants(
                    room.ListParticipantsRequest(room=meeting_key)
                )
            )
        present = {
            info.identity: info
            for info in (answer.participants if answer is not None else ())
            if info.state != models.ParticipantInfo.State.DISCONNECTED
        }
        seen = {identity: _seen(info) for identity, info in present.items()}
        before = self._rooms.get(meeting_key, {})
        if seen:
            self._rooms[meeting_key] = seen
        else:
            self._rooms.pop(meeting_key, None)
        self._publish_difference(meeting_key, before, seen)
        for identity, info in present.items():
            await self._revoke(meeting_key, identity, info)
        return seen

    def _publish_difference(
        self, meeting_key: str, before: dict[str, _Seen], seen: dict[str, _Seen]
    ) -> None:
        for identity, old in before.items():
            new = seen.get(identity)
            stays = new is not None and new.sid == old.sid
            active = new.active if new is not None and stays else {}
            self._publish_sources(meeting_key, identity, old.active, active, SourceInactive)
            if not stays:
                fallback = "lost" if new is None else "replaced"
                self._feed.publish(
                    TransportDisconnected(
                        meeting_key=meeting_key,
                        identity=identity,
                        reason=self._reasons.pop(old.sid, fallback),
                    )
                )
        for identity, new in seen.items():
            known = before.get(identity)
            earlier = known if known is not None and known.sid == new.sid else None
            if new.is_connected and not (earlier is not None and earlier.is_connected):
                self._feed.publish(TransportConnected(meeting_key=meeting_key, identity=identity))
            was = earlier.active if earlier is not None else {}
            self._publish_sources(meeting_key, identity, new.active, was, SourceActive)
        if before and not seen:
            self._feed.publish(MeetingClosed(meeting_key=meeting_key))

    def _publish_sources(
        self,
        meeting_key: str,
        identity: str,
        these: dict[Source, str],
        but_not: dict[Source, str],
        event: type[SourceActive | SourceInactive],
    ) -> None:
        for source, track_id in these.items():
            if but_not.get(source) != track_id:
                if event is SourceInactive and source in but_not:
                    continue  # the same source goes on under another track
                self._feed.publish(
                    event(
                        meeting_key=meeting_key,
                        identity=identity,
                        source=source,
                        track_id=track_id,
                    )
                )

    # Acting.

    async def _enforce(self, meeting_key: str, seen: dict[str, _Seen]) -> None:
        """Repeat what was said about identities that came with an older ticket."""
        for identity, one in seen.items():
            latest = self._ledger.latest(meeting_key, identity)
            if latest is not None and latest != one.allowed:
                await self._permit(meeting_key, identity, latest)

    async def _revoke(self, meeting_key: str, identity: str, info: models.ParticipantInfo) -> None:
        """Close a room or a participant that a worthless ticket has opened again."""
        try:
            granted_at = float(info.attributes.get(_GRANTED_AT, ""))
        except ValueError:
            return
        if self._ledger.is_revoked(meeting_key, identity, granted_at):
            await self._call_known(
                self._require_api().room.remove_participant(
                    room.RoomParticipantIdentity(room=meeting_key, identity=identity)
                )
            )

    async def _permit(self, meeting_key: str, identity: str, sources: frozenset[Source]) -> None:
        rooms = self._require_api().room
        info = await self._call_known(
            rooms.get_participant(room.RoomParticipantIdentity(room=meeting_key, identity=identity))
        )
        if info is None or _allowed(info.permission) == sources:
            return
        permission = models.ParticipantPermission()
        permission.CopyFrom(info.permission)
        permission.can_publish = bool(sources)
        del permission.can_publish_sources[:]
        if sources != EVERY_SOURCE:
            permission.can_publish_sources.extend(
                _SOURCES_BACK[source] for source in sorted(sources)
            )
        await self._call_known(
            rooms.update_participant(
                room.UpdateParticipantRequest(
                    room=meeting_key, identity=identity, permission=permission
                )
            )
        )

    async def _call(self, call: Awaitable[T]) -> T:
        """Wait for one call of LiveKit's API.

        Raises:
            MediaUnavailable: LiveKit did not answer, or refused our key.
            ServerError: it answered that something does not exist.
        """
        try:
            return await call
        except ServerError as error:
            if error.code == "not_found":
                raise
            log.warning("LiveKit refused a call", code=error.code)
            raise MediaUnavailable(f"LiveKit refused a call: {error.code}.") from None
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise MediaUnavailable("LiveKit cannot be reached.") from None

    async def _call_known(self, call: Awaitable[T]) -> T | None:
        """Wait for one call; None where what it names does not exist."""
        try:
            return await self._call(call)
        except ServerError:
            return None

    def _require_api(self) -> LiveKitAPI:
        if self._api is None:
            raise MediaUnavailable("The media engine is not running.")
        return self._api

    def _client_url(self) -> str:
        return "ws" + self._url[4:] if self._url.startswith("http") else self._url


def _seen(info: models.ParticipantInfo) -> _Seen:
    allowed = _allowed(info.permission)
    named = [(track, _SOURCES[track.source]) for track in info.tracks if track.source in _SOURCES]
    return _Seen(
        sid=info.sid,
        is_connected=info.state == models.ParticipantInfo.State.ACTIVE,
        allowed=allowed,
        active={
            source: track.sid for track, source in named if not track.muted and source in allowed
        },
        tracks=tuple(
            TrackStats(track_id=track.sid, source=source, is_muted=track.muted)
            for track, source in named
        ),
    )


def _allowed(permission: models.ParticipantPermission) -> frozenset[Source]:
    if permission.can_publish_sources:
        return frozenset(
            _SOURCES[source] for source in permission.can_publish_sources if source in _SOURCES
        )
    return EVERY_SOURCE if permission.can_publish else frozenset()


def _remember(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    kept[key] = value
    if len(kept) > _SEEN_LIMIT:
        kept.popitem(last=False)
