"""Imports go down only: the contracts of pyproject.toml hold."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_import_contracts_hold() -> None:
    """No room imports a higher one or a sibling, and each port has one door."""
    program = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert told.returncode == 0, told.stdout + told.stderr
