"""The licences of everything that moot ships or links: Python, Rust and the page.

One list of what is allowed, for all three; run it to see each dependency that is not on it.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent

# SPDX ids. Permissive ones, and two that are copyleft for their own files or library only: MPL-2.0,
# and LGPL-3.0 for psycopg, which moot imports unchanged.
ALLOWED: Final = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "MIT"),
        *("MIT-0", "OpenSSL", "PSF-2.0", "Python-2.0", "Unicode-3.0", "Unlicense", "Zlib"),
        *("CDLA-Permissive-2.0", "LGPL-3.0-only", "MPL-2.0", "OFL-1.1"),
    }
)
# What older Python packages say instead of an SPDX id.
_WORDS: Final = {
    "MIT License": "MIT",
    "The MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "ISC License (ISCL)": "ISC",
}
# Dependencies that say nothing a program can read; each was read by a person in the package itself.
_READ: Final[dict[str, str]] = {}


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression can be met with allowed licences only (AND needs both, OR one)."""
    tokens = re.findall(r"\(|\)|[\w.+-]+", expression.replace("/", " OR "))
    position = 0

    def either() -> bool:
        nonlocal position
        good = both()
        while position < len(tokens) and tokens[position] == "OR":
            position += 1
            good = both() or good
        return good

    def both() -> bool:
        nonlocal position
        good = one()
        while position < len(tokens) and tokens[position] in ("AND", "WITH"):
            adds_nothing = tokens[position] == "WITH"  # an exception only permits more
            position += 1
            good = (one() or adds_nothing) and good
        return good

    def one() -> bool:
        nonlocal position
        if position >= len(tokens):
            return False
        word = tokens[position]
        position += 1
        if word != "(":
            return word in ALLOWED
        good = either()
        position += 1
        return good

    return either() and position == len(tokens)


def python_licences() -> Iterator[tuple[str, str]]:
    """Yield each package that `uv.lock` installs for a running moot, with its licence."""
    told = subprocess.run(
        [
            str(ROOT / ".build/uv/bin/uv"),
            *("export", "--quiet", "--frozen", "--no-dev", "--no-emit-project"),
            *("--no-hashes", "--no-annotate", "--no-header"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for line in told.stdout.splitlines():
        name, _, _ = line.partition("==")
        try:
            facts = metadata(name)
        except PackageNotFoundError:
            continue  # for another system: its marker keeps it out here
        yield name, _READ.get(name, _said(facts))


def _said(facts: PackageMetadata) -> str:
    """Return what a package says: its expression, else its classifiers, else its text."""
    classifiers = [
        row.rpartition(" :: ")[2]
        for row in facts.get_all("Classifier") or ()
        if row.startswith("License ::") and row != "License :: OSI Approved"
    ]
    text = "".join(facts.get_all("License") or ())
    words = classifiers or [text.strip().partition("\n")[0]]
    expression = "".join(facts.get_all("License-Expression") or ())
    return expression or " OR ".join(_WORDS.get(word, word) for word in words)


def rust_licences() -> Iterator[tuple[str, str]]:
    """Yield each crate of `Cargo.lock`, with its licence."""
    told = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--locked"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for crate in json.loads(told.stdout)["packages"]:
        yield crate["name"], _READ.get(crate["name"], crate["license"] or "")


def page_licences() -> Iterator[tuple[str, str]]:
    """Yield each package that the page ships, with its licence; its build tools are not shipped."""
    lock = json.loads((ROOT / "web/package-lock.json").read_text(encoding="utf-8"))
    for place, facts in lock["packages"].items():
        if place and not facts.get("dev"):
            name = place.rpartition("node_modules/")[2]
            yield name, _READ.get(name, facts.get("license", ""))


def main() -> int:
    """List what is not allowed; return 1 if there is any."""
    counts: list[str] = []
    wrong: list[str] = []
    sources: tuple[tuple[str, Iterator[tuple[str, str]]], ...] = (
        ("Python packages", python_licences()),
        ("crates", rust_licences()),
        ("packages of the page", page_licences()),
    )
    for kind, found in sources:
        rows = sorted(set(found))
        counts.append(f"{len(rows)} {kind}")
        wrong += [
            f"{kind}: {name} has {said or 'no licence'}"
            for name, said in rows
            if not is_allowed(said)
        ]
    for line in wrong:
        print(line)
    print(f"{', '.join(counts)}; {len(wrong)} with a licence that is not allowed.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
