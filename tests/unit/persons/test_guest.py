"""The guest cookie."""

import os

import pytest

from moot.errors import Problem
from moot.persons.guest import GuestCookies, cookie_value, forget_cookie
from moot.persons.person import Person
from moot.persons.sign import Signer

KEY = b"k" * 32


def cookies(*keys: bytes) -> GuestCookies:
    return GuestCookies(Signer("guest", list(keys or (KEY,))), os.urandom)


def value(header: str) -> str:
    return header.partition(";")[0].partition("=")[2]


def test_a_guest_stays_the_same_person():
    """PERSON-1: the cookie that was set stands for the same 128-bit id ever after."""
    made = cookies()
    person = made.new()
    assert made.read(value(made.write(person, now_s=1000, is_secure=False)), now_s=2000).person == (
        person
    )
    assert len(person.id) == len("guest:") + 32
    assert made.new() != person


def test_the_cookie_cannot_be_read_by_scripts_or_sent_across_sites():
    """PERSON-1: HttpOnly and SameSite=Lax always, Secure over HTTPS."""
    person = cookies().new()
    plain = cookies().write(person, now_s=0, is_secure=False)
    secure = cookies().write(person, now_s=0, is_secure=True)
    for header in (plain, secure):
        assert "; HttpOnly" in header
        assert "; SameSite=Lax" in header
        assert "; Path=/" in header
    assert "; Secure" not in plain
    assert "; Secure" in secure


def test_a_forged_cookie_is_401():
    """PERSON-2: a cookie that this installation has not signed is refused, not replaced."""
    person = cookies().new()
    theirs = value(cookies(b"x" * 32).write(person, now_s=0, is_secure=False))
    for text in (theirs, "", "0" * 32, person.id, f"{person.id}.0.aaaaaaaa.bbbb"):
        with pytest.raises(Problem) as caught:
            cookies().read(text, now_s=0)
        assert caught.value.kind.id == "token_invalid"


def test_an_old_cookie_and_one_of_a_former_key_are_due_for_renewal():
    """People who come back keep being the same person for ever."""
    person = Person("guest:" + "a" * 32)
    fresh = value(cookies().write(person, now_s=0, is_secure=False))
    assert not cookies().read(fresh, now_s=86_400).is_due
    assert cookies().read(fresh, now_s=8 * 86_400).is_due
    assert cookies(b"n" * 32, KEY).read(fresh, now_s=0).is_due


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("a=b; moot_guest=v1; c=d", "v1"),
        ('moot_guest="v1"', "v1"),
        ("moot_guest=", ""),
        ("xmoot_guest=v1", None),
        ("moot_guest=v1; moot_guest=v2", "v1"),
        ("moot_guest", ""),
    ],
)
def test_the_cookie_is_found_among_others(header, expected):
    """Only the exact name counts, and of two the first."""
    assert cookie_value(header) == expected


def test_a_worthless_cookie_is_taken_away():
    """A browser whose cookie lost its key would otherwise be locked out for ever."""
    assert "Max-Age=0" in forget_cookie(is_secure=False)
