"""A real `moot serve` in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.programs.wire import Wire

READY_WITHIN_S = 90.0
_MOOT = [str(Path(sys.executable).with_name("moot"))]


def free_port() -> int:
    """Find a TCP port that is free now on both loopback families."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop_all(servers: Sequence[Server]) -> None:
    """SIGTERM to each in turn; none is left running, even where one does not stop in time."""
    try:
        for server in servers:
            server.stop()
    finally:
        for server in servers:
            server.kill()


class Server:
    """One server process that can be killed and started again on the same port and folder.

    Args:
        data: the data folder; several servers may share it.
        settings: environment of the process, as `MOOT_…`.

    Attributes:
        program: what is started; another installation's `moot` may be put there before.
    """

    def __init__(self, data: Path, *, port: int | None = None, **settings: str) -> None:
        self.data = data
        self.program = _MOOT
        self.port = port or free_port()
        self._environment = {
            **os.environ,
            "MOOT_MEDIA": "fake",
            "MOOT_RATE_LIMITS": "off",
            "MOOT_METRICS": "open",
            **settings,
        }
        self._log = data / f"server-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything the process has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def wire(self, **headers: str) -> Wire:
        """Make a connection to this server."""
        return Wire("127.0.0.1", self.port, headers)

    def launch(self) -> None:
        """Start the process without waiting for it."""
        self.data.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self.program,
                    "serve",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    str(self.port),
                    "--data",
                    str(self.data),
                ],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def start(self) -> Server:
        """Start the process and wait until it is ready."""
        self.launch()
        await self.ready()
        return self

    async def ready(self) -> None:
        """Wait until `/readyz` answers 200.

        Raises:
            RuntimeError: the process ended, or was not ready in time; its log is in the text.
        """
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"moot serve ended by itself:\n{self.log[-4000:]}")
            try:
                if (await self.wire(Connection="close").ask("GET", "/readyz")).status == 200:
                    return
            except ConnectionError:
                pass
            await asyncio.sleep(0.05)
        raise RuntimeError(
            f"moot serve was not ready within {READY_WITHIN_S} s:\n{self.log[-4000:]}"
        )

    def send(self, what: signal.Signals) -> None:
        """Send the process a signal."""
        os.kill(self.pid, what)

    def kill(self) -> None:
        """`kill -9`, and wait until the process is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        if self._process is not None:
            self._process.wait(10)

    def stop(self) -> int:
        """SIGTERM, and wait; return the exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
