"""Names and origins: exact, or not at all."""

import pytest

from moot.gate.origin import Origins, websocket_base

LOCAL = Origins(None, [], ["box"])
PUBLIC = Origins("https://meet.example", ["https://app.example"], ["box"])


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost:3000", "http://localhost:3000"),
        ("LOCALHOST:3000", "http://localhost:3000"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("[::1]:3000", "http://[::1]:3000"),
        ("192.168.1.5:3000", "http://192.168.1.5:3000"),
        ("box:3000", "http://box:3000"),
        ("a.localhost:3000", "http://a.localhost:3000"),
        ("localhost.:3000", "http://localhost:3000"),
    ],
)
def test_own_names_and_literal_addresses_are_known(host, expected):
    """Nobody can point a literal address or `localhost` elsewhere, so they are always ours."""
    assert LOCAL.own("http", host) == expected


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:3000",
        "localhost.evil.example",
        "evillocalhost",
        "localhost:3000, evil.example",
        "localhost:3000@evil.example",
        "localhost:x",
        "localhost:",
        "localhost:99999",
        "[::1",
        "localhost/evil",
        "local\\host",
        "löcalhost",
        "a" * 300,
        "127.0.0.1.evil.example",
    ],
)
def test_other_names_are_not_ours(host):
    """A foreign name pointed at this machine (DNS rebinding) is refused before anything else."""
    assert LOCAL.own("http", host) is None


def test_the_public_address_is_the_origin_whatever_the_proxy_speaks():
    """Behind a proxy the browser's origin is `public_url`; health checks by address still work."""
    assert PUBLIC.own("http", "meet.example") == "https://meet.example"
    assert PUBLIC.own("http", "meet.example:8080") == "https://meet.example"
    assert PUBLIC.own("http", "10.0.0.5:3000") == "http://10.0.0.5:3000"


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://appXexample",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example/",
        "HTTPS://APP.EXAMPLE",
        "https://meet.example.evil",
        "http://meet.example",
    ],
)
def test_origins_are_compared_exactly(origin):
    """No prefix, suffix, pattern, other scheme or other port passes for an allowed origin."""
    assert not PUBLIC.allows(origin, "https://meet.example")
    assert not PUBLIC.is_foreign(origin)


def test_own_and_listed_origins_are_allowed():
    """The own page always may call; listed pages may as well, and need CORS headers."""
    assert PUBLIC.allows("https://meet.example", "https://meet.example")
    assert PUBLIC.allows("https://app.example", "https://meet.example")
    assert PUBLIC.is_foreign("https://app.example")
    assert not PUBLIC.is_foreign("https://meet.example")


def test_websocket_base_follows_the_scheme():
    """A page on HTTPS may only open `wss:`."""
    assert websocket_base("https://meet.example") == "wss://meet.example"
    assert websocket_base("http://localhost:3000") == "ws://localhost:3000"
