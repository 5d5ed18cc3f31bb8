"""An account, by a bearer token: signed with the server's own key, or by the configured issuer.

Which keys may verify a token follows from the issuer it names, and the algorithm follows from the
key; the token's own header decides neither (RFC 8725 §3.1, §3.8).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar

import jwt
import msgspec

from moot.errors import Problem
from moot.model.ids import PersonId, parse_name
from moot.persons.jwks import KeySet
from moot.persons.person import Person

LEEWAY_S: Final = 30
"""How far two clocks may differ."""
OWN_AUDIENCE: Final = "moot"
_LIMIT: Final = 8_192
_KEPT: Final = 1_024
"""Tokens of our own key that are verified once, `_LIMIT` characters each at most: who has one sends
it with every request. More costs memory; fewer verifies again."""
_SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,255}")


_PARTS: Final = 3
_T = TypeVar("_T")


class _Header(msgspec.Struct, frozen=True):
    kid: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    crit: Any = msgspec.UNSET


class _Claimed(msgspec.Struct, frozen=True):
    iss: Any = None


class Bearers:
    """Reads bearer tokens.

    Args:
        own_key: the HS256 key of an embedding program, or None where there is none.
        issuer: whose tokens count beside our own, or None.
        audience: what those must name; with an issuer it is needed.
        keys: the issuer's keys.
        now_s: seconds since 1970.
    """

    def __init__(
        self,
        *,
        own_key: str | None,
        issuer: str | None,
        audience: str | None,
        keys: KeySet | None,
        now_s: Callable[[], float],
    ) -> None:
        self._own_key = own_key
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._now_s = now_s

    async def read(self, token: str) -> Person:
        """Say which account a token stands for.

        Raises:
            Problem: `token_invalid` for anything forged, expired, unsigned or meant for others;
                `issuer_unavailable` while the issuer's keys cannot be had.
        """
        if len(token) > _LIMIT:
            raise Problem("token_invalid")
        header, claimed = _peek(token)
        if self._issuer is not None and claimed.iss == self._issuer:
            return await self._read_issued(token, header)
        return self._read_own(token)

    async def _read_issued(self, token: str, header: _Header) -> Person:
        if self._keys is None or self._audience is None:
            raise Problem("token_invalid")
        key = await self._keys.find(header.kid)
        if key is None:
            raise Problem("token_invalid")
        claims = _claims(
            token, key.key, key.algorithm, audience=self._audience, issuer=self._issuer
        )
        self._check_times(claims)
        return _person(self._issuer or "", claims)

    def _read_own(self, token: str) -> Person:
        if self._own_key is None:
            raise Problem("token_invalid")
        claims = _own_claims(token, self._own_key)
        self._check_times(claims)
        audience = claims.get("aud", OWN_AUDIENCE)
        if OWN_AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
            raise Problem("token_invalid")
        return _person("own", claims)

    def _check_times(self, claims: dict[str, Any]) -> None:
        """Check the times by our own clock, so that tests and leeway mean the same everywhere.

        `iat` decides nothing (RFC 7519 §4.1.6): a clock that steps back must not turn people away.
        """
        now = self._now_s()
        for name in ("exp", "nbf"):
            at = claims.get(name, now)
            if isinstance(at, bool) or not isinstance(at, int | float):
                raise Problem("token_invalid")
            if (at + LEEWAY_S <= now) if name == "exp" else (at - LEEWAY_S > now):
                raise Problem("token_invalid")


@lru_cache(maxsize=_KEPT)
def _own_claims(token: str, key: str) -> dict[str, Any]:
    # The times are not looked at in here, and what is refused is not kept.
    return _claims(token, key, "HS256", audience=None, issuer=None)


def _claims(
    token: str, key: Any, algorithm: str, *, audience: str | None, issuer: str | None
) -> dict[str, Any]:
    """Verify everything about a token but its times, and read what it claims.

    Raises:
        Problem: `token_invalid`.
    """
    required = ["exp", "sub"] + (["aud"] if audience else []) + (["iss"] if issuer else [])
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={
                "require": required,
                "verify_aud": audience is not None,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Problem("token_invalid") from None
    return claims


def _peek(token: str) -> tuple[_Header, _Claimed]:
    """Read what an unverified token says of its issuer and key: only ever to choose the key.

    Raises:
        Problem: `token_invalid` for what is no token, or names extensions that must be understood
            (RFC 7515 §4.1.11): moot understands none.
    """
    parts = token.split(".")
    try:
        if len(parts) != _PARTS:
            raise Problem("token_invalid")
        header = _decode(parts[0], _Header)
        claimed = _decode(parts[1], _Claimed)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Problem("token_invalid") from None
    if header.crit is not msgspec.UNSET:
        raise Problem("token_invalid")
    return header, claimed


def _decode(part: str, kind: type[_T]) -> _T:
    return msgspec.json.decode(urlsafe_b64decode(part + "=" * (-len(part) % 4)), type=kind)


def _person(issuer: str, claims: dict[str, Any]) -> Person:
    subject = claims["sub"]
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise Problem("token_invalid")
    return Person(PersonId(f"account:{issuer}|{subject}"), _name(claims), is_account=True)


def _name(claims: dict[str, Any]) -> str | None:
    """Take the name an account goes by, where it has one that may be shown (PERSON-3).

    `user_metadata.full_name` is where a Supabase project's tokens keep it.
    """
    metadata = claims.get("user_metadata")
    further = metadata if isinstance(metadata, dict) else {}
    for name in (claims.get("name"), further.get("full_name"), further.get("name")):
        if isinstance(name, str):
            try:
                return parse_name(name)
            except Problem:
                continue
    return None


def bearer_token(header: str) -> str | None:
    """Take the token out of an `Authorization` header (RFC 6750 §2.1); None for another scheme."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    return token.strip()
