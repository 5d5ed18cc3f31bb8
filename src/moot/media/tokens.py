"""LiveKit access tokens: signed by moot, read by the built-in engine or by a LiveKit deployment.

The format is LiveKit's (a JWT, RFC 7519, HS256, with a `video` claim), so that its SDKs carry
our tickets unchanged and programs with the key and secret can sign their own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import jwt
from jwt.algorithms import HMACAlgorithm
from msgspec import Struct

from moot.media.grant import GrantRequest, MediaTicket
from moot.media.key import identity as identity_of
from moot.media.ledger import LEEWAY_S, TICKET_TTL_S
from moot.media.source import EVERY_SOURCE, Source

TOKEN_LIMIT: Final = 16_384
"""Longest token read, in bytes; LiveKit's own stay under 2 KiB with generous attributes."""

_WIRE_NAMES: Final[Mapping[Source, str]] = {
    Source.MICROPHONE: "microphone",
    Source.CAMERA: "camera",
    Source.SCREEN: "screen_share",
    Source.SCREEN_AUDIO: "screen_share_audio",
}
_BY_WIRE_NAME: Final = {wire: source for source, wire in _WIRE_NAMES.items()}


class TokenInvalid(Exception):
    """The token is not ours, is malformed, or is outside its time."""


class Claims(Struct, frozen=True, kw_only=True):
    """What a valid token says.

    Attributes:
        identity: whom it is for; empty in a token for the server API.
        meeting_key: the meeting it opens; empty where it opens none.
        granted_at: Unix seconds at which it was made; compared with later removals.
        may_join: it opens a transport.
        sources: what LiveKit's clients are told they may publish; empty with `may_publish` False.
        forwarded: what the built-in engine forwards of it. Kept apart from `sources`, because a
            client that is told "not allowed" refuses to publish before the word to the contrary
            has travelled to it, and its user has already pressed the button.
        may_administer: its holder may use the server API on `meeting_key`.
        may_create: its holder may create and delete meetings' rooms.
        may_list: its holder may list them.
    """

    identity: str
    name: str
    meeting_key: str
    granted_at: float
    expires_at: float
    metadata: str = ""
    attributes: Mapping[str, str] = {}
    may_join: bool = False
    may_publish: bool = True
    sources: frozenset[Source] = EVERY_SOURCE
    forwarded: frozenset[Source] = EVERY_SOURCE
    may_subscribe: bool = True
    may_send_data: bool = True
    may_update_own: bool = False
    is_hidden: bool = False
    may_administer: bool = False
    may_create: bool = False
    may_list: bool = False


class _PreparedHmac(HMACAlgorithm):
    """HS256 with a key that was looked at once: whether it is a PEM, DER or SSH key by mistake is
    otherwise searched for at each token, which takes longer than the HMAC.
    """

    def prepare_key(self, key: str | bytes) -> bytes:
        """Take the key as it is: it was prepared."""
        return key if isinstance(key, bytes) else key.encode()


class TokenSigner:
    """Signs tickets and reads tokens for one API key. Holds no clock: `now` is Unix seconds."""

    ttl_s: Final = TICKET_TTL_S

    def __init__(self, api_key: str, api_secret: str) -> None:
        self.api_key = api_key
        self._secret = api_secret
        self._prepared_secret = HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(api_secret)
        self._signatures = jwt.PyJWS(algorithms=[])
        self._signatures.register_algorithm("HS256", _PreparedHmac(HMACAlgorithm.SHA256))

    def sign(self, request: GrantRequest, now: float, *, is_enforced: bool) -> MediaTicket:
        """Make the ticket that a grant stands for, good for `TICKET_TTL_S` seconds.

        Args:
            request: for whom, and what it allows.
            now: Unix seconds, the ticket's `iat`.
            is_enforced: the engine forwards nothing but `request.sources` by itself (ours does);
                False puts them into LiveKit's permissions, where its server enforces them.
        """
        return self.sign_claims(
            Claims(
                identity=identity_of(request.participant_id, request.connection_id),
                name=request.name,
                meeting_key=request.meeting_key,
                granted_at=now,
                expires_at=now + TICKET_TTL_S,
                attributes={**request.attributes, "participant_id": request.participant_id},
                may_join=True,
                sources=EVERY_SOURCE if is_enforced else request.sources,
                forwarded=request.sources,
                may_subscribe=request.may_subscribe,
                may_send_data=request.may_send_data,
            ),
            request.url,
        )

    def sign_claims(self, claims: Claims, url: str) -> MediaTicket:
        """Make a ticket that says exactly these claims: no others ever enter a token of ours."""
        video: dict[str, Any] = {"room": claims.meeting_key, "roomJoin": claims.may_join}
        video |= {
            "canPublish": claims.may_publish,
            "canSubscribe": claims.may_subscribe,
            "canPublishData": claims.may_send_data,
            "canUpdateOwnMetadata": claims.may_update_own,
            "hidden": claims.is_hidden,
        }
        if claims.sources != EVERY_SOURCE and claims.may_publish:
            video["canPublishSources"] = sorted(_WIRE_NAMES[source] for source in claims.sources)
            video["canPublish"] = bool(claims.sources)
        # `iat` keeps its fraction (RFC 7519 §2 allows it): a person let back in within the second
        # of a removal must hold a ticket that is newer than the removal.
        payload: dict[str, Any] = {
            "iss": self.api_key,
            "sub": claims.identity,
            "iat": claims.granted_at,
            "nbf": math.floor(claims.granted_at),
            "exp": math.ceil(claims.expires_at),
            "name": claims.name,
            "video": video,
            "attributes": dict(claims.attributes),
        }
        if claims.metadata:
            payload["metadata"] = claims.metadata
        if claims.forwarded != EVERY_SOURCE:
            payload["moot"] = {"forwarded": sorted(claims.forwarded)}
        token = jwt.encode(payload, self._secret, algorithm="HS256")
        return MediaTicket(url, token, claims.expires_at)

    def read(self, token: str, now: float) -> Claims:
        """Read a token somebody has shown.

        Raises:
            TokenInvalid: it is longer than `TOKEN_LIMIT`, not signed with our secret, not issued
                under our key, without `exp`, expired or not valid yet, or of an unexpected shape.
        """
        if len(token) > TOKEN_LIMIT:
            raise TokenInvalid
        try:
            payload = json.loads(
                self._signatures.decode(token, self._prepared_secret, algorithms=["HS256"])
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise TokenInvalid from None
        if not isinstance(payload, dict) or payload.get("iss") != self.api_key:
            raise TokenInvalid
        return _claims(payload, now)


def _claims(payload: Mapping[str, Any], now: float) -> Claims:
    expires_at = _seconds(payload.get("exp"))
    starts_at = _seconds(payload.get("nbf", 0))
    granted_at = _seconds(payload.get("iat", starts_at))
    if now >= expires_at + LEEWAY_S or now < starts_at - LEEWAY_S:
        raise TokenInvalid
    video = payload.get("video") or {}
    ours = payload.get("moot") or {}
    if not isinstance(video, Mapping) or not isinstance(ours, Mapping):
        raise TokenInvalid
    may_publish = _flag(video, "canPublish", default=True)
    named = video.get("canPublishSources")
    if isinstance(named, list) and named:
        # LiveKit: sources that are named supersede `canPublish`.
        sources = frozenset(
            _BY_WIRE_NAME[name] for name in named if isinstance(name, str) and name in _BY_WIRE_NAME
        )
        may_publish = True
    else:
        sources = EVERY_SOURCE if may_publish else frozenset()
    return Claims(
        identity=_text(payload.get("sub", "")),
        name=_text(payload.get("name", "")),
        meeting_key=_text(video.get("room", "")),
        granted_at=granted_at,
        expires_at=expires_at,
        metadata=_text(payload.get("metadata", "")),
        attributes=_attributes(payload.get("attributes") or {}),
        may_join=_flag(video, "roomJoin"),
        may_publish=may_publish,
        sources=sources,
        forwarded=_forwarded(ours.get("forwarded")),
        may_subscribe=_flag(video, "canSubscribe", default=True),
        may_send_data=_flag(video, "canPublishData", default=may_publish),
        may_update_own=_flag(video, "canUpdateOwnMetadata"),
        is_hidden=_flag(video, "hidden"),
        may_administer=_flag(video, "roomAdmin"),
        may_create=_flag(video, "roomCreate"),
        may_list=_flag(video, "roomList"),
    )


def _forwarded(value: Any) -> frozenset[Source]:
    if value is None:
        return EVERY_SOURCE
    try:
        return frozenset(Source(name) for name in value)
    except (TypeError, ValueError):
        raise TokenInvalid from None


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenInvalid
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TokenInvalid
    return value


def _flag(video: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    value = video.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise TokenInvalid
    return value


def _attributes(value: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise TokenInvalid
    return {_text(name): _text(text) for name, text in value.items()}
