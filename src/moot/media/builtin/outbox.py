"""What waits to be told to one connection, and who is there to carry it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import get_args

from moot.media.builtin.notice import Described, Notice, SectionsWanted, StandingNotice

OUTBOX_LIMIT = 2048
"""Notices kept for one connection. Larger lets a slower network catch up and costs memory (a
notice is shared, so some 16 bytes each); at 2,048 a reader is minutes behind, not seconds."""


class Attachment:
    """One signalling socket's hold on an outbox; a newer hold ends it."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._act: Callable[[], None] | None = None
        self.is_current = True

    @property
    def is_over(self) -> bool:
        """Nothing follows: another socket has taken over, or the outbox is closed and read out."""
        return not self.is_current or (self._outbox.is_closed and not self._outbox.is_waiting)

    def take(self) -> list[Notice]:
        """Take all that waits; nothing once another socket has taken over."""
        return self._outbox.take() if self.is_current else []

    def when_waiting(self, act: Callable[[], None] | None) -> None:
        """Have `act` called once, when something waits or nothing follows any more: now, if that is
        so already. None calls nothing any more.
        """
        self._act = act
        if self._outbox.is_waiting or self.is_over:
            self.wake()

    def wake(self) -> None:
        """Let the socket look again."""
        act, self._act = self._act, None
        if act is not None:
            act()


class Outbox:
    """A bounded queue of notices that survives the loss of its socket.

    A full one says so through `is_overrun`: the socket is then dropped, and the client, resuming,
    is told how everything is instead of what it missed.
    """

    def __init__(self, limit: int = OUTBOX_LIMIT) -> None:
        self._limit = limit
        self._waiting: deque[Notice] = deque()
        self._attachment: Attachment | None = None
        self.is_closed = False
        self.is_overrun = False

    def attach(self) -> Attachment:
        """Become the socket that carries this outbox, in place of any other."""
        self.detach()
        self._attachment = Attachment(self)
        return self._attachment

    def detach(self, attachment: Attachment | None = None) -> bool:
        """Let go of the socket, or only of the one named; True if that changed anything."""
        held = self._attachment
        if held is None or (attachment is not None and attachment is not held):
            return False
        self._attachment = None
        held.is_current = False
        held.wake()
        return True

    @property
    def is_attached(self) -> bool:
        """A socket carries it."""
        return self._attachment is not None

    @property
    def is_waiting(self) -> bool:
        """Something waits to be taken."""
        return bool(self._waiting)

    def put(self, notice: Notice) -> None:
        """Add a notice; never blocks, drops it where the outbox is closed or overrun."""
        if self.is_closed or self.is_overrun:
            return
        if len(self._waiting) >= self._limit:
            self._waiting.clear()
            self.is_overrun = True
            self.detach()
            return
        self._waiting.append(notice)
        if self._attachment is not None:
            self._attachment.wake()

    def put_last(self, notice: Notice) -> None:
        """Add the last notice and close."""
        self.put(notice)
        self.is_closed = True
        if self._attachment is not None:
            self._attachment.wake()

    def take(self) -> list[Notice]:
        """Take everything that waits."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def refresh(self) -> None:
        """Prepare for a client that resumes: what described transports as they were is void, and
        what holds for a track is told again.
        """
        self.is_overrun = False
        stale = (Described, SectionsWanted, *get_args(StandingNotice))
        self._waiting = deque(notice for notice in self._waiting if not isinstance(notice, stale))
