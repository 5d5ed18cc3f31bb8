"""The sockets of the web server: bound first, and refused in one sentence."""

import socket

import pytest

from moot.listen import AddressUnusable, address_of, listen


@pytest.fixture
def bound():
    """Sockets that are closed after the test."""
    sockets: list[socket.socket] = []
    yield sockets
    for each in sockets:
        each.close()


def test_localhost_is_both_loopback_addresses_on_one_port(bound) -> None:
    """A browser that resolves localhost to ::1 and one that takes 127.0.0.1 both arrive."""
    bound += listen("localhost", 0)
    assert {each.getsockname()[0] for each in bound} == {"127.0.0.1", "::1"}
    assert len({each.getsockname()[1] for each in bound}) == 1
    for each in bound:
        with socket.create_connection(each.getsockname()[:2], timeout=5):
            pass


def test_the_wildcard_of_ipv6_takes_ipv4_too(bound) -> None:
    """`::` is every address, so one socket answers both families."""
    bound += listen("::", 0)
    port = bound[0].getsockname()[1]
    for host in ("127.0.0.1", "::1"):
        with socket.create_connection((host, port), timeout=5):
            pass


def test_a_taken_port_is_one_sentence_with_the_cure(bound) -> None:
    """A second server on the same port says what to do, and holds nothing open."""
    bound += listen("127.0.0.1", 0)
    port = bound[0].getsockname()[1]
    with pytest.raises(AddressUnusable, match=rf"127\.0\.0\.1:{port}; stop it, .*--port"):
        listen("localhost", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-name.invalid"])
def test_an_address_of_another_machine_is_one_sentence(host) -> None:
    """An address that this machine does not have names --host."""
    with pytest.raises(AddressUnusable, match="--host"):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("0.0.0.0", "localhost"),
        ("::", "localhost"),
        ("127.0.0.1", "localhost"),
    ],
)
def test_the_address_to_type_is_one_that_browsers_trust(bound, host, name) -> None:
    """Browsers give camera and microphone to http://localhost, not to http://0.0.0.0."""
    bound += listen(host, 0)
    assert address_of(bound, host) == f"http://{name}:{bound[0].getsockname()[1]}"
