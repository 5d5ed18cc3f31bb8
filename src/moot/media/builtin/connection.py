"""One browser tab's or program's link to the media of a meeting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from moot.media.builtin.notice import ForwardingPaused, LayersWanted, StandingNotice
from moot.media.builtin.outbox import Outbox
from moot.media.builtin.publication import Publication
from moot.media.builtin.view import ConnectionState, ConnectionView, Permission
from moot.media.event import Quality
from moot.media.source import EVERY_SOURCE, Source
from moot.media.tokens import Claims


class ConnectionRequest(Struct, frozen=True, kw_only=True):
    """How a client wants to connect.

    Attributes:
        mode: one transport, or two (see `moot._media.Engine.open_connection`).
        wants_everything: subscribe to every track without being asked.
        client_protocol: what the client says of its abilities, passed on to the others.
    """

    mode: Literal["single", "dual"]
    wants_everything: bool = True
    client_protocol: int = 0
    capabilities: tuple[int, ...] = ()
    metadata: str = ""
    attributes: Mapping[str, str] = {}


STANDING_LIMIT: Final = 768
"""Tracks of which a connection is told again what holds, when it resumes: more than it can receive.
All that is told of them has room in an outbox; of more, the oldest are forgotten."""
Trust = dict[str, frozenset[str] | None] | None
"""Who may have a connection's tracks: see `Connection.trusted`."""


class Connection:
    """What the engine knows of one connection. Changed only in this room.

    Attributes:
        sid: the engine's own id; another connection of the same identity has another.
        forwarded: the sources the core may forward.
        publications: by track id, in the order of announcement.
        wanted: tracks it asked for by name. declined: tracks it asked not to get.
        trusted: who may have its tracks, by identity: the tracks, or None for all of them; itself
            None where everyone may.
        signal_lost_at: when its signalling went, None while it is there.
        failed_at: when its transport failed, None while it works or is still being set up.
        has_closed: its client ended the transport itself, which a crash or a lost network does not.
        quality: as last told; None until it was measured.
    """

    def __init__(
        self,
        *,
        sid: str,
        meeting_key: str,
        claims: Claims,
        request: ConnectionRequest,
        permission: Permission,
        forwarded: frozenset[Source],
        now: float,
    ) -> None:
        self.sid = sid
        self.meeting_key = meeting_key
        self.identity = claims.identity
        self.name = claims.name
        self.metadata = request.metadata or claims.metadata
        self.attributes = {**claims.attributes, **request.attributes}
        self.permission = permission
        self.forwarded = forwarded
        self.granted_at = claims.granted_at
        self.joined_at = now
        self.mode = request.mode
        self.wants_everything = request.wants_everything
        self.client_protocol = request.client_protocol
        self.capabilities = request.capabilities
        self.state = ConnectionState.JOINED
        self.why_gone = ""
        self.publications: dict[str, Publication] = {}
        self.wanted: set[str] = set()
        self.declined: set[str] = set()
        self.trusted: Trust = None
        self._standing: dict[str, dict[type[StandingNotice], StandingNotice]] = {}
        self.outbox = Outbox()
        self.signal_lost_at: float | None = None
        self.failed_at: float | None = None
        self.has_closed = False
        self.quality: tuple[Quality, float, str] | None = None
        self._version = 1
        self._view: ConnectionView | None = None

    @property
    def primary_transport(self) -> Literal["publisher", "subscriber"]:
        """The transport whose state is the connection's."""
        return "publisher" if self.mode == "single" else "subscriber"

    @property
    def is_connected(self) -> bool:
        """Media flows now."""
        return self.state is ConnectionState.ACTIVE and self.failed_at is None

    @property
    def name_in_ledger(self) -> tuple[str, str]:
        """Its key in the ledger."""
        return self.meeting_key, self.identity

    def active(self) -> dict[Source, str]:
        """The sources others may see or hear now, each with its newest track."""
        return {
            publication.request.source: track_id
            for track_id, publication in self.publications.items()
            if publication.is_active and publication.request.source is not None
        }

    def is_allowed(self, source: Source | None) -> bool:
        """Tell whether the core forwards this source; an unnamed one only if all are allowed."""
        if self.forwarded == EVERY_SOURCE:
            return True
        return source is not None and source in self.forwarded

    def trusts(self, identity: str, track_id: str) -> bool:
        """Tell whether its owner lets `identity` have one of its tracks."""
        return _trusts(self.trusted, identity, track_id)

    def trust(self, trusted: Trust, identities: Iterable[str]) -> dict[str, dict[str, bool]]:
        """Change who may have its tracks; answers what is new for each of the identities: the
        arrived tracks that it may have now (True) or no longer (False).
        """
        before, self.trusted = self.trusted, trusted
        track_ids = [track_id for track_id, one in self.publications.items() if one.has_arrived]
        changes: dict[str, dict[str, bool]] = {}
        for identity in identities:
            for track_id in track_ids:
                may = _trusts(trusted, identity, track_id)
                if may != _trusts(before, identity, track_id):
                    changes.setdefault(identity, {})[track_id] = may
        return changes

    def sees(self, other: Connection) -> bool:
        """Tell whether its client hears of another: of all but those who are hidden."""
        return other is self or not other.permission.is_hidden

    def tell(self, notice: StandingNotice) -> None:
        """Tell its client what holds for a track until it is told anew."""
        self.outbox.put(notice)
        track_id = notice.track_id
        if track_id not in self._standing:
            if len(self._standing) >= STANDING_LIMIT:
                del self._standing[next(iter(self._standing))]
            self._standing[track_id] = {}
        kept = self._standing[track_id]
        if isinstance(notice, LayersWanted):
            earlier, own = kept.get(LayersWanted), self.publications.get(track_id)
            if isinstance(earlier, LayersWanted) and own is not None and own.has_fallen_back:
                # The request for the backup codec stands until something is said of that codec.
                codecs = dict(earlier.codecs) | dict(notice.codecs)
                notice = replace(notice, codecs=tuple(codecs.items()))
        kept[type(notice)] = notice

    def tell_again(self) -> None:
        """Tell its client once more what holds for each track: it may have missed it."""
        for kept in self._standing.values():
            for notice in kept.values():
                self.outbox.put(notice)

    def end_subscription(self, track_id: str) -> None:
        """Forget whether a track is paused that the connection does not receive any more."""
        if kept := self._standing.get(track_id):
            kept.pop(ForwardingPaused, None)

    def forget(self, track_id: str) -> None:
        """Forget everything about a track that is gone."""
        self.wanted.discard(track_id)
        self.declined.discard(track_id)
        self._standing.pop(track_id, None)

    def put(self, publication: Publication) -> None:
        """Add a publication, or replace the older version of it."""
        self.publications[publication.track_id] = replace(
            publication, version=publication.version + 1
        )

    def changed(self) -> ConnectionView:
        """Count a change and show the connection as it is now."""
        self._version += 1
        self._view = None
        return self.view()

    def view(self) -> ConnectionView:
        """Show the connection as it is now: only tracks that have arrived."""
        if self._view is None:
            self._view = ConnectionView(
                sid=self.sid,
                identity=self.identity,
                name=self.name,
                state=self.state,
                version=self._version,
                joined_at=self.joined_at,
                permission=self.permission,
                publications=tuple(
                    publication
                    for publication in self.publications.values()
                    if publication.has_arrived
                ),
                metadata=self.metadata,
                attributes=dict(self.attributes),
                why_gone=self.why_gone,
                client_protocol=self.client_protocol,
                capabilities=self.capabilities,
            )
        return self._view


def _trusts(trusted: Trust, identity: str, track_id: str) -> bool:
    if trusted is None:
        return True
    if identity not in trusted:
        return False
    tracks = trusted[identity]
    return tracks is None or track_id in tracks
