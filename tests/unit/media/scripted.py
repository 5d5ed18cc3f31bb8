"""A media core that records what it is told and says what the test wants; no sockets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from moot.media.builtin.engine import BuiltinMediaEngine
from moot.media.event import MediaEvent
from moot.media.grant import GrantRequest
from moot.media.tokens import TokenSigner
from moot.signal.data import route

MEETING = "ABC123.1"
KEY, SECRET = "key", "a secret of thirty-two bytes or more"


class QueueFull(Exception):
    """The core's own error, by its name."""


class EngineClosed(Exception):
    """The core's own error, by its name."""


class ScriptedCore:
    """Every command of the core, kept in order as (name, arguments)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.refuses: Exception | None = None
        self.figures: list[Any] = []
        self._waiting: list[Any] = []
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def tell(*args: Any, **named: Any) -> None:
            if self.refuses is not None:
                raise self.refuses
            self.told.append((name, args, named))

        return tell

    def fileno(self) -> int:
        return self._wake

    def drain(self, max_events: int = 1024) -> Sequence[Any]:
        taken, self._waiting = self._waiting[:max_events], self._waiting[max_events:]
        if not self._waiting:
            os.eventfd_read(self._wake)
        return taken

    def close(self) -> None:
        self.told.append(("close", (), {}))
        if self._wake >= 0:
            os.close(self._wake)
            self._wake = -1

    def transport_stats(self, meeting: str | None = None) -> list[Any]:
        return [figure for figure in self.figures if meeting in (None, figure.meeting)]

    def says(self, name: str, **facts: Any) -> None:
        """Let an event wait to be drained."""
        self._waiting.append(happening(name, **facts))
        os.eventfd_write(self._wake, 1)

    def commands(self, name: str) -> list[tuple[Any, ...]]:
        """The positional arguments of every command of one name."""
        return [args for told, args, _ in self.told if told == name]

    def named(self, name: str) -> list[dict[str, Any]]:
        """The named arguments of every command of one name."""
        return [named for told, _, named in self.told if told == name]


def happening(name: str, **facts: Any) -> Any:
    """Make an event of the core by its name."""
    return type(name, (SimpleNamespace,), {})(**facts)


class Clock:
    """Unix seconds that pass when the test says so."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Stage:
    """A started engine over a scripted core, with its clock and what control has heard."""

    def __init__(self) -> None:
        self.core = ScriptedCore()
        self.clock = Clock()
        self.signer = TokenSigner(KEY, SECRET)
        self.engine = BuiltinMediaEngine(lambda: self.core, self.signer, route, self.clock)
        self.heard: list[MediaEvent] = []

    async def start(self) -> None:
        await self.engine.start()
        feed = self.engine._feed
        publish = feed.publish

        def note(event: MediaEvent) -> None:
            self.heard.append(event)
            publish(event)

        feed.publish = note  # type: ignore[method-assign]

    async def ticket(self, participant: str, connection: str = "1", **facts: Any) -> str:
        """Grant a ticket; answers its token."""
        granted = await self.engine.grant(
            GrantRequest(
                meeting_key=facts.pop("meeting_key", MEETING),
                participant_id=participant,
                connection_id=connection,
                name=participant.title(),
                url="ws://test",
                **facts,
            )
        )
        return granted.token

    def happens(self, name: str, **facts: Any) -> None:
        """Let the core have seen something, at once."""
        events = self.engine._events
        assert events is not None
        events.handle(happening(name, **facts))
