"""The media engine without media: every rule of the port, in memory, for tests and development.

Beside the port it has the verbs of the world outside (`connect`, `publish`, `mute` …): what a
browser would do. They keep the rules the real engines keep, so a test here means something.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from secrets import token_urlsafe
from typing import Final

from moot.media.event import (
    MediaEvent,
    MeetingClosed,
    Quality,
    SourceActive,
    SourceInactive,
    Speaker,
    SpeakersChanged,
    TransportConnected,
    TransportDisconnected,
)
from moot.media.feed import EventFeed
from moot.media.grant import GrantRequest, MediaTicket
from moot.media.key import identity as identity_of
from moot.media.ledger import TICKET_TTL_S, Ledger
from moot.media.port import MediaUnavailable
from moot.media.roster import Roster, RosterEntry
from moot.media.source import Source
from moot.media.stats import ConnectionStats, EngineStatus

_FORGET_EVERY_S: Final = TICKET_TTL_S / 20
"""Seconds between two looks at every ticket. More often is slower, less often keeps more."""


class TicketRefused(Exception):
    """The door stays shut: the ticket is unknown, expired, revoked or of an ended meeting."""


class _Granted:
    """What a ticket stands for."""

    __slots__ = ("at", "identity", "meeting_key", "sources")

    def __init__(
        self, meeting_key: str, identity: str, sources: frozenset[Source], at: float
    ) -> None:
        self.meeting_key = meeting_key
        self.identity = identity
        self.sources = sources
        self.at = at


class _Connection:
    """One connected identity: what it may publish, and what it publishes and mutes itself."""

    __slots__ = ("allowed", "muted", "published")

    def __init__(self, allowed: frozenset[Source]) -> None:
        self.allowed = allowed
        self.published: dict[Source, str] = {}
        self.muted: set[Source] = set()

    def active(self) -> frozenset[Source]:
        return frozenset(
            source
            for source in self.published
            if source in self.allowed and source not in self.muted
        )


class FakeMediaEngine:
    """An engine that carries nothing but keeps every rule of `MediaEngine`."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._feed = EventFeed()
        self._forgot_at = 0.0
        self._ledger = Ledger()
        self._tickets: dict[str, _Granted] = {}
        self._meetings: dict[str, dict[str, _Connection]] = {}
        self._tracks = 0
        self._is_open = False

    async def start(self) -> None:
        """Begin to serve."""
        self._is_open = True

    async def close(self) -> None:
        """End every subscription and forget every meeting. Idempotent."""
        self._is_open = False
        self._meetings.clear()
        self._tickets.clear()
        self._feed.close()

    async def status(self) -> EngineStatus:
        """Say whether the engine has been started."""
        return EngineStatus(
            name="fake",
            is_ready=self._is_open,
            sentence="Carries no media; for tests and development.",
            meetings=len(self._meetings),
            connections=sum(len(meeting) for meeting in self._meetings.values()),
        )

    async def grant(self, request: GrantRequest) -> MediaTicket:
        """Make a ticket that `connect` takes."""
        self._require_open()
        now = self._clock()
        self._forget(now)
        identity = identity_of(request.participant_id, request.connection_id)
        token = token_urlsafe(24)
        self._tickets[token] = _Granted(request.meeting_key, identity, request.sources, now)
        self._allow(request.meeting_key, identity, request.sources, now)
        return MediaTicket(request.url, token, now + TICKET_TTL_S)

    async def set_sources(
        self, meeting_key: str, identity: str, sources: frozenset[Source]
    ) -> None:
        """Replace the sources that count as forwarded."""
        self._require_open()
        self._allow(meeting_key, identity, sources, self._clock())

    async def remove(self, meeting_key: str, identity: str) -> None:
        """Disconnect an identity and revoke its tickets."""
        self._require_open()
        self._ledger.remove(meeting_key, identity, self._clock())
        self._drop(meeting_key, identity, "removed")

    async def end(self, meeting_key: str) -> None:
        """Disconnect everyone and revoke every ticket of this run."""
        self._require_open()
        self._ledger.end(meeting_key, self._clock())
        for identity in list(self._meetings.get(meeting_key, ())):
            self._drop(meeting_key, identity, "ended")

    async def roster(self, meeting_key: str) -> Roster:
        """List who is connected."""
        self._require_open()
        return Roster(
            meeting_key=meeting_key,
            entries=tuple(
                RosterEntry(
                    identity=identity,
                    is_connected=True,
                    allowed=connection.allowed,
                    active=connection.active(),
                )
                for identity, connection in self._meetings.get(meeting_key, {}).items()
            ),
        )

    async def stats(self, meeting_key: str) -> tuple[ConnectionStats, ...]:
        """Answer an excellent connection for everyone."""
        self._require_open()
        return tuple(
            ConnectionStats(identity=identity, quality=Quality.EXCELLENT)
            for identity in self._meetings.get(meeting_key, ())
        )

    def events(self) -> AsyncIterator[MediaEvent]:
        """Subscribe to what happens from now on."""
        return self._feed.events()

    def connect(self, ticket: MediaTicket) -> str:
        """Do what a browser does with a ticket; answers its identity.

        Raises:
            TicketRefused: the ticket is not ours, has expired, or was revoked.
        """
        granted = self._tickets.get(ticket.token)
        now = self._clock()
        if granted is None or now >= granted.at + TICKET_TTL_S:
            raise TicketRefused
        if self._ledger.is_revoked(granted.meeting_key, granted.identity, granted.at):
            raise TicketRefused
        self._drop(granted.meeting_key, granted.identity, "replaced")
        allowed = self._ledger.allowed(
            granted.meeting_key, granted.identity, granted.sources, granted.at
        )
        meeting = self._meetings.setdefault(granted.meeting_key, {})
        meeting[granted.identity] = _Connection(allowed)
        self._feed.publish(
            TransportConnected(meeting_key=granted.meeting_key, identity=granted.identity)
        )
        return granted.identity

    def disconnect(self, meeting_key: str, identity: str, reason: str = "left") -> None:
        """Close the browser's transport."""
        self._drop(meeting_key, identity, reason)

    def publish(self, meeting_key: str, identity: str, source: Source) -> None:
        """Publish a source as a browser would; without permission nothing of it is forwarded."""
        connection = self._meetings[meeting_key][identity]
        self._tracks += 1
        before = connection.active()
        connection.published.setdefault(source, f"TR_fake{self._tracks}")
        self._announce(meeting_key, identity, connection, before)

    def unpublish(self, meeting_key: str, identity: str, source: Source) -> None:
        """Take a source back."""
        connection = self._meetings[meeting_key][identity]
        track_id = connection.published.get(source)
        if track_id is None:
            return
        was_active = source in connection.active()
        del connection.published[source]
        connection.muted.discard(source)
        if was_active:
            self._feed.publish(
                SourceInactive(
                    meeting_key=meeting_key, identity=identity, source=source, track_id=track_id
                )
            )

    def mute(self, meeting_key: str, identity: str, source: Source, *, is_muted: bool) -> None:
        """Mute or unmute a source at the browser's own will."""
        connection = self._meetings[meeting_key][identity]
        before = connection.active()
        if is_muted:
            connection.muted.add(source)
        else:
            connection.muted.discard(source)
        self._announce(meeting_key, identity, connection, before)

    def speak(self, meeting_key: str, speakers: tuple[Speaker, ...]) -> None:
        """Let these identities be the active speakers."""
        self._feed.publish(SpeakersChanged(meeting_key=meeting_key, speakers=speakers))

    def tell(self, event: MediaEvent) -> None:
        """Publish any event as if the engine had seen it."""
        self._feed.publish(event)

    def _require_open(self) -> None:
        if not self._is_open:
            raise MediaUnavailable("The media engine is not running.")

    def _allow(
        self, meeting_key: str, identity: str, sources: frozenset[Source], now: float
    ) -> None:
        self._ledger.allow(meeting_key, identity, sources, now)
        connection = self._meetings.get(meeting_key, {}).get(identity)
        if connection is not None:
            before = connection.active()
            connection.allowed = sources
            self._announce(meeting_key, identity, connection, before)

    def _announce(
        self,
        meeting_key: str,
        identity: str,
        connection: _Connection,
        before: frozenset[Source],
    ) -> None:
        after = connection.active()
        for source in sorted(before - after):
            self._feed.publish(
                SourceInactive(
                    meeting_key=meeting_key,
                    identity=identity,
                    source=source,
                    track_id=connection.published[source],
                )
            )
        for source in sorted(after - before):
            self._feed.publish(
                SourceActive(
                    meeting_key=meeting_key,
                    identity=identity,
                    source=source,
                    track_id=connection.published[source],
                )
            )

    def _drop(self, meeting_key: str, identity: str, reason: str) -> None:
        meeting = self._meetings.get(meeting_key, {})
        if meeting.pop(identity, None) is None:
            return
        self._feed.publish(
            TransportDisconnected(meeting_key=meeting_key, identity=identity, reason=reason)
        )
        if not meeting:
            del self._meetings[meeting_key]
            self._feed.publish(MeetingClosed(meeting_key=meeting_key))

    def _forget(self, now: float) -> None:
        if 0 <= now - self._forgot_at < _FORGET_EVERY_S:
            return
        self._forgot_at = now
        horizon = now - TICKET_TTL_S
        for token in [token for token, granted in self._tickets.items() if granted.at < horizon]:
            del self._tickets[token]
        connected = {
            (meeting_key, identity)
            for meeting_key, meeting in self._meetings.items()
            for identity in meeting
        }
        self._ledger.forget(now, connected)
