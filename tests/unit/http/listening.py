"""uvicorn with moot's HTTP on a real socket, without the rest of moot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from moot.http.patience import PatientHttp


@asynccontextmanager
async def listening(app: Any, **options: Any) -> AsyncIterator[int]:
    """Serve an ASGI application with uvicorn's options; yields the port."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, **options)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: PatientHttp(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        await server.wait_closed()
