"""Which names this server answers to, and which pages may call it: exact comparison only.

The host check is what stops a foreign page whose name was pointed at this machine (DNS rebinding);
the origin check is what stops a foreign page that knows this machine's name (CSRF, hijacked
event streams). Neither uses a pattern.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

_STANDARD_PORT = {"http": 80, "https": 443}
_LONGEST = 255
_KEPT = 256
"""Names whose reading is kept; a server is asked under a few, whatever else is tried."""


class Origins:
    """The names and origins of one server.

    Args:
        public_url: the origin people type, or None where moot takes it from each request.
        allowed_origins: further exact origins that may call the API.
        names: names of this machine, without port; loopback names and literal addresses, which
            nobody can point elsewhere, are always known.
    """

    def __init__(
        self, public_url: str | None, allowed_origins: Iterable[str], names: Iterable[str]
    ) -> None:
        self._public_url = public_url
        self._allowed = frozenset(allowed_origins)
        self._names = {name.lower().rstrip(".") for name in names if name}
        self._names.add("localhost")
        if public_url is not None:
            self._names.add(urlsplit(public_url).hostname or "")

    def own(self, scheme: str, host: str) -> str | None:
        """Give the origin of this server as the browser sees it; None for a name that is not ours.

        Args:
            scheme: `http` or `https`, as the browser used it.
            host: the `Host` header, exactly as it came; empty where it was missing.
        """
        name, port = _split_host(host)
        if name is None or not self._knows(name):
            return None
        if self._public_url is not None and name == urlsplit(self._public_url).hostname:
            return self._public_url
        shown = f"[{name}]" if ":" in name else name
        if port is None or port == _STANDARD_PORT[scheme]:
            return f"{scheme}://{shown}"
        return f"{scheme}://{shown}:{port}"

    def allows(self, origin: str, own: str) -> bool:
        """Whether a page of this origin may send commands and open the events.

        Args:
            origin: the `Origin` header; `null` is nobody's.
            own: what `own()` said of the same request.
        """
        return origin == own or origin in self._allowed

    def is_foreign(self, origin: str) -> bool:
        """Whether an allowed origin is another page's, so that its answers need CORS headers."""
        return origin in self._allowed

    def _knows(self, name: str) -> bool:
        return _is_address(name) or name in self._names or name.endswith(".localhost")


def websocket_base(origin: str) -> str:
    """Turn an origin into the base of its WebSockets: `http` to `ws`, `https` to `wss`."""
    return "ws" + origin.removeprefix("http")


@lru_cache(maxsize=_KEPT)
def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _split_host(host: str) -> tuple[str | None, int | None]:
    """Take a `Host` header apart (RFC 9110 §7.2); (None, None) where it is not one."""
    return (None, None) if len(host) > _LONGEST else _split_short_host(host)


@lru_cache(maxsize=_KEPT)
def _split_short_host(host: str) -> tuple[str | None, int | None]:
    if not host or not host.isascii() or any(c in host for c in "/?#@\\ ,\t%"):
        return None, None
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None, None
    if not name or host.endswith(":"):
        return None, None
    return name.lower().rstrip("."), port
