"""Programs in Go that the tests need, each built from the `go.mod` that pins it."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

BUILD_WITHIN_S = 1200


def build(module: Path, binary: Path, *words: str) -> Path:
    """Run `go … -o BINARY …` where the binary is missing or older than its `go.mod`.

    Processes that come at once wait for the one that builds.

    Args:
        module: the folder with `go.mod`.
        binary: what comes of it, in a folder of its own.
        words: the verb of `go`, and what it is given; the binary's place is added.
    """
    binary.parent.mkdir(exist_ok=True)
    with (binary.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if binary.exists() and binary.stat().st_mtime >= (module / "go.mod").stat().st_mtime:
            return binary
        go = shutil.which("go") or "/usr/local/go/bin/go"
        verb, *rest = words
        subprocess.run(
            [go, verb, "-o", str(binary), *rest], cwd=module, check=True, timeout=BUILD_WITHIN_S
        )
        binary.touch()
    return binary
