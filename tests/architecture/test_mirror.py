"""Every source file has its test."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/moot"
IMPORT = re.compile(
    r"^\s*(?:from (moot[\w.]*) import ([\w, ()\n]+?)$|import (moot[\w.]*))", re.MULTILINE
)


def sources() -> list[str]:
    return sorted(
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if file.name != "__init__.py" and "migrations" not in file.parts
    )


@cache
def imported() -> frozenset[str]:
    """Return every module of moot that a test imports by name."""
    names = set()
    for file in (ROOT / "tests").rglob("*.py"):
        if "architecture" in file.parts or "node_modules" in file.parts:
            continue
        for package, members, module in IMPORT.findall(file.read_text(encoding="utf-8")):
            names.add(package or module)
            names |= {f"{package}.{member}" for member in re.findall(r"\w+", members)}
    return frozenset(names)


@pytest.mark.parametrize("name", sources())
def test_every_python_file_has_a_test(name: str) -> None:
    """A file `x/y.py` has a `test_y.py`, or a test that imports it by name."""
    path = Path(name).with_suffix("")
    module = "moot." + ".".join(path.parts)
    named = [*(ROOT / "tests").glob(f"*/**/test_{path.name}*.py")]
    assert named or module in imported(), (
        f"write tests/unit/{path.with_name(f'test_{path.name}.py')}"
    )
