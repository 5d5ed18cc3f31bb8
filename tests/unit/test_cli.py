"""The command line: what it takes, what it says, how it ends."""

import sys
from types import SimpleNamespace

import pytest

from moot import cli
from moot.config import Config
from moot.settings import settings


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch, tmp_path) -> None:
    """No setting of the machine that runs the tests reaches a command."""
    for name in (row.variable for row in settings()):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("MOOT_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def served(monkeypatch) -> list[Config]:
    """The configurations that `moot serve` would have run with."""
    configs: list[Config] = []

    def serve(config: Config, say) -> int:
        configs.append(config)
        say("moot is ready")
        return 0

    monkeypatch.setitem(sys.modules, "moot.app", SimpleNamespace(serve=serve))
    return configs


def test_serve_takes_every_setting_as_a_flag(served, capsys) -> None:
    """Every setting has a flag, and its value reaches the server."""
    assert cli.main(["serve", "--port", "4000", "--linger-s", "5", "--rate-limits", "off"]) == 0
    (config,) = served
    assert (config.port, config.linger_s, config.rate_limits) == (4000, 5.0, False)
    assert capsys.readouterr().out == "moot is ready\n"


def test_serve_reads_the_environment_and_the_file(served, monkeypatch, tmp_path) -> None:
    """Flag, environment and file meet in one configuration."""
    file = tmp_path / "moot.toml"
    file.write_text("port = 4001\nlinger_s = 6\n")
    monkeypatch.setenv("MOOT_LINGER_S", "7")
    assert cli.main(["serve", "--config", str(file)]) == 0
    assert (served[0].port, served[0].linger_s) == (4001, 7.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve", "--port", "x"], "--port: 'x' will not do for port"),
        (["serve", "--config", "/none.toml"], "/none.toml: the settings file cannot be read"),
        (["serve", "--media", "livekit"], "MOOT_LIVEKIT_URL"),
        (["meetings", "show"], "needs a Meeting ID"),
    ],
)
def test_a_wrong_setting_ends_with_code_2_and_one_sentence(words, said, capsys, served) -> None:
    """A wrong setting is one sentence on standard error, code 2, and no server."""
    assert cli.main(words) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert "Traceback" not in told.err
    assert told.out == ""
    assert served == []


@pytest.mark.parametrize(
    "words", [["serve", "--prot", "1"], ["surf"], [], ["meetings", "eat", "X"]]
)
def test_an_unknown_word_ends_with_code_2_and_names_it(words, capsys) -> None:
    """An unknown flag or command is named, and nothing is guessed from its beginning."""
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert all(word in told for word in words[1:2] or words)


def test_a_shortened_flag_is_not_guessed(capsys) -> None:
    """--max is not --max-participants today and --max-body-bytes tomorrow."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", "--max-p", "3"])
    assert ended.value.code == 2
    assert "--max-p" in capsys.readouterr().err


def test_help_shows_every_setting_with_its_default(capsys) -> None:
    """`moot serve --help` is complete, and shows no secret's default."""
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help"])
    told = capsys.readouterr().out
    assert all(row.flag in told for row in settings())
    assert "Default: 3000." in " ".join(told.split())


def test_version_names_the_program(capsys) -> None:
    """`moot --version` is one line."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("moot ")
