"""Events: kinds as the protocol names them, audiences without a leak (EVENT-1)."""

from pathlib import Path
from typing import get_args

import pytest

from moot.model.event import EVERYONE, HOSTS, EphemeralKind, Kind, may_read, only

PROTOCOL = Path(__file__).parents[3] / "docs/protocol/realtime.md"


def test_kinds_are_the_protocol_s() -> None:
    """EVENT-1: every kind of event is named in the protocol."""
    text = PROTOCOL.read_text(encoding="utf-8")
    table = text[text.index("## Events") : text.index("## How it ends")]
    for kind in get_args(Kind):
        assert f"`{kind}`" in table
    for kind in get_args(EphemeralKind):
        assert f"`{kind}`" in text


@pytest.mark.parametrize(
    ("audience", "reader", "is_host", "reads"),
    [
        (EVERYONE, "a", False, True),
        (HOSTS, "a", False, False),
        (HOSTS, "a", True, True),
        (only(["a", "b"]), "a", False, True),
        (only(["a", "b"]), "b", False, True),
        (only(["a", "b"]), "c", True, False),
        (only(["ab"]), "a", True, False),
    ],
)
def test_audience(audience: str, reader: str, is_host: bool, reads: bool) -> None:
    """EVENT-1: an audience is everyone, hosts, or exactly the participants named."""
    assert may_read(audience, reader=reader, is_host=is_host) == reads


def test_audience_has_one_spelling() -> None:
    """EVENT-1: the same readers are the same audience."""
    assert only(["b", "a", "b"]) == only(["a", "b"]) == "a b"
