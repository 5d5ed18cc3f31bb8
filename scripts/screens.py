"""Take the pictures of every screen that the documents show: `python -m scripts.screens`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.packages import install, missing

SCENES = Path(__file__).resolve().parent.parent / "tests/browser"


def main() -> int:
    """Install what is missing, the fonts among it, and go through the screens."""
    if packages := missing(["browser"]):
        print(f"== installing {' '.join(packages)}", flush=True)
        if reason := install(packages):
            print(reason, file=sys.stderr)
            return 1
    for command in (
        ["npm", "ci", "--no-progress", "--loglevel=error"],
        ["npm", "run", "--silent", "screens"],
    ):
        code = subprocess.run(command, cwd=SCENES, check=False).returncode
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
