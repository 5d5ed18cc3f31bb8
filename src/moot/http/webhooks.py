"""The door for LiveKit's webhooks: signed by LiveKit, taken by the engine, answered empty."""

from __future__ import annotations

from typing import Any, Final

from moot.errors import Problem
from moot.http.request import read_body, read_headers
from moot.media.livekit import LiveKitMediaEngine
from moot.media.livekit_webhook import WebhookInvalid

PATH: Final = "/livekit/webhook"
_LIMIT_BYTES: Final = 262_144


class Webhooks:
    """An ASGI application for one path.

    Args:
        engine: takes a webhook, or says that it is not LiveKit's.
    """

    def __init__(self, engine: LiveKitMediaEngine) -> None:
        self._engine = engine

    @staticmethod
    def serves(path: str) -> bool:
        """Tell whether a path belongs to this door."""
        return path == PATH

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Take one webhook: 200, 401 for one that LiveKit has not signed, 405 for anything else."""
        status = 405
        if scope["type"] == "http" and scope["method"] == "POST":
            headers = read_headers(scope["headers"])
            try:
                body = await read_body(receive, headers, _LIMIT_BYTES)
                self._engine.receive_webhook(body, headers.get("authorization", ""))
                status = 200
            except Problem as problem:
                status = problem.kind.status
            except WebhookInvalid:
                status = 401
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-length", b"0"), (b"cache-control", b"no-store")],
            }
        )
        await send({"type": "http.response.body", "body": b""})
