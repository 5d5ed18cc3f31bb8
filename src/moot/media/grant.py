"""A grant: short-lived permission for one connection to open its transport in one meeting."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from moot.media.source import EVERY_SOURCE, Source


class GrantRequest(Struct, frozen=True, kw_only=True):
    """Ask for a ticket for one connection.

    Attributes:
        meeting_key: the run of the meeting, `meeting_id.run`; created by the engine if missing.
        participant_id: the person in the meeting, the same on every connection.
        connection_id: the browser tab or program that will use the ticket.
        name: shown to others; travels as LiveKit's participant name.
        url: `ws://` or `wss://` base the browser reaches this service at, without path. The
            built-in engine hands it back; LiveKit's adapter answers its own address instead.
        sources: what the connection may publish. Idempotent with `set_sources`: the latest
            word on an identity wins, whichever verb said it.
        may_subscribe: whether it receives the others' tracks.
        may_send_data: whether it may send data messages.
        attributes: further facts that LiveKit's clients see, at most 20, never secrets.
    """

    meeting_key: str
    participant_id: str
    connection_id: str
    name: str
    url: str
    sources: frozenset[Source] = EVERY_SOURCE
    may_subscribe: bool = True
    may_send_data: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)


class MediaTicket(Struct, frozen=True):
    """Where a browser connects and what it shows there.

    Attributes:
        url: base that a LiveKit SDK takes, `ws://host:port`.
        token: LiveKit JWT, good for one identity in one meeting.
        expires_at: Unix seconds after which the token no longer opens a transport.
    """

    url: str
    token: str
    expires_at: float
