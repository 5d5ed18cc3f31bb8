"""The token that opens one connection's event stream, and nothing else."""

from __future__ import annotations

from moot.model.ids import ConnectionId, MeetingId
from moot.persons.sign import Signer


class ConnectionTokens:
    """Makes and checks connection tokens.

    A token says: this connection, in this meeting. Whether the connection still stands, and for
    whom, the store says when the stream opens, so a token needs no expiry: it is worthless as soon
    as its connection is closed.
    """

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def make(self, meeting_id: MeetingId, connection_id: ConnectionId) -> str:
        """Make the token that goes with the answer to a join."""
        return self._signer.sign(f"{meeting_id}.{connection_id}")

    def check(self, token: str, meeting_id: MeetingId, connection_id: ConnectionId) -> bool:
        """Whether the token was made for exactly this connection in this meeting."""
        return self._signer.verify(token) == f"{meeting_id}.{connection_id}"
