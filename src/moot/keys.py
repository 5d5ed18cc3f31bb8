"""The one secret of an installation, made on its first start, and the keys derived from it.

No key is ever defaulted: where `MOOT_SECRET` is not set, a random secret is made and kept in the
data folder, readable by its owner only. Processes that start at once on one folder agree on it.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Final

import msgspec

from moot.config import Config, Secret

_FILE: Final = "secret"
_LENGTH_BYTES: Final = 32


class SecretUnreadable(Exception):
    """The secret cannot be made, read or trusted; the text says why and what to do."""


class Keys(msgspec.Struct, frozen=True):
    """The signing keys of one installation: 32 bytes each, independent of each other.

    A key is derived from the secret by HMAC-SHA256 over its purpose (RFC 5869 section 2.3, one
    block), so a leaked key tells nothing about the secret or about another key.
    """

    secret: Secret

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key for one purpose; the same purpose always gets the same key."""
        message = f"moot {purpose} v1".encode() + b"\x01"
        return hmac.new(self.secret.reveal().encode(), message, hashlib.sha256).digest()

    @property
    def guest_cookie(self) -> bytes:
        """Signs the cookie by which a guest's browser is known (PERSON-1)."""
        return self.derive("guest cookie")

    @property
    def media_api_key(self) -> str:
        """The name under which moot signs media tokens for its own engine; not secret by itself."""
        return "MOOT" + base64.b32encode(self.derive("media api key"))[:12].decode()

    @property
    def media_api_secret(self) -> Secret:
        """Signs media tokens for moot's own engine (HS256)."""
        return Secret(
            base64.urlsafe_b64encode(self.derive("media api secret")).rstrip(b"=").decode()
        )

    def __repr__(self) -> str:
        return "Keys(…)"


def load_keys(config: Config) -> Keys:
    """Return the keys of this installation, making its secret on the first start.

    Safe to call from several processes at once: all get the same keys.

    Raises:
        SecretUnreadable: the data folder cannot be made or read, or others may read the secret.
    """
    if config.secret is not None:
        return Keys(config.secret)
    try:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Keys(_load_or_make(config.data / _FILE))
    except OSError as reason:
        raise SecretUnreadable(
            f"The secret in {config.data} cannot be read or made ({reason.strerror}); "
            "name another folder with --data, or give the secret as MOOT_SECRET."
        ) from reason


def _load_or_make(path: Path) -> Secret:
    """Return the secret in the file; where there is none, offer one and take whichever came first.

    The file appears whole or not at all: it is written under a name of its own and then linked to
    its place, which fails for all but the first.
    """
    if not path.exists():
        offer = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(offer, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(_LENGTH_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(offer, path)
        finally:
            offer.unlink()
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretUnreadable(
            f"{path} may be read by others; make it yours with `chmod 600 {path}`, "
            "or delete it to get a new secret (guests are then new persons)."
        )
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if len(text) < _LENGTH_BYTES:
        raise SecretUnreadable(
            f"{path} does not hold a secret; restore it from a backup, "
            "or delete it to get a new one (guests are then new persons)."
        )
    return Secret(text)
