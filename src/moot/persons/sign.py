"""Signed texts: a payload, the id of the key that signed it, and an HMAC-SHA256 over both.

Keys rotate by their id: the first one signs, every listed one verifies. The purpose is part of what
is signed, so a text made for one thing is worthless for another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

_MAC_BYTES = 20
"""160 bits of HMAC-SHA256 (RFC 2104 §5 asks for at least half of the hash)."""


class Signer:
    """Signs and verifies the texts of one purpose.

    Args:
        purpose: names what the texts are for.
        keys: 32 bytes each; the first signs, the rest are former ones that still verify.
    """

    def __init__(self, purpose: str, keys: Sequence[bytes]) -> None:
        self._purpose = purpose.encode()
        self._keys = {_key_id(key): key for key in reversed(keys)}
        self._newest = _key_id(keys[0])

    def sign(self, payload: str) -> str:
        """Return `<payload>.<key id>.<mac>`; the payload is ASCII of the cookie alphabet."""
        return f"{payload}.{self._newest}.{self._mac(self._newest, payload)}"

    def verify(self, text: str) -> str | None:
        """Return the payload of a text that one of our keys signed, else None; in constant time."""
        if len(text) > 512 or not text.isascii():
            return None
        rest, _, mac = text.rpartition(".")
        payload, _, key_id = rest.rpartition(".")
        if key_id not in self._keys:
            return None
        return payload if hmac.compare_digest(self._mac(key_id, payload), mac) else None

    def is_newest(self, text: str) -> bool:
        """Whether a verified text was signed by the key that signs now."""
        return text.split(".")[-2] == self._newest

    def _mac(self, key_id: str, payload: str) -> str:
        message = b"%s\0%s\0%s" % (self._purpose, key_id.encode(), payload.encode())
        digest = hmac.digest(self._keys[key_id], message, "sha256")[:_MAC_BYTES]
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"key id\0" + key).hexdigest()[:8]
