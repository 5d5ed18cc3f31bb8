"""Imports go down only: the contracts of pyproject.toml hold."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = "moot._media"


def test_import_contracts_hold() -> None:
    """No room imports a higher one or a sibling, and each port has one door."""
    program = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_only_the_builtin_engine_touches_the_media_core() -> None:
    """The compiled module has one door; elsewhere the port is all there is.

    The doctor asks whether it is there, by name and without importing it.
    """
    source = ROOT / "src/moot"
    importers = {
        str(file.relative_to(source))
        for file in source.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and _names_core(node))
        or (isinstance(node, ast.Import) and any(a.name == CORE for a in node.names))
    }
    # `engine.py` is part of the composition root: it opens the core and hands it to the engine.
    assert {name for name in importers if not name.startswith("media/builtin/")} <= {"engine.py"}


def _names_core(node: ast.ImportFrom) -> bool:
    return node.module == CORE or (
        node.module == "moot" and any(alias.name == "_media" for alias in node.names)
    )
