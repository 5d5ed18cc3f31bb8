"""A LiveKit deployment behind the port: its API to act, its webhooks to know where to look.

A webhook is only a hint. It may come twice, late, in the wrong order or never, so nothing in it
is believed but the room's name: that room is then asked who is in it, and the difference to
what was known becomes media events. Rooms in use are asked again every few seconds anyway, those
among them that LiveKit has from before this process began.
"""

from __future__ import annotations

import asyncio
import time
from collections import ChainMap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

import aiohttp
import structlog
from livekit.api import LiveKitAPI
from livekit.api.twirp_client import ServerError
from livekit.protocol import room

from moot.media.event import EventsLost, MediaEvent, Quality
from moot.media.feed import EventFeed
from moot.media.grant import GrantRequest, MediaTicket
from moot.media.key import identity as identity_of
from moot.media.key import split_meeting_key
from moot.media.ledger import TICKET_TTL_S, Ledger
from moot.media.livekit_room import (
    GRANTED_AT,
    SeenParticipant,
    allowed_sources,
    difference,
    read_participants,
    with_sources,
)
from moot.media.livekit_webhook import WebhookReader
from moot.media.port import MediaUnavailable
from moot.media.roster import Roster, RosterEntry
from moot.media.source import Source
from moot.media.stats import ConnectionStats, EngineStatus
from moot.media.tokens import TokenSigner

log = structlog.get_logger(__name__)
T = TypeVar("T")

ASK_INTERVAL_S: Final = 5.0
"""Seconds between two questions about a room in use. Shorter heals a lost webhook sooner and
costs LiveKit a request each."""
ASK_AGAIN_S: Final = 1.0
"""Seconds until an order is repeated that LiveKit did not take from a participant it lists."""
CALL_TIMEOUT_S: Final = 5.0
"""Seconds one call of LiveKit's API may take."""
CALLS_AT_ONCE: Final = 8


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
        self._rooms: dict[str, dict[str, SeenParticipant]] = {}
        self._granted: dict[str, float] = {}
        self._webhooks = WebhookReader(self._signer)
        self._enforced: dict[str, set[str]] = {}
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        self._asking = asyncio.Semaphore(CALLS_AT_ONCE)
        self._task: asyncio.Task[None] | None = None
        self._has_found = False
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
        # All its digits: what is said in the same millisecond must be newer than the ticket.
        attributes = {**request.attributes, GRANTED_AT: repr(now)}
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
        if not await self._permit(meeting_key, identity, sources):
            there = self._rooms.get(meeting_key, {}).get(identity)
            if there is not None:
                self._enforced.get(meeting_key, set()).discard(there.sid)
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
            authorization: the header's value.

        Raises:
            WebhookInvalid: forged, altered, too old or too long.
        """
        now = self._clock()
        if meeting_key := self._webhooks.read(body, authorization, now):
            self._granted.setdefault(meeting_key, now)
            self._ask(meeting_key)

    # Asking.

    def _ask(self, meeting_key: str) -> None:
        self._dirty.add(meeting_key)
        self._wake.set()

    async def _watch(self) -> None:
        """Ask about rooms that something pointed at now, and about all in use now and then."""
        loop = asyncio.get_running_loop()
        due_at = loop.time() + ASK_INTERVAL_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due_at):
                    await self._wake.wait()
            self._wake.clear()
            asked, self._dirty = self._dirty, set()
            # Some room is busy at any time, so this does not wait for a quiet moment.
            is_due = loop.time() >= due_at
            if is_due:
                asked |= self._in_use() | await self._found()
            await asyncio.gather(*(self._reconcile(key) for key in asked))
            if is_due:
                due_at = loop.time() + ASK_INTERVAL_S

    def _in_use(self) -> set[str]:
        now = self._clock()
        for key in [key for key, at in self._granted.items() if at < now - TICKET_TTL_S]:
            del self._granted[key]
        connected = {(key, identity) for key, seen in self._rooms.items() for identity in seen}
        self._ledger.forget(now, connected)
        return self._rooms.keys() | self._granted.keys()

    async def _found(self) -> set[str]:
        """Name the rooms that LiveKit had when this process began, once: it knows none of them.

        What was ordered about them last may not have reached LiveKit before the last process died.
        """
        if self._has_found:
            return set()
        try:
            answer = await self._call(self._require_api().room.list_rooms(room.ListRoomsRequest()))
        except (MediaUnavailable, ServerError):
            return set()
        except Exception:
            log.exception("LiveKit's answer could not be used")
            return set()
        self._has_found = True
        return {one.name for one in answer.rooms if split_meeting_key(one.name) is not None}

    async def _reconcile(self, meeting_key: str) -> None:
        """Ask about one room and tell what has changed; never raises."""
        try:
            seen = await self._look(meeting_key)
            await self._enforce(meeting_key, seen)
        except MediaUnavailable:
            return
        except Exception:
            log.exception("LiveKit's answer could not be used", meeting_key=meeting_key)
            return
        if not self._is_reachable:
            self._is_reachable = True
            log.info("LiveKit can be reached again")
            self._feed.publish(EventsLost())

    async def _look(self, meeting_key: str) -> dict[str, SeenParticipant]:
        """List a room's participants, remember them, and publish the difference."""
        async with self._asking:
            answer = await self._call_known(
                self._require_api().room.list_participants(
                    room.ListParticipantsRequest(room=meeting_key)
                )
            )
        seen = read_participants(answer.participants if answer is not None else ())
        before = self._rooms.pop(meeting_key, {})
        if seen:
            self._rooms[meeting_key] = seen
        # LiveKit's word may come later than its list; what was ordered here is known.
        ordered = {
            one.sid: word
            for identity, one in before.items()
            if one.granted_at is not None
            and (word := self._ledger.revocation(meeting_key, identity, one.granted_at))
        }
        reasons = ChainMap(self._webhooks.reasons, ordered)
        for event in difference(meeting_key, before, seen, reasons):
            self._feed.publish(event)
        return seen

    # Acting.

    async def _enforce(self, meeting_key: str, seen: dict[str, SeenParticipant]) -> None:
        """Repeat what was said about identities that came with an older ticket.

        Once for each stay: what is said during it goes to LiveKit at once, and another process
        may have said something newer than what is known here. LiveKit lists a participant a
        moment before it takes orders about it, so an order that it does not take is given again.
        """
        enforced = self._enforced.pop(meeting_key, set()) & {one.sid for one in seen.values()}
        if seen:
            self._enforced[meeting_key] = enforced
        for identity, one in seen.items():
            granted_at = one.granted_at
            if granted_at is not None and self._ledger.is_revoked(
                meeting_key, identity, granted_at
            ):
                await self._call_known(
                    self._require_api().room.remove_participant(
                        room.RoomParticipantIdentity(room=meeting_key, identity=identity)
                    )
                )
                continue
            if one.sid in enforced:
                continue
            allowed = self._ledger.allowed(meeting_key, identity, one.allowed, granted_at or 0.0)
            if allowed == one.allowed or await self._permit(meeting_key, identity, allowed):
                enforced.add(one.sid)
            else:
                asyncio.get_running_loop().call_later(ASK_AGAIN_S, self._ask, meeting_key)

    async def _permit(self, meeting_key: str, identity: str, sources: frozenset[Source]) -> bool:
        """Order what a participant may publish; False where LiveKit knows none of that name."""
        rooms = self._require_api().room
        info = await self._call_known(
            rooms.get_participant(room.RoomParticipantIdentity(room=meeting_key, identity=identity))
        )
        if info is None:
            return False
        if allowed_sources(info.permission) == sources:
            return True
        permission = with_sources(info.permission, sources)
        taken = await self._call_known(
            rooms.update_participant(
                room.UpdateParticipantRequest(
                    room=meeting_key, identity=identity, permission=permission
                )
            )
        )
        return taken is not None

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
            self._is_reachable = False
            raise MediaUnavailable(f"LiveKit refused a call: {error.code}.") from None
        except (aiohttp.ClientError, OSError, TimeoutError):
            if self._is_reachable:
                log.warning("LiveKit cannot be reached")
            # An order may be lost with it, so control compares everything once LiveKit answers.
            self._is_reachable = False
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
