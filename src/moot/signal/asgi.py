"""The few moves of ASGI that this room needs; it has no framework of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CORS_HEADERS: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
]
"""Any page may ask: what counts here is the token, and it is never in a cookie."""


def header(scope: Scope, name: bytes) -> str:
    """Read a request header; empty where it is missing."""
    for key, value in scope["headers"]:
        if key.lower() == name:
            return str(value, "latin-1")
    return ""


async def answer(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    """Send a whole HTTP answer; a client that is gone is no error."""
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *CORS_HEADERS,
    ]
    if status == 204:
        headers = [pair for pair in headers if pair[0] not in (b"content-type", b"content-length")]
    with suppress(OSError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def answer_text(send: Send, status: int, text: str) -> None:
    """Send a sentence as an HTTP answer."""
    await answer(send, status, text.encode(), b"text/plain; charset=utf-8")


async def refuse_socket(scope: Scope, send: Send, status: int, text: str) -> None:
    """Answer the request for a WebSocket with an HTTP status, where the server can do that (ASGI's
    `websocket.http.response`); else it becomes 403.
    """
    with suppress(OSError):
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        await send(
            {
                "type": "websocket.http.response.start",
                "status": status,
                "headers": [(b"content-type", b"text/plain; charset=utf-8"), *CORS_HEADERS],
            }
        )
        await send({"type": "websocket.http.response.body", "body": text.encode()})


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """Read a request's whole body; None where it is longer than `limit` bytes or broken off."""
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return None
        body += event.get("body", b"")
        if len(body) > limit:
            return None
        if not event.get("more_body", False):
            return bytes(body)
