"""The oracle: LiveKit's own server, built once from its released source and started on loopback.

`python -m tests.livekit.server` builds it; tests build it themselves where it is missing.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests import go_tool

HERE = Path(__file__).parent
BINARY = HERE / "bin" / "livekit-server"
READY_WITHIN_S = 60.0
STARTS = 5
"""How often other ports are tried where one was taken meanwhile."""
LOWEST_PORT = 10_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
API_KEY = "oracle"
API_SECRET = "a-secret-of-the-tests-and-of-nothing-else"


def version() -> str:
    """Name the version that `go.mod` pins."""
    words = (HERE / "go.mod").read_text().split()
    return words[words.index("github.com/livekit/livekit-server") + 1]


def build() -> Path:
    """Build the server where that is due; about 3 CPU-minutes cold."""
    return go_tool.build(HERE, BINARY, "build", "github.com/livekit/livekit-server/cmd/server")


def free_ports(count: int) -> list[int]:
    """Find ports that are free now for both TCP and UDP.

    They lie outside the range from which the kernel gives ports to whoever asks for any: within
    it, another socket may have taken one before the server binds it.
    """
    low, high = map(int, _EPHEMERAL.read_text().split())
    outside = [port for port in range(LOWEST_PORT, 65_536) if not low <= port <= high]
    found: list[int] = []
    for port in random.sample(outside, len(outside)):
        if len(found) == count:
            return found
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            try:
                tcp.bind(("", port))
                udp.bind(("", port))
            except OSError:
                continue
        found.append(port)
    raise RuntimeError(f"there are no {count} free ports outside {low} to {high}")


def own_address() -> str:
    """Find the address of this machine that media can be had at.

    Firefox does not look for media on loopback, and LiveKit's server does not look for Firefox, so
    they need another one where there is any. Asking the routing table sends no packet.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


class LiveKitServer:
    """One LiveKit server, its signalling on loopback; a context manager.

    Args:
        webhooks: addresses it tells what happens.
        ports: HTTP, ICE-TCP and UDP port; free ones by default. Given again, a restarted server is
            where the first one was.
    """

    def __init__(self, webhooks: tuple[str, ...] = (), ports: list[int] | None = None) -> None:
        self.ports = ports or free_ports(3)
        self._may_move = ports is None
        self._webhooks = webhooks
        self._folder = Path(tempfile.mkdtemp(prefix="moot-livekit-"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Build if needed, start, and wait until it answers."""
        told = ""
        for _ in range(STARTS):
            self._start()
            if self._answers():
                return self
            told = self._log.read_text()[-4000:]
            if not (self._may_move and "address already in use" in told):
                break
            self._log.unlink()
            self.ports = free_ports(3)
        raise RuntimeError(f"livekit-server did not start:\n{told}")

    @property
    def url(self) -> str:
        """Where its clients find it."""
        return f"ws://127.0.0.1:{self.ports[0]}"

    def _start(self) -> None:
        http, tcp, udp = self.ports
        config: dict[str, object] = {
            "port": http,
            "bind_addresses": ["127.0.0.1"],
            "keys": {API_KEY: API_SECRET},
            "logging": {"level": "warn", "pion_level": "error"},
            "rtc": {
                "tcp_port": tcp,
                "udp_port": udp,
                "use_external_ip": False,
                "node_ip": own_address(),
                "enable_loopback_candidate": True,
                "stun_servers": [],
            },
        }
        if self._webhooks:
            config["webhook"] = {"api_key": API_KEY, "urls": list(self._webhooks)}
        # JSON is YAML, and needs no package to write.
        path = self._folder / "livekit.yaml"
        path.write_text(json.dumps(config))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(build()), "--config", str(path)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(self._folder)},
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it and forget its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def _log(self) -> Path:
        return self._folder / "livekit.log"

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}", timeout=1):
                    return True
            except OSError:
                time.sleep(0.05)
        self.stop()
        return False


if __name__ == "__main__":
    print(build())
