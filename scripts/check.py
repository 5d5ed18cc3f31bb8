"""Look at the code without running it: `python -m scripts.check [PART…]`; without a part, all.

Every part is shown with its time; any that finds something makes the whole fail. The lists of known
holes live on other machines: where one cannot be reached, the summary says NOT CHECKED in so many
words, and the run goes on.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BIN = ROOT / ".venv/bin"
_PYTHON = ["src", "tests", "scripts", "bench"]

Outcome = tuple[bool, str]
"""Whether a part is good, and what the summary says of it beside its time."""


def _run(*words: str | Path, folder: Path = ROOT) -> bool:
    print(f"== {' '.join(str(word).removeprefix(f'{ROOT}/') for word in words)}", flush=True)
    return subprocess.run([str(word) for word in words], cwd=folder, check=False).returncode == 0


def _all(*good: bool) -> Outcome:
    return all(good), ""


def _present() -> list[str]:
    return [name for name in _PYTHON if (ROOT / name).is_dir()]


def _format() -> Outcome:
    return _all(
        _run(_BIN / "ruff", "format", "--check", *_present()),
        _run("cargo", "fmt", "--all", "--check"),
        _run("cargo", "fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"),
    )


def _lint() -> Outcome:
    return _all(
        _run(_BIN / "ruff", "check", *_present()),
        _run("cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"),
        # The fuzz targets have a lock file of their own, which cargo-fuzz would change in silence.
        _run("cargo", "fetch", "--quiet", "--locked", "--manifest-path", "fuzz/Cargo.toml"),
    )


def _types() -> Outcome:
    return _all(
        _run(_BIN / "mypy"),
        _run(
            *(_BIN / "python", "-m", "mypy.stubtest", "moot._media", "--ignore-disjoint-bases"),
            *("--allowlist", "scripts/stubtest.allow"),
        ),
    )


def _imports() -> Outcome:
    return _all(_run(_BIN / "lint-imports", "--no-cache"))


def _web() -> Outcome:
    good = _run("npm", "run", "--silent", "check", folder=ROOT / "web")
    browser = ROOT / "tests/browser"
    if not (browser / "node_modules").is_dir():
        good &= _run("npm", "ci", "--no-progress", "--loglevel=error", folder=browser)
    return _all(good, _run("npm", "run", "--silent", "check", folder=browser))


def _licences() -> Outcome:
    return _all(_run(_BIN / "python", "-m", "scripts.licences"))


def _rules() -> Outcome:
    return _all(_run(_BIN / "python", "-m", "scripts.rules"))


def _docs() -> Outcome:
    return _all(_run(_BIN / "python", "-m", "scripts.docs", "--check"))


def _holes() -> Outcome:
    found, unreached = [], []
    for name, look in (("PyPI", _holes_python), ("npm", _holes_page), ("RustSec", _holes_rust)):
        holes = look()
        if holes is None:
            unreached.append(name)
        else:
            found += holes
    for hole in found:
        print(hole)
    told = f"NOT CHECKED: the list of {' and '.join(unreached)} cannot be reached from here"
    return not found, told if unreached else ""


def _holes_python() -> list[str] | None:
    """Return the known holes of the packages of `uv.lock`, or None where nobody can be asked."""
    exported = subprocess.run(
        [
            *(str(ROOT / ".build/uv/bin/uv"), "export", "--quiet", "--frozen", "--no-dev"),
            *("--no-emit-project", "--output-file", ".build/requirements.txt"),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    told = subprocess.run(
        [
            *(str(_BIN / "pip-audit"), "--requirement", ".build/requirements.txt"),
            *("--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        packages = json.loads(told.stdout)["dependencies"]
    except ValueError:
        return None
    if exported.returncode or all("skip_reason" in package for package in packages):
        return None
    return [
        f"{package['name']} {package['version']}: {hole['id']}"
        for package in packages
        for hole in package.get("vulns", ())
    ]


def _holes_page() -> list[str] | None:
    """Return the known holes of what the page ships, or None where nobody can be asked."""
    told = subprocess.run(
        ["npm", "audit", "--audit=true", "--omit=dev", "--json"],
        cwd=ROOT / "web",
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        holes = json.loads(told.stdout)["vulnerabilities"]
    except (ValueError, KeyError):
        return None
    return [f"{name}: {hole['severity']}" for name, hole in holes.items()]


def _holes_rust() -> list[str] | None:
    """Return the known holes of the crates of `Cargo.lock`, or None where nobody can be asked."""
    told = subprocess.run(
        ["cargo", "deny", "--format", "json", "check", "advisories"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    rows = [json.loads(line) for line in told.stderr.splitlines() if line.startswith("{")]
    holes = [
        row["fields"]["message"]
        for row in rows
        if row.get("type") == "diagnostic" and row["fields"].get("severity") == "error"
    ]
    return holes if told.returncode == 0 or holes else None


PARTS: dict[str, Callable[[], Outcome]] = {
    "format": _format,
    "lint": _lint,
    "types": _types,
    "imports": _imports,
    "web": _web,
    "licences": _licences,
    "holes": _holes,
    "rules": _rules,
    "docs": _docs,
}


def main(names: Sequence[str]) -> int:
    """Run the parts and print the summary; return the exit code."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"There is no part {', '.join(unknown)}; there are: {', '.join(PARTS)}.")
        return 2
    os.environ.setdefault("CARGO_TERM_COLOR", "never")
    lines, all_good = [], True
    for name in names or PARTS:
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        good, remark = PARTS[name]()
        all_good &= good
        took = time.monotonic() - started
        lines.append(
            f"{'ok    ' if good else 'FAILED'} {name:<10} {took:6.1f} s  {remark}".rstrip()
        )
    print("\n== summary")
    print("\n".join(lines))
    return 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
