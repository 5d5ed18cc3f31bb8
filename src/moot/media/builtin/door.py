"""The way into a meeting and back into it: tickets, joining, resuming.

What a connection asks for once it is in is `signalling`'s.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from moot.media.builtin.connection import Connection, ConnectionRequest
from moot.media.builtin.core import core_sources
from moot.media.builtin.hub import Hub, new_id
from moot.media.builtin.meeting import LiveMeeting
from moot.media.builtin.notice import (
    Closing,
    QualitySeen,
    SpeakersHeard,
    SpokenNotice,
    TicketRenewed,
)
from moot.media.builtin.outbox import Attachment
from moot.media.builtin.view import ConnectionState, ConnectionView, MeetingView, Permission
from moot.media.tokens import Claims, TokenInvalid, TokenSigner

CONNECTIONS_LIMIT: Final = 10_000
"""Connections one engine carries; the core's own limit."""


class JoinRefused(Exception):
    """The ticket opens no connection.

    Attributes:
        reason: `token` (not valid any more, or not for joining), `full` (the engine or the meeting
            carries as many as it may).
    """

    def __init__(self, reason: Literal["token", "full"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Joined(Struct, frozen=True, kw_only=True):
    """A connection as its client finds the meeting."""

    connection: Connection
    attachment: Attachment
    meeting: MeetingView
    own: ConnectionView
    others: tuple[ConnectionView, ...]


class Door:
    """Lets connections in, once each, and lets them carry on."""

    def __init__(self, hub: Hub, signer: TokenSigner) -> None:
        self._hub = hub
        self._signer = signer

    def admit(self, token: str) -> Claims:
        """Read a token and accept it for joining.

        Raises:
            TokenInvalid: it is no token of ours, or outside its time.
            JoinRefused: it is not for joining, or was made worthless by a removal or an end.
        """
        claims = self._signer.read(token, self._hub.now())
        if not claims.may_join or not claims.meeting_key or not claims.identity:
            raise JoinRefused("token")
        if max(len(claims.meeting_key), len(claims.identity)) > 128:
            raise TokenInvalid
        if self._hub.ledger.is_revoked(claims.meeting_key, claims.identity, claims.granted_at):
            raise JoinRefused("token")
        return claims

    def join(self, claims: Claims, request: ConnectionRequest) -> Joined:
        """Open a connection; an earlier one of the same identity is replaced.

        Raises:
            JoinRefused: `full`.
            MediaUnavailable: as `Hub.meeting`.
        """
        hub = self._hub
        meeting = hub.meeting(claims.meeting_key)
        earlier = meeting.find(claims.identity)
        if earlier is None and self._is_full(meeting):
            raise JoinRefused("full")
        if earlier is not None:
            hub.drop(earlier, Closing.REPLACED)
        permission = Permission(
            may_publish=claims.may_publish,
            sources=claims.sources,
            may_subscribe=claims.may_subscribe,
            may_send_data=claims.may_send_data,
            may_update_own=claims.may_update_own,
            is_hidden=claims.is_hidden,
        )
        forwarded = claims.sources & hub.ledger.allowed(
            meeting.key, claims.identity, claims.forwarded, claims.granted_at
        )
        if not claims.may_update_own:
            request = replace(request, metadata="", attributes={})
        connection = Connection(
            sid=new_id("PA_"),
            meeting_key=meeting.key,
            claims=claims,
            request=request,
            permission=permission,
            forwarded=forwarded,
            now=hub.now(),
        )
        hub.core.open_connection(
            meeting.key,
            connection.sid,
            mode=request.mode,
            sources=core_sources(forwarded),
        )
        hub.connections[connection.sid] = connection
        others = self._visible(connection)
        hub.announce_soon(connection)  # before it is in: it need not hear of itself
        meeting.add(connection)
        attachment = connection.outbox.attach()
        hub.subscribe_to_present(connection)
        if request.mode == "dual":
            hub.command(hub.core.negotiate, connection.sid)
        self._tell_present(connection, meeting)
        return Joined(
            connection=connection,
            attachment=attachment,
            meeting=meeting.view(),
            own=connection.view(),
            others=others,
        )

    def resume(self, claims: Claims, sid: str) -> Joined | None:
        """Carry on a connection whose signalling was lost; None where nothing can be resumed."""
        hub = self._hub
        connection = hub.connections.get(sid)
        if (
            connection is None
            or connection.identity != claims.identity
            or connection.meeting_key != claims.meeting_key
        ):
            return None
        connection.outbox.refresh()
        connection.signal_lost_at = None
        attachment = connection.outbox.attach()
        meeting = hub.meetings[connection.meeting_key]
        if connection.mode == "dual":
            hub.command(hub.core.restart_ice, sid, "subscriber")
        connection.tell_again()
        self._tell_present(connection, meeting)
        return Joined(
            connection=connection,
            attachment=attachment,
            meeting=meeting.view(),
            own=connection.view(),
            others=self._visible(connection),
        )

    def lose(self, connection: Connection, attachment: Attachment) -> None:
        """Note that a connection's signalling is gone; it may resume for a while. An attachment
        that another has replaced changes nothing (JOIN-3).
        """
        if connection.outbox.detach(attachment) or connection.outbox.is_overrun:
            connection.signal_lost_at = self._hub.now()

    def renew_ticket(self, connection: Connection) -> None:
        """Tell a connection a fresh token, good for coming back with what it may do now."""
        now = self._hub.now()
        permission = connection.permission
        ticket = self._signer.sign_claims(
            Claims(
                identity=connection.identity,
                name=connection.name,
                meeting_key=connection.meeting_key,
                granted_at=now,
                expires_at=now + self._signer.ttl_s,
                metadata=connection.metadata,
                attributes=connection.attributes,
                may_join=True,
                may_publish=permission.may_publish,
                sources=permission.sources,
                forwarded=connection.forwarded,
                may_subscribe=permission.may_subscribe,
                may_send_data=permission.may_send_data,
                may_update_own=permission.may_update_own,
                is_hidden=permission.is_hidden,
            ),
            url="",
        )
        connection.outbox.put(TicketRenewed(token=ticket.token))

    def _is_full(self, meeting: LiveMeeting) -> bool:
        limit = meeting.max_connections
        return len(self._hub.connections) >= CONNECTIONS_LIMIT or 0 < limit <= len(meeting)

    def _visible(self, connection: Connection) -> tuple[ConnectionView, ...]:
        return tuple(
            other.view()
            for other in self._hub.others(connection)
            if not other.permission.is_hidden and other.state is not ConnectionState.GONE
        )

    def _tell_present(self, connection: Connection, meeting: LiveMeeting) -> None:
        """Tell a newcomer what is otherwise told only when it changes."""
        qualities = tuple(
            (other.sid, other.quality[0], other.quality[1])
            for other in meeting
            if other.quality is not None and connection.sees(other)
        )
        if qualities:
            connection.outbox.put(QualitySeen(qualities=qualities))
        speakers = tuple(
            SpokenNotice(sid, level, True)
            for sid, level in meeting.levels.items()
            if (other := meeting.with_sid(sid)) is not None and connection.sees(other)
        )
        if speakers:
            connection.outbox.put(SpeakersHeard(speakers=speakers))
