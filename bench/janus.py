"""Janus (Debian's package) on loopback: its VideoRoom over its WebSocket transport."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench.ports import free_ports

READY_WITHIN_S = 30.0
_KEPT = {
    "plugins": "libjanus_videoroom.so",
    "transports": "libjanus_websockets.so",
    "loggers": "",
    "events": "",
}


def absence() -> str:
    """Say why Janus cannot be run here; an empty text where it can."""
    if shutil.which("janus") is None:
        return "janus is not installed, and could not be from Debian"
    if not any(folder.is_dir() for folder in _folders()):
        return "its plug-ins are not where Debian puts them"
    return ""


def _folders() -> list[Path]:
    return sorted(Path("/usr/lib").glob("*/janus/plugins"))


def version() -> str:
    """Name the installed version, as Debian does."""
    told = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", "janus"],
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"


class JanusServer:
    """One Janus with VideoRoom and nothing else; it can be killed and started again in place."""

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self._folder = Path(tempfile.mkdtemp(prefix="moot-janus-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._write()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    def _write(self) -> None:
        libraries = _folders()[0].parent
        disabled = []
        for kind, kept in _KEPT.items():
            names = sorted(path.name for path in (libraries / kind).glob("*.so"))
            unwanted = ",".join(name for name in names if name != kept)
            disabled.append(f'{kind}: {{ disable = "{unwanted}" }}')
        folders = "\n".join(f'{kind}_folder = "{libraries / kind}"' for kind in _KEPT)
        general = f'configs_folder = "{self._folder}"\n{folders}\ndebug_level = 2'
        (self._folder / "janus.jcfg").write_text(
            "\n".join([f"general: {{\n{general}\n}}", *disabled, ""])
        )
        (self._folder / "janus.transport.websockets.jcfg").write_text(
            'general: { json = "compact", ws = true, '
            f'ws_port = {self.port}, ws_ip = "127.0.0.1", wss = false }}\n'
        )
        (self._folder / "janus.plugin.videoroom.jcfg").write_text("general: {}\n")

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: it has ended, or did not answer in time.
        """
        self._process = self._launched()
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError as refused:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = (self._folder / "log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"Janus has not started: {said}") from refused
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    def _launched(self) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                ["janus", "-o", "-F", str(self._folder), "-C", str(self._folder / "janus.jcfg")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def forget(self) -> None:
        """Kill it and remove its folder."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
