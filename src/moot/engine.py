"""The media engine that the configuration names, with the doors it opens beside the API."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from moot.config import Config
from moot.http.webhooks import Webhooks
from moot.keys import Keys
from moot.listen import AddressUnusable
from moot.media.builtin.core import MediaCore
from moot.media.builtin.engine import BuiltinMediaEngine
from moot.media.fake import FakeMediaEngine
from moot.media.livekit import LiveKitMediaEngine
from moot.media.port import MediaEngine
from moot.media.tokens import TokenSigner
from moot.signal.data import route
from moot.signal.endpoint import SignalEndpoint
from moot.signal.room_service import RoomService

_TRIES: Final = 50
"""Ports tried after the default one; enough for as many processes of moot on one machine."""

Answering = Callable[[Any, Any, Any], Awaitable[None]]


class Door(Protocol):
    """An ASGI application that knows which paths are its own."""

    def serves(self, path: str) -> bool:
        """Tell whether a path belongs to this door."""
        ...

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request or WebSocket."""
        ...


class Engine(msgspec.Struct, frozen=True):
    """A media engine and what comes with it.

    Attributes:
        media: the port that control uses.
        doors: applications for paths of its own.
        connects: origins the page connects to because of it.
    """

    media: MediaEngine
    doors: tuple[Any, ...] = ()
    connects: tuple[str, ...] = ()

    def door(self, path: str) -> Door | None:
        """Find the application for a path."""
        for door in self.doors:
            if door.serves(path):
                found: Door = door
                return found
        return None


def build_engine(config: Config, keys: Keys) -> Engine:
    """Build the engine; it is started with the application."""
    if config.media == "fake":
        return Engine(FakeMediaEngine())
    if config.media == "livekit":
        return _livekit(config)
    signer = TokenSigner(keys.media_api_key, keys.media_api_secret.reveal())
    builtin = BuiltinMediaEngine(lambda: _open_core(config), signer, route)
    return Engine(builtin, (SignalEndpoint(builtin), RoomService(builtin, time.time)))


def _livekit(config: Config) -> Engine:
    url = config.livekit_url or ""
    secret = config.livekit_api_secret
    engine = LiveKitMediaEngine(
        url, config.livekit_api_key or "", secret.reveal() if secret is not None else ""
    )
    parts = urlsplit(url)
    is_secure = parts.scheme in ("https", "wss")
    schemes = ("https", "wss") if is_secure else ("http", "ws")
    return Engine(
        engine, (Webhooks(engine),), tuple(f"{name}://{parts.netloc}" for name in schemes)
    )


def _open_core(config: Config) -> MediaCore:
    """Open the media core's sockets; a default port that is taken makes room for the next free one.

    Raises:
        AddressUnusable: the ports cannot be had, or the core has not been built.
    """
    try:
        from moot._media import Engine as Core  # noqa: PLC0415 - only where media is carried
        from moot._media import EngineConfig  # noqa: PLC0415
    except ImportError as reason:
        raise AddressUnusable(
            "The media core is not built; run `make build`, or choose another engine with --media."
        ) from reason
    threads = config.media_threads
    is_chosen = "media_port" in config.given or config.media_port == 0
    bind = list(config.media_addresses) or ["0.0.0.0", "::"]  # noqa: S104 - media is for everybody
    port = config.media_port
    for _ in range(1 if is_chosen else _TRIES):
        try:
            return Core(
                EngineConfig(
                    bind=bind,
                    udp_port=port,
                    tcp_port=port,
                    public_addresses=list(config.media_public_addresses),
                    shards=threads,
                )
            )
        except OSError as reason:
            failure = reason
            port += max(1, threads) + 4
    raise AddressUnusable(
        f"The media port {config.media_port} cannot be had ({failure}); choose another with "
        "--media-port."
    ) from failure
