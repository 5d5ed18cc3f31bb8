"""The composition root: which room answers what, and what starts and stops."""

import asyncio
import signal

import pytest

from moot.app import build, serve
from moot.config import Config, Secret
from moot.listen import AddressUnusable, listen


@pytest.fixture
async def app(tmp_path):
    config = Config(
        data=tmp_path, media="fake", secret=Secret("a secret for tests only, 32 characters")
    )
    steps: list[str] = []
    made = build(config, steps.append)
    await made.start()
    assert steps
    yield made
    await made.stop()
    await made.stop()


async def ask(app, path, kind="http", method="GET"):
    """Send one request and answer its first message and its content."""
    sent = []
    incoming = asyncio.Queue()
    incoming.put_nowait(
        {"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request"}
    )

    async def send(message):
        sent.append(message)

    scope = {
        "type": kind,
        "method": method,
        "scheme": "ws" if kind == "websocket" else "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost:3000"), (b"origin", b"https://evil.example")],
        "client": ("127.0.0.1", 5),
        "extensions": {},
    }
    await app(scope, incoming.get, send)
    return sent[0], b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize(
    ("path", "status", "content"),
    [
        ("/livez", 200, b'"ok"'),
        ("/readyz", 200, b'"ok"'),
        ("/metrics", 200, b"moot_streams 0.0"),
        ("/api/v1/config", 200, b"linger_s"),
        ("/api/v1/openapi.json", 200, b'"3.1.0"'),
        ("/api/v1/nothing", 404, b"route_not_found"),
        ("/a/b/c", 404, b"nothing at this address"),
    ],
)
async def test_each_path_reaches_its_room(app, path, status, content):
    """One application, several rooms: the API, the page, the pages for machines."""
    first, body = await ask(app, path)
    assert first["status"] == status
    assert content in body


async def test_only_the_events_are_a_websocket(app):
    """A foreign page is refused at the events; elsewhere there is no WebSocket at all."""
    first, body = await ask(app, "/api/v1/meetings/ABC/events", kind="websocket")
    assert first["status"] == 403
    assert b"origin_forbidden" in body
    for path in ("/", "/api/v1/config", "/api/v1/meetings/ABC/events/more"):
        first, _ = await ask(app, path, kind="websocket")
        assert first == {"type": "websocket.close", "code": 1008}


async def test_draining_is_unready(app):
    """While streams are sent elsewhere, `/readyz` says that nobody should come."""
    await app.drain()
    first, body = await ask(app, "/readyz")
    assert first["status"] == 503
    assert b"restarting" in body


def test_taken_port_is_said_before_anything_is_opened(tmp_path):
    """A second server on one port ends with a sentence, and leaves no store behind."""
    taken = listen("127.0.0.1", 0)
    config = Config(
        data=tmp_path / "data", host="127.0.0.1", port=taken[0].getsockname()[1], media="fake"
    )
    with pytest.raises(AddressUnusable, match="--port"):
        serve(config, lambda _: None)
    for bound in taken:
        bound.close()
    assert not (tmp_path / "data").exists()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
