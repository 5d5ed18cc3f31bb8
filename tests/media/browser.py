"""A real browser with LiveKit's JavaScript SDK in it, told what to do over a WebSocket.

The browser is the system's, started with a fresh profile and without any driver: the page
comes from this process and asks it for orders.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

HERE = Path(__file__).parent
SDK = HERE.parents[1] / "web/node_modules/livekit-client/dist/livekit-client.umd.js"
READY_WITHIN_S = 120.0
ANSWER_WITHIN_S = 30.0

_CHROMIUM = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
_FIREFOX = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    # The media plug-in with H.264 would be fetched from elsewhere.
    "media.gmp-manager.updateEnabled": False,
}


class PageFailed(Exception):
    """The page's answer to an order was an error."""


class Browser:
    """One page in one browser. `await browser.order(verb, …)` runs a method of `page.js`."""

    def __init__(self, kind: str, socket: web.WebSocketResponse) -> None:
        self.kind = kind
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def order(self, verb: str, *args: Any) -> Any:
        """Let the page do something, and wait for what comes of it."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "verb": verb, "args": args})
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await answer

    async def until(self, is_so: Any, verb: str, *args: Any, within_s: float = 30.0) -> Any:
        """Repeat an order until its answer is as wanted; answers it."""
        answer: Any = None
        try:
            async with asyncio.timeout(within_s):
                while True:
                    answer = await self.order(verb, *args)
                    if is_so(answer):
                        return answer
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{self.kind}: {verb}{args} stayed at {answer!r}") from None

    def take(self, message: dict[str, Any]) -> None:
        """Take an answer of the page's."""
        answer = self._answers.pop(message["id"], None)
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(PageFailed(message["error"]))
        else:
            answer.set_result(message["value"])


def _command(kind: str, profile: Path, url: str) -> list[str]:
    if kind == "chromium":
        return ["chromium", *_CHROMIUM, f"--user-data-dir={profile}", url]
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _FIREFOX.items()
    ]
    (profile / "user.js").write_text("\n".join(lines))
    return ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile), url]


@asynccontextmanager
async def browser(kind: str) -> AsyncIterator[Browser]:
    """Start a browser on the page.

    Args:
        kind: `chromium` or `firefox`.
    """
    ready: asyncio.Future[Browser] = asyncio.get_running_loop().create_future()

    async def orders(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        one = Browser(kind, socket)
        if not ready.done():
            ready.set_result(one)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                one.take(json.loads(message.data))
        return socket

    def file(path: Path) -> Any:
        async def serve(_: web.Request) -> web.FileResponse:
            return web.FileResponse(path)

        return serve

    app = web.Application()
    app.router.add_get("/", file(HERE / "page.html"))
    app.router.add_get("/page.js", file(HERE / "page.js"))
    app.router.add_get("/livekit-client.js", file(SDK))
    app.router.add_get("/orders", orders)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    profile = Path(tempfile.mkdtemp(prefix=f"moot-{kind}-"))
    process = await asyncio.create_subprocess_exec(
        *_command(kind, profile, f"http://127.0.0.1:{port}/"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
    )
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            opened = await ready
        yield opened
    finally:
        # Its own session: the browser's children go with it, and nobody else.
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await runner.cleanup()
        shutil.rmtree(profile, ignore_errors=True)
