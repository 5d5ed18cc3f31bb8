"""Ports for servers that a measurement starts."""

from __future__ import annotations

import random
import socket

_LOWEST, _HIGHEST = 10_000, 32_000
"""Below the range that Linux gives to clients, who would otherwise take a port meanwhile."""


def free_ports(count: int) -> list[int]:
    """Find ports that are free now for TCP and UDP on loopback."""
    found: list[int] = []
    for port in random.sample(range(_LOWEST, _HIGHEST), _HIGHEST - _LOWEST):
        if len(found) == count:
            break
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    return found
