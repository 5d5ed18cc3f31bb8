"""WebSocket handshakes as clients and others send them, on a real socket (RFC 6455 §4)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import websockets
from tests.unit.http.listening import listening

from moot.wire import EXTENSION, WireProtocol, binary_frame, text_frame

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PLAIN = {
    "Host": "localhost",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    "X-Word": "grüße",
}


class App:
    """Greets with its scope's query, then says everything back; refuses on `/refused`."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        assert (await receive())["type"] == "websocket.connect"
        if scope["path"] == "/refused":
            await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"no"})
            return
        if scope["path"] == "/broken":
            raise RuntimeError("a mistake")
        wire: WireProtocol = scope["extensions"][EXTENSION]
        wire.accept(text_frame(f"{len(scope['query_string'])} {scope['path']}"))
        while (event := await receive())["type"] == "websocket.receive":
            wire.write(binary_frame(event["bytes"]))


@pytest.fixture
async def served() -> AsyncIterator[tuple[App, int]]:
    app = App()
    options = {"ws": WireProtocol, "ws_per_message_deflate": False, "ws_ping_interval": None}
    async with listening(app, **options) as port:
        yield app, port


def request(method: str = "GET", version: str = "1.1", **changes: str | None) -> bytes:
    """Spell a handshake; changes name a header with underscores, None leaves it out."""
    headers: dict[str, str | None] = {name.lower(): value for name, value in PLAIN.items()}
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"{method} /a%20b?c=d HTTP/{version}", *lines, "", ""]).encode()


async def answer(port: int, head: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    try:
        async with asyncio.timeout(5):
            return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()


async def test_a_client_is_let_in_and_heard(served: tuple[App, int]) -> None:
    """A library that shares no code with the shortcut opens, talks and closes."""
    _, port = served
    async with websockets.connect(f"ws://127.0.0.1:{port}/room?x=1") as client:
        assert await client.recv() == "3 /room"
        for size in (0, 1, 200, 70_000):
            await client.send(bytes(size))
            assert await client.recv() == bytes(size)
        await client.send([b"half ", b"and half"])
        assert await client.recv() == b"half and half"
        assert await asyncio.wait_for(await client.ping(), 5)
    assert client.close_code == 1000


async def test_the_answer_is_the_protocols_and_the_scope_is_complete(
    served: tuple[App, int],
) -> None:
    """RFC 6455 §1.3: the key of the example has the example's answer; ASGI: nothing is missing."""
    app, port = served
    head = await answer(port, request())
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    # uvicorn's own way, taken where a subprotocol is asked for, is the model.
    await answer(port, request(sec_websocket_protocol="x"))
    ours, model = app.scopes
    assert b"sec-websocket-protocol" not in dict(ours["headers"])
    assert ours["path"] == "/a b"
    differ = {"headers", "client", "subprotocols", "extensions"}
    assert {name: ours[name] for name in ours.keys() - differ} == {
        name: model[name] for name in model.keys() - differ
    }
    assert ours.keys() == model.keys()
    assert set(ours["extensions"]) == set(model["extensions"])
    assert dict(model["headers"]) | dict(ours["headers"]) == dict(model["headers"])


async def test_a_long_address_is_taken(served: tuple[App, int]) -> None:
    """MEDIA-2: a packed request to join with many sections is longer than 8 KiB."""
    _, port = served
    async with websockets.connect(f"ws://127.0.0.1:{port}/rtc?{'x' * 40_000}") as client:
        assert await client.recv() == "40000 /rtc"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (request(sec_websocket_key=None), 400),
        (request(sec_websocket_key="short"), 400),
        (request(sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ=é"), 400),
        (request(sec_websocket_key=KEY + "\r\nSec-WebSocket-Key: " + KEY), 400),
        (request(sec_websocket_version=None), 400),
        (request(sec_websocket_version="8"), 400),
        (request().replace(b"/a%20b", b"/\xff"), 400),
        (request(method="POST"), 405),
        (request(upgrade="h2c\r\nUpgrade: websocket"), 426),
    ],
)
async def test_what_is_no_handshake_is_told_so(
    served: tuple[App, int], head: bytes, status: int
) -> None:
    """An attempt that is malformed never reaches the application."""
    app, port = served
    assert (await answer(port, head)).startswith(f"HTTP/1.1 {status} ".encode())
    assert app.scopes == []


@pytest.mark.parametrize(("path", "status"), [("/refused", 403), ("/broken", 500)])
async def test_a_refusal_is_an_answer(served: tuple[App, int], path: str, status: int) -> None:
    """PERSON-2: who is not let in gets a status, and a mistake of ours is not silence."""
    _, port = served
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with websockets.connect(f"ws://127.0.0.1:{port}{path}"):
            pass
    assert caught.value.response.status_code == status


async def test_bytes_before_the_answer_do_no_harm(served: tuple[App, int]) -> None:
    """Hostile or hasty: whatever comes right behind the head, what comes later is read."""
    _, port = served
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request())
    await asyncio.sleep(0)
    masked = b"\x82\x82\x00\x00\x00\x00hi"
    writer.write(masked)
    async with asyncio.timeout(5):
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2 + len("3 /a b"))
        writer.write(masked)
        assert await reader.readexactly(4) == b"\x82\x02hi"
    writer.close()
