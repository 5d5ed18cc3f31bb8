"""What a client may ask of the engine, whatever dialect it speaks.

Each verb is told which connection speaks; none of them waits. What comes of it arrives as notices
in the connection's outbox. Nothing a client says can raise here but the errors named: unknown ids
and forbidden wishes are answered or ignored, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from moot.media.builtin.connection import Connection, Trust
from moot.media.builtin.core import core_layers
from moot.media.builtin.hub import Hub, new_id
from moot.media.builtin.notice import (
    Closing,
    MuteChanged,
    PublishRefused,
    RequestAnswered,
    SubscriptionAllowed,
    SubscriptionRefused,
    TrackAccepted,
)
from moot.media.builtin.publication import Publication, PublicationRequest, short_codec
from moot.media.builtin.view import Permission

TransportName = Literal["publisher", "subscriber"]

PUBLICATIONS_LIMIT: Final = 32
"""Tracks one connection may announce: four sources, with room for programs that publish more."""
WISHES_LIMIT: Final = 4096
"""Track ids one connection may name as wanted or declined; beyond it the older wishes are void."""
METADATA_LIMIT: Final = 65_536
"""Bytes of metadata, and of all attributes together; LiveKit's own limit."""


class SubscriptionWish(Struct, frozen=True, kw_only=True):
    """How a client wants to receive a track.

    Attributes:
        width: pixels it is shown at, with `height`; 0 leaves the choice to `quality`.
        priority: 0 to 255, 0 lets the core decide.
    """

    is_disabled: bool = False
    quality: Literal["low", "medium", "high", "off"] = "high"
    width: int = 0
    height: int = 0
    fps: int = 0
    priority: int = 0


class Signalling:
    """The engine as its clients' signalling sees it."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    # Going.

    def leave(self, connection: Connection) -> None:
        """End a connection by its own will."""
        self._hub.drop(connection, Closing.LEFT)

    def break_off(self, connection: Connection, why: Closing) -> None:
        """End a connection whose client has broken the rules or asked to be cut off."""
        self._hub.drop(connection, why)

    def identity_of(self, connection: Connection, sid: str) -> str:
        """Find the identity of another in the same meeting; empty where there is none."""
        other = self._hub.connections.get(sid)
        if other is None or other.meeting_key != connection.meeting_key:
            return ""
        return other.identity

    # Negotiation.

    def offer(
        self, connection: Connection, transport: TransportName, sdp: str, number: int
    ) -> None:
        """Take a client's offer; the answer bears its number."""
        self._hub.core.accept_offer(connection.sid, transport, sdp, request=number)

    def answer(
        self, connection: Connection, transport: TransportName, sdp: str, number: int
    ) -> None:
        """Take a client's answer to the offer of that number."""
        self._hub.core.accept_answer(connection.sid, transport, sdp, request=number)

    def candidate(self, connection: Connection, transport: TransportName, candidate: str) -> None:
        """Take a trickled ICE candidate; an empty one ends them."""
        if connection.mode == "single" and transport == "subscriber":
            self._hub.counts["candidate_for_no_transport"] += 1
            return
        self._hub.core.add_candidate(connection.sid, transport, candidate)

    # Publishing.

    def announce_track(self, connection: Connection, request: PublicationRequest) -> None:
        """Give a track that will be sent its id; the same announcement again gets the same id."""
        permission = connection.permission
        if not permission.may_publish or (
            request.source is not None and request.source not in permission.sources
        ):
            connection.outbox.put(PublishRefused(cid=request.cid, reason="not_allowed"))
            return
        for publication in connection.publications.values():
            if publication.request.cid == request.cid and not publication.has_arrived:
                self._accept(connection, publication)
                return
        if len(connection.publications) >= PUBLICATIONS_LIMIT:
            connection.outbox.put(PublishRefused(cid=request.cid, reason="limit_exceeded"))
            return
        publication = Publication(
            track_id=new_id("TR_"),
            request=request,
            is_muted=request.is_muted,
            is_allowed=connection.is_allowed(request.source),
            width=request.width,
            height=request.height,
            features=request.features,
        )
        connection.put(publication)
        self._hub.owners[publication.track_id] = connection
        self._hub.core.add_track(
            connection.sid,
            publication.track_id,
            cid=request.cid,
            kind=request.kind,
            source=request.source.value if request.source is not None else "unknown",
            muted=request.is_muted,
            codec=request.codec,
            layers=core_layers(request.layers),
            stereo=request.has_stereo,
            dtx=request.uses_dtx,
            red=request.uses_red,
            encrypted=request.encryption != "none",
        )
        self._accept(connection, publication)

    def announce_codec(
        self, connection: Connection, track_id: str, request: PublicationRequest
    ) -> bool:
        """Take the announcement that an own track will come in its backup codec; False where nobody
        asked for that.
        """
        publication = connection.publications.get(track_id)
        if publication is None or not publication.has_fallen_back:
            return False
        if short_codec(request.codec) != publication.codecs[1]:
            return False
        self._hub.core.add_codec(
            track_id, cid=request.cid, codec=request.codec, layers=core_layers(request.layers)
        )
        connection.outbox.put(TrackAccepted(cid=request.cid, publication=publication))
        return True

    def mute_own(self, connection: Connection, track_id: str, *, is_muted: bool) -> None:
        """Mute or unmute an own track; a source that is not allowed stays muted."""
        publication = connection.publications.get(track_id)
        if publication is None:
            self._hub.counts["unknown_track"] += 1
            return
        if not is_muted and not publication.is_allowed:
            connection.outbox.put(MuteChanged(track_id=track_id, is_muted=True))
            return
        self._hub.set_muted(connection, track_id, is_muted=is_muted)

    def resize_own(self, connection: Connection, track_id: str, width: int, height: int) -> None:
        """Note the new size of an own video."""
        publication = connection.publications.get(track_id)
        if publication is not None and (publication.width, publication.height) != (width, height):
            self._hub.change(connection, replace(publication, width=width, height=height))

    def describe_own(
        self, connection: Connection, track_id: str, features: tuple[str, ...]
    ) -> None:
        """Note what was done to an own audio track."""
        publication = connection.publications.get(track_id)
        if publication is not None and publication.features != features:
            self._hub.change(connection, replace(publication, features=features))

    def trust(self, connection: Connection, trusted: Trust) -> int:
        """Say who may have this connection's tracks (see `Connection.trusted`); answers how many
        pairs of a person and a track were looked at.
        """
        hub = self._hub
        others = list(hub.others(connection))
        changes = connection.trust(trusted, [other.identity for other in others])
        notices: dict[tuple[str, bool], SubscriptionAllowed] = {}
        for other in others:
            allowed: list[str] = []
            refused: list[str] = []
            for track_id, is_allowed in changes.get(other.identity, {}).items():
                notice = notices.get((track_id, is_allowed))
                if notice is None:
                    notice = SubscriptionAllowed(
                        publisher_sid=connection.sid, track_id=track_id, is_allowed=is_allowed
                    )
                    notices[track_id, is_allowed] = notice
                other.tell(notice)
                (allowed if is_allowed else refused).append(track_id)
            if refused:
                hub.unsubscribe(other, refused)
            hub.subscribe(other, [track_id for track_id in allowed if hub.wants(other, track_id)])
        return len(others) * len(connection.view().publications)

    # Subscribing.

    def want(self, connection: Connection, track_ids: Iterable[str], *, is_wanted: bool) -> int:
        """Ask for tracks, or ask not to get them; answers how many tracks were named."""
        hub = self._hub
        named = dict.fromkeys(track_ids)
        known = []
        for track_id in named:
            if track_id not in hub.owners:
                if is_wanted:
                    connection.outbox.put(SubscriptionRefused(track_id=track_id))
                continue
            known.append(track_id)
        added, dropped = (
            (connection.wanted, connection.declined)
            if is_wanted
            else (connection.declined, connection.wanted)
        )
        dropped.difference_update(known)
        if len(added) + len(known) > WISHES_LIMIT:
            added.clear()
            hub.counts["wishes_forgotten"] += 1
        added.update(known)
        if is_wanted:
            hub.subscribe(connection, known)
        elif known:
            hub.unsubscribe(connection, known)
        return len(named)

    def set_wish(
        self, connection: Connection, track_ids: Iterable[str], wish: SubscriptionWish
    ) -> int:
        """Say how tracks are wanted; answers how many were named. Those that the connection may
        not have are passed over.
        """
        named = dict.fromkeys(track_ids)
        for track_id in named:
            owner = self._hub.owners.get(track_id)
            if owner is None:
                self._hub.counts["unknown_track"] += 1
                continue
            if not self._hub.may_receive(connection, owner, track_id):
                continue
            has_size = wish.width > 0 and wish.height > 0
            set_subscription = partial(
                self._hub.core.set_subscription,
                disabled=wish.is_disabled,
                quality=None if has_size else wish.quality,
                width=wish.width if has_size else 0,
                height=wish.height if has_size else 0,
                fps=wish.fps,
                priority=min(wish.priority, 255),
            )
            self._hub.command(set_subscription, connection.sid, track_id)
        return len(named)

    # Oneself.

    def update_own(
        self,
        connection: Connection,
        *,
        name: str,
        metadata: str,
        attributes: Mapping[str, str],
        number: int,
    ) -> None:
        """Change one's own name, metadata and attributes, where that is allowed; what is empty
        stays, an attribute with an empty value goes.
        """
        if not connection.permission.may_update_own:
            connection.outbox.put(
                RequestAnswered(
                    number=number,
                    outcome="not_allowed",
                    sentence="does not have permission to update own metadata",
                )
            )
            return
        is_done = self.update(connection, name=name, metadata=metadata, attributes=attributes)
        connection.outbox.put(
            RequestAnswered(number=number, outcome="ok" if is_done else "limit_exceeded")
        )

    def update(
        self,
        connection: Connection,
        *,
        name: str = "",
        metadata: str = "",
        attributes: Mapping[str, str] | None = None,
    ) -> bool:
        """Change a connection's name, metadata and attributes; False where they are too large."""
        merged = dict(connection.attributes)
        for key, value in (attributes or {}).items():
            if value:
                merged[key] = value
            else:
                merged.pop(key, None)
        size = sum(len(key) + len(value) for key, value in merged.items())
        if max(size, len(metadata), len(name)) > METADATA_LIMIT:
            return False
        connection.name = name or connection.name
        connection.metadata = metadata or connection.metadata
        connection.attributes = merged
        self._hub.announce(connection)
        return True

    def permit(self, connection: Connection, permission: Permission) -> None:
        """Change what a connection may do. What it publishes without permission falls silent, what
        it receives without permission ends.
        """
        hub = self._hub
        latest = hub.ledger.latest(*connection.name_in_ledger)
        might_subscribe = connection.permission.may_subscribe
        connection.permission = permission
        hub.announce(connection)
        hub.set_forwarded(
            connection,
            permission.sources if latest is None else permission.sources & latest,
        )
        if permission.may_subscribe and not might_subscribe:
            hub.subscribe_to_present(connection)
        elif might_subscribe and not permission.may_subscribe:
            received = [
                track_id for other in hub.others(connection) for track_id in other.publications
            ]
            hub.unsubscribe(connection, received)

    def mute_other(self, connection: Connection, track_id: str) -> bool:
        """Mute a connection's track by another's word, and tell it; False where there is none."""
        if track_id not in connection.publications:
            return False
        self._hub.set_muted(connection, track_id, is_muted=True)
        connection.outbox.put(MuteChanged(track_id=track_id, is_muted=True))
        return True

    def _accept(self, connection: Connection, publication: Publication) -> None:
        connection.outbox.put(TrackAccepted(cid=publication.request.cid, publication=publication))
