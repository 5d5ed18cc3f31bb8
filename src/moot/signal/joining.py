"""How a client asks to join: in the query of its WebSocket's address, in one of two dialects.

`/rtc` spells each wish as a parameter and uses two transports. `/rtc/v1` packs a `JoinRequest` into
`join_request` (base64url of a `WrappedJoinRequest`, gzip if it says so), with the first offer
in it, and uses one. Some SDKs send a `join_request` to `/rtc`: it is what counts, not the path.
"""

from __future__ import annotations

import zlib
from base64 import b64decode
from typing import Final, Literal
from urllib.parse import parse_qs

from google.protobuf.message import DecodeError
from livekit.protocol import models, rtc
from msgspec import Struct

from moot.media.builtin.connection import ConnectionRequest

QUERY_LIMIT: Final = 131_072
"""Longest query taken, in bytes. A packed offer of 20 sections is about 8 KiB."""
UNPACKED_LIMIT: Final = 1_048_576
"""Bytes a packed request may unfold to; what is larger is an attack."""
_PARAMETERS_LIMIT: Final = 64


class JoinInvalid(Exception):
    """The query cannot be read.

    Attributes:
        sentence: what is wrong with it, for the developer at the other end.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class JoinWish(Struct, frozen=True, kw_only=True):
    """What a client asks for when it opens its socket.

    Attributes:
        resumes: the sid of the connection to carry on; empty to open a new one.
        announcements: tracks announced along with the request.
        offer: the first offer, None where it comes later.
        is_offer_early: the client has sent that offer without setting it for itself: an answer
            before it has would be lost on it.
        sync_state: what a resuming client thinks of its subscriptions.
    """

    connection: ConnectionRequest
    resumes: str = ""
    announcements: tuple[rtc.AddTrackRequest, ...] = ()
    offer: rtc.SessionDescription | None = None
    is_offer_early: bool = False
    sync_state: rtc.SyncState | None = None


def read_query(raw: bytes) -> dict[str, str]:
    """Take a query apart; of a repeated parameter the last one counts.

    Raises:
        JoinInvalid: it is too long or not text.
    """
    if len(raw) > QUERY_LIMIT:
        raise JoinInvalid("the query is too long")
    try:
        parsed = parse_qs(
            raw.decode("ascii"), keep_blank_values=True, max_num_fields=_PARAMETERS_LIMIT
        )
    except ValueError:
        raise JoinInvalid("the query cannot be read") from None
    return {name: values[-1] for name, values in parsed.items()}


def read_wish(query: dict[str, str], *, is_packed: bool) -> JoinWish:
    """Read what a client wants from its query.

    Args:
        query: as `read_query` gives it.
        is_packed: the path demands a `join_request`.

    Raises:
        JoinInvalid: there is no `join_request` although the path demands one, or it is malformed.
    """
    packed = query.get("join_request")
    if packed is not None:
        return _packed_wish(packed)
    if is_packed:
        raise JoinInvalid("join_request is missing")
    resumes = query.get("sid", "") if _flag(query.get("reconnect")) else ""
    if _flag(query.get("reconnect")) and not resumes:
        raise JoinInvalid("reconnect without sid")
    return JoinWish(
        connection=ConnectionRequest(
            mode="dual",
            wants_everything=_flag(query.get("auto_subscribe", "1")),
            client_protocol=_number(query.get("client_protocol", "")),
            capabilities=_numbers(query.get("capabilities", "")),
        ),
        resumes=resumes,
    )


def _packed_wish(packed: str) -> JoinWish:
    try:
        wrapped = rtc.WrappedJoinRequest.FromString(_base64url(packed))
        body = wrapped.join_request
        if wrapped.compression == rtc.WrappedJoinRequest.Compression.GZIP:
            body = _gunzip(body)
        request = rtc.JoinRequest.FromString(body)
    except (DecodeError, ValueError):
        raise JoinInvalid("join_request cannot be read") from None
    settings = request.connection_settings
    client = request.client_info
    mode: Literal["single", "dual"] = "single"
    if request.reconnect and not request.participant_sid:
        raise JoinInvalid("reconnect without participant_sid")
    return JoinWish(
        connection=ConnectionRequest(
            mode=mode,
            wants_everything=settings.auto_subscribe,
            client_protocol=client.client_protocol,
            capabilities=tuple(client.capabilities[:32]),
            metadata=request.metadata,
            attributes=dict(request.participant_attributes),
        ),
        resumes=request.participant_sid if request.reconnect else "",
        announcements=tuple(request.add_track_requests[:32]),
        offer=request.publisher_offer if request.HasField("publisher_offer") else None,
        # It listens before it sets the offer (2.19.0, `OnJoinResponse`); all others see to that.
        is_offer_early=client.sdk == models.ClientInfo.SDK.GO,
        sync_state=request.sync_state if request.HasField("sync_state") else None,
    )


def _base64url(text: str) -> bytes:
    plain = text.replace("+", "-").replace("/", "_").rstrip("=")
    return b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)


def _gunzip(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, UNPACKED_LIMIT)
    except zlib.error:
        raise ValueError from None
    if not unpacker.eof:
        raise ValueError
    return unpacked


def _flag(text: str | None) -> bool:
    return text is not None and text.lower() in ("1", "true", "t")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(number for part in text.split(",")[:32] if (number := _number(part)))
