"""Watching a meeting: a snapshot or what was missed, then everything after (EVENT-1, EVENT-2, EVENT-5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moot.control.context import Control
from moot.control.presence import Presence
from moot.model.ids import ConnectionId, MeetingId


@dataclass(frozen=True, slots=True)
class Since:
    """What a client already has."""

    epoch: int
    event_seq: int


class Watcher:
    """One connection's bounded queue of ready-made text messages, `hello` first."""

    @property
    def ending(self) -> str | None:
        """The id of the problem with which the stream is to be closed; None while it goes on."""
        raise NotImplementedError

    async def read(self) -> Sequence[str]:
        """Wait for messages and take all that are there; empty once closed and read to the end.

        One reader at a time. If cancelled, nothing is taken.
        """
        raise NotImplementedError

    def close(self, problem_id: str) -> None:
        """End the stream with a problem; the first one counts."""
        raise NotImplementedError

    def typing(self) -> None:
        """Tell the others that this person types; more than once a second is ignored."""
        raise NotImplementedError


class Watching:
    """All event streams of this process: one feed for each watched meeting."""

    def __init__(self, control: Control, presence: Presence) -> None:
        self._control = control
        self._presence = presence

    async def run(self) -> None:
        """Carry announcements to watchers, and find missed ones in the store, until cancelled."""
        raise NotImplementedError

    async def watch(
        self,
        meeting_id: MeetingId,
        connection_id: ConnectionId,
        *,
        fence: int,
        since: Since | None = None,
    ) -> Watcher:
        """Open a connection's event stream: the participant is present from here on (JOIN-4).

        The edge has checked that the connection's token is right. The watcher's messages begin
        with `hello`, with a snapshot or followed by what came after `since`.

        Raises:
            Problem: `connection_closed` (unknown, closed, or made room for a newer fence),
                `meeting_not_found`, `unavailable`.
        """
        raise NotImplementedError

    def unwatch(self, watcher: Watcher) -> None:
        """Say that a stream is gone, for whatever reason; must follow every `watch`. Idempotent.

        If the connection was not closed meanwhile, it counts as lost from now (JOIN-4).
        """
        raise NotImplementedError

    def close_all(self, problem_id: str) -> None:
        """End every stream of this process, as with `restarting` when draining."""
        raise NotImplementedError

    @property
    def watchers(self) -> int:
        """How many streams are open, for metrics."""
        raise NotImplementedError
