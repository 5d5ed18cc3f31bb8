"""A meeting and its connections as they look at one moment: frozen, safe to hand to anyone."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from moot.media.builtin.publication import Publication
from moot.media.source import EVERY_SOURCE, Source


class ConnectionState(StrEnum):
    """Where a connection is in its life."""

    JOINED = "joined"
    ACTIVE = "active"
    GONE = "gone"


class Permission(Struct, frozen=True, kw_only=True):
    """What a connection may do, as its client is told.

    Attributes:
        sources: what it may announce. What is forwarded of that is another matter: see
            `Connection.forwarded`.
        may_update_own: it may change its own name, metadata and attributes.
        is_hidden: others do not see it.
    """

    may_publish: bool = True
    sources: frozenset[Source] = EVERY_SOURCE
    may_subscribe: bool = True
    may_send_data: bool = True
    may_update_own: bool = False
    is_hidden: bool = False


class ConnectionView(Struct, frozen=True, kw_only=True, weakref=True, eq=False):
    """One connection at one version; a higher version replaces a lower one. Equal only to itself.

    Attributes:
        joined_at: Unix seconds.
        why_gone: empty while it is there.
        client_protocol: what its client says of its own abilities, passed on untouched.
    """

    sid: str
    identity: str
    name: str
    state: ConnectionState
    version: int
    joined_at: float
    permission: Permission
    publications: tuple[Publication, ...] = ()
    metadata: str = ""
    attributes: Mapping[str, str] = {}
    why_gone: str = ""
    client_protocol: int = 0
    capabilities: tuple[int, ...] = ()


class MeetingView(Struct, frozen=True, kw_only=True):
    """The meeting's own facts.

    Attributes:
        created_at: Unix seconds.
        version: grows with every change of `metadata`.
    """

    sid: str
    key: str
    created_at: float
    metadata: str
    connections: int
    publishers: int
    version: int
    empty_timeout_s: int
    max_connections: int
