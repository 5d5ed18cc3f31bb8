"""Write the documents that are made: errors, settings and metrics from the code, and benchmarks.

`python scripts/docs.py` writes them; with `--check` it writes nothing and exits with 1 if one is
stale.
"""

import sys
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import page as benchmarks
from moot.app import build
from moot.config import Config
from moot.errors import PROBLEMS
from moot.settings import settings

ROOT = Path(__file__).resolve().parent.parent


_ERRORS = """# Errors

<!-- Made by `make docs` from src/moot/errors.py; change that, not this file. -->

Everything that can go wrong, once. Over HTTP an error is a problem document (RFC 9457) whose `code`
is the id below and whose `type` is `/api/v1/problems/<id>`; where the event stream ends with an
error, it is closed with the code named here. *Resume* says whether a client comes back by itself
afterwards, with the same connection.

Ids and codes are stable: programs may rely on them. Sentences are for people and may change; a word
in braces is filled in.

| id | status | close | resume | what happened | what to do |
| --- | --- | --- | --- | --- | --- |
"""

_SETTINGS = """# Settings

<!-- Made by `make docs` from src/moot/config.py; change that, not this file. -->

A setting is given by a flag, else by the environment, else in a settings file, else it has its
default. Every name is made from one word: `linger_s` is `--linger-s`, `MOOT_LINGER_S`, and
`linger_s = 30` at the top level of a TOML file. The file is the one named by `--config` or
`MOOT_CONFIG`, else `~/.config/moot/moot.toml` if it exists.

An empty environment variable counts as not given. A setting that is unknown or wrong stops the
start with exit code 2 and a sentence that names it, where it came from and the cure. Lists are
written with commas between, or as a TOML list. Secrets never appear in a log.
"""


_METRICS = """# Metrics

<!-- Made by `make docs` from what `/metrics` answers; change the code, not this file. -->

`/metrics` speaks Prometheus' text format. Who may read it is the setting `MOOT_METRICS`: this
machine only, unless you say otherwise. No name, id or address is ever a label. Beside these there
are the usual figures of a Python process (`process_*`, `python_*`).

| name | kind | what it tells |
| --- | --- | --- |
"""


def errors_page() -> str:
    """Return `docs/errors.md`: every row of the table of errors."""
    lines = []
    for kind in PROBLEMS.values():
        resume = "yes" if kind.resume else ""
        facts = [f"`{kind.id}`", str(kind.status or ""), str(kind.close or ""), resume]
        lines.append(_row(*facts, kind.sentence, kind.cure))
    return _ERRORS + "".join(lines)


def settings_page() -> str:
    """Return `docs/settings.md`: every setting, group by group."""
    lines = [_SETTINGS]
    for group, rows in groupby(settings(), key=lambda row: row.group):
        lines.append(f"\n## {group}\n\n")
        lines.append(_row("variable", "takes", "default", "what it does"))
        lines.append(_row("---", "---", "---", "---"))
        for row in rows:
            default = f"`{row.default_text}`" if row.default_text else "none"
            takes = "a secret text" if row.is_secret else row.expects
            lines.append(_row(f"`{row.variable}`", takes, default, row.sentence))
    return "".join(lines)


def metrics_page() -> str:
    """Return `docs/metrics.md`: every figure of moot's own."""
    with TemporaryDirectory() as folder:
        exposition = build(Config(data=Path(folder))).metrics.exposition().decode()
    told: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for line in exposition.splitlines():
        sign, word, name, *rest = [*line.split(" ", 3), "", ""]
        if sign == "#" and name.startswith("moot_") and not name.endswith("_created"):
            (told if word == "HELP" else kinds)[name] = rest[0]
    return _METRICS + "".join(_row(f"`{name}`", kinds[name], told[name]) for name in sorted(told))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def pages() -> dict[Path, str]:
    """Return every generated document by its place."""
    return {
        ROOT / "docs/errors.md": errors_page(),
        ROOT / "docs/settings.md": settings_page(),
        ROOT / "docs/metrics.md": metrics_page(),
        **benchmarks.pages(),
    }


def stale() -> list[str]:
    """Return the names of the documents that no longer say what the code says."""
    return [
        str(path.relative_to(ROOT))
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        behind = stale()
        for name in behind:
            print(f"{name} is stale: run `make docs`.")
        sys.exit(1 if behind else 0)
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
