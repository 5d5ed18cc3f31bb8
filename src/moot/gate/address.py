"""Which address a request comes from, and how it travelled, when proxies stand before moot.

Only a proxy that is listed is believed, and of `X-Forwarded-For` only the part that listed proxies
wrote: the rightmost address that is not a proxy itself. The caller wrote what stands left of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_HOPS = 32
"""Entries of `X-Forwarded-For` that are read, from the right; more than any chain of proxies."""
_LONGEST = 64
_KEPT = 1024
"""Addresses whose reading is kept, a few hundred bytes each: the same ones come again and again."""


class Proxies:
    """The proxies whose word is believed.

    Args:
        networks: addresses or networks in CIDR notation, already checked by the settings.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ip_network(network, strict=False) for network in networks]

    def trusts(self, address: Address) -> bool:
        """Whether this address is one of the listed proxies."""
        return any(address in network for network in self._networks)

    def origin_address(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Name the address that a request comes from.

        Args:
            peer: the other end of the TCP connection; empty for a Unix socket.
            forwarded_for: the values of every `X-Forwarded-For` line, in order.
        """
        address = _parse(peer)
        if address is None or not self._networks or not self.trusts(address):
            return str(address) if address else peer
        hops = [hop for line in forwarded_for for hop in line.split(",")]
        for hop in reversed(hops[-_HOPS:]):
            before = _parse(hop)
            if before is None:
                break
            address = before
            if not self.trusts(address):
                break
        return str(address)

    def scheme(self, peer: str, scheme: str, forwarded_proto: str) -> str:
        """Name the scheme that the browser used: `http` or `https`."""
        address = _parse(peer)
        plain = {"ws": "http", "wss": "https"}.get(scheme, scheme)
        if address is None or not self.trusts(address):
            return plain
        told = forwarded_proto.rpartition(",")[2].strip().lower()
        return told if told in ("http", "https") else plain


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    parsed = _parse(address)
    return parsed is not None and parsed.is_loopback


def rate_key(address: str) -> str:
    """Name the neighbourhood that is limited as one: an IPv4 address, or an IPv6 /64 (RFC 6177)."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False).network_address) + "/64"
    return address


def _parse(text: str) -> Address | None:
    """Read an address as proxies write it: with brackets, a port, or as an IPv4 address in IPv6."""
    text = text.strip()
    return None if len(text) > _LONGEST else _parse_short(text)


@lru_cache(maxsize=_KEPT)
def _parse_short(text: str) -> Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
