"""A real Chromium for measurements, told what to do over its DevTools protocol.

It has a fresh profile, a fake camera and microphone, and is one session of processes, so that what
all of them use can be added up from /proc and none outlives the measurement.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from bench.process import cpu_s, pss_kib

READY_WITHIN_S = 60.0
ANSWER_WITHIN_S = 60.0
CAMERA = (640, 360, 15)
"""Width and height in pixels and pictures a second of the fake camera: light enough to be encoded
beside everything else on two cores."""

_FLAGS = (
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
    "--remote-debugging-port=0",
    "--lang=en",
)


class BrowserFailed(Exception):
    """The browser, or the page in it, did not do as told; the text says why."""


def camera_file(path: Path) -> Path:
    """Write what the fake camera shows: one colour with a white square that moves (YUV4MPEG2)."""
    width, height, rate = CAMERA
    side = height // 8
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(rate):
            luma = bytearray(b"\x50" * (width * height))
            left = number * (width - side) // (rate - 1)
            for row in range(side):
                luma[row * width + left : row * width + left + side] = b"\xeb" * side
            file.write(b"FRAME\n" + luma + b"\x78" * (width * height // 4))
            file.write(b"\xa0" * (width * height // 4))
    return path


class Page:
    """One tab, in a context of its own: no cookie and no cached file of another's."""

    def __init__(self, browser: Chromium, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self._context = context

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method of the protocol for this tab."""
        return await self._browser.call(method, self._session, **params)

    async def before_each(self, script: str) -> None:
        """Run a script in every document before the document's own."""
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=script)

    async def open(self, url: str) -> None:
        """Go to an address; what it shows has to be waited for."""
        told = await self.call("Page.navigate", url=url)
        if told.get("errorText"):
            raise BrowserFailed(f"{url}: {told['errorText']}")

    async def ask(self, script: str) -> Any:
        """Evaluate an expression, awaiting it; answers its value as JSON has it.

        Raises:
            BrowserFailed: it threw.
        """
        told = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in told:
            details = told["exceptionDetails"]
            raise BrowserFailed(details.get("exception", {}).get("description", str(details)))
        return told["result"].get("value")

    async def until(self, script: str, within_s: float = 30.0) -> Any:
        """Evaluate an expression until it is true; answers its value.

        Raises:
            BrowserFailed: it was not true in time.
        """
        deadline = asyncio.get_running_loop().time() + within_s
        while not (answer := await self.ask(script)):
            if asyncio.get_running_loop().time() > deadline:
                raise BrowserFailed(f"not within {within_s:.0f} s: {script}")
            await asyncio.sleep(0.1)
        return answer

    async def click(self, element: str) -> None:
        """Click in the middle of the element that an expression finds, as a mouse does."""
        x, y = await self.ask(
            f"(() => {{ const box = ({element}).getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def close(self) -> None:
        """Close the tab and forget its context."""
        await self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)


class Chromium:
    """A running Chromium. Make one with `chromium`."""

    def __init__(self, pid: int, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._pid = pid
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def call(self, method: str, session: str | None = None, **params: Any) -> Any:
        """Call a method of the protocol, and wait for its answer.

        Raises:
            BrowserFailed: the browser refused.
        """
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        await self._socket.send_json(message)
        async with asyncio.timeout(ANSWER_WITHIN_S):
            told = await answer
        if "error" in told:
            raise BrowserFailed(f"{method}: {told['error'].get('message')}")
        return told["result"]

    async def page(self, width: int = 1280, height: int = 800) -> Page:
        """Open a tab of that size in CSS pixels, in a context of its own."""
        context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        target = await self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        page = Page(self, attached["sessionId"], context)
        await page.call("Page.enable")
        await page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        return page

    def cpu_s(self) -> float:
        """User and system seconds of all its processes that live."""
        return sum(_of_each(session(self._pid), cpu_s))

    def memory_kib(self) -> float:
        """Memory of all its processes; what they share counts once (PSS)."""
        return sum(_of_each(session(self._pid), pss_kib))

    async def read(self) -> None:
        """Hand answers to those who wait for them, until the browser is gone."""
        async for message in self._socket:
            told = message.json()
            answer = self._answers.pop(told.get("id", 0), None)
            if answer is not None and not answer.done():
                answer.set_result(told)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(BrowserFailed("the browser is gone"))


def session(leader: int) -> list[int]:
    """Find the processes of a session by the id of its leader."""
    found = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with suppress(ProcessLookupError):
            if os.getsid(pid) == leader:
                found.append(pid)
    return found


def _of_each(pids: list[int], read: Callable[[int], float]) -> list[float]:
    values = []
    for pid in pids:
        with suppress(OSError, ProcessLookupError):
            values.append(read(pid))
    return values


async def _address(profile: Path, process: asyncio.subprocess.Process) -> str:
    """Wait until the browser says where its protocol is spoken."""
    told = profile / "DevToolsActivePort"
    deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
    while asyncio.get_running_loop().time() < deadline and process.returncode is None:
        if told.exists() and len(lines := told.read_text().split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        await asyncio.sleep(0.05)
    raise BrowserFailed("chromium did not start")


@asynccontextmanager
async def chromium() -> AsyncIterator[Chromium]:
    """Start a Chromium with a fresh profile; nothing is left of it afterwards."""
    profile = Path(tempfile.mkdtemp(prefix="moot-bench-"))
    camera = camera_file(profile / "camera.y4m")
    process = await asyncio.create_subprocess_exec(
        # A measurement that is killed takes its browser along.
        *("setpriv", "--pdeathsig", "KILL", "chromium", *_FLAGS),
        *(f"--use-file-for-fake-video-capture={camera}", f"--user-data-dir={profile}"),
        "about:blank",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "HOME": str(profile)},
    )
    try:
        address = await _address(profile, process)
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(address, max_msg_size=0) as socket,
        ):
            browser = Chromium(process.pid, socket)
            reading = asyncio.create_task(browser.read())
            try:
                yield browser
            finally:
                reading.cancel()
    finally:
        # Its own session: the browser's children go with it, and nobody else.
        for pid in (process.pid, *session(process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await process.wait()
        shutil.rmtree(profile, ignore_errors=True)
