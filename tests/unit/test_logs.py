"""LOG-1: one structured line per step, and nothing in it that belongs to a person."""

import io
import json
import logging

import pytest
import structlog

from moot.logs import cover, set_up_logs


@pytest.fixture
def lines():
    """Log as `moot serve` does, into a text; the tests' own set-up comes back afterwards."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    stream = io.StringIO()
    set_up_logs("info", "json", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_a_line_is_one_object_with_its_facts_as_fields(lines) -> None:
    """LOG-1: the sentence stays the same, ids are fields."""
    structlog.get_logger("moot").info("Participant joined successfully", meeting_id="ABC123")
    (line,) = lines()
    assert line["event"] == "Participant joined successfully"
    assert line["meeting_id"] == "ABC123"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "field",
    ["name", "cookie", "token", "address", "passcode", "text", "Authorization", "person_id"],
)
def test_a_field_that_belongs_to_a_person_is_left_out(lines, field) -> None:
    """LOG-1: names, cookies, tokens and addresses are never logged."""
    structlog.get_logger("moot").info("x", **{field: "Ana Hunter"})
    (line,) = lines()
    assert "Ana Hunter" not in json.dumps(line)


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl",
        "Bearer abc.def",
        "moot_guest=v1.abcdef",
        "postgresql://ana:hunter2@db/moot",
        "guest:0123456789abcdef0123456789abcdef",
        "account:https://issuer|ana",
        "203.0.113.9",
        "2001:db8::17",
        "fe80:0:0:0:1:2:3:4",
    ],
)
def test_what_looks_like_a_secret_is_covered_wherever_it_stands(lines, secret) -> None:
    """LOG-1: a token in a sentence of a library is covered like one in a field."""
    logging.getLogger("some.library").error("it failed for %s here", secret)
    structlog.get_logger("moot").warning("x", reason=f"refused {secret} again")
    told = json.dumps(lines())
    assert "it failed for" in told
    assert secret not in told
    assert "hunter2" not in told


def test_an_error_is_logged_with_its_stack_and_without_its_secrets(lines) -> None:
    """A bug leaves its stack, with tokens in it covered."""
    try:
        raise ValueError("no good: Bearer abc.def")
    except ValueError:
        structlog.get_logger("moot").exception("It broke")
    (line,) = lines()
    assert "ValueError" in line["exception"]
    assert "abc.def" not in line["exception"]


def test_times_and_plain_words_are_not_covered() -> None:
    """Covering takes nothing that is needed to read a log."""
    for text in ("12:34:56", "event 7 of ABC123", "version 1.95.0", "a::b in Rust"):
        assert cover(text) == text


def test_lines_below_the_level_are_left_out(lines) -> None:
    """The level holds for moot and for libraries, which are told to be quieter."""
    structlog.get_logger("moot").debug("x")
    logging.getLogger("uvicorn.error").info("Started server process")
    assert lines() == []
