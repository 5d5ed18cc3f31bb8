"""What an operator sees: start, stop, health, logs, figures."""

import asyncio
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

from tests.programs.person import AUTH_SECRET, bearer
from tests.programs.server import Server
from tests.programs.wire import answer

MOOT = str(Path(sys.executable).with_name("moot"))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run moot until it ends by itself."""
    return subprocess.run(
        [MOOT, *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "MOOT_MEDIA": "fake"} | environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


async def test_taken_address_is_one_sentence_and_exit_code_2(server, tmp_path):
    """Issue 3: whoever starts a second one on the same port is told what to do."""
    ended = run("serve", "--port", str(server.port), "--data", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


async def test_unusable_database_is_one_sentence_and_exit_code_2(tmp_path):
    """Issue 3: a wrong or unreachable database says so at the start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        ended = run(
            "serve",
            "--port",
            "0",
            "--data",
            str(tmp_path),
            MOOT_DATABASE_URL=f"postgresql://moot:hunter2@127.0.0.1:{port}/moot",
        )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr + ended.stdout
    assert "hunter2" not in ended.stderr + ended.stdout


async def test_default_address_answers_on_both_loopbacks(server, tmp_path):
    """`http://localhost` is 127.0.0.1 in one browser and ::1 in the next."""
    process = subprocess.Popen(  # noqa: ASYNC220 - it is read in a thread
        [MOOT, "serve", "--port", "0", "--data", str(tmp_path)],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "MOOT_MEDIA": "fake"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = ""
        while "ready at" not in line:
            line = await asyncio.to_thread(process.stdout.readline)
            assert line, "moot ended by itself"
        port = int(line.strip().rpartition(":")[2])
        for address in ("127.0.0.1", "::1"):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(f"GET /livez HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            assert b"200 OK" in await reader.readuntil(b"\r\n")
            writer.close()
    finally:
        process.terminate()
        process.communicate(timeout=30)


async def test_drain_finishes_what_runs_and_sends_people_elsewhere(serve, people, talks):
    """SIGTERM: unready, streams closed with 4011, requests finished, nobody left; exit code 0."""
    server = await serve(MOOT_DRAIN_S="6")
    ana, ben = people("drain ana", server), people("drain ben", server)
    await ana.create("DRAIN")
    streams = []
    for who in (ana, ben):
        joined = (await who.join("DRAIN")).body
        streams.append(await talks("DRAIN", via=server))
        await streams[-1].hello(joined["connection"])
    server.send(signal.SIGTERM)
    assert [await stream.closed() for stream in streams] == [4011, 4011]
    assert not any(m.get("kind") == "participant.left" for s in streams for m in s.seen)
    ended = await asyncio.to_thread(server.stop)
    assert ended == 0
    await server.start()
    look = await ana.insist("GET", "/meetings/DRAIN")
    assert look.body["participants"] == 2


async def test_readiness_fails_while_draining_and_liveness_holds(serve, people, talks):
    """A load balancer sends nobody here any more; a supervisor does not kill what finishes."""
    server = await serve(MOOT_DRAIN_S="9")
    ana = people("ready ana", server)
    await ana.create("READY")
    joined = (await ana.join("READY")).body
    stream = await talks("READY", via=server)
    await stream.hello(joined["connection"])
    wire, begun = server.wire(), server.wire()
    assert (await wire.ask("GET", "/readyz")).status == 200
    # A request whose body is still on its way keeps the process until it is answered.
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        f"PUT /api/v1/meetings/LATE HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{".encode()
    )
    await asyncio.sleep(0.3)
    server.send(signal.SIGTERM)
    await stream.closed()
    writer.write(b"}")
    assert b"201 Created" in await answer(reader)
    writer.close()
    await wire.close()
    await begun.close()
    assert await asyncio.to_thread(server.stop) == 0


async def test_nothing_personal_is_ever_logged(serve, people, talks):
    """LOG-1: names, words, cookies, tokens, passcodes and addresses are in no line of the log."""
    for style in ("json", "text"):
        server = await serve(MOOT_LOG_FORMAT=style, MOOT_LOG_LEVEL="debug")
        meeting = f"LOGGED{style.upper()}"
        ana = people("Annabella Verylongname", server)
        created = await ana.ask("PUT", f"/meetings/{meeting}", {"passcode": "sesame-street"})
        assert created.status == 201
        joined = (await ana.join(meeting, device="Secret Device")).body
        stream = await talks(meeting, via=server)
        await stream.hello(joined["connection"])
        path = f"/meetings/{meeting}/chat/{uuid.uuid4()}"
        await ana.ask("PUT", path, {"text": "a private remark"})
        await stream.read("chat.posted")
        guest = server.wire(Connection="close")
        made = await guest.ask("PUT", f"/api/v1/meetings/{meeting}", {})
        cookie = made.headers["set-cookie"].partition(";")[0].partition("=")[2]
        await server.wire(Connection="close", Authorization="Bearer eyJhbGciOiJub25lIn0.e30.").ask(
            "PUT", f"/api/v1/meetings/{meeting}", {}
        )
        server.stop()
        log = server.log
        assert "Meeting created successfully" in log
        assert "Participant joined successfully" in log
        assert joined["participant"]["id"] in log
        for secret in (
            "Annabella",
            "sesame",
            "Secret Device",
            "private remark",
            cookie,
            cookie.split(".")[0],
            joined["connection"]["token"],
            joined["media"]["token"],
            ana.token,
            "eyJ",
            "127.0.0.1",
        ):
            assert secret not in log, (style, secret)
        if style == "json":
            lines = [line for line in log.splitlines() if line.startswith("{")]
            events = [json.loads(line)["event"] for line in lines]
            assert "Meeting created successfully" in events
            assert all("LOGGED" not in event for event in events)


async def test_figures_agree_with_what_happened(server, people, talks):
    """Prometheus reads the requests by operation and the streams that are open."""
    ana = people("metrics ana")
    await ana.create("METRICS")
    stream = await talks("METRICS")
    await stream.hello((await ana.join("METRICS")).body["connection"])
    text = (await server.wire(Connection="close").ask("GET", "/metrics")).raw.decode()
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(figures["moot_streams"]) >= 1
    assert float(figures['moot_http_requests_total{operation="join",status="201"}']) >= 1
    assert float(figures["moot_stream_messages_total"]) >= 1
    assert "process_resident_memory_bytes" in figures
    assert "METRICS" not in text


async def test_kill_and_restart_lose_nothing_and_leave_no_ghost(serve, people, talks):
    """JOIN-10: after `kill -9` everything acknowledged is there; who returns is no newcomer."""
    server = await serve(MOOT_LINGER_S="4")
    ana, ben = people("kill ana", server), people("kill ben", server)
    await ana.create("KILLED")
    mine, theirs = (await ana.join("KILLED")).body, (await ben.join("KILLED")).body
    streams = []
    for joined in (mine, theirs):
        streams.append(await talks("KILLED", via=server))
        hello = await streams[-1].hello(joined["connection"])
    path = "/meetings/KILLED/chat/0198f0a2-8d11-7a52-8c33-0f1e2d3c4b5b"
    assert (await ana.ask("PUT", path, {"text": "kept"})).status == 201
    since = {"epoch": hello["epoch"], "event_seq": hello["event_seq"]}
    server.kill()
    await server.start()
    stream = await talks("KILLED", via=server)
    resumed = await stream.hello(mine["connection"], since=since)
    assert resumed["resumed"] is True
    assert (await stream.read("chat.posted"))["body"]["message"]["text"] == "kept"
    # Ben does not come back: shown as reconnecting, then gone, within the linger time.
    began = time.monotonic()
    left = await stream.read("participant.left")
    assert left["body"]["participant"]["id"] == theirs["participant"]["id"]
    assert left["body"]["reason"] == "lost"
    assert time.monotonic() - began < 20
    kinds = [m.get("kind") for m in stream.seen if m["type"] == "event"]
    assert "participant.joined" not in kinds


async def test_a_stop_does_not_wait_for_a_store_that_is_behind(tmp_path):
    """Issue 3: SIGTERM ends the process within its drain time and a little, whatever waits."""
    server = Server(tmp_path, MOOT_AUTH_SECRET=AUTH_SECRET, MOOT_DRAIN_S="1")
    await server.start()
    wires = [server.wire(Authorization=f"Bearer {bearer(f'person {each}')}") for each in range(700)]
    try:
        assert (await wires[0].ask("PUT", "/api/v1/meetings/BEHIND", {})).status == 201
        blocker = sqlite3.connect(tmp_path / "moot.sqlite3", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        asked = []
        for wire in wires:
            join = wire.ask("PUT", "/api/v1/meetings/BEHIND/participants/me", {"name": "Ana"})
            asked.append(asyncio.create_task(join))
        # Three batches of the writer wait by now, five seconds each.
        await asyncio.sleep(3)
        began = time.monotonic()
        await asyncio.to_thread(server.stop)
        assert time.monotonic() - began < 12
        blocker.close()
        await asyncio.gather(*asked, return_exceptions=True)
    finally:
        server.kill()
