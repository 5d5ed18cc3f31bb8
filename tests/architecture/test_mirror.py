"""Every source file has its test."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/moot"
# Files that only a whole server can show; the suite that does stands beside each.
WHOLE = {"app.py": "tests/integration/test_scenes.py"}


def sources() -> list[str]:
    return sorted(
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if file.name != "__init__.py" and "migrations" not in file.parts
    )


def module_of(name: str) -> str:
    return "moot." + ".".join(Path(name).with_suffix("").parts)


def imports(file: Path) -> set[str]:
    """Return every module of moot that a file imports, and every name that may be one."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.startswith("moot")}


@cache
def having_tests() -> frozenset[str]:
    """Return the modules that have a test.

    Those are the modules that a test is named for or imports, and the parts that such a module has
    in its own folder: what only makes up a tested whole is tested with it.
    """
    tests = [
        file
        for file in (ROOT / "tests").rglob("*.py")
        if not {"architecture", "node_modules"} & set(file.parts)
    ]
    named = {re.sub(r"^test_", "", file.stem) for file in tests if file.name.startswith("test_")}
    found = {module_of(name) for name in sources() if Path(name).stem in named}
    found |= set[str]().union(*(imports(file) for file in tests))
    by_module = {module_of(name): SOURCE / name for name in sources()}
    fresh = {name for name in found if name in by_module}
    while fresh:
        parts = {
            part
            for name in fresh
            for part in imports(by_module[name])
            if part in by_module and by_module[part].parent == by_module[name].parent != SOURCE
        }
        fresh = parts - found
        found |= parts
    return frozenset(found)


@pytest.mark.parametrize("name", sources())
def test_every_python_file_has_a_test(name: str) -> None:
    """A file is named by a test, imported by one, or part of a file in its folder that is."""
    if name in WHOLE:
        assert (ROOT / WHOLE[name]).is_file()
        return
    path = Path(name)
    assert module_of(name) in having_tests(), (
        f"write tests/unit/{path.with_name(f'test_{path.name}')}"
    )


def test_what_only_a_server_shows_still_exists() -> None:
    """An exception that names no file is left over."""
    assert [name for name in WHOLE if not (SOURCE / name).is_file()] == []
