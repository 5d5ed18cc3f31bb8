"""The composition root: builds every room from one configuration, starts and stops them.

It wires and decides nothing. `build` gives an ASGI application; `serve` runs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn
import uvloop

from moot.bus.local import LocalBus
from moot.bus.port import Bus
from moot.config import Config
from moot.control.context import Control
from moot.control.media_events import MediaEvents
from moot.control.presence import Presence
from moot.control.retention import Retention
from moot.control.watching import Watching
from moot.engine import Engine, build_engine
from moot.gate.address import Proxies
from moot.gate.limits import Limits
from moot.gate.origin import Origins
from moot.http.api import Api
from moot.http.edge import Edge
from moot.http.page import Page, read_files
from moot.http.patience import PatientHttp
from moot.http.routes import operations
from moot.keys import Keys, load_keys
from moot.listen import address_of, listen
from moot.logs import set_up_logs
from moot.metrics import Metrics
from moot.persons.bearer import Bearers
from moot.persons.connection import ConnectionTokens
from moot.persons.guest import GuestCookies
from moot.persons.jwks import KeySet, fetch_json
from moot.persons.sign import Signer
from moot.realtime.endpoint import Streams
from moot.store.open import open_store
from moot.tasks import Tasks
from moot.wire import WireProtocol

Say = Callable[[str], None]

_PAGE: Final = Path(__file__).parent / "page"
_API: Final = ("/api/", "/livez", "/readyz", "/metrics")
_MEETINGS: Final = ["", "api", "v1", "meetings"]
_SWITCH_S: Final = 0.0001
"""How long a thread of Python may make others wait. The store's threads need the interpreter for a
few microseconds after each statement; with Python's default of 5 ms they would wait that long for
each of them while the event loop is busy (measured: a third more joins a second)."""
_COLLECT_AFTER: Final = (10_000, 20, 20)
"""New objects before Python looks for cycles among them, and how often among older ones. A request
leaves hardly any behind, and a look at everything stops the process for a tenth of a second once
thousands are connected; what was made before the first request is never looked at again (`freeze`).
More lets cycles of errors and tasks lie for longer."""
_MESSAGE_LIMIT_BYTES: Final = 1_048_576
"""What any WebSocket takes at all. Event streams hold clients to `max_frame_bytes`; an offer of
LiveKit's signalling for dozens of tracks is larger than that, and has a bound of its own."""
_TICK_S: Final = 1.0
"""How old the date in an answer may be. Longer makes it wrong (RFC 9110 section 6.6.1)."""
_GOODBYE_S: Final = 2.0
"""How long a stopping process waits to say goodbye in the store, behind whatever waits there."""
_KEEP_ALIVE_S: Final = 75
"""Longer than the minute after which common proxies drop an idle connection of theirs."""


class App:
    """The whole of moot as one ASGI application.

    `start` before the first request, `stop` after the last; `drain` between them.
    """

    def __init__(self, config: Config, keys: Keys, say: Say) -> None:
        log = structlog.get_logger("moot")
        self._config = config
        self._say = say
        self._is_draining = False
        self.metrics = Metrics(_version())
        self.store = open_store(config)
        self.bus = _bus(config)
        self._engine: Engine = build_engine(config, keys, say)
        self.control = Control(
            store=self.store, bus=self.bus, media=self._engine.media, config=config
        )
        self._presence = Presence(self.control)
        self._watching = Watching(self.control, self._presence)
        media_events = MediaEvents(self.control, lambda: self._presence.process_id)
        self._watching.when_heard(media_events.heard)
        self._origins = Origins(
            config.public_url, config.allowed_origins, (socket.gethostname(), config.host)
        )
        self._proxies = Proxies(config.trusted_proxies)
        limits = Limits(is_on=config.rate_limits, monotonic=time.monotonic)
        tokens = ConnectionTokens(Signer("connection", [keys.derive("connection token")]))
        self._streams = Streams(
            watching=self._watching,
            tokens=tokens,
            origins=self._origins,
            proxies=self._proxies,
            limits=limits,
            monotonic=time.monotonic,
            is_draining=self.is_draining,
            limit_bytes=config.max_frame_bytes,
            count_close=self.metrics.count_close,
            count_sent=self.metrics.count_sent,
            log=log,
        )
        edge = Edge(
            config=config,
            control=self.control,
            guests=GuestCookies(Signer("guest", [keys.guest_cookie]), secrets.token_bytes),
            bearers=_bearers(config),
            tokens=tokens,
            origins=self._origins,
            proxies=self._proxies,
            limits=limits,
            now_s=time.time,
            monotonic=time.monotonic,
            is_draining=self.is_draining,
            exposition=self.metrics.exposition,
            observe=self.metrics.observe,
            log=log,
            version=_version(),
        )
        self._api = Api(edge, operations(_version()))
        self._page = Page(
            read_files(_PAGE),
            origins=self._origins,
            proxies=self._proxies,
            connects=self._engine.connects,
            embedders=config.embedding_origins,
        )
        self._tasks = Tasks(
            {
                "presence": self._presence.run,
                "watching": self._watching.run,
                "media_events": media_events.run,
                "retention": Retention(self.control).run,
                "streams": self._streams.run,
            },
            count_restart=self.metrics.count_restart,
            log=log,
        )
        self.metrics.collect(self._engine.figures)
        self.metrics.gauge("streams", "Open event streams.", lambda: self._watching.watchers)
        self.metrics.gauge(
            "bus_dropped", "Announcements the bus has dropped.", lambda: self.bus.dropped
        )
        self.metrics.gauge(
            "bus_connected", "1 while announcements arrive.", lambda: self.bus.is_connected
        )

    def is_draining(self) -> bool:
        """Whether this process is about to stop."""
        return self._is_draining

    async def start(self) -> None:
        """Open the store, bring it up to date, open the bus and the media engine.

        Raises:
            StoreUnusable, AddressUnusable: with one sentence and its cure.
        """
        await self.store.open()
        for step in await self.store.migrate():
            self._say(step)
        await self.bus.open()
        await self._engine.media.start()
        self._tasks.start()

    async def drain(self) -> None:
        """Become unready and send every event stream elsewhere, spread over a third of the time."""
        self._is_draining = True
        # A store that is away keeps nobody from leaving: the others see the heartbeat stop.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_GOODBYE_S):
                await self._presence.drain()
        await self._streams.drain(self._config.drain_s / 3)

    async def stop(self) -> None:
        """Stop everything that `start` has started. Idempotent."""
        self._is_draining = True
        await self._tasks.stop()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_GOODBYE_S):
                await self._presence.close()
        await self._engine.media.close()
        await self.bus.close()
        await self.store.close()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Hand one request or WebSocket to the room it is for (ASGI)."""
        path: str = scope["path"]
        door = self._engine.door(path)
        if door is not None:
            await door(scope, receive, send)
        elif scope["type"] == "websocket":
            parts = path.split("/")
            if parts[:4] == _MEETINGS and parts[5:] == ["events"]:
                await self._streams(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            if path.startswith(_API):
                await self._api(scope, receive, send)
            else:
                await self._page(scope, receive, send)


def build(config: Config, say: Say = lambda _: None) -> App:
    """Build the application from its configuration; nothing is opened yet.

    Args:
        say: told of each step, one sentence each.

    Raises:
        SecretUnreadable: the installation's secret cannot be made or read.
        StoreUnusable: the store's address cannot be understood.
    """
    return App(config, load_keys(config), say)


def set_switches() -> None:
    """Set the interpreter's own switches for a process that serves."""
    sys.setswitchinterval(_SWITCH_S)
    gc.set_threshold(*_COLLECT_AFTER)


def serve(config: Config, say: Say) -> int:
    """Serve until SIGTERM or SIGINT, then drain; a second signal stops at once.

    Args:
        say: told of each step, one sentence each.

    Returns:
        0 after a clean stop.

    Raises:
        AddressUnusable, SecretUnreadable, StoreUnusable: with one sentence and its cure.
    """
    set_switches()
    sockets = listen(config.host, config.port)
    try:
        set_up_logs(config.log_level, config.log_format)
        app = build(config, say)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(app, config, sockets, say))
    finally:
        for bound in sockets:
            bound.close()
    return 0


async def _serve(app: App, config: Config, sockets: list[socket.socket], say: Say) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    server = _Server(
        uvicorn.Config(
            app,
            loop="none",
            http=PatientHttp,
            ws=WireProtocol,
            ws_max_size=_MESSAGE_LIMIT_BYTES,
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=max(1, round(config.drain_s * 2 / 3)),
        )
    )

    def stop() -> None:
        if stopping.is_set():
            server.force_exit = True
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await app.start()
        gc.collect()
        gc.freeze()
        serving = asyncio.create_task(server.serve(sockets))
        _greet(config, address_of(sockets, config.host), say)
        await stopping.wait()
        say("Stopping: people's pages connect again by themselves.")
        await app.drain()
        server.end()
        await serving
    finally:
        await app.stop()


def _greet(config: Config, address: str, say: Say) -> None:
    address = config.public_url or address
    say(f"moot is ready at {address}")
    say(f"Open {address} and start a meeting, or open {address}/ANY-NAME to start that one.")
    if not config.rate_limits:
        say("Warning: rate limits are off (MOOT_RATE_LIMITS=off); only load tests want that.")
        structlog.get_logger("moot").warning("Rate limits are off")


class _Server(uvicorn.Server):
    """uvicorn without its own signals: `serve` has them, because draining comes first.

    It wakes once a second, for the date in its answers; uvicorn looks ten times whether to end.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Take no more requests, and finish those that are under way."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bus(config: Config) -> Bus:
    if config.bus_url is None:
        return LocalBus()
    from moot.bus.redis import RedisBus  # noqa: PLC0415 - only where one is named

    return RedisBus(config.bus_url.reveal())


def _bearers(config: Config) -> Bearers:
    keys = None
    if config.oidc_issuer is not None:
        keys = KeySet(
            config.oidc_issuer, config.oidc_jwks_url, fetch=fetch_json, monotonic=time.monotonic
        )
    return Bearers(
        own_key=config.auth_secret.reveal() if config.auth_secret else None,
        issuer=config.oidc_issuer,
        audience=config.oidc_audience,
        keys=keys,
        now_s=time.time,
    )


def _version() -> str:
    try:
        return version("moot")
    except PackageNotFoundError:
        return "0"
