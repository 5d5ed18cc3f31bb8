"""The built-in engine behind the port: the media core, the registry, and their upkeep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog

from moot.media.builtin.core import MediaCore
from moot.media.builtin.core_events import CoreEvents
from moot.media.builtin.data import DataRouter
from moot.media.builtin.door import Door
from moot.media.builtin.figures import connection_stats, engine_figures, known_figures
from moot.media.builtin.hub import Hub
from moot.media.builtin.notice import Closing
from moot.media.builtin.signalling import Signalling
from moot.media.builtin.view import ConnectionState
from moot.media.event import MediaEvent
from moot.media.feed import EventFeed
from moot.media.grant import GrantRequest, MediaTicket
from moot.media.key import identity as identity_of
from moot.media.ledger import Ledger
from moot.media.port import MediaUnavailable
from moot.media.roster import Roster, RosterEntry
from moot.media.source import Source
from moot.media.stats import ConnectionStats, EngineStatus, Figure
from moot.media.tokens import TokenSigner

log = structlog.get_logger(__name__)

DRAIN_LIMIT: Final = 1_024
"""Events taken at once; the event loop serves others between two batches."""
RESUME_S: Final = 20.0
"""Seconds a connection waits for its signalling to come back. Longer rides out longer cuts; media
flows on meanwhile, and control has its own linger time for the person."""
FAILED_S: Final = 15.0
"""Seconds a failed transport may take to be restarted before its connection ends."""
CONNECT_S: Final = 40.0
"""Seconds from joining to the first media transport; a client gives up after about 15."""
UPKEEP_INTERVAL_S: Final = 1.0


class BuiltinMediaEngine:
    """Carries media in this process. `door` and `signalling` are its face to clients' dialects.

    Args:
        open_core: opens the sockets and starts the media threads; called by `start`.
        signer: signs and reads this installation's tickets.
        route: the dialect's rule for data messages.
        clock: Unix seconds; it decides when tickets expire and who has been away too long.
    """

    def __init__(
        self,
        open_core: Callable[[], MediaCore],
        signer: TokenSigner,
        route: DataRouter,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._open_core = open_core
        self._signer = signer
        self._route = route
        self._clock = clock
        self._feed = EventFeed()
        self._ledger = Ledger()
        self._hub: Hub | None = None
        self._events: CoreEvents | None = None
        self._signalling: Signalling | None = None
        self._door: Door | None = None
        self._upkeep_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the sockets and begin to carry media.

        Raises:
            OSError: a port is taken or an address is not this machine's.
        """
        core = self._open_core()
        loop = asyncio.get_running_loop()
        self._hub = Hub(core, self._feed, self._ledger, self._clock, loop.call_later)
        self._events = CoreEvents(self._hub, self._route)
        self._signalling = Signalling(self._hub)
        self._door = Door(self._hub, self._signer)
        loop.add_reader(core.fileno(), self._drain)
        self._upkeep_task = loop.create_task(self._keep_up())

    async def close(self) -> None:
        """Tell every client to come back later, close every transport, stop. Idempotent."""
        hub, self._hub = self._hub, None
        if hub is None:
            return
        if self._upkeep_task is not None:
            self._upkeep_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._upkeep_task
        asyncio.get_running_loop().remove_reader(hub.core.fileno())
        for key in list(hub.meetings):
            hub.close_meeting(key, Closing.CLOSED)
        self._feed.close()
        # Joining the media threads may take a moment, and others share this loop.
        await asyncio.to_thread(hub.core.close)

    async def status(self) -> EngineStatus:
        """Say whether the engine runs and what it carries."""
        hub = self._hub
        if hub is None:
            return EngineStatus(
                name="builtin", is_ready=False, sentence="The media engine is not running."
            )
        return EngineStatus(
            name="builtin",
            is_ready=True,
            sentence="Carries media in this process.",
            meetings=len(hub.meetings),
            connections=len(hub.connections),
        )

    @property
    def door(self) -> Door:
        """Where clients' dialects let connections in.

        Raises:
            MediaUnavailable: the engine has not been started, or has been closed.
        """
        if self._hub is None or self._door is None:
            raise MediaUnavailable("The media engine is not running.")
        return self._door

    @property
    def signalling(self) -> Signalling:
        """What clients' dialects speak to.

        Raises:
            MediaUnavailable: the engine has not been started, or has been closed.
        """
        if self._hub is None or self._signalling is None:
            raise MediaUnavailable("The media engine is not running.")
        return self._signalling

    @property
    def hub(self) -> Hub:
        """The registry, for the server API.

        Raises:
            MediaUnavailable: the engine has not been started, or has been closed.
        """
        return self._require_hub()

    @property
    def signer(self) -> TokenSigner:
        """Signs and reads this installation's tokens."""
        return self._signer

    def figures(self) -> Sequence[Figure]:
        """Measure the whole engine, for `/metrics`; without values while it is not running."""
        figures = [*known_figures()]
        if self._hub is not None:
            figures += engine_figures(self._hub)
        return figures

    def counts(self) -> Mapping[str, int]:
        """How often what was ignored or refused, by kind, since the start; for `/metrics`."""
        return dict(self._require_hub().counts)

    async def grant(self, request: GrantRequest) -> MediaTicket:
        """Sign a ticket; what it allows also holds for an identity that is connected already."""
        hub = self._require_hub()
        now = self._clock()
        identity = identity_of(request.participant_id, request.connection_id)
        self._allow(hub, request.meeting_key, identity, request.sources, now)
        return self._signer.sign(request, now, is_enforced=True)

    async def set_sources(
        self, meeting_key: str, identity: str, sources: frozenset[Source]
    ) -> None:
        """Let the core forward these sources and no others, from its next tick (5 ms) on."""
        self._allow(self._require_hub(), meeting_key, identity, sources, self._clock())

    async def remove(self, meeting_key: str, identity: str) -> None:
        """Close one connection's transports and make its tickets worthless."""
        hub = self._require_hub()
        self._ledger.remove(meeting_key, identity, self._clock())
        if connection := hub.find(meeting_key, identity):
            hub.drop(connection, Closing.REMOVED)

    async def end(self, meeting_key: str) -> None:
        """Close every transport of one run of a meeting and make its tickets worthless."""
        hub = self._require_hub()
        self._ledger.end(meeting_key, self._clock())
        hub.close_meeting(meeting_key, Closing.ENDED)

    async def roster(self, meeting_key: str) -> Roster:
        """List the connections of a meeting."""
        meeting = self._require_hub().meetings.get(meeting_key)
        return Roster(
            meeting_key=meeting_key,
            entries=tuple(
                RosterEntry(
                    identity=connection.identity,
                    is_connected=connection.is_connected,
                    allowed=connection.forwarded,
                    active=frozenset(connection.active()),
                )
                for connection in meeting or ()
            ),
        )

    async def stats(self, meeting_key: str) -> tuple[ConnectionStats, ...]:
        """Measure every connection of one meeting; not older than the core's interval."""
        hub = self._require_hub()
        meeting = hub.meetings.get(meeting_key)
        if meeting is None:
            return ()
        return connection_stats(meeting, hub.core.transport_stats(meeting_key))

    def events(self) -> AsyncIterator[MediaEvent]:
        """Subscribe to what happens from now on."""
        return self._feed.events()

    def upkeep(self) -> None:
        """End what has waited too long by now: lost signalling, failed transports, clients that
        never connected, meetings with nobody in them, words in the ledger nobody needs. Tell what
        is told once a second.
        """
        hub = self._require_hub()
        now = self._clock()
        hub.settle()
        hub.tell_qualities()
        for connection in list(hub.connections.values()):
            lost_at, failed_at = connection.signal_lost_at, connection.failed_at
            if failed_at is not None and lost_at is not None:
                is_over = now - max(failed_at, lost_at) >= FAILED_S / 3
            elif failed_at is not None:
                is_over = now - failed_at >= FAILED_S
            elif lost_at is not None:
                is_over = now - lost_at >= RESUME_S
            else:
                is_over = (
                    connection.state is ConnectionState.JOINED
                    and now - connection.joined_at >= CONNECT_S
                )
            if is_over:
                # A client that closes its sockets in a hurry may take its last word back with them.
                has_left = connection.has_closed and lost_at is not None
                hub.drop(connection, Closing.LEFT if has_left else Closing.LOST)
        for key, meeting in list(hub.meetings.items()):
            since = meeting.empty_since
            if since is not None and now - since >= meeting.empty_timeout_s:
                hub.close_meeting(key, Closing.ENDED)
        self._ledger.forget(now, {c.name_in_ledger for c in hub.connections.values()})

    def _require_hub(self) -> Hub:
        if self._hub is None:
            raise MediaUnavailable("The media engine is not running.")
        return self._hub

    def _allow(
        self, hub: Hub, meeting_key: str, identity: str, sources: frozenset[Source], now: float
    ) -> None:
        self._ledger.allow(meeting_key, identity, sources, now)
        if connection := hub.find(meeting_key, identity):
            hub.set_forwarded(connection, sources & connection.permission.sources)

    def _drain(self) -> None:
        """Take one batch of the core's events; the descriptor stays readable while more wait."""
        hub, events = self._hub, self._events
        if hub is None or events is None:
            return
        for event in hub.core.drain(DRAIN_LIMIT):
            try:
                events.handle(event)
            except Exception:
                # One event must not cost the others; a bug here is a log line, not an outage.
                hub.counts["core_event_failed"] += 1
                log.exception("Media event could not be handled", kind=type(event).__name__)

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP_INTERVAL_S)
            try:
                self.upkeep()
            except Exception:
                log.exception("Media upkeep failed")
