"""Below the API: raw bytes on the socket, hostile upgrades, frames of every kind."""

import asyncio
import contextlib
import json
import time

import pytest
import websockets
from tests.programs.person import bearer, greeting
from tests.programs.wire import answer


async def raw(server, data, *, within_s=20.0, half_close=False):
    """Send bytes and give what the server says: one whole answer, or all of them to the close."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(within_s):
            if not half_close:
                return (await answer(reader)).decode("latin-1")
            writer.write_eof()
            return (await reader.read()).decode("latin-1")
    except ConnectionError:
        return ""
    finally:
        writer.close()


def upgrade(server, path="/api/v1/meetings/RAW/events", **headers):
    given = {
        "Host": f"127.0.0.1:{server.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"GET {path} HTTP/1.1", *(f"{n}: {v}" for n, v in given.items() if v is not None)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 99999999999999999999999",
        "Content-Length : 5",
        "X: a\r\n b\r\nContent-Length: 5",
        "X\x00Y: 1\r\nContent-Length: 5",
    ],
)
async def test_ambiguous_requests_are_never_two_requests(server, head):
    """ASVS 4.2.1, request smuggling: one answer, a refusal or none; never a second request's."""
    smuggled = b"PUT /api/v1/meetings/SMUGGLED HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    start = (
        f"PUT /api/v1/meetings/CARRIER HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{head}\r\n\r\n"
    )
    said = await raw(server, start.encode("latin-1") + b"0\r\n\r\n" + smuggled, half_close=True)
    assert said.count("HTTP/1.1 2") <= 1
    assert '"id":"SMUGGLED"' not in said
    look = await server.wire(Connection="close").ask("GET", "/api/v1/meetings/SMUGGLED")
    assert look.status == 404


@pytest.mark.parametrize(
    "request_line",
    [
        "GET //evil.example/%2e%2e HTTP/1.1",
        "GET /../../etc/passwd HTTP/1.1",
        "GET /\x00 HTTP/1.1",
        "GET /%00%ff HTTP/1.1",
        "CONNECT evil.example:443 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "\x16\x03\x01\x02\x00\x01\x00",
        "G" * 10_000 + " / HTTP/1.1",
        "GET /" + "a" * 100_000 + " HTTP/1.1",
        "PRI * HTTP/2.0",
    ],
)
async def test_strange_request_lines_are_refused_and_harm_nobody(server, request_line):
    """ERR-1: whatever stands in the first line, the answer is 4xx or a closed socket."""
    data = f"{request_line}\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode("latin-1")
    said = await raw(server, data, half_close=True)
    assert not said or 400 <= int(said.split(" ")[1]) < 500
    assert (await server.wire(Connection="close").ask("GET", "/livez")).status == 200


async def test_missing_and_doubled_hosts_are_refused(server):
    """A request must say exactly one name, and it must be ours."""
    for host in ("", "Host: evil.example\r\n", "Host: 127.0.0.1\r\nHost: evil.example\r\n"):
        said = await raw(server, f"GET /livez HTTP/1.1\r\n{host}\r\n".encode(), half_close=True)
        assert said.split(" ")[1] in ("400", "421"), said


async def test_slow_bodies_are_given_up(server):
    """Slowloris: a body that never comes does not hold a request for ever."""
    head = (
        "PUT /api/v1/meetings/SLOW HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
        "Content-Length: 100\r\n\r\n{"
    )
    began = time.monotonic()
    said = await raw(server, head.encode(), within_s=40)
    assert "400 Bad Request" in said
    assert 10 <= time.monotonic() - began < 35


async def test_sockets_that_say_nothing_are_closed(server):
    """A connection that never finishes its request's head is closed within half a minute."""
    began = time.monotonic()
    first = f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
    said = await asyncio.gather(
        raw(server, b"", within_s=50),
        raw(server, b"GET / HT", within_s=50),
        _second_head(server, first),
    )
    assert said == ["", "", ""]
    assert 15 <= time.monotonic() - began < 45


async def _second_head(server, first):
    """Send a whole request, and then the beginning of another one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(first)
    assert b"200 OK" in await answer(reader)
    writer.write(b"GET /li")
    async with asyncio.timeout(50):
        said = await reader.read()
    writer.close()
    return said.decode()


async def test_endless_head_is_refused(server):
    """Headers without end are cut off before they fill the memory."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET / HTTP/1.1\r\n")
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 50_000_000 and not writer.is_closing():
            writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
            sent += 1010
            await writer.drain()
            await asyncio.sleep(0)
    assert sent < 20_000_000
    with contextlib.suppress(ConnectionError):
        await reader.read()
    writer.close()


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1:{port}@evil.example",
        "http://127.0.0.1:{port}/",
        "",
    ],
)
async def test_foreign_pages_open_no_stream(server, origin):
    """ASVS 4.4.2, CSWSH, Litestar CVE-2026-25478: the origin is compared exactly."""
    said = await raw(server, upgrade(server, Origin=origin.format(port=server.port)))
    assert said.startswith("HTTP/1.1 403"), said
    assert "origin_forbidden" in said


async def test_refused_streams_are_no_faults_in_the_log(server):
    """ASVS 16.2.1: who is turned away cannot fill the log with faults that are none."""
    before = len(server.log)
    for path in ("/api/v1/meetings/RAW/events", "/rtc", "/rtc/v1", "/nothing"):
        said = await raw(server, upgrade(server, path=path, Origin="https://evil.example"))
        assert said.split(" ")[1] in ("401", "403", "404"), said
    await server.wire(Connection="close").ask("GET", "/livez")
    assert "error" not in server.log[before:]


async def test_own_page_and_programs_open_streams(server):
    """The own origin passes, and so does a program that sends none."""
    own = f"http://127.0.0.1:{server.port}"
    assert (await raw(server, upgrade(server, Origin=own))).startswith("HTTP/1.1 101")
    assert (await raw(server, upgrade(server))).startswith("HTTP/1.1 101")


@pytest.mark.parametrize(
    ("changes", "statuses"),
    [
        ({"Host": "evil.example"}, ("421",)),
        ({"Host": None}, ("421", "400")),
        ({"Sec_WebSocket_Version": "8"}, ("426", "400")),
        ({"Sec_WebSocket_Key": "short"}, ("400",)),
        ({"Sec_WebSocket_Protocol": "\xff\xfe, mööt"}, ("101", "400")),
        ({"path": "/api/v1/meetings/a:b/events"}, ("422",)),
        ({"path": "/api/v1/meetings/RAW/nothing"}, ("403", "404")),
        ({"path": "/nothing"}, ("403", "404")),
    ],
)
async def test_strange_upgrades_are_refused(server, changes, statuses):
    """Granian CVE-2026-42544: no header of an upgrade can take the process down."""
    said = await raw(server, upgrade(server, **changes))
    assert said.split(" ")[1] in statuses, said
    assert (await server.wire(Connection="close").ask("GET", "/livez")).status == 200


async def test_compression_is_not_offered(server):
    """A deflate bomb needs deflate: moot never agrees to it."""
    extension = "permessage-deflate; client_max_window_bits"
    said = await raw(server, upgrade(server, Sec_WebSocket_Extensions=extension))
    assert said.startswith("HTTP/1.1 101")
    assert "extensions" not in said.lower()


async def test_a_cookie_alone_opens_nothing(server, people, talks):
    """ASVS 4.4.3: the stream wants its own token in the first message, cookies do not count."""
    ana = people("ws ana")
    await ana.create("WSTOKEN")
    joined = (await ana.join("WSTOKEN")).body
    connection = joined["connection"]
    good = greeting(connection)
    other = (await people("ws ben").join("WSTOKEN")).body["connection"]
    for changes, code in (
        ({"token": ""}, 4003),
        ({"token": other["token"]}, 4003),
        ({"token": connection["token"][:-1] + "x"}, 4003),
        ({"token": bearer("ws ana")}, 4003),
        ({"connection_id": other["id"]}, 4003),
        ({"connection_id": "x"}, 4002),
        ({"fence": connection["fence"] - 1}, 4004),
        ({"fence": 10**15}, 4004),
    ):
        stream = await talks("WSTOKEN", Authorization=f"Bearer {bearer('ws ana')}")
        await stream.say(good | changes)
        assert await stream.closed() == code, changes
    stream = await talks("WSTOKEN")
    assert (await stream.hello(connection))["type"] == "hello"


@pytest.mark.parametrize(
    ("message", "codes"),
    [
        ('{"type":"ping"}', {4002}),
        ("nonsense", {4002}),
        (b"\x00\x01", {4002}),
        ("x" * 16_385, {4002, 1009}),
        ("[" * 10_000, {4002}),
        ("x" * 200_000, {1009, 4002}),
        ('{"type":"hello"}', {4002}),
        ('{"type":"event","event_seq":1}', {4002}),
        ('{"type":"ping","id":1}' * 2, {4002}),
    ],
)
async def test_malformed_frame_costs_only_its_sender(people, talks, message, codes):
    """BBB CVE-2025-61602: one broken message closes one stream; the others do not notice."""
    ana, ben = people("mf ana"), people("mf ben")
    await ana.create("MALFORMED")
    a, b = (await ana.join("MALFORMED")).body, (await ben.join("MALFORMED")).body
    bad, good = await talks("MALFORMED"), await talks("MALFORMED")
    await bad.hello(a["connection"])
    await good.hello(b["connection"])
    await bad.say(message)
    assert await bad.closed() in codes
    await ben.ask("PATCH", "/meetings/MALFORMED/participants/me", {"hand": True})
    assert (await good.read("participant.updated"))["body"]
    await ben.ask("PATCH", "/meetings/MALFORMED/participants/me", {"hand": False})
    await ana.ask("DELETE", "/meetings/MALFORMED/participants/me")
    await ben.ask("DELETE", "/meetings/MALFORMED/participants/me")


async def test_broken_frames_are_the_protocols_business(server):
    """RFC 6455 §7.4.1: unmasked, reserved and fragmented nonsense ends that socket only."""
    for frame in (
        b"\x81\x02hi",
        b"\xf1\x82\x00\x00\x00\x00hi",
        b"\x83\x82\x00\x00\x00\x00hi",
        b"\x80\x82\x00\x00\x00\x00hi",
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
        b"\x81\x82\x00\x00\x00\x00\xff\xfe",
        b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + b"x" * 126,
        b"\x88\x81\x00\x00\x00\x00x",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(upgrade(server))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(frame)
        async with asyncio.timeout(20):
            said = await reader.read()
            assert not said or said[0] == 0x88
        writer.close()
    assert (await server.wire(Connection="close").ask("GET", "/livez")).status == 200


async def test_flood_of_messages_is_cut_off(people, talks):
    """ASVS 17.3.1: who sends hundreds of messages at once is closed with the code for too often."""
    ana = people("flood ana")
    await ana.create("FLOOD")
    stream = await talks("FLOOD")
    await stream.hello((await ana.join("FLOOD")).body["connection"])
    with contextlib.suppress(websockets.ConnectionClosed):
        for number in range(500):
            await stream.say({"type": "ping", "id": number})
    assert await stream.closed() == 4012


async def test_stream_without_hello_is_closed(talks):
    """Ten seconds without a hello, and the socket is free for somebody else."""
    began = time.monotonic()
    stream = await talks("NOHELLO")
    assert await stream.closed(within_s=30) == 4001
    assert 9 <= time.monotonic() - began < 25


async def test_token_never_stands_in_an_address(people):
    """Tokens in addresses end in logs: the join's answer has them in the body alone."""
    ana = people("url ana")
    await ana.create("URLS")
    joined = (await ana.join("URLS")).body
    assert "?" not in joined["media"]["url"]
    assert joined["connection"]["token"] not in json.dumps(joined["media"])
