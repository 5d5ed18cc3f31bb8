"""Say which tool that building moot needs is missing or too old, and how to get it.

Runs before anything is installed: standard library only, on any Python from 3.8 on.
"""

import re
import shutil
import subprocess
import sys

# Each row: the program, how it says its version, the least version, what it is for, the cure.
NEEDED = (
    ("cargo", "--version", (1, 95), "the media core", "install Rust with rustup (rustup.rs)"),
    ("cc", "--version", (0,), "the media core", "apt-get install build-essential"),
    ("node", "--version", (20, 19), "the meeting page", "install Node.js 20.19 (nodejs.org)"),
    ("npm", "--version", (9,), "the meeting page", "it comes with Node.js (nodejs.org)"),
)
PYTHON = (3, 11)


def version(program: str, flag: str) -> "tuple[tuple[int, ...], str]":
    """Return a program's version and the line it said; an empty version where it would not say."""
    try:
        told = subprocess.run(
            [program, flag], capture_output=True, text=True, timeout=60, check=False
        )
    except OSError as reason:
        return (), str(reason)
    line = (told.stdout or told.stderr).strip().splitlines()[:1]
    match = re.search(r"\d+(\.\d+)+", line[0]) if line and told.returncode == 0 else None
    return (tuple(int(part) for part in match.group().split(".")) if match else ()), "".join(line)


def missing() -> "list[str]":
    """Return one sentence with its cure for each tool that is missing, broken or too old."""
    wrong = []
    if sys.version_info < PYTHON:
        have = ".".join(map(str, sys.version_info[:2]))
        wrong.append(
            f"Python {have} is too old: install 3.11 or newer (on Debian 12: apt-get install "
            "python3 python3-venv), or name one: make PYTHON=python3.12 build."
        )
    for program, flag, least, purpose, cure in NEEDED:
        if shutil.which(program) is None:
            wrong.append(f"{program} is missing, and {purpose} needs it: {cure}.")
            continue
        found, line = version(program, flag)
        if not found:
            wrong.append(f"{program} does not work ({line}), and {purpose} needs it: {cure}.")
        elif found < least:
            need = ".".join(map(str, least))
            wrong.append(f"{line} is too old, and {purpose} needs {need}: {cure}.")
    return wrong


if __name__ == "__main__":
    told = missing()
    for sentence in told:
        print(f"moot cannot be built: {sentence}", file=sys.stderr)
    sys.exit(1 if told else 0)
