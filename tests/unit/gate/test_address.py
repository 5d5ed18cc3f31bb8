"""Which address a request comes from."""

import pytest

from moot.gate.address import Proxies, is_loopback, rate_key

PROXIES = Proxies(["10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("peer", "lines", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.2.3.4", "198.51.100.7, 10.0.0.9"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4, nonsense, 10.0.0.3"], "10.0.0.3"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:DB9::7]:443"], "2001:db9::7"),
        ("10.0.0.1", ["198.51.100.7:5555"], "198.51.100.7"),
        ("10.0.0.1", ["9" * 500], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1," * 5000 + "198.51.100.7"], "198.51.100.7"),
    ],
)
def test_address_is_the_rightmost_that_no_listed_proxy_wrote(peer, lines, expected):
    """Only listed proxies are believed, and only the part of the list that they wrote."""
    assert PROXIES.origin_address(peer, lines) == expected


def test_nobody_is_believed_where_no_proxy_is_listed():
    """Without trusted proxies the other end of the connection is the address, whatever it says."""
    assert Proxies([]).origin_address("127.0.0.1", ["198.51.100.7"]) == "127.0.0.1"
    assert Proxies([]).scheme("127.0.0.1", "http", "https") == "http"


@pytest.mark.parametrize(
    ("peer", "scheme", "told", "expected"),
    [
        ("10.0.0.1", "http", "https", "https"),
        ("10.0.0.1", "ws", "https", "https"),
        ("10.0.0.1", "http", "http, https", "https"),
        ("10.0.0.1", "http", "gopher", "http"),
        ("10.0.0.1", "wss", "", "https"),
        ("192.0.2.1", "http", "https", "http"),
    ],
)
def test_scheme_is_the_proxys_word_only_where_the_proxy_is_listed(peer, scheme, told, expected):
    """`X-Forwarded-Proto` decides about Secure cookies, so a stranger's does not count."""
    assert PROXIES.scheme(peer, scheme, told) == expected


def test_an_ipv6_network_is_limited_as_one():
    """One household has a /64 and could otherwise come from 2**64 addresses."""
    assert rate_key("2001:db8::1") == rate_key("2001:db8::ffff:1")
    assert rate_key("2001:db8::1") != rate_key("2001:db8:0:1::1")
    assert rate_key("192.0.2.1") != rate_key("192.0.2.2")


def test_loopback_is_this_machine_in_either_family():
    """The metrics page is for this machine: mapped and plain loopback, and nothing else."""
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("192.0.2.1")
    assert not is_loopback("localhost")
