"""A head that never comes or never ends, on a real socket."""

import asyncio

import pytest
from tests.unit.http.listening import listening

from moot.http import patience

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def app(scope, receive, send):
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def port(monkeypatch):
    monkeypatch.setattr(patience, "HEAD_WITHIN_S", 0.3)
    async with listening(app) as port:
        yield port


async def talk(port, *parts, wait_s=0.0):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    for part in parts:
        writer.write(part)
        await asyncio.sleep(wait_s)
    try:
        async with asyncio.timeout(5):
            said = await reader.read()
    except ConnectionError:
        pass
    finally:
        writer.close()
    return said


@pytest.mark.parametrize("parts", [(), (b"GET / HT",), (b"GET / HTTP/1.1\r\nHost: localhost\r\n",)])
async def test_head_that_does_not_come_closes_the_connection(port, parts):
    """Slowloris: an unfinished head holds a descriptor only for its time."""
    assert await talk(port, *parts) == b""


async def test_further_request_has_a_deadline_of_its_own(port):
    """After a whole request, half of another one does not hold the connection either."""
    said = await talk(port, ASK, b"GET / HT")
    assert said.count(b"200 OK") == 1


async def test_answered_connection_is_kept(port):
    """Between two requests nothing is given up: keeping alive is another clock."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        writer.write(ASK)
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
        assert b"200 OK" in head
        await asyncio.sleep(0.5)
    writer.close()


async def test_head_without_end_is_400(port, monkeypatch):
    """A head grows to its bound and no further."""
    monkeypatch.setattr(patience, "HEAD_WITHIN_S", 30.0)
    monkeypatch.setattr(patience, "HEAD_LIMIT_BYTES", 5_000)
    lines = [b"X-%d: " % number + b"x" * 1_000 + b"\r\n" for number in range(20)]
    said = await talk(port, b"GET / HTTP/1.1\r\n", *lines, wait_s=0.02)
    assert said.startswith(b"HTTP/1.1 400") or said == b""
