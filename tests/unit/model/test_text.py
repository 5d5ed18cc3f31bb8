"""Texts that people write are checked once (ERR-1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moot.errors import Problem
from moot.model.text import parse_device, parse_message, parse_passcode, parse_title

PARSERS = [parse_message, parse_title, parse_device, parse_passcode]


def test_what_passes() -> None:
    """ERR-1: line breaks are kept in messages, white space is trimmed from titles."""
    assert parse_message("a\r\nb\rc\td") == "a\nb\nc\td"
    assert parse_title("  e\u0301 ") == "é"
    assert parse_title("") == parse_device("") == ""
    assert parse_device(" Firefox on Linux ") == "Firefox on Linux"
    assert parse_passcode(" 12 ") == " 12 "
    assert parse_message("x" * 4000) == "x" * 4000


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("raw", ["a\x00", "\ud800a", "a\u202eb", "a\u2028b", "\x1b[0m"])
def test_invisible_characters(parse, raw: str) -> None:
    """ERR-1: what no database stores or what reorders others' words is refused everywhere."""
    with pytest.raises(Problem) as caught:
        parse(raw)
    assert caught.value.kind.id == "body_invalid"


@pytest.mark.parametrize(
    ("parse", "raw"),
    [
        (parse_message, ""),
        (parse_message, " \n\t "),
        (parse_message, "x" * 4001),
        (parse_message, "x" * 1_000_000),
        (parse_title, "x" * 121),
        (parse_title, "a\nb"),
        (parse_device, "x" * 81),
        (parse_passcode, ""),
        (parse_passcode, "x" * 129),
        (parse_passcode, "\ufdfa" * 128),
    ],
)
def test_sizes(parse, raw: str) -> None:
    """ERR-1: sizes are bounded before and after normalisation."""
    with pytest.raises(Problem):
        parse(raw)


@pytest.mark.parametrize("parse", PARSERS)
@given(raw=st.text(max_size=300))
def test_what_passes_is_stable(parse, raw: str) -> None:
    """ERR-1: what has passed passes again unchanged, and can be written as UTF-8."""
    try:
        text = parse(raw)
    except Problem:
        return
    assert parse(text) == text
    assert text.encode() is not None
