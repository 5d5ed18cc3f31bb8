"""LiveKit's SDK for Go, and the tests that its authors wrote for it, against a server of ours.

The SDK stands on pion, which shares no code with the browsers' WebRTC nor with str0m. Its tests
want a server at localhost:7880, so they run in a network namespace of their own.

    python -m tests.sdk_go.suite build
    sh tests/browser/src/in-namespace.sh python -m tests.sdk_go.suite moot|livekit TEST…
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from tests import go_tool
from tests.livekit.server import API_KEY, API_SECRET, LiveKitServer
from tests.media.server import moot_server

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BINARY = HERE / "bin/sdk.test"
PACKAGE = "github.com/livekit/server-sdk-go/v2"
HTTP_PORT = 7880
"""Where the SDK's tests look for a server."""
RUN_WITHIN_S = 150


def build() -> Path:
    """Build the SDK's tests where that is due."""
    return go_tool.build(HERE, BINARY, "test", "-c", PACKAGE)


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
        with NamedTemporaryFile(suffix=".log") as log:
            try:
                with moot_server(Path(log.name), HTTP_PORT):
                    yield
            finally:
                print(Path(log.name).read_text()[-4000:])


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
