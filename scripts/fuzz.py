"""Throw hostile bytes at the media engine: `python -m scripts.fuzz [SECONDS] [TARGET…]`.

Each target of `fuzz/`, and the signalling beside them, runs for so many seconds (10 unless told)
from its kept seeds; what it finds beyond them stays in `.build/fuzz`. A panic is kept as a file
that replays it. The last line is `N passed, N failed`.
"""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUZZ = ROOT / "fuzz"
FOUND = ROOT / ".build/fuzz"
_CARGO = ("cargo", "+nightly")
SIGNALLING = "signalling"
"""The one target that is written in Python, as what it tries is."""


def targets() -> list[str]:
    """Return the names of all targets."""
    return [SIGNALLING, *rust_targets()]


def rust_targets() -> list[str]:
    """Return the names of the targets of `fuzz/`."""
    manifest = tomllib.loads((FUZZ / "Cargo.toml").read_text(encoding="utf-8"))
    return [binary["name"] for binary in manifest["bin"]]


def missing() -> str:
    """Return what keeps fuzzing from running and its cure, or an empty text; may install it."""
    nightly = subprocess.run([*_CARGO, "--version"], capture_output=True, check=False)
    if nightly.returncode != 0:
        return "fuzzing needs Rust's nightly toolchain: rustup toolchain install nightly"
    if shutil.which("cargo-fuzz") is None:
        print("== installing cargo-fuzz", flush=True)
        told = subprocess.run(
            ["cargo", "install", "--quiet", "--locked", "cargo-fuzz"], check=False
        )
        if told.returncode != 0:
            return "fuzzing needs cargo-fuzz: cargo install --locked cargo-fuzz"
    return ""


def fuzz(target: str, seconds: int) -> bool:
    """Run one target; return whether it found nothing."""
    if target == SIGNALLING:
        print(f"== fuzz {target} for {seconds} s", flush=True)
        words = [sys.executable, "-m", "tests.unit.signal.fuzz", str(seconds)]
        return subprocess.run(words, cwd=ROOT, check=False).returncode == 0
    found = FOUND / target
    found.mkdir(parents=True, exist_ok=True)
    print(f"== fuzz {target} for {seconds} s", flush=True)
    told = subprocess.run(
        [
            *(*_CARGO, "fuzz", "run", target, str(found), str(FUZZ / "seeds" / target)),
            *("--", f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=4096"),
            *("-verbosity=0", "-print_final_stats=1"),
        ],
        cwd=ROOT,
        check=False,
    )
    return told.returncode == 0


def main(words: Sequence[str]) -> int:
    """Fuzz the chosen targets, or all; return 1 if one found a panic."""
    seconds = int(words[0]) if words else 10
    known = targets()
    unknown = [name for name in words[1:] if name not in known]
    if unknown:
        print(f"There is no target {', '.join(unknown)}; there are: {', '.join(known)}.")
        return 2
    chosen = words[1:] or known
    if chosen != [SIGNALLING]:
        if reason := missing():
            print(f"moot cannot be fuzzed: {reason}.", file=sys.stderr)
            return 1
        if subprocess.run([*_CARGO, "fuzz", "build"], cwd=ROOT, check=False).returncode != 0:
            return 1
    failed = [name for name in chosen if not fuzz(name, seconds)]
    for name in failed:
        kept = FOUND / name if name == SIGNALLING else FUZZ / "artifacts" / name
        print(f"{name} found a fault; {kept.relative_to(ROOT)} has the bytes.")
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
