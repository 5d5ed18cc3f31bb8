"""The port of the media engine: what control asks of it, whichever adapter runs (MEDIA-2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from moot.media.event import MediaEvent
from moot.media.grant import GrantRequest, MediaTicket
from moot.media.roster import Roster
from moot.media.source import Source
from moot.media.stats import ConnectionStats, EngineStatus


class MediaUnavailable(Exception):
    """The media engine cannot be reached, or it has been closed.

    Attributes:
        reason: one sentence for the log, without addresses or secrets.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MediaEngine(Protocol):
    """Carries the media of meetings: transports, tracks and who receives them.

    The engine knows meetings by `meeting_key` and connections by `identity` (see `moot.media.key`).
    It decides nothing: who may publish what is told to it. Every verb is idempotent, and a meeting
    or identity the engine does not know is no error: what was asked is then already so, or is kept
    until the identity appears. A verb cancelled midway may or may not have taken effect; repeat it.

    Any verb raises `MediaUnavailable` when the engine cannot be reached or has been closed.
    """

    async def start(self) -> None:
        """Open sockets and begin to carry media. Called once, before any other verb."""
        ...

    async def close(self) -> None:
        """Let go of every meeting and every socket; `events()` ends. Idempotent."""
        ...

    async def status(self) -> EngineStatus:
        """Say whether the engine can serve; never raises."""
        ...

    async def grant(self, request: GrantRequest) -> MediaTicket:
        """Make a ticket with which one connection opens its transport.

        Every ticket made before `remove` or `end` was called opens nothing any more; one made
        after it does, so a person who is let back in may keep the connection id.
        """
        ...

    async def set_sources(
        self, meeting_key: str, identity: str, sources: frozenset[Source]
    ) -> None:
        """Say which sources of one connection may be forwarded, replacing what was said before.

        Enforced in the forwarder whatever the browser sends (HOST-4, EVENT-4): when this returns,
        no packet of another source is forwarded after 100 ms. A source that is allowed again is
        forwarded as soon as its publisher sends it unmuted.
        """
        ...

    async def remove(self, meeting_key: str, identity: str) -> None:
        """Close one connection's transport and make its ticket worthless."""
        ...

    async def end(self, meeting_key: str) -> None:
        """Close every transport of one run of a meeting; its tickets are worthless after."""
        ...

    async def roster(self, meeting_key: str) -> Roster:
        """List the connections the engine carries, to reconcile with after `EventsLost`."""
        ...

    async def stats(self, meeting_key: str) -> tuple[ConnectionStats, ...]:
        """Measure every connection of one meeting; empty for a meeting it does not know."""
        ...

    def events(self) -> AsyncIterator[MediaEvent]:
        """Subscribe to what happens from now on; each call is a subscription of its own.

        Bounded: a reader that falls behind gets `EventsLost` in place of what it missed. Ends when
        the engine is closed; cancelling the reader ends the subscription.
        """
        ...
