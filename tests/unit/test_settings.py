"""The settings: where each comes from, and what is said when one is wrong."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moot.config import Secret
from moot.settings import ConfigError, config_path, load, settings

ENVIRON = {"HOME": "/nowhere"}


def problems(**environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load({}, environ)
    return list(caught.value.problems)


def test_the_nearer_source_wins(
    tmp_path,
) -> None:
    """A flag wins over the environment, that over the file, the file over the default."""
    file = tmp_path / "moot.toml"
    file.write_text('port = 1\nlinger_s = 1\nlog_level = "debug"\n')
    environ = {"MOOT_PORT": "2", "MOOT_LINGER_S": "2"}
    config = load({"port": "3"}, environ, file=file)
    assert (config.port, config.linger_s, config.log_level) == (3, 2.0, "debug")
    assert config.max_participants == 250
    assert config.given == {"port", "linger_s", "log_level"}


def test_an_empty_variable_counts_as_not_given() -> None:
    """An empty variable is the default, as a compose file with an unset name writes it."""
    assert load({}, {"MOOT_DATABASE_URL": "", "MOOT_PORT": " "}).port == 3000


def test_an_unknown_variable_is_named_with_the_nearest_one() -> None:
    """A misspelt variable stops the start and names what was probably meant."""
    assert problems(MOOT_LINGR_S="3") == [
        "the environment: there is no setting MOOT_LINGR_S; did you mean MOOT_LINGER_S?"
    ]


def test_a_variable_of_another_program_is_nobodys_business() -> None:
    """Only names that begin with MOOT_ are looked at, and the test suite's own are left alone."""
    assert (
        load({}, {"MOOTED": "1", "PORT": "x", "MOOT_TEST_X": "1", "MOOT_CONFIG": "x"}).port == 3000
    )


def test_an_unknown_key_of_the_file_is_named_with_its_line(tmp_path) -> None:
    """A misspelt key in the file is named with file and line."""
    file = tmp_path / "moot.toml"
    file.write_text("# settings\n\nport = 1\nlingers = 3\n")
    with pytest.raises(ConfigError) as caught:
        load({}, {}, file=file)
    assert str(caught.value) == (f"{file}:4: there is no setting lingers; did you mean linger_s?")


def test_a_wrong_value_of_the_file_is_named_with_its_line(tmp_path) -> None:
    """A wrong value names its line, what it is and what would do."""
    file = tmp_path / "moot.toml"
    file.write_text('port = 3000\n\n"linger_s" = 900\n')
    with pytest.raises(ConfigError) as caught:
        load({}, {}, file=file)
    assert str(caught.value) == (
        f"{file}:3: 900 will not do for linger_s: give a number from 0 to 600 (seconds)."
    )


@pytest.mark.parametrize("content", ["port =", "\x00", "port = 1\nport = 2"])
def test_a_file_that_is_not_toml_is_named(tmp_path, content: str) -> None:
    """A broken file is one sentence with its name."""
    file = tmp_path / "moot.toml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=r"moot\.toml: the settings file is not TOML"):
        load({}, {}, file=file)


def test_a_file_that_is_missing_is_named(tmp_path) -> None:
    """A file that somebody named must be there."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load({}, {}, file=tmp_path / "none.toml")


def test_every_problem_is_told_at_once() -> None:
    """Three wrong settings are three sentences, not three starts."""
    told = problems(MOOT_PORT="x", MOOT_MEDIA="zoom", MOOT_RATE_LIMITS="maybe")
    assert [line.split(":")[0] for line in told] == ["MOOT_MEDIA", "MOOT_PORT", "MOOT_RATE_LIMITS"]


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("MOOT_PORT", "65536"),
        ("MOOT_PORT", "-1"),
        ("MOOT_PORT", "3000.5"),
        ("MOOT_LINGER_S", "nan"),
        ("MOOT_LINGER_S", "inf"),
        ("MOOT_LINGER_S", "601"),
        ("MOOT_RECONNECTING_AFTER_S", "3.1"),
        ("MOOT_ALLOWED_ORIGINS", "https://*.example.org"),
        ("MOOT_ALLOWED_ORIGINS", "example.org"),
        ("MOOT_ALLOWED_ORIGINS", "https://example.org/path"),
        ("MOOT_PUBLIC_URL", "ftp://example.org"),
        ("MOOT_TRUSTED_PROXIES", "localhost"),
        ("MOOT_MEDIA_ADDRESSES", "10.0.0.0/8"),
        ("MOOT_DATABASE_URL", "mysql://x/y"),
        ("MOOT_DATABASE_URL", "sqlite://relative"),
        ("MOOT_BUS_URL", "http://x"),
        ("MOOT_SECRET", "short"),
        ("MOOT_AUTH_SECRET", "short"),
    ],
)
def test_a_wrong_value_names_its_variable_and_the_cure(variable: str, text: str) -> None:
    """A value out of its range or shape is refused by name, with what to give instead."""
    (told,) = problems(**{variable: text})
    assert told.startswith(f"{variable}: ")
    assert "give " in told


def test_a_secret_is_never_shown() -> None:
    """Neither a refusal nor a printed configuration shows a secret."""
    (told,) = problems(MOOT_SECRET="hunter2")
    assert "hunter2" not in told
    long = "hunter2" * 8
    config = load({}, {"MOOT_SECRET": long, "MOOT_DATABASE_URL": "postgresql://u:hunter2@x/y"})
    assert "hunter2" not in repr(config) + str(config)
    assert config.secret is not None
    assert config.secret.reveal() == long


def test_livekit_asks_for_what_it_needs() -> None:
    """The LiveKit engine without address and keys is refused, naming each that is missing."""
    (told,) = problems(MOOT_MEDIA="livekit", MOOT_LIVEKIT_URL="wss://x")
    assert (
        told
        == "media is livekit, so MOOT_LIVEKIT_API_KEY and MOOT_LIVEKIT_API_SECRET must be set too."
    )


def test_lists_and_switches_are_read_in_every_spelling(tmp_path) -> None:
    """A list has commas or is a TOML list; a switch is on or off in the usual words."""
    file = tmp_path / "moot.toml"
    file.write_text('allowed_origins = ["https://A.example:443"]\nrate_limits = false\n')
    config = load({}, {"MOOT_TRUSTED_PROXIES": "10.0.0.1, ::1,"}, file=file)
    assert config.allowed_origins == ("https://a.example",)
    assert config.trusted_proxies == ("10.0.0.1/32", "::1/128")
    assert config.rate_limits is False
    assert load({}, {"MOOT_RATE_LIMITS": "OFF"}).rate_limits is False


def told(name: str, value: object) -> tuple[str, ...]:
    try:
        load({name: value}, {})  # type: ignore[dict-item]
    except ConfigError as reason:
        return reason.problems
    return ()


@given(name=st.sampled_from([row.name for row in settings()]), text=st.text(max_size=80))
def test_any_text_is_taken_or_refused_in_words(name: str, text: str) -> None:
    """Whatever is given, the answer is a configuration or a sentence, never a traceback."""
    assert all(line.endswith(".") for line in told(name, text))


@given(value=st.recursive(st.none() | st.booleans() | st.floats(), st.lists, max_leaves=3))
def test_any_value_of_a_file_is_taken_or_refused_in_words(value: object) -> None:
    """A TOML value of another type is refused in words that name the setting."""
    for row in settings():
        assert all(row.name in line for line in told(row.name, value))


def test_the_file_is_found_by_flag_then_variable_then_home(tmp_path, monkeypatch) -> None:
    """--config wins over MOOT_CONFIG, that over the person's own folder."""
    own = tmp_path / "moot" / "moot.toml"
    own.parent.mkdir()
    own.touch()
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert config_path("a.toml", environ | {"MOOT_CONFIG": "b.toml"}) == (Path("a.toml"), True)
    assert config_path(None, environ | {"MOOT_CONFIG": "b.toml"}) == (Path("b.toml"), True)
    assert config_path(None, environ) == (own, False)
    assert config_path(None, {"XDG_CONFIG_HOME": str(tmp_path / "none")}) == (None, False)


def test_every_row_says_what_it_is() -> None:
    """A setting has a group, a sentence with a full stop, and a range if it is a number."""
    for row in settings():
        assert row.sentence.endswith("."), row.name
        assert row.group, row.name
        if row.type in (int, float):
            assert row.least is not None, row.name
            assert row.most is not None, row.name
            assert row.least <= row.default <= row.most, row.name


def test_a_secret_setting_is_known_as_one() -> None:
    """Whatever is named secret, and the addresses that carry passwords, are of the secret type."""
    secret = {row.name for row in settings() if row.is_secret}
    assert {row.name for row in settings() if "secret" in row.name} <= secret
    assert {"database_url", "bus_url"} <= secret
    assert str(Secret("x")) == "Secret(…)"
