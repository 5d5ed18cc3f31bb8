"""The rules of `docs/spec` and the tests that cite them; run it to list what nobody tests.

A rule is a list item that begins with its id (`- JOIN-3 …`). A test cites it by the id, in a claim
of Python, Rust or TypeScript.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_RULE = re.compile(r"^- ([A-Z]+-\d+) ", re.MULTILINE)
_CITED = re.compile(r"\b[A-Z]+-\d+\b")
_TESTS = (
    ("tests", "test_*.py"),
    ("tests", "*.test.ts"),
    ("crates", "tests/*.rs"),
    ("crates", "src/*.rs"),
    ("web/src", "*.test.ts*"),
)
# Tests of the house itself may name a rule without testing it.
_NOT_TESTS = ("tests/architecture/", "node_modules/", "target/")


def rules() -> dict[str, str]:
    """Return every rule's id and the document that states it."""
    return {
        name: str(page.relative_to(ROOT))
        for page in sorted((ROOT / "docs/spec").glob("*.md"))
        for name in _RULE.findall(page.read_text(encoding="utf-8"))
    }


def citations() -> dict[str, set[str]]:
    """Return the test files that cite each id."""
    cited: dict[str, set[str]] = {}
    for folder, pattern in _TESTS:
        for file in (ROOT / folder).rglob(pattern):
            name = str(file.relative_to(ROOT))
            if any(part in name for part in _NOT_TESTS):
                continue
            text = file.read_text(encoding="utf-8", errors="replace")
            if pattern == "src/*.rs":
                text = text.partition("#[cfg(test)]")[2]
            for rule in _CITED.findall(text):
                cited.setdefault(rule, set()).add(name)
    return cited


def untested() -> list[str]:
    """Return the ids of the rules that no test cites."""
    cited = citations()
    return [rule for rule in rules() if rule not in cited]


if __name__ == "__main__":
    stated, missing = rules(), untested()
    for rule in missing:
        print(f"{rule} ({stated[rule]}) is cited by no test.")
    print(f"{len(stated) - len(missing)} of {len(stated)} rules are cited by a test.")
    sys.exit(1 if missing else 0)
