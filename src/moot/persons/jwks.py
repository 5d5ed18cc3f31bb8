"""The public keys of an OIDC issuer: fetched, kept, and fetched again no faster than allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import jwt
import msgspec

from moot.errors import Problem

KEEP_S: Final = 600.0
"""Keys older than this are asked for again; shorter sees a withdrawn key sooner and asks more."""
AGAIN_S: Final = 30.0
"""The least time between two fetches, whatever key ids the tokens name."""
_TIMEOUT_S: Final = 5.0
_LIMIT_BYTES: Final = 262_144
_KEYS: Final = 64

_ALGORITHMS: Final = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("EC", "P-384"): "ES384",
    ("OKP", "Ed25519"): "EdDSA",
}
"""The one algorithm of each kind of key: it comes from the key, never from the token. Symmetric
keys are not here, so a published key can never verify an HS256 token."""

Fetch = Callable[[str], Awaitable[Any]]


class SigningKey(msgspec.Struct, frozen=True):
    """One public key and the only algorithm it verifies."""

    key: Any
    algorithm: str


class IssuerUnreachable(Exception):
    """The issuer's keys could not be fetched; the text says why, without secrets."""


class KeySet:
    """The keys of one issuer, and of no other.

    Args:
        issuer: the issuer's address, for OpenID Connect Discovery where no `url` is given.
        url: where the keys are, or None.
        fetch: gets the JSON behind an address, or raises `IssuerUnreachable`.
        monotonic: seconds of a clock that only goes forward.
    """

    def __init__(
        self, issuer: str, url: str | None, *, fetch: Fetch, monotonic: Callable[[], float]
    ) -> None:
        self._issuer = issuer
        self._url = url
        self._fetch = fetch
        self._monotonic = monotonic
        self._keys: dict[str | None, SigningKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, key_id: str | None) -> SigningKey | None:
        """Find the key with this id; None if the issuer does not have it.

        Raises:
            Problem: `issuer_unavailable` while no key of the issuer is known at all.
        """
        now = self._monotonic()
        if key_id not in self._keys or now - self._fetched_at >= KEEP_S:
            await self._refresh(key_id)
        if not self._keys and self._fetched_at == float("-inf"):
            raise Problem("issuer_unavailable", retry_after_s=int(AGAIN_S))
        return self._keys.get(key_id)

    async def _refresh(self, key_id: str | None) -> None:
        async with self._lock:
            now = self._monotonic()
            is_fresh = now - self._fetched_at < KEEP_S
            if (is_fresh and key_id in self._keys) or now - self._tried_at < AGAIN_S:
                return
            self._tried_at = now
            try:
                keys = _read_keys(await self._fetch(await self._address()))
            except IssuerUnreachable:
                return
            self._keys, self._fetched_at = keys, now

    async def _address(self) -> str:
        if self._url is None:
            found = await self._fetch(
                self._issuer.rstrip("/") + "/.well-known/openid-configuration"
            )
            told = found.get("jwks_uri") if isinstance(found, dict) else None
            if (
                not isinstance(told, str)
                or found.get("issuer") != self._issuer
                or not told.startswith(("https://", "http://"))
            ):
                raise IssuerUnreachable("its discovery document is for another issuer")
            self._url = told
        return self._url


async def fetch_json(url: str) -> Any:
    """Get the JSON behind an address: no redirects, 5 s, 256 KiB at most.

    Raises:
        IssuerUnreachable: it could not be had.
    """
    import aiohttp  # noqa: PLC0415 - half a second to import, for installations with an issuer

    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status != 200:
                raise IssuerUnreachable(f"it answered {answer.status}")
            text = await answer.content.read(_LIMIT_BYTES + 1)
            while len(text) <= _LIMIT_BYTES and not answer.content.at_eof():
                text += await answer.content.read(_LIMIT_BYTES + 1 - len(text))
        if len(text) > _LIMIT_BYTES:
            raise IssuerUnreachable("its answer is too large")
        return msgspec.json.decode(text)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, RecursionError) as reason:
        raise IssuerUnreachable(type(reason).__name__) from reason


def _read_keys(document: Any) -> dict[str | None, SigningKey]:
    """Keep the signing keys that we understand; a key that is not well formed is left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise IssuerUnreachable("its key set is not one")
    keys: dict[str | None, SigningKey] = {}
    for item in listed[:_KEYS]:
        if not isinstance(item, dict) or item.get("use", "sig") != "sig":
            continue
        algorithm = _ALGORITHMS.get((str(item.get("kty")), item.get("crv")))
        key_id = item.get("kid")
        if algorithm is None or item.get("alg", algorithm) != algorithm:
            continue
        if key_id is not None and not isinstance(key_id, str):
            continue
        try:
            key = jwt.PyJWK(item, algorithm=algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        keys.setdefault(key_id, SigningKey(key, algorithm))
    return keys
