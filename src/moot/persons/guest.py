"""A guest's browser, known by a signed cookie (PERSON-1)."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from moot.errors import Problem
from moot.model.ids import PersonId
from moot.persons.person import Person
from moot.persons.sign import Signer

COOKIE = "moot_guest"
MAX_AGE_S = 400 * 86_400
"""400 days, the most that browsers keep a cookie (RFC 6265bis §5.5)."""
_RENEW_S = 7 * 86_400

_PAYLOAD = re.compile(r"([0-9a-f]{32})\.([0-9]{1,12})")


class Guest(msgspec.Struct, frozen=True):
    """What a request's cookie says.

    Attributes:
        person: the guest.
        is_due: the cookie is worth sending again: it is old, or a former key signed it.
    """

    person: Person
    is_due: bool


class GuestCookies:
    """Makes and reads the guest cookie.

    Args:
        signer: for this purpose alone.
        random_bytes: a source of unpredictable bytes.
    """

    def __init__(self, signer: Signer, random_bytes: Callable[[int], bytes]) -> None:
        self._signer = signer
        self._random_bytes = random_bytes

    def read(self, text: str, *, now_s: float) -> Guest:
        """Say which guest a cookie stands for.

        Raises:
            Problem: `token_invalid` for a cookie that moot has not signed (PERSON-2).
        """
        payload = self._signer.verify(text)
        match = _PAYLOAD.fullmatch(payload) if payload is not None else None
        if match is None:
            raise Problem("token_invalid")
        is_due = now_s - int(match[2]) > _RENEW_S or not self._signer.is_newest(text)
        return Guest(Person(PersonId(f"guest:{match[1]}")), is_due)

    def new(self) -> Person:
        """Make a guest that nobody has been: 128 random bits."""
        return Person(PersonId(f"guest:{self._random_bytes(16).hex()}"))

    def write(self, person: Person, *, now_s: float, is_secure: bool) -> str:
        """Give the `Set-Cookie` value with which the browser stays this guest.

        Where `is_secure`, the browser came over HTTPS, and the cookie never travels without it.
        """
        value = self._signer.sign(f"{person.id.removeprefix('guest:')}.{int(now_s)}")
        return _set_cookie(value, MAX_AGE_S, is_secure=is_secure)


def forget_cookie(*, is_secure: bool) -> str:
    """Give the `Set-Cookie` value that takes a worthless cookie away: the next try works."""
    return _set_cookie("", 0, is_secure=is_secure)


def cookie_value(header: str) -> str | None:
    """Find the guest cookie in a `Cookie` header (RFC 6265 §5.4); None if there is none.

    The first one counts: browsers send the more specific path first.
    """
    if COOKIE not in header:
        return None
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value.strip('"')
    return None


def _set_cookie(value: str, max_age_s: int, *, is_secure: bool) -> str:
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"
