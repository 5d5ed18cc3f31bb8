"""The sockets of the web server, bound before anything else is started."""

from __future__ import annotations

import errno
import socket
from typing import Final

_BACKLOG: Final = 4_096
_LOCAL: Final = ("127.0.0.1", "::1")
_HERE: Final = (*_LOCAL, "localhost", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound


class AddressUnusable(Exception):
    """The address or port cannot be had; the text is one sentence with the cure."""


def listen(host: str, port: int) -> list[socket.socket]:
    """Bind and listen on an address; `localhost` is both loopback addresses on the same port.

    Args:
        port: 0 takes any free one.

    Raises:
        AddressUnusable: it is taken, not this machine's, or not allowed.
    """
    sockets: list[socket.socket] = []
    hosts = _LOCAL if host == "localhost" else (host,)
    try:
        for name in hosts:
            bound = _listen_one(name, sockets[0].getsockname()[1] if sockets else port)
            if bound is not None:
                sockets.append(bound)
    except BaseException:
        for opened in sockets:
            opened.close()
        raise
    return sockets


def _listen_one(host: str, port: int) -> socket.socket | None:
    """Bind one address; None for ::1 on a machine without IPv6."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as reason:
        if host == "::1":
            return None
        raise _unusable(host, port, reason) from reason
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
        bound.setblocking(False)
    except OSError as reason:
        bound.close()
        if host == "::1" and reason.errno == errno.EADDRNOTAVAIL:
            return None
        raise _unusable(host, port, reason) from reason
    return bound


def _unusable(host: str, port: int, reason: OSError) -> AddressUnusable:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if reason.errno == errno.EADDRINUSE:
        return AddressUnusable(
            f"Another program already listens on {where}; stop it, or choose another port with "
            "--port."
        )
    if reason.errno in (errno.EACCES, errno.EPERM):
        return AddressUnusable(
            f"The system does not let moot listen on {where}; choose a port from 1024 up with "
            "--port."
        )
    return AddressUnusable(
        f"moot cannot listen on {where} ({reason.strerror or reason}); choose one of this "
        "machine's addresses with --host."
    )


def address_of(sockets: list[socket.socket], host: str) -> str:
    """Give the address to type for these sockets: a name that browsers trust where it is local."""
    port = sockets[0].getsockname()[1]
    name = "localhost" if host in _HERE else host
    shown = f"[{name}]" if ":" in name else name
    return f"http://{shown}:{port}"
