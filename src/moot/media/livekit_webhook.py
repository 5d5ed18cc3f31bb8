"""LiveKit's webhooks: signed, fresh, and each taken once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from typing import Final

import jwt
from google.protobuf.json_format import Parse, ParseError
from livekit.protocol import models
from livekit.protocol.webhook import WebhookEvent

from moot.media.tokens import TokenInvalid, TokenSigner

WEBHOOK_LIMIT: Final = 262_144
"""Longest webhook taken, in bytes."""
WEBHOOK_AGE_S: Final = 600.0
"""Oldest webhook taken, in seconds; LiveKit signs each for a few minutes."""
KEPT_LIMIT: Final = 4_096
"""Webhooks remembered, to take none of them twice, and reasons kept until they are asked for."""
_REASONS: Final = {
    models.DisconnectReason.CLIENT_INITIATED: "left",
    models.DisconnectReason.PARTICIPANT_REMOVED: "removed",
    models.DisconnectReason.ROOM_DELETED: "ended",
    models.DisconnectReason.ROOM_CLOSED: "ended",
    models.DisconnectReason.DUPLICATE_IDENTITY: "replaced",
    models.DisconnectReason.SERVER_SHUTDOWN: "closed",
}


class WebhookInvalid(Exception):
    """The webhook is not signed with our secret, does not match its signature, or is too old."""


class WebhookReader:
    """Reads webhooks. Nothing in one is believed but where to look, and why a stay has ended.

    Attributes:
        reasons: why stays ended, by LiveKit's id of the stay; bounded, the oldest go first.
    """

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer
        self._seen: OrderedDict[str, str] = OrderedDict()
        self.reasons: OrderedDict[str, str] = OrderedDict()

    def read(self, body: bytes, authorization: str, now: float) -> str:
        """Take one webhook; answers the room to look at, empty where there is none to look at.

        Args:
            body: exactly as it came.
            authorization: the header's value, a token of LiveKit's that names the body's hash.
            now: Unix seconds.

        Raises:
            WebhookInvalid: forged, altered, too old or too long.
        """
        event = self._check(body, authorization, now)
        if event.id:
            if event.id in self._seen:
                return ""
            _keep(self._seen, event.id, event.event)
        if event.event in ("participant_left", "participant_connection_aborted"):
            reason = _REASONS.get(event.participant.disconnect_reason, "lost")
            _keep(self.reasons, event.participant.sid, reason)
        return event.room.name

    def _check(self, body: bytes, authorization: str, now: float) -> WebhookEvent:
        if len(body) > WEBHOOK_LIMIT:
            raise WebhookInvalid
        token = authorization.removeprefix("Bearer ").strip()
        try:
            # The signature and the times are checked like any token's; the hash is in it besides.
            self._signer.read(token, now)
            claimed = jwt.decode(token, options={"verify_signature": False}).get("sha256", "")
            if not isinstance(claimed, str):
                raise WebhookInvalid
            expected = base64.b64decode(claimed, validate=True)
            if not hmac.compare_digest(hashlib.sha256(body).digest(), expected):
                raise WebhookInvalid
            event = Parse(body.decode(), WebhookEvent(), ignore_unknown_fields=True)
        except (TokenInvalid, jwt.PyJWTError, ParseError, ValueError, binascii.Error):
            raise WebhookInvalid from None
        if abs(now - event.created_at) > WEBHOOK_AGE_S:
            raise WebhookInvalid
        return event


def _keep(kept: OrderedDict[str, str], key: str, value: str) -> None:
    kept[key] = value
    if len(kept) > KEPT_LIMIT:
        kept.popitem(last=False)
