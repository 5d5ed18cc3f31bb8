"""Every setting that a document or an example names exists."""

import re
from pathlib import Path

from moot.settings import settings

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\bMOOT_[A-Z][A-Z_]*[A-Z]\b")
# Not settings: the settings file's own place, and what deploy/compose.yaml and its proxy take.
OTHERS = {"MOOT_CONFIG", "MOOT_LIVEKIT", "MOOT_NAME", "MOOT_SITE", "MOOT_UPSTREAMS"}


def named() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for folder in ("docs", "deploy", "."):
        for file in (ROOT / folder).glob("*" if folder == "." else "**/*"):
            if file.is_file() and file.suffix in {".md", ".yaml", ".conf", ".service", ""}:
                for name in NAME.findall(file.read_text(encoding="utf-8", errors="replace")):
                    found.setdefault(name, set()).add(str(file.relative_to(ROOT)))
    return found


def test_every_setting_that_is_named_exists() -> None:
    """A reader who copies an example gets a start, not a refusal."""
    known = {row.variable for row in settings()} | OTHERS
    assert {name: files for name, files in named().items() if name not in known} == {}


def test_every_setting_is_documented() -> None:
    """A setting that is not in the list cannot be found."""
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert [row.name for row in settings() if f"`{row.variable}`" not in page] == []
