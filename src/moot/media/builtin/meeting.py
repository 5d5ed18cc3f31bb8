"""One run of a meeting as the engine carries it."""

from __future__ import annotations

from collections.abc import Iterator

from moot.media.builtin.connection import Connection
from moot.media.builtin.view import MeetingView
from moot.media.event import Speaker


class LiveMeeting:
    """A meeting's connections and its own facts. Changed only in this room.

    Attributes:
        empty_since: Unix seconds since when nobody is in it, None while somebody is.
        empty_timeout_s: seconds an empty meeting is kept.
        max_connections: 0 for no limit of its own.
        levels: audio level of each active speaker, by sid.
        graded: connections whose quality has changed since it was last told.
        gathered: connections whose change waits to be announced together with others'.
    """

    def __init__(self, *, key: str, sid: str, now: float, empty_timeout_s: int) -> None:
        self.key = key
        self.sid = sid
        self.created_at = now
        self.metadata = ""
        self.empty_since: float | None = now
        self.empty_timeout_s = empty_timeout_s
        self.max_connections = 0
        self.levels: dict[str, float] = {}
        self.graded: set[str] = set()
        self.gathered: dict[str, Connection] = {}
        self._by_sid: dict[str, Connection] = {}
        self._by_identity: dict[str, Connection] = {}
        self._version = 1

    def __len__(self) -> int:
        return len(self._by_sid)

    def __iter__(self) -> Iterator[Connection]:
        """Go through the connections as they are now, safe against changes on the way."""
        return iter(list(self._by_sid.values()))

    def add(self, connection: Connection) -> None:
        """Add a connection; its identity must be free."""
        self._by_sid[connection.sid] = connection
        self._by_identity[connection.identity] = connection
        self.empty_since = None

    def discard(self, connection: Connection, now: float) -> None:
        """Take a connection out. Calling it again changes nothing."""
        if self._by_sid.pop(connection.sid, None) is None:
            return
        self._by_identity.pop(connection.identity, None)
        self.levels.pop(connection.sid, None)
        self.graded.discard(connection.sid)
        self.gathered.pop(connection.sid, None)
        if not self._by_sid:
            self.empty_since = now

    def find(self, identity: str) -> Connection | None:
        """Find the connection of an identity."""
        return self._by_identity.get(identity)

    def with_sid(self, sid: str) -> Connection | None:
        """Find a connection by the engine's own id."""
        return self._by_sid.get(sid)

    def speakers(self) -> tuple[Speaker, ...]:
        """Who speaks now, loudest first."""
        heard = [
            Speaker(self._by_sid[sid].identity, level)
            for sid, level in self.levels.items()
            if sid in self._by_sid
        ]
        return tuple(sorted(heard, key=lambda speaker: -speaker.level))

    def changed(self) -> MeetingView:
        """Count a change and show the meeting as it is now."""
        self._version += 1
        return self.view()

    def view(self) -> MeetingView:
        """Show the meeting as it is now."""
        seen = [connection for connection in self if not connection.permission.is_hidden]
        return MeetingView(
            sid=self.sid,
            key=self.key,
            created_at=self.created_at,
            metadata=self.metadata,
            connections=len(seen),
            publishers=sum(1 for connection in seen if connection.publications),
            version=self._version,
            empty_timeout_s=self.empty_timeout_s,
            max_connections=self.max_connections,
        )
