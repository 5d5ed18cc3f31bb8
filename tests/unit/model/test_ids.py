"""Ids and names are parsed once at the edge (MEET-1, MEET-5, PERSON-3)."""

import unicodedata
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moot.errors import Problem
from moot.model.ids import (
    GENERATED_ALPHABET,
    generated_meeting_id,
    parse_meeting_id,
    parse_name,
    parse_uuid,
    uuid7,
)


@pytest.mark.parametrize("raw", ["abc-123", " ABC 123 ", "ABC123", "a\u2013b c\u2011123"])
def test_one_canonical_form(raw: str) -> None:
    """MEET-1: spaces, hyphens and case do not matter."""
    assert parse_meeting_id(raw) == "ABC123"


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("", "empty"),
        (" - ", "empty"),
        ("ab", "short"),
        ("a" * 65, "long"),
        ("a" * 10_000, "long"),
        ("ab_c", "other"),
        ("äbc", "other"),
        ("straße", "other"),
        ("\u0430bc", "other"),
        ("abc\x00", "other"),
        ("a/b/c", "other"),
        ("\uff41\uff42\uff43", "other"),
    ],
)
def test_what_is_no_meeting_id(raw: str, word: str) -> None:
    """MEET-1: anything else is 422 with a sentence that says what is wrong."""
    with pytest.raises(Problem) as caught:
        parse_meeting_id(raw)
    assert caught.value.kind.status == 422
    assert word in caught.value.sentence


@given(st.text())
def test_any_text_is_parsed_or_refused(raw: str) -> None:
    """MEET-1: parsing is idempotent, and refuses by Problem only."""
    try:
        parsed = parse_meeting_id(raw)
    except Problem:
        return
    assert parse_meeting_id(parsed) == parsed
    assert parsed.isascii()


@given(st.integers(0, 2**64 - 1))
def test_generated_id_is_canonical(random: int) -> None:
    """MEET-5: a generated id has 12 symbols without look-alikes: 57 bits."""
    made = generated_meeting_id(random)
    assert parse_meeting_id(made) == made
    assert len(made) == 12
    assert set(made) <= set(GENERATED_ALPHABET)
    assert not set(GENERATED_ALPHABET) & set("01OILU")
    assert len(GENERATED_ALPHABET) ** 12 > 2**45


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("  Ana ", "Ana"),
        ("e\u0301", "é"),
        ("山田 太郎", "山田 太郎"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("x" * 80, "x" * 80),
    ],
)
def test_names_are_people_s_own_words(raw: str, name: str) -> None:
    """PERSON-3: a name is trimmed and normalised, and otherwise left alone."""
    assert parse_name(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "   ",
        "\u200d",
        "x" * 81,
        "a\x00b",
        "a\nb",
        "\u202eevil",
        "a\u2066b",
        "\ud800",
        "a\u2028b",
    ],
)
def test_what_is_no_name(raw: str) -> None:
    """PERSON-3: control and override characters, emptiness and length are refused."""
    with pytest.raises(Problem) as caught:
        parse_name(raw)
    assert caught.value.kind.id == "name_invalid"


@given(st.text(max_size=120))
def test_any_name_is_storable(raw: str) -> None:
    """PERSON-3: what passes is NFC, 1 to 80 characters, and can be written as UTF-8."""
    try:
        name = parse_name(raw)
    except Problem:
        return
    assert 1 <= len(name) <= 80
    assert unicodedata.is_normalized("NFC", name)
    assert name.encode()


def test_uuid_spellings() -> None:
    """JOIN-1: a UUID is one id in every spelling, and nothing else is one."""
    canonical = "018f0000-0000-7000-8000-000000000001"
    for raw in (canonical, canonical.upper(), canonical.replace("-", ""), f"{{{canonical}}}"):
        assert parse_uuid(raw, field="x") == canonical
    for raw in ("", "x", canonical[:-1], "0" * 5000):
        with pytest.raises(Problem, match="`x` is not a UUID"):
            parse_uuid(raw, field="x")


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**74 - 1))
def test_uuid7(now_ms: int, random: int) -> None:
    """MEET-3: ids are version 7 UUIDs whose order is the order of their time (RFC 9562)."""
    made = UUID(uuid7(now_ms=now_ms, random=random))
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == now_ms
