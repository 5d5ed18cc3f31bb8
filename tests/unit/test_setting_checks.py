"""Origins, addresses and secrets in their canonical form."""

import pytest

from moot.setting_checks import CHECKS, NEEDS


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Meet.Example.org", "https://meet.example.org"),
        ("https://meet.example.org/", "https://meet.example.org"),
        ("https://meet.example.org:443", "https://meet.example.org"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_has_one_spelling(text: str, origin: str) -> None:
    """An origin is compared exactly, so it is kept as browsers send it (RFC 6454 section 6.2)."""
    assert CHECKS["allowed_origins"](text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "https://",
        "https://a/b",
        "https://a?b",
        "https://u@a",
        "https://a:99999",
        "https://*.a",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """A pattern, a path or a name of a person is no origin."""
    with pytest.raises(ValueError, match="scheme"):
        CHECKS["allowed_origins"](text)


def test_every_check_is_of_a_setting_that_exists() -> None:
    """Checks and needs name fields of the configuration."""
    from moot.settings import settings

    names = {row.name for row in settings()}
    assert set(CHECKS) <= names
    assert {name for _, _, needed in NEEDS for name in needed} <= names
