"""The media engine that the configuration names, with the doors it opens beside the API."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from moot.config import Config
from moot.keys import Keys
from moot.listen import AddressUnusable
from moot.media.fake import FakeMediaEngine
from moot.media.port import MediaEngine
from moot.media.stats import Figure

if TYPE_CHECKING:
    from moot.media.builtin.core import MediaCore

# A process imports only the engine that it runs: each brings libraries that take their time.

_SUBSCRIPTIONS_LEAST: Final = 200
_SUBSCRIPTIONS_MOST: Final = 500
"""What one connection may receive at most. The core reads descriptions of 600 sections, in which a
client's own tracks and those that have ended have theirs, too."""
_TRACKS_EACH: Final = 2
"""Tracks a person publishes, as the limit on subscriptions counts: microphone and camera. Larger
admits meetings where many share, and lets one connection cost more."""
_TRIES: Final = 50
"""Ports tried after the default one; enough for as many processes of moot on one machine."""


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
        figures: measures the engine, for `/metrics`.
    """

    media: MediaEngine
    doors: tuple[Any, ...] = ()
    connects: tuple[str, ...] = ()
    figures: Callable[[], Sequence[Figure]] = tuple

    def door(self, path: str) -> Door | None:
        """Find the application for a path."""
        for door in self.doors:
            if door.serves(path):
                found: Door = door
                return found
        return None


def build_engine(config: Config, keys: Keys, say: Callable[[str], None]) -> Engine:
    """Build the engine; it is started with the application.

    Args:
        say: told where media is served when it is not where the settings say.
    """
    if config.media == "fake":
        return Engine(FakeMediaEngine())
    if config.media == "livekit":
        return _livekit(config)
    return _builtin(config, keys, say)


def _builtin(config: Config, keys: Keys, say: Callable[[str], None]) -> Engine:
    from moot.media.builtin.engine import BuiltinMediaEngine  # noqa: PLC0415
    from moot.media.tokens import TokenSigner  # noqa: PLC0415
    from moot.signal.data import route  # noqa: PLC0415
    from moot.signal.endpoint import SignalEndpoint  # noqa: PLC0415
    from moot.signal.room_service import RoomService  # noqa: PLC0415

    signer = TokenSigner(keys.media_api_key, keys.media_api_secret.reveal())
    engine = BuiltinMediaEngine(lambda: _open_core(config, say), signer, route)
    doors = (SignalEndpoint(engine), RoomService(engine, time.time))
    return Engine(engine, doors, figures=engine.figures)


def _livekit(config: Config) -> Engine:
    from moot.http.webhooks import Webhooks  # noqa: PLC0415
    from moot.media.livekit import LiveKitMediaEngine  # noqa: PLC0415

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


def _open_core(config: Config, say: Callable[[str], None]) -> MediaCore:
    """Open the media core's sockets; a default port that is taken makes room for the next free one.

    Raises:
        AddressUnusable: the ports cannot be had, or the core has not been built.
    """
    try:
        from moot._media import Engine as Core  # noqa: PLC0415
        from moot._media import EngineConfig  # noqa: PLC0415
    except ImportError as reason:
        raise AddressUnusable(
            "The media core is not built; run `make build`, or choose another engine with --media."
        ) from reason
    threads = config.media_threads
    is_chosen = "media_port" in config.given or config.media_port == 0
    bind = list(config.media_addresses) or ["0.0.0.0", "::"]  # noqa: S104 - media is for everybody
    port = config.media_port
    tries = 1 if is_chosen else _TRIES
    while True:
        try:
            core = Core(
                EngineConfig(
                    bind=bind,
                    udp_port=port,
                    tcp_port=port,
                    public_addresses=list(config.media_public_addresses),
                    shards=threads,
                    max_subscriptions_per_connection=min(
                        max(_SUBSCRIPTIONS_LEAST, _TRACKS_EACH * config.max_participants),
                        _SUBSCRIPTIONS_MOST,
                    ),
                )
            )
        except OSError as reason:
            tries -= 1
            if tries == 0:
                raise AddressUnusable(
                    f"The media port {config.media_port} cannot be had ({reason}); choose another "
                    "with --media-port."
                ) from reason
            port += max(1, threads) + 4
        else:
            if port != config.media_port:
                say(f"Media port {config.media_port} is taken; media is on port {port}.")
            return core
