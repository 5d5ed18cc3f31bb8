"""Orders to the media engine that follow from a commit, given in the order of the commits.

Two commands on one connection may commit in one order and come back from the store in the other.
Every order carries the meeting's `event_seq` at its commit, and one that is older than what its
connection was last told is dropped: what the store says last is what the engine hears last
(EVENT-4).
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from moot.media.grant import GrantRequest, MediaTicket
from moot.media.key import identity
from moot.media.port import MediaEngine, MediaUnavailable
from moot.media.source import Source

_REMEMBERED: Final = 20_000
"""Connections whose last order is remembered. Fewer could let a very late order through that
`MediaEvents` would have to correct; each costs about 1 kB."""

_LATE_S: Final = 60.0
"""How long a connection's end is remembered, for orders that come late: they take seconds."""

GIVEN_WITHIN_S: Final = 5.0
"""How long an engine may take for an order before it counts as away: somebody waits for it."""
_TOO_SLOW: Final = "The media engine takes too long."


class SetSources(msgspec.Struct, frozen=True, kw_only=True):
    """Forward these sources of a connection and no others."""

    meeting_key: str
    identity: str
    event_seq: int
    sources: frozenset[Source]


class RemoveConnection(msgspec.Struct, frozen=True, kw_only=True):
    """Close a connection's transport; its ticket is worthless."""

    meeting_key: str
    identity: str
    event_seq: int


class EndRun(msgspec.Struct, frozen=True, kw_only=True):
    """Close every transport of a run."""

    meeting_key: str
    event_seq: int


Order = SetSources | RemoveConnection | EndRun


class Warn(Protocol):
    """The part of a logger that orders need."""

    def warning(self, event: str, /, **facts: object) -> object: ...  # noqa: D102


class _Said:
    """The last word on a connection; without sources it is that the connection is closed."""

    __slots__ = ("event_seq", "gone_at", "lock", "sources")

    def __init__(self) -> None:
        self.event_seq = -1
        self.gone_at: float | None = None
        self.sources: frozenset[Source] | None = None
        self.lock = asyncio.Lock()


class Orders:
    """Gives orders to the engine, never an older one after a newer one."""

    def __init__(
        self, media: MediaEngine, log: Warn, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._media = media
        self._log = log
        self._monotonic = monotonic
        self._said: OrderedDict[tuple[str, str], _Said] = OrderedDict()
        self._gone: deque[tuple[float, tuple[str, str]]] = deque()

    async def give(self, orders: Sequence[Order]) -> None:
        """Give orders and wait until the engine has taken them.

        An engine that cannot be reached is logged and no error: `MediaEvents` compares everything
        with the store when the engine is back. If cancelled, the rest is left to it as well.
        """
        if len(orders) == 1:
            await self._give(orders[0])
        elif orders:
            await asyncio.gather(*(self._give(order) for order in orders))

    async def grant(self, request: GrantRequest, *, event_seq: int) -> MediaTicket:
        """Get a ticket whose sources were decided at `event_seq`.

        Where a newer order was given meanwhile, that one is repeated after the ticket, because the
        engine goes by the latest word. The ticket of a connection that was closed meanwhile opens
        nothing.

        Raises:
            MediaUnavailable: as the engine.
        """
        name = identity(request.participant_id, request.connection_id)
        said = self._remember((request.meeting_key, name))
        try:
            async with said.lock, asyncio.timeout(GIVEN_WITHIN_S):
                ticket = await self._media.grant(request)
                if said.event_seq > event_seq:
                    await self._tell((request.meeting_key, name), said)
                else:
                    said.event_seq = event_seq
                    said.sources = request.sources
                    said.gone_at = None
                return ticket
        except TimeoutError as problem:
            raise MediaUnavailable(_TOO_SLOW) from problem

    async def correct(
        self, meeting_key: str, identity: str, sources: frozenset[Source] | None, *, event_seq: int
    ) -> None:
        """Say again what the store said at `event_seq`; None is that the connection is closed."""
        order: Order = (
            RemoveConnection(meeting_key=meeting_key, identity=identity, event_seq=event_seq)
            if sources is None
            else SetSources(
                meeting_key=meeting_key, identity=identity, event_seq=event_seq, sources=sources
            )
        )
        await self._give(order)

    def meeting_keys(self) -> frozenset[str]:
        """Name the runs of meetings that were spoken of lately."""
        return frozenset(meeting_key for meeting_key, _ in self._said)

    async def _give(self, order: Order) -> None:
        try:
            if isinstance(order, EndRun):
                async with asyncio.timeout(GIVEN_WITHIN_S):
                    await self._media.end(order.meeting_key)
                for name, said in self._said.items():
                    if name[0] == order.meeting_key:
                        self._go(name, said)
                return
            name = (order.meeting_key, order.identity)
            said = self._remember(name)
            async with said.lock, asyncio.timeout(GIVEN_WITHIN_S):
                if order.event_seq < said.event_seq:
                    return
                said.event_seq = order.event_seq
                said.sources = order.sources if isinstance(order, SetSources) else None
                await self._tell(name, said)
        except MediaUnavailable as problem:
            self._log.warning("Media engine could not be told", reason=problem.reason)
        except TimeoutError:
            self._log.warning("Media engine could not be told", reason=_TOO_SLOW)

    async def _tell(self, name: tuple[str, str], said: _Said) -> None:
        if said.sources is not None:
            said.gone_at = None
            await self._media.set_sources(*name, said.sources)
        else:
            await self._media.remove(*name)
            self._go(name, said)

    def _go(self, name: tuple[str, str], said: _Said) -> None:
        """Begin to forget a connection: the engine knows that it has ended."""
        said.gone_at = self._monotonic()
        self._gone.append((said.gone_at, name))

    def _forget(self) -> None:
        horizon = self._monotonic() - _LATE_S
        while self._gone and self._gone[0][0] <= horizon:
            gone_at, name = self._gone.popleft()
            said = self._said.get(name)
            if said is not None and said.gone_at == gone_at:
                del self._said[name]

    def _remember(self, name: tuple[str, str]) -> _Said:
        self._forget()
        said = self._said.get(name)
        if said is None:
            said = self._said[name] = _Said()
            while len(self._said) > _REMEMBERED:
                self._said.popitem(last=False)
        else:
            self._said.move_to_end(name)
        return said
