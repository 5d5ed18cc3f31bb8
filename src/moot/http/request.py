"""A request: read within limits, decoded strictly, before any handler sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from moot.errors import Problem
from moot.http.operation import Operation
from moot.model.ids import ConnectionId, parse_uuid
from moot.persons.person import Person

BODY_TIMEOUT_S = 15.0
"""How long a body may take to arrive; longer serves slower lines, shorter frees stuck ones."""
_QUERY_LIMIT = 4_096
_FIELDS = 32
_FENCE_LIMIT = 2**53


class Sender(msgspec.Struct, frozen=True):
    """The connection that sends a command, as `Moot-Connection` and `Moot-Fence` name it."""

    connection_id: ConnectionId
    fence: int | None


class Request:
    """One request to the API.

    Attributes:
        operation: the row of the table it is for.
        parameters: of the path, decoded from the percent-encoding, not parsed.
        headers: lower-case names to values; repeated ones joined by commas.
        address: where it comes from, behind the trusted proxies.
        own: the origin of this server as the browser sees it.
        query: a value of the operation's query type.
        body: a value of the operation's body type, or None.
        person: who asks; None only where the operation allows it.
        sender: the connection that sends it, if it says so.
        cookie: the `Set-Cookie` value that goes with the answer, or None.
    """

    __slots__ = (
        "_person",
        "address",
        "body",
        "cookie",
        "headers",
        "operation",
        "own",
        "parameters",
        "query",
        "sender",
    )

    def __init__(
        self,
        operation: Operation,
        *,
        parameters: Mapping[str, str],
        headers: Mapping[str, str],
        address: str,
        own: str,
    ) -> None:
        self.operation = operation
        self.parameters = parameters
        self.headers = headers
        self.address = address
        self.own = own
        self.query: Any = None
        self.body: Any = None
        self.sender: Sender | None = None
        self.cookie: str | None = None
        self._person: Person | None = None

    @property
    def is_secure(self) -> bool:
        """Whether the browser came over HTTPS."""
        return self.own.startswith("https:")

    @property
    def asker(self) -> Person | None:
        """Who asks, or nobody."""
        return self._person

    @asker.setter
    def asker(self, person: Person | None) -> None:
        self._person = person

    @property
    def person(self) -> Person:
        """Who asks.

        Raises:
            Problem: `not_authenticated` where nobody does.
        """
        if self._person is None:
            raise Problem("not_authenticated")
        return self._person


def read_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Read headers into a mapping; repeated ones are joined (RFC 9110 §5.3, RFC 9113 §8.2.3)."""
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name, value = name_bytes.decode("latin-1"), value_bytes.decode("latin-1")
        if name in headers:
            headers[name] += ("; " if name == "cookie" else ", ") + value
        else:
            headers[name] = value
    return headers


def read_path(raw: bytes) -> list[str]:
    """Take a path apart at its slashes, then decode each part: an encoded slash stays inside.

    Raises:
        Problem: `body_malformed` where the address is not UTF-8.
    """
    try:
        return [unquote_to_bytes(part).decode() for part in raw.split(b"/")[1:]]
    except UnicodeDecodeError:
        raise Problem("body_malformed", reason="its address is not UTF-8") from None


async def read_body(receive: Any, headers: Mapping[str, str], limit: int) -> bytes:
    """Read a body of at most `limit` bytes.

    Raises:
        Problem: `body_too_large`, before more than the limit is kept; `body_malformed` where it
            comes too slowly or ends too early.
    """
    length = headers.get("content-length")
    if length is not None and (not length.isdigit() or len(length) > 18 or int(length) > limit):
        raise Problem("body_too_large", limit_bytes=limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem("body_malformed", reason="it ended too early")
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise Problem("body_too_large", limit_bytes=limit)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise Problem("body_malformed", reason="its body came too slowly") from None


def decode_body(operation: Operation, headers: Mapping[str, str], content: bytes) -> Any:
    """Decode a JSON body to the operation's type: no unknown field, no silent conversion.

    Raises:
        Problem: `media_type_unsupported`, `body_malformed`, `body_invalid`.
    """
    if not content:
        if operation.is_body_needed:
            raise Problem("body_malformed", reason="its body is missing")
        return None
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower()
    if (
        media_type.strip().lower() != "application/json"
        or charset not in ("", "charset=utf-8", 'charset="utf-8"')
        or headers.get("content-encoding", "identity") != "identity"
    ):
        raise Problem("media_type_unsupported")
    if operation.body is None:
        raise Problem("body_invalid", reason="it takes no body")
    try:
        return msgspec.json.decode(content, type=operation.body)
    except msgspec.ValidationError as reason:
        raise Problem("body_invalid", reason=_told(reason)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as reason:
        raise Problem("body_malformed", reason=_told(reason)) from None


def decode_query(operation: Operation, raw: bytes) -> Any:
    """Decode a query to the operation's type: no unknown and no repeated field.

    Raises:
        Problem: `body_malformed`, `body_invalid`.
    """
    if not raw:
        return operation.query() if operation.query else None
    if len(raw) > _QUERY_LIMIT:
        raise Problem("body_too_large", limit_bytes=_QUERY_LIMIT)
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise Problem("body_malformed", reason="its query cannot be read") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Problem("body_invalid", reason="a query parameter stands twice")
    if operation.query is None:
        raise Problem("body_invalid", reason="it takes no query")
    try:
        return msgspec.convert(fields, operation.query, strict=False)
    except msgspec.ValidationError as reason:
        raise Problem("body_invalid", reason=_told(reason)) from None


def read_sender(headers: Mapping[str, str]) -> Sender | None:
    """Read which connection sends a command.

    Raises:
        Problem: `body_invalid`.
    """
    name = headers.get("moot-connection")
    fence = headers.get("moot-fence")
    if name is None:
        if fence is not None:
            raise Problem("body_invalid", reason="`Moot-Fence` needs `Moot-Connection`")
        return None
    connection_id = ConnectionId(parse_uuid(name, field="Moot-Connection"))
    if fence is None:
        return Sender(connection_id, None)
    if not fence.isascii() or not fence.isdigit() or len(fence) > 16 or int(fence) > _FENCE_LIMIT:
        raise Problem("body_invalid", reason="`Moot-Fence` is not a fence")
    return Sender(connection_id, int(fence))


def _told(reason: Exception) -> str:
    """Say what a decoder says, as part of our sentence, within bounds."""
    text = str(reason).strip().rstrip(".")[:200] or type(reason).__name__
    return text[0].lower() + text[1:]
