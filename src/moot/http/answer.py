"""An answer: a status, a body and headers, before it is sent."""

from __future__ import annotations

from typing import Any

import msgspec

JSON = b"application/json"
_ENCODER = msgspec.json.Encoder()


class Answer(msgspec.Struct, frozen=True):
    """What a handler returns.

    Attributes:
        status: HTTP status.
        body: encoded as JSON, or bytes that are sent as they are.
        headers: further headers, names in lower case.
        content_type: of the body.
    """

    status: int
    body: Any = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = JSON

    def encode(self) -> bytes:
        """Give the body as it is sent."""
        return self.body if isinstance(self.body, bytes) else _ENCODER.encode(self.body)


def ok(body: Any, *headers: tuple[bytes, bytes]) -> Answer:
    """Answer 200."""
    return Answer(200, body, headers)


def created(body: Any, *headers: tuple[bytes, bytes], is_new: bool) -> Answer:
    """Answer 201 for something new and 200 for what was there already (MEET-2, JOIN-1)."""
    return Answer(201 if is_new else 200, body, headers)


def etag(value: str) -> tuple[bytes, bytes]:
    """Make a strong ETag header (RFC 9110 §8.8.3)."""
    return (b"etag", f'"{value}"'.encode())
