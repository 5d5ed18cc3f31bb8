"""The frozen context that every command takes: the ports, the clock, the dice, the settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import structlog

from moot.bus.port import Bus
from moot.config import Config
from moot.control.actor import Actor
from moot.control.attendance import Attendances
from moot.control.change import Change
from moot.control.dice import Dice
from moot.control.orders import Orders
from moot.control.pace import Pace
from moot.control.passcodes import Passcodes
from moot.errors import Problem
from moot.media.port import MediaEngine
from moot.model.ids import MeetingId, uuid7
from moot.store.port import Store, Transaction

__all__ = ["Actor", "Clock", "Control", "Log", "SystemClock"]

T = TypeVar("T")

_UUID_BITS: Final = 74


class Clock(Protocol):
    """Two clocks: the wall's, for people, and one that never steps, for waiting."""

    def now_ms(self) -> int:
        """Milliseconds since 1970; may step in either direction at any time."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; only grows, by the seconds that pass."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds since some moment before the process started."""
        return time.monotonic()


class Log(Protocol):
    """What control needs of a structlog logger: an event in words and facts as fields."""

    def debug(self, event: str, /, **facts: Any) -> Any: ...  # noqa: D102

    def info(self, event: str, /, **facts: Any) -> Any: ...  # noqa: D102

    def warning(self, event: str, /, **facts: Any) -> Any: ...  # noqa: D102

    def error(self, event: str, /, **facts: Any) -> Any: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Everything a command may use. Built once by the composition root."""

    store: Store
    bus: Bus
    media: MediaEngine
    config: Config
    clock: Clock = field(default_factory=SystemClock)
    random: Callable[[int], int] = field(default_factory=Dice)
    log: Log = field(default_factory=lambda: structlog.get_logger("moot.control"))
    passcodes: Passcodes = field(init=False)
    orders: Orders = field(init=False)
    reaction_pace: Pace = field(init=False)
    attendances: Attendances = field(init=False)

    def __post_init__(self) -> None:
        # A frozen dataclass sets derived fields in this way.
        object.__setattr__(self, "passcodes", Passcodes(self.clock.monotonic))
        object.__setattr__(self, "orders", Orders(self.media, self.log, self.clock.monotonic))
        pace = Pace(self.clock.monotonic, burst=10, per_s=2)
        object.__setattr__(self, "reaction_pace", pace)
        object.__setattr__(self, "attendances", Attendances())

    def new_id(self) -> str:
        """Make a UUIDv7 (RFC 9562 §5.7)."""
        return uuid7(now_ms=self.clock.now_ms(), random=self.random(_UUID_BITS))

    async def change(self, meeting_id: MeetingId, decide: Callable[[Change], T]) -> T:
        """Run one piece of work on one meeting in one transaction, then announce and enforce it.

        Args:
            decide: calls the transaction and computes, nothing else; may run more than once.

        Raises:
            Problem: `meeting_not_found`, or what `decide` or the store raises; nothing has
                happened then.

        If cancelled, the work may or may not have been committed; an event that was committed and
        not announced is found by every process in the store, and the media engine is brought in
        line by `MediaEvents`.
        """
        now = self.clock.now_ms()

        def work(tx: Transaction) -> tuple[T, Change]:
            meeting = tx.lock_meeting(meeting_id)
            if meeting is None:
                raise Problem("meeting_not_found")
            change = Change(tx, meeting, now, self.attendances)
            return decide(change), change

        result, change = await self.store.write(work)
        if change.attendance is not None:
            self.attendances.keep(change.meeting.uid, change.attendance)
        for event in change.events:
            self.bus.publish(event)
        if change.orders:
            await self.orders.give(change.orders)
        return result

    async def ask(self, meeting_id: MeetingId, look: Callable[[Change], T]) -> T:
        """Run a look at one meeting in one reading transaction; what it appended would be lost.

        Raises:
            Problem: `meeting_not_found`, or what `look` or the store raises.
        """
        now = self.clock.now_ms()

        def work(tx: Transaction) -> T:
            meeting = tx.find_meeting(meeting_id)
            if meeting is None:
                raise Problem("meeting_not_found")
            return look(Change(tx, meeting, now, self.attendances))

        return await self.store.read(work)

    def failed(self, text: str, problem: Exception, **facts: str) -> None:
        """Log that a step has failed (LOG-1), with the id of the problem and the ids given."""
        if isinstance(problem, Problem):
            self.log.warning(text, code=problem.kind.id, **facts)
        else:
            self.log.error(text, code="internal", **facts)
