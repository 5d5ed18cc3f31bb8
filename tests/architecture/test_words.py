"""One word per thing, no leftovers: what must not stand in any file of the repository."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUFFIXES = ".py .pyi .rs .ts .tsx .css .html .sql .toml .md .sh .yml .yaml"
TEXT = {*SUFFIXES.split(), ""}
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# A folder of one developer's machine; what a system has everywhere (/usr, /etc, /tmp) may be named.
MACHINE = re.compile(r"""["'\s(=](/(?:work|Users)/|/root/|/home/(?!moot))""")
NOUNLESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def committed() -> list[Path]:
    told = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    names = [Path(name) for name in told.stdout.split("\0") if name]
    return [name for name in names if name.suffix in TEXT and (ROOT / name).is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    itself = Path(__file__).relative_to(ROOT)
    return [
        f"{name}:{number}: {line.strip()}"
        for name in committed()
        if name != itself and name.name != "LICENSE"
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_nothing_is_left_for_later() -> None:
    """What is not done is not promised in a comment."""
    assert lines_with(LEFTOVER) == []


def test_no_path_of_one_machine() -> None:
    """Nothing depends on, or tells of, the machine that it was written on."""
    assert lines_with(MACHINE) == []


def test_files_are_named_for_a_noun() -> None:
    """One file, one noun: no drawer for odds and ends."""
    assert [str(name) for name in committed() if name.stem.lower() in NOUNLESS] == []
