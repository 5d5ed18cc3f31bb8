"""Attack the API with its own description: every check of schemathesis, and stateful sequences.

Passes when no answer is a 5xx or a 409, none breaks the description, and nothing that the
description forbids is accepted (ERR-1, MEET-2).

    python -m tests.programs.conformance --examples 2000
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.programs.person import AUTH_SECRET, bearer
from tests.programs.server import Server

_CONFIG = Path(__file__).with_name("schemathesis.toml")
_COMMAND = Path(sys.executable).with_name("schemathesis")


async def conformance(*, data: Path, examples: int, seed: int, **settings: str) -> tuple[int, str]:
    """Run schemathesis against a fresh server; return its exit code and what it said."""
    server = Server(data, MOOT_AUTH_SECRET=AUTH_SECRET, **settings)
    await server.start()
    try:
        process = await asyncio.create_subprocess_exec(
            str(_COMMAND),
            "--config-file",
            str(_CONFIG),
            "run",
            f"http://127.0.0.1:{server.port}/api/v1/openapi.json",
            "--checks",
            "all",
            "--max-examples",
            str(examples),
            "--seed",
            str(seed),
            "--no-color",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=data,
            env={**os.environ, "MOOT_TEST_BEARER": bearer("conformance")},
        )
        said, _ = await process.communicate()
        text = said.decode(errors="replace")
        if "Traceback" in server.log or "Request failed" in server.log:
            return 1, text + server.log[-4000:]
        return process.returncode or 0, text
    finally:
        server.stop()


def main() -> int:
    """Run it by command; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moot-conformance-") as folder:
        code, said = asyncio.run(
            conformance(data=Path(folder), examples=options.examples, seed=options.seed)
        )
    print(said)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
