"""LiveKit's SDK for Go, and the tests that its authors wrote for it, against a server of ours.

The SDK stands on pion, which shares no code with the browsers' WebRTC nor with str0m. Its tests
want a server at localhost:7880, so they run in a network namespace of their own.

    python -m tests.sdk_go.suite build
    sh tests/browser/src/in-namespace.sh python -m tests.sdk_go.suite moot|livekit TEST…
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.livekit.server import API_KEY, API_SECRET, LiveKitServer
from tests.media.server import moot_server

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BINARY = HERE / "bin/sdk.test"
PACKAGE = "github.com/livekit/server-sdk-go/v2"
HTTP_PORT = 7880
"""Where the SDK's tests look for a server."""
BUILD_WITHIN_S = 1200
RUN_WITHIN_S = 150


def build() -> Path:
    """Build the SDK's tests where they are missing or older than `go.mod`.

    Processes that come at once wait for the one that builds.
    """
    BINARY.parent.mkdir(exist_ok=True)
    with (BINARY.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if BINARY.exists() and BINARY.stat().st_mtime >= (HERE / "go.mod").stat().st_mtime:
            return BINARY
        go = shutil.which("go") or "/usr/local/go/bin/go"
        subprocess.run(
            [go, "test", "-c", "-o", str(BINARY), PACKAGE],
            cwd=HERE,
            check=True,
            timeout=BUILD_WITHIN_S,
        )
        BINARY.touch()
    return BINARY


def play(server: str, names: list[str]) -> str:
    """Run tests of the SDK against a server, `moot` or `livekit`; return what they print."""
    told = subprocess.run(
        [
            *("sh", str(ROOT / "tests/browser/src/in-namespace.sh")),
            *(sys.executable, "-m", "tests.sdk_go.suite", server, *names),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=RUN_WITHIN_S + 60,
    )
    return told.stdout


@contextmanager
def _serving(server: str) -> Iterator[None]:
    if server == "livekit":
        with LiveKitServer(ports=[HTTP_PORT, HTTP_PORT + 1, HTTP_PORT + 2]):
            yield
    else:
        log = Path(os.environ.get("TMPDIR", "/tmp")) / f"moot-sdk-go-{os.getpid()}.log"
        try:
            with moot_server(log, HTTP_PORT):
                yield
        finally:
            print(log.read_text()[-4000:])
            log.unlink()


def main(server: str, names: list[str]) -> int:
    """Run in the namespace; the exit code is the tests'."""
    with _serving(server):
        return subprocess.run(
            [
                str(BINARY),
                "-test.v",
                f"-test.timeout={RUN_WITHIN_S}s",
                f"-test.run=^({'|'.join(names)})$",
            ],
            env={**os.environ, "LIVEKIT_KEYS": f"{API_KEY}: {API_SECRET}"},
            check=False,
        ).returncode


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build()
    else:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
