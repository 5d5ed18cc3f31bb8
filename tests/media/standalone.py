"""The media half of moot alone: the built-in engine and its signalling, without rooms above it.

`python -m tests.media.standalone PORT [ADDRESS]` serves until it is terminated, on loopback unless
another address is named.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import uvicorn
import uvloop
from tests.livekit.server import API_KEY, API_SECRET

from moot._media import Engine, EngineConfig
from moot.app import set_switches
from moot.http.patience import PatientHttp
from moot.media.builtin.engine import BuiltinMediaEngine
from moot.media.tokens import TokenSigner
from moot.signal.data import route
from moot.signal.endpoint import SignalEndpoint
from moot.signal.room_service import RoomService
from moot.wire import WireProtocol


def build(open_core: Callable[[], Any], clock: Callable[[], float] = time.time) -> Any:
    """Build the application over a core; answers the application and its engine."""
    engine = BuiltinMediaEngine(open_core, TokenSigner(API_KEY, API_SECRET), route, clock)
    endpoint = SignalEndpoint(engine)
    service = RoomService(engine, clock)

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await engine.start()
            gc.collect()
            gc.freeze()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await engine.close()
            await send({"type": "lifespan.shutdown.complete"})
        elif RoomService.serves(scope["path"]):
            await service(scope, receive, send)
        else:
            await endpoint(scope, receive, send)

    return app, engine


def open_core() -> Engine:
    """Open the media core on free ports."""
    return Engine(EngineConfig(udp_port=0, tcp_port=0, shards=1))


def main(port: int, host: str = "127.0.0.1") -> None:
    """Serve until terminated, on the event loop and with the switches of `moot serve`."""
    set_switches()
    app, _ = build(open_core)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        http=PatientHttp,
        ws=WireProtocol,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        access_log=False,
        proxy_headers=False,
        lifespan="on",
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
