"""Run every test there is, part by part, and say at the end what each part took.

`python -m scripts.test [PART…]`; without a part, all of them. A skipped or ignored test fails the
run: what was not tried is not known to work. The last line is `N passed, N failed`.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from scripts.packages import install, missing

ROOT = Path(__file__).resolve().parent.parent
_WORKERS = str(max(2, os.cpu_count() or 1))
_PYTEST = [str(ROOT / ".venv/bin/python"), "-m", "pytest", "--quiet", "--color=no"]


@dataclass(frozen=True)
class Command:
    """One program that runs tests, and the folder that it runs in."""

    words: Sequence[str]
    folder: Path = ROOT


@dataclass
class Result:
    """What came of one part."""

    name: str
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether everything ran, and nothing failed."""
        return not self.broken and not self.failed and not self.skipped


def _rust() -> list[Command]:
    return [Command(["cargo", "test", "--workspace", "--locked", "--color=never"])]


def _fuzz() -> list[Command]:
    return [Command([str(ROOT / ".venv/bin/python"), "-m", "scripts.fuzz", "10"])]


def _web() -> list[Command]:
    return [Command(["npm", "run", "--silent", "test"], ROOT / "web")]


def _unit() -> list[Command]:
    return [Command([*_PYTEST, "-n", _WORKERS, "tests/unit", "tests/architecture"])]


def _oracle() -> Command:
    # Built before the tests that compare with it, which would otherwise wait for it and time out.
    return Command([str(ROOT / ".venv/bin/python"), "-m", "tests.livekit.server"])


def _contract() -> list[Command]:
    return [_oracle(), Command([*_PYTEST, "-n", _WORKERS, "--dist=loadfile", "tests/contract"])]


def _integration() -> list[Command]:
    return [Command([*_PYTEST, "tests/integration"])]


def _media() -> list[Command]:
    sdk_go = Command([str(ROOT / ".venv/bin/python"), "-m", "tests.sdk_go.suite", "build"])
    return [_oracle(), sdk_go, Command([*_PYTEST, "tests/media"])]


def _browser() -> list[Command]:
    folder = ROOT / "tests/browser"
    return [
        _oracle(),
        Command(["npm", "ci", "--no-progress", "--loglevel=error"], folder),
        Command(["npm", "run", "--silent", "test"], folder),
    ]


def _soak() -> list[Command]:
    return [Command([*_PYTEST, "tests/soak"])]


PARTS: dict[str, Callable[[], list[Command]]] = {
    "rust": _rust,
    "web": _web,
    "unit": _unit,
    "contract": _contract,
    "integration": _integration,
    "media": _media,
    "browser": _browser,
    "soak": _soak,
    "fuzz": _fuzz,
}
BESIDE = {"soak"}
"""Parts that take their time and little else: what comes after them runs meanwhile."""

# How each runner tells its counts: pytest, cargo test, vitest, and our own.
_PYTEST_LINE = re.compile(r"^=*\s*(?:\d+ [a-z]+, )*\d+ [a-z]+(?:, \d+ [a-z]+)* in [\d.]+s")
_CARGO_LINE = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
_VITEST_LINE = re.compile(r"^\s*Tests\s+(?:no tests|\d)")
_PLAIN_LINE = re.compile(r"^(\d+) passed, (\d+) failed$")
_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|todo|xfailed|xpassed)\b")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def count(line: str, result: Result) -> None:
    """Add what a runner's closing line says to the result; other lines change nothing."""
    line = _ANSI.sub("", line)
    if cargo := _CARGO_LINE.match(line):
        passed, failed, ignored = map(int, cargo.groups())
        result.passed += passed
        result.failed += failed
        result.skipped += ignored
    elif plain := _PLAIN_LINE.match(line):
        result.passed += int(plain[1])
        result.failed += int(plain[2])
    elif _PYTEST_LINE.match(line) or _VITEST_LINE.match(line):
        for number, word in _COUNT.findall(line):
            if word == "passed":
                result.passed += int(number)
            elif word in ("failed", "error", "errors", "xpassed"):
                result.failed += int(number)
            elif word in ("skipped", "todo"):
                result.skipped += int(number)


def run(name: str) -> Result:
    """Run one part, showing its output as it comes."""
    result = Result(name)
    started = time.monotonic()
    for command in PARTS[name]():
        print(f"\n== {name}: {' '.join(_short(word) for word in command.words)}", flush=True)
        code = _stream(command, result)
        if code != 0:
            result.broken.append(f"{_short(command.words[0])} ended with {code}")
            break
    result.seconds = time.monotonic() - started
    return result


def run_all(names: Sequence[str]) -> Iterator[Result]:
    """Run parts in turn, but for those that others may run beside."""
    with ThreadPoolExecutor() as pool:
        beside: list[Future[Result]] = []
        for name in names:
            if name in BESIDE:
                beside.append(pool.submit(run, name))
            else:
                yield run(name)
        for future in beside:
            yield future.result()


def _short(word: str) -> str:
    return word.removeprefix(f"{ROOT}/")


def _stream(command: Command, result: Result) -> int:
    if shutil.which(command.words[0]) is None:
        print(f"{command.words[0]} is missing", flush=True)
        return 127
    environment = {**os.environ, "NO_COLOR": "1", "CARGO_TERM_COLOR": "never"}
    # Hundreds of servers are started here; each would compile all it imports again.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(
        command.words,
        cwd=command.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as running:
        for line in running.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            count(line, result)
    return running.returncode


def main(names: Sequence[str]) -> int:
    """Run the parts and print the summary; return the exit code."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"There is no part {', '.join(unknown)}; there are: {', '.join(PARTS)}.")
        return 2
    chosen = list(names) or list(PARTS)
    packages = missing(chosen)
    if packages:
        print(f"== installing {' '.join(packages)}", flush=True)
        if reason := install(packages):
            print(f"moot cannot be tested: {reason}", file=sys.stderr)
            return 1
    began = time.monotonic()
    results = list(run_all(chosen))

    print("\n== summary")
    for result in results:
        mark = "ok    " if result.is_good else "FAILED"
        line = f"{mark} {result.name:<12} {result.seconds:7.1f} s  {result.passed} passed"
        if result.failed:
            line += f", {result.failed} failed"
        if result.skipped:
            line += f", {result.skipped} skipped, which fails the run"
        print("; ".join([line, *result.broken]))
    failed = sum(max(result.failed, 0 if result.is_good else 1) for result in results)
    print(f"       {'all':<12} {time.monotonic() - began:7.1f} s")
    print(f"{sum(result.passed for result in results)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
