"""Signed texts."""

import pytest

from moot.persons.sign import Signer

OLD, NEW = b"o" * 32, b"n" * 32


def test_what_was_signed_is_verified():
    """The payload comes back, dots and all."""
    signer = Signer("test", [NEW])
    assert signer.verify(signer.sign("a.b.c")) == "a.b.c"


def test_another_purpose_or_key_or_payload_is_not():
    """PERSON-2: nothing but the very text that was signed for this very purpose passes."""
    signer = Signer("test", [NEW])
    text = signer.sign("payload")
    assert Signer("other", [NEW]).verify(text) is None
    assert Signer("test", [OLD]).verify(text) is None
    for position in range(len(text)):
        changed = text[:position] + ("x" if text[position] != "x" else "y") + text[position + 1 :]
        assert signer.verify(changed) is None


def test_former_keys_verify_and_the_newest_signs():
    """Keys rotate without turning anybody away; what a former key signed is due for renewal."""
    old = Signer("test", [OLD])
    both = Signer("test", [NEW, OLD])
    text = old.sign("payload")
    assert both.verify(text) == "payload"
    assert not both.is_newest(text)
    assert both.is_newest(both.sign("payload"))
    assert old.verify(both.sign("payload")) is None


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "ü" * 20, "a" * 10_000, "." * 600])
def test_garbage_is_refused_without_a_fuss(text):
    """Anything can arrive in a cookie."""
    assert Signer("test", [NEW]).verify(text) is None
