"""The program `moot`: serve, migrate, doctor, meetings. It parses and prints, no more."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from typing import Final

from moot.config import Config
from moot.errors import Problem
from moot.keys import SecretUnreadable
from moot.listen import AddressUnusable
from moot.settings import ConfigError, Setting, config_path, load, settings
from moot.store.port import StoreUnusable

_WRONG: Final = 2  # exit code: a setting, a folder or an address is wrong; the text says which


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when all went well; 1 when `doctor` found something broken or a meeting is not there; 2
        when a setting, a folder, a port or the store cannot be used, with one sentence on standard
        error.
    """
    table = settings()
    arguments = _parser(table).parse_args(argv)
    try:
        file, _ = config_path(arguments.config, os.environ)
        flags = {row.name: getattr(arguments, row.name) for row in table}
        config = load(flags, os.environ, file=file)
        code: int = arguments.run(config, arguments)
    except (AddressUnusable, ConfigError, Problem, SecretUnreadable, StoreUnusable) as reason:
        print(reason, file=sys.stderr)
        return _WRONG
    except KeyboardInterrupt:
        return 130
    return code


def _version() -> str:
    try:
        return version("moot")
    except PackageNotFoundError:
        return "from source"


def _parser(table: Sequence[Setting]) -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    shared.add_argument("--config", metavar="FILE", help="a TOML file with settings (MOOT_CONFIG)")
    for group, rows in groupby(table, key=lambda row: row.group):
        section = shared.add_argument_group(group)
        for row in rows:
            section.add_argument(row.flag, dest=row.name, metavar=_metavar(row), help=_help(row))

    parser = argparse.ArgumentParser(
        prog="moot", description="A meeting service in one process.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"moot {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, sentence: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=sentence, description=sentence, parents=[shared], allow_abbrev=False
        )

    command("serve", "Serve the page, the API, the events and the media.").set_defaults(run=_serve)
    command("migrate", "Bring the store to this version's schema.").set_defaults(run=_migrate)
    command("doctor", "Look for what would keep moot from working; name each cure.").set_defaults(
        run=_doctor
    )
    meetings = command("meetings", "List meetings, show one, end one for all.")
    meetings.add_argument("verb", choices=("list", "show", "end"))
    meetings.add_argument("meeting_id", nargs="?", metavar="MEETING_ID", help="for show and end")
    meetings.set_defaults(run=_meetings)
    return parser


def _metavar(row: Setting) -> str:
    if "one of" in row.expects:
        return "|".join(row.expects.removeprefix("one of ").split(", "))
    return {"on or off": "on|off"}.get(row.expects, "N" if row.least is not None else "TEXT")


def _help(row: Setting) -> str:
    default = row.default_text
    return (row.sentence + (f" Default: {default}." if default else "")).replace("%", "%%")


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _serve(config: Config, _: argparse.Namespace) -> int:
    from moot.app import serve  # noqa: PLC0415 - the other commands start without it

    return serve(config, _say)


def _migrate(config: Config, _: argparse.Namespace) -> int:
    from moot.operate import migrate  # noqa: PLC0415

    for step in asyncio.run(migrate(config)) or ["The store already has this version's schema."]:
        _say(step)
    return 0


def _doctor(config: Config, _: argparse.Namespace) -> int:
    from moot.doctor import examine  # noqa: PLC0415

    findings = asyncio.run(examine(config))
    for finding in findings:
        _say(finding.line)
    return 1 if any(finding.is_broken for finding in findings) else 0


def _meetings(config: Config, arguments: argparse.Namespace) -> int:
    from moot.operate import end_meeting, list_meetings, show_meeting  # noqa: PLC0415

    if arguments.verb == "list":
        lines = asyncio.run(list_meetings(config)) or ["There are no meetings yet."]
    elif arguments.meeting_id is None:
        print(f"moot meetings {arguments.verb} needs a Meeting ID.", file=sys.stderr)
        return _WRONG
    else:
        command = show_meeting if arguments.verb == "show" else end_meeting
        lines = asyncio.run(command(config, arguments.meeting_id))
    for line in lines:
        _say(line)
    return 0 if lines else _missing(arguments.meeting_id)


def _missing(meeting_id: str) -> int:
    print(f"Nobody has created the meeting {meeting_id}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
