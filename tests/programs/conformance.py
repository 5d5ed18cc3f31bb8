"""Attack the API with its own description: every check of schemathesis, and stateful sequences.

Passes when no answer is a 5xx or a 409, none breaks the description, and nothing that the
description forbids is accepted (ERR-1, MEET-2). The attack may be shared out: every share has its
operations and a server of its own, and one more has the sequences.

    python -m tests.programs.conformance --examples 2000 [--shares 2]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from tests.programs.person import AUTH_SECRET, bearer
from tests.programs.server import Server

_CONFIG = Path(__file__).with_name("schemathesis.toml")
_COMMAND = Path(sys.executable).with_name("schemathesis")


async def conformance(
    *, data: Path, examples: int, seed: int, share: tuple[int, int] | None = None, **settings: str
) -> tuple[int, str]:
    """Run schemathesis against a fresh server; return its exit code and what it said.

    Args:
        data: the server's folder.
        examples: requests made up for each operation, and sequences of them, at most.
        seed: the same makes up the same.
        share: `(i, n)` takes every n-th operation from the i-th on, and no sequences; `(n, n)`
            takes the sequences alone; None takes all.
        settings: the server's.
    """
    server = Server(data, MOOT_AUTH_SECRET=AUTH_SECRET, **settings)
    await server.start()
    try:
        described = f"http://127.0.0.1:{server.port}/api/v1/openapi.json"
        process = await asyncio.create_subprocess_exec(
            str(_COMMAND),
            "--config-file",
            str(_CONFIG),
            "run",
            described,
            *(await asyncio.to_thread(_chosen, described, *share) if share else ()),
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


def _chosen(described: str, share: int, shares: int) -> list[str]:
    """Say to schemathesis which share it has."""
    if share == shares:
        return ["--phases", "stateful"]
    with urllib.request.urlopen(described) as answer:
        paths = json.load(answer)["paths"].values()
    names = [operation["operationId"] for path in paths for operation in path.values()]
    chosen = [f"--include-operation-id={name}" for name in names[share::shares]]
    return ["--phases", "examples,coverage,fuzzing", *chosen]


async def _shared_out(folders: list[Path], *, examples: int, seed: int) -> list[tuple[int, str]]:
    shares = len(folders) - 1
    return await asyncio.gather(
        *(
            conformance(
                data=folder,
                examples=examples,
                seed=seed,
                share=(number, shares) if shares else None,
            )
            for number, folder in enumerate(folders)
        )
    )


def main() -> int:
    """Run it by command; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shares", type=int, default=1, help="how many attack at once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moot-conformance-") as folder:
        shares = options.shares + 1 if options.shares > 1 else 1
        folders = [Path(folder) / str(number) for number in range(shares)]
        for own in folders:
            own.mkdir()
        ended = asyncio.run(_shared_out(folders, examples=options.examples, seed=options.seed))
    for _, said in ended:
        print(said)
    return int(any(code for code, _ in ended))


if __name__ == "__main__":
    raise SystemExit(main())
