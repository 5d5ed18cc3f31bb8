"""Flags, environment and settings file become one `Config`, or a list of what is wrong."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from moot.config import Config, Secret, default_data_folder
from moot.setting_checks import CHECKS, NEEDS

PREFIX: Final = "MOOT_"
# Environment names that are read elsewhere: the settings file's own place, and what the test suite
# hands itself.
_NOT_SETTINGS: Final = re.compile(r"MOOT_(CONFIG$|TEST_|BENCH_)")
_YES: Final = frozenset({"on", "true", "yes", "1"})
_NO: Final = frozenset({"off", "false", "no", "0"})


class ConfigError(Exception):
    """Settings are wrong; `problems` has a sentence for each, and moot exits with code 2."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of settings, as `docs/settings.md` and `moot --help` show it."""

    name: str
    group: str
    sentence: str
    unit: str
    type: Any
    default: Any
    least: float | None
    most: float | None

    @property
    def flag(self) -> str:
        """The command-line flag."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()

    @property
    def is_list(self) -> bool:
        """Whether it takes several values, with commas between."""
        return get_origin(self.type) is tuple

    @property
    def is_secret(self) -> bool:
        """Whether its value must never be shown."""
        return self.type is Secret or Secret in get_args(self.type)

    @property
    def default_text(self) -> str:
        """The default as one would write it; empty where a setting has none."""
        if self.type is Path:
            return "~/.local/share/moot"
        if self.type is bool:
            return "on" if self.default else "off"
        if self.type in (int, float):
            return f"{self.default:.10g}"
        return str(self.default) if isinstance(self.default, str) else ""

    @property
    def expects(self) -> str:
        """What may be given, in words: the cure for a wrong value."""
        if get_origin(self.type) is Literal:
            return "one of " + ", ".join(get_args(self.type))
        if self.type is bool:
            return "on or off"
        if self.type in (int, float):
            kind = "a whole number" if self.type is int else "a number"
            unit = f" ({self.unit})" if self.unit else ""
            return f"{kind} from {self.least:.10g} to {self.most:.10g}{unit}"
        return "a list of texts with commas between" if self.is_list else "a text"


def settings() -> tuple[Setting, ...]:
    """Return the table of settings, in the order of `Config`."""
    hints = get_type_hints(Config, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(Config):
        if field.name == "given":
            continue
        bare, meta = get_args(hints[field.name])
        rows.append(
            Setting(
                name=field.name,
                group=meta.extra["group"],
                sentence=meta.description,
                unit=meta.extra["unit"],
                type=bare,
                default=field.default,
                least=meta.ge,
                most=meta.le,
            )
        )
    return tuple(rows)


def config_path(flag: str | None, environ: Mapping[str, str]) -> tuple[Path | None, bool]:
    """Return the settings file, and whether somebody named it.

    Looked for in this order: `--config`, `MOOT_CONFIG`, the person's own in the XDG folder.
    """
    named = flag or environ.get("MOOT_CONFIG")
    if named:
        return Path(named).expanduser(), True
    base = environ.get("XDG_CONFIG_HOME", "")
    own = (Path(base) if base.startswith("/") else Path.home() / ".config") / "moot" / "moot.toml"
    return (own if own.is_file() else None), False


def load(
    flags: Mapping[str, str | None], environ: Mapping[str, str], *, file: Path | None = None
) -> Config:
    """Make the one configuration: flag over environment over file over default.

    Args:
        flags: by setting name, the text given on the command line; None where it was not given.
        environ: the process's environment. An empty text counts as not given here, as compose
            files write it, and in the other sources too.
        file: a TOML file with the settings at its top level, or None.

    Raises:
        ConfigError: a setting is unknown, wrong or missing, or the file cannot be read. Every
            problem is listed.
    """
    table = {row.name: row for row in settings()}
    problems: list[str] = []
    given: dict[str, tuple[Any, str]] = {}
    if file is not None:
        given |= _from_file(file, table, problems)
    given |= _from_environment(environ, table, problems)
    given |= {name: (text, table[name].flag) for name, text in flags.items() if text is not None}
    given = {name: told for name, told in given.items() if str(told[0]).strip()}

    values: dict[str, Any] = {"data": default_data_folder(environ)}
    for name, (raw, source) in given.items():
        try:
            values[name] = _parse(table[name], raw)
        except ValueError as reason:
            shown = "its value" if table[name].is_secret else repr(raw)
            problems.append(f"{source}: {shown} will not do for {name}: {reason}.")
    if problems:
        raise ConfigError(problems)
    config = Config(**values, given=frozenset(given))
    for condition, holds, needed in NEEDS:
        missing = [table[name].variable for name in needed if getattr(config, name) is None]
        if holds(config) and missing:
            problems.append(f"{condition}, so {' and '.join(missing)} must be set too.")
    if problems:
        raise ConfigError(problems)
    return config


def _from_environment(
    environ: Mapping[str, str], table: Mapping[str, Setting], problems: list[str]
) -> dict[str, tuple[Any, str]]:
    found = {}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or _NOT_SETTINGS.match(variable):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in table or variable != table[name].variable:
            problems.append(
                _unknown(variable, "the environment", [row.variable for row in table.values()])
            )
        elif text.strip():
            found[name] = (text, variable)
    return found


def _from_file(
    file: Path, table: Mapping[str, Setting], problems: list[str]
) -> dict[str, tuple[Any, str]]:
    try:
        text = file.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as reason:
        problems.append(
            f"{file}: the settings file cannot be read ({reason.strerror}); name another with "
            "--config."
        )
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        problems.append(f"{file}: the settings file is not TOML: {reason}.")
        return {}
    found = {}
    for name, raw in content.items():
        where = f"{file}:{_line_of(name, text)}"
        if name in table:
            found[name] = (raw, where)
        else:
            problems.append(_unknown(name, where, list(table)))
    return found


def _line_of(name: str, text: str) -> int:
    """Return the line, from 1, on which a top-level key of the file stands."""
    key = re.compile(rf"""\s*(\[\s*)?["']?{re.escape(name)}["']?\s*[=.\]]""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if key.match(line)), 1)


def _unknown(name: str, source: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    cure = f"did you mean {near[0]}?" if near else "`moot serve --help` lists them all."
    return f"{source}: there is no setting {name}; {cure}"


def _parse(row: Setting, raw: Any) -> Any:
    """Turn what one source holds into the value, or raise ValueError with what to give."""
    wrong = ValueError(f"give {row.expects}")
    check = CHECKS.get(row.name, str)
    if row.is_list:
        items = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise wrong
        return tuple(check(item.strip()) for item in items if item.strip())
    if row.type is bool:
        word = str(raw).strip().lower()
        if word not in _YES | _NO:
            raise wrong
        return word in _YES
    if row.type in (int, float):
        return _number(row, raw)
    if not isinstance(raw, str) or "\0" in raw:
        raise wrong
    text = raw.strip()
    if get_origin(row.type) is Literal:
        if text not in get_args(row.type):
            raise wrong
        return text
    if row.type is Path:
        return Path(text).expanduser().absolute()
    return Secret(check(text)) if row.is_secret else check(text)


def _number(row: Setting, raw: Any) -> float:
    wrong = ValueError(f"give {row.expects}")
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise wrong
    try:
        value: float = int(raw) if row.type is int and not isinstance(raw, float) else float(raw)
    except ValueError:
        raise wrong from None
    if row.type is int and not isinstance(value, int):
        raise wrong
    low = row.least if row.least is not None else value
    high = row.most if row.most is not None else value
    if not low <= value <= high:
        raise wrong
    return value
