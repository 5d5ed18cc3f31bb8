"""A Redis server of one's own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from tests.servers.account import become, free_port, make_folder, program

PASSWORD: Final = "only-for-tests"


class RedisServer:
    """One server on 127.0.0.1, with a password and nothing on disk."""

    def __init__(self) -> None:
        self.port = free_port()
        self._program = program(
            "redis-server", folders=[Path("/usr/bin")], cure="apt-get install redis-server"
        )
        self._folder = make_folder("redis")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, password included."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it; returns when it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    *("--port", str(self.port), "--bind", "127.0.0.1"),
                    *("--requirepass", PASSWORD, "--save", "", "--appendonly", "no"),
                ],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **become(),
            )
        deadline = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                    probe.sendall(b"PING\r\n")
                    if probe.recv(100).startswith((b"-NOAUTH", b"+PONG")):
                        return
            except OSError:
                pass
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self._folder / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"Redis has not started: {said}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill it at once; `start` starts it again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def pause(self) -> None:
        """Let it stand still, connections and all."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill it and forget its folder."""
        try:
            self.kill()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
