"""Serves the plain page on livekit-client that stands beside moot's page (bench/peers/plain)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).parent / "peers/plain"
_SDK = ROOT / "web/node_modules/livekit-client"
_FILES = {
    "/": HERE / "page.html",
    "/page.js": HERE / "page.js",
    "/page.css": HERE / "page.css",
    "/livekit-client.js": _SDK / "dist/livekit-client.umd.js",
}


def client_version() -> str:
    """Name the version of livekit-client that both pages use."""
    return str(json.loads((_SDK / "package.json").read_text(encoding="utf-8"))["version"])


class PlainPage:
    """The page at its address."""

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def url(
        self,
        server: str,
        token: str,
        *,
        camera: bool = False,
        microphone: bool = False,
        columns: int = 1,
    ) -> str:
        """Give the address that leads to a media server, with these devices."""
        wish = {
            "url": server,
            "token": token,
            "camera": camera,
            "microphone": microphone,
            "columns": columns,
        }
        return f"{self._origin}/#{quote(json.dumps(wish))}"


def _file(path: Path) -> Any:
    async def serve(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    return serve


@asynccontextmanager
async def plain_page() -> AsyncIterator[PlainPage]:
    """Serve the page on a free port of loopback."""
    app = web.Application()
    for address, path in _FILES.items():
        app.router.add_get(address, _file(path))
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield PlainPage(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
