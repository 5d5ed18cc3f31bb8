"""What a type and a range cannot say: addresses, origins, secrets, and what needs what."""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from moot.config import Config

_SECRET_LENGTH: Final = 32
_STANDARD_PORTS: Final = {"http": 80, "https": 443}


def _origin(text: str) -> str:
    """Return an exact origin (RFC 6454 section 6.2), or raise ValueError with the cure."""
    wrong = ValueError("give it as scheme, name and port only, such as https://meet.example.org")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong from None
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in _STANDARD_PORTS or not parts.hostname or extra or "*" in text:
        raise wrong
    machine = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, _STANDARD_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{machine}{shown}"


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("give an IPv4 or IPv6 address, such as 192.0.2.7") from None


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError("give an address or a network, such as 10.0.0.0/8") from None


def _url(*schemes: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            parts = urlsplit(text)
            is_whole = parts.scheme in schemes and bool(parts.hostname)
        except ValueError:
            is_whole = False
        if not is_whole:
            raise ValueError(
                f"give an address that begins with {' or '.join(s + '://' for s in schemes)}"
            )
        return text

    return check


def _database(text: str) -> str:
    scheme, _, rest = text.partition(":")
    if scheme == "sqlite" and rest.startswith("///") and len(rest) > len("///"):
        return text
    if scheme in ("postgresql", "postgres"):
        return text
    raise ValueError("give postgresql://user:password@machine/name or sqlite:///absolute/path")


def _long_secret(text: str) -> str:
    if len(text) < _SECRET_LENGTH:
        raise ValueError(
            f"give {_SECRET_LENGTH} characters or more, such as the output of `openssl rand -hex "
            "32`"
        )
    return text


# Checks that a type and a range cannot say; each returns the canonical text or raises ValueError
# with the cure.
# A setting that is a list is checked item by item.
CHECKS: Final[Mapping[str, Callable[[str], str]]] = {
    "public_url": _origin,
    "allowed_origins": _origin,
    "embedding_origins": _origin,
    "trusted_proxies": _network,
    "media_addresses": _address,
    "media_public_addresses": _address,
    "database_url": _database,
    "bus_url": _url("redis", "rediss"),
    "media_url": _url("ws", "wss"),
    "livekit_url": _url("ws", "wss", "http", "https"),
    "oidc_issuer": _url("http", "https"),
    "oidc_jwks_url": _url("http", "https"),
    "secret": _long_secret,
    "auth_secret": _long_secret,
}

# Settings that mean nothing without others: the condition, and what is then needed.
NEEDS: Final[tuple[tuple[str, Callable[[Config], bool], tuple[str, ...]], ...]] = (
    (
        "media is livekit",
        lambda config: config.media == "livekit",
        ("livekit_url", "livekit_api_key", "livekit_api_secret"),
    ),
    ("oidc_audience is set", lambda config: config.oidc_audience is not None, ("oidc_issuer",)),
    ("oidc_jwks_url is set", lambda config: config.oidc_jwks_url is not None, ("oidc_issuer",)),
)
