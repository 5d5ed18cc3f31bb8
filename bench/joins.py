"""How many durable joins per second does one process take through HTTP, and how fast is each?

Every join is a person's first into one of 200 meetings, which fill as it goes: a guest who comes
without a cookie and gets one, or somebody with a signed token that has not been seen before. They
are admitted and numbered among their namesakes, committed with fsync, announced, and answered with
a media ticket and a snapshot of everyone who is in. Nobody leaves, and nobody opens
an event stream: half a minute after its join the server ends a connection that never did, which is
after the measurement. Beside it, on the same database file and in the same run, the
old way that moot replaces: look whether the row is there, insert it if not, with as many callers;
its errors are counted too.

    python -m bench.joins [--store sqlite|postgres] [--persons guests|tokens] [--seconds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hmac
import multiprocessing
import random
import sqlite3
import tempfile
import threading
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, cast

import psycopg
import uvloop
from tests.programs.database import running_postgres
from tests.programs.person import AUTH_SECRET, bearer
from tests.programs.server import Server

from bench.figure import figure, percentile
from bench.process import cpu_s

CALLERS: Final = 64
MEETINGS: Final = 200
MOST_PER_S: Final = 4000
"""Joins a second for which requests are prepared."""


def _b64(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


_HEADER: Final = _b64(b'{"alg":"HS256","typ":"JWT"}')


def _token(subject: str, expires_at: int) -> bytes:
    """Sign a bearer token as `tests.programs.person.bearer` does, in a tenth of the time."""
    claims = b'{"sub":"%s","aud":"moot","exp":%d}' % (subject.encode(), expires_at)
    signed = _HEADER + b"." + _b64(claims)
    return signed + b"." + _b64(hmac.digest(AUTH_SECRET.encode(), signed, "sha256"))


def _requests(port: int, caller: int, count: int, persons: str) -> list[bytes]:
    """Write the requests beforehand: making them must not be measured."""
    made = []
    expires_at = int(time.time()) + 3600
    for number in range(count):
        who = b""
        if persons == "tokens":
            who = b"Authorization: Bearer %s\r\n" % _token(uuid.uuid4().hex, expires_at)
        body = b'{"name":"Caller %d","connection_id":"%s"}' % (caller, str(uuid.uuid4()).encode())
        made.append(
            b"PUT /api/v1/meetings/JOINS%04d/participants/me HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
            b"%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % ((caller + number) % MEETINGS, port, who, len(body), body)
        )
    return made


class _Caller(asyncio.Protocol):
    """One keep-alive connection that joins, one request after the other.

    The cheapest client there can be, because it shares the machine with the server: it reads the
    status and the length of an answer and counts bytes.
    """

    def __init__(self, requests: list[bytes], until: float, pace_s: float, load: _Load) -> None:
        self._requests = iter(requests)
        self._until = until
        self._pace_s = pace_s
        self._load = load
        self._left = 0
        self._head = b""
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request at a moment of this caller's own."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        self._due = time.monotonic() + random.random() * self._pace_s
        self._wait()

    def connection_lost(self, _: Exception | None) -> None:
        """Count an answer that will not come as a bad one."""
        if not self.ended.done():
            self._load.bad.append(0)
            self.ended.set_result(None)

    def _wait(self) -> None:
        now = time.monotonic()
        if self._pace_s and self._due > now:
            self._loop.call_at(self._loop.time() + self._due - now, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        self._began = time.monotonic()
        request = next(self._requests, None) if self._began < self._until else None
        if request is None:
            self.ended.set_result(None)
            self._transport.close()
            return
        # Measured from when it was due: a server that falls behind is not spared the wait.
        if self._pace_s:
            self._began = self._due
            self._due += self._pace_s
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer; after the last one, ask again."""
        if not self._left:
            self._head += data
            head, found, rest = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self._head = b""
            self._status = int(head[9:12])
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            self._left = int(length) - len(rest)
            self._load.size_bytes += int(length)
        else:
            self._left -= len(data)
        if self._left:
            return
        self._load.took_s.append(time.monotonic() - self._began)
        if self._status not in (200, 201):
            self._load.bad.append(self._status)
        self._wait()


@dataclass
class _Load:
    """What one run of the load program saw.

    Attributes:
        took_s: seconds from when each request was due to the end of its answer.
        bad: statuses other than 200 and 201.
        wall_s: seconds of the run.
        cpu_s: CPU-seconds of the load program itself.
        size_bytes: bodies of all answers together.
    """

    took_s: list[float] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    size_bytes: int = 0


def _itself(caller: _Caller) -> _Caller:
    return caller


def _run_load(port: int, persons: str, seconds: float, per_s: float, out: Connection) -> None:
    """The load program, a process of its own so that the server has its own core."""
    each = int(seconds * (per_s / CALLERS if per_s else MOST_PER_S / CALLERS)) + 5
    prepared = [_requests(port, caller, each, persons) for caller in range(CALLERS)]
    gc.freeze()
    load = _Load()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        used, began = time.process_time(), time.monotonic()
        pace_s = CALLERS / per_s if per_s else 0.0
        callers = [_Caller(one, began + seconds, pace_s, load) for one in prepared]
        for caller in callers:
            await loop.create_connection(partial(_itself, caller), "127.0.0.1", port)
        await asyncio.gather(*(caller.ended for caller in callers))
        load.wall_s, load.cpu_s = time.monotonic() - began, time.process_time() - used

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
    out.send(load)


def _measure(port: int, persons: str, seconds: float, per_s: float = 0.0) -> _Load:
    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_run_load, args=(port, persons, seconds, per_s, send))
    process.start()
    if not receive.poll(seconds * 4 + 60):
        process.kill()
        raise SystemExit("the load program has not ended")
    load: _Load = receive.recv()
    process.join()
    return load


def _old_way(
    connect: Callable[[], Any], mark: str, seconds: float, conflict: type[Exception]
) -> tuple[int, int]:
    """Look, then insert: the same callers on the same keys; gives (rows made or found, errors)."""
    done: list[int] = []
    failed: list[int] = []
    end = time.monotonic() + seconds

    def caller(number: int) -> None:
        database = connect()
        ok = errors = turn = 0
        while time.monotonic() < end:
            turn += 1
            key = f"{turn} {number // 8}"
            try:
                if (
                    database.execute(f"SELECT 1 FROM old_way WHERE id = {mark}", (key,)).fetchone()
                    is None
                ):
                    database.execute(f"INSERT INTO old_way VALUES ({mark})", (key,))
                ok += 1
            except conflict:
                errors += 1
        database.close()
        done.append(ok)
        failed.append(errors)

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done), sum(failed)


def _old_sqlite(data: Path, seconds: float) -> tuple[int, int]:
    path = data / "old-way.sqlite3"

    def connect() -> sqlite3.Connection:
        database = sqlite3.connect(path, isolation_level=None, timeout=5)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        return database

    connect().execute("CREATE TABLE old_way (id TEXT PRIMARY KEY)")
    return _old_way(connect, "?", seconds, sqlite3.Error)


def _old_postgres(url: str, seconds: float) -> tuple[int, int]:
    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, autocommit=True, prepare_threshold=None)

    with connect() as database:
        database.execute("CREATE TABLE old_way (id TEXT PRIMARY KEY)")
    return _old_way(connect, "%s", seconds, psycopg.Error)


async def _prepare(server: Server) -> None:
    await server.start()
    wire = server.wire(Authorization=f"Bearer {bearer('founder')}")
    for number in range(MEETINGS):
        answer = await wire.ask("PUT", f"/api/v1/meetings/JOINS{number:04}", {})
        assert answer.status == 201, answer
    await wire.close()


def run(store: str, persons: str, seconds: float) -> None:
    """Measure one store with one kind of persons and print its figures."""
    case = f"{store}, {persons}"
    database: AbstractContextManager[str | None] = nullcontext()
    if store == "postgres":
        database = running_postgres()
    with database as url, tempfile.TemporaryDirectory(prefix="moot-joins-") as folder:
        settings: dict[str, Any] = {"MOOT_DATABASE_URL": url} if url else {}
        server = Server(
            Path(folder), MOOT_AUTH_SECRET=AUTH_SECRET, MOOT_LOG_LEVEL="warning", **settings
        )
        asyncio.run(_prepare(server))
        try:
            _measure(server.port, persons, 1.0)
            before = cpu_s(server.pid)
            load = _measure(server.port, persons, seconds)
            used = cpu_s(server.pid) - before
            joins = len(load.took_s)
            rate = joins / load.wall_s
            old, errors = _old_postgres(url, seconds) if url else _old_sqlite(Path(folder), seconds)
            aim = ">= 2000/s" if store == "sqlite" else ">= 1000/s"
            figure(
                "joins",
                rate,
                "durable joins/s",
                case=case,
                aim=aim,
                peer="look, then insert (SQL alone)",
                peer_value=old / seconds,
            )
            figure(
                "joins",
                len(load.bad),
                "answers other than 200 or 201",
                case=case,
                aim="0",
                peer="look, then insert (SQL alone)",
                peer_value=errors,
            )
            figure(
                "joins",
                used / joins * 1000,
                "ms of server CPU a join",
                case=case,
                peer="load program",
                peer_value=load.cpu_s / joins * 1000,
            )
            figure("joins", load.size_bytes / joins / 1000, "kB an answer", case=case)
            half = _measure(server.port, persons, seconds, rate / 2)
            took_ms = [1000 * each for each in half.took_s]
            figure("joins", percentile(took_ms, 0.5), "ms p50 at half that rate", case=case)
            figure(
                "joins",
                percentile(took_ms, 0.99),
                "ms p99 at half that rate",
                case=case,
                aim="<= 50 ms",
            )
            if load.bad or half.bad:
                raise SystemExit(f"answers other than 200 or 201: {sorted({*load.bad, *half.bad})}")
        finally:
            server.stop()


def main() -> None:
    """Measure by command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgres"), action="append")
    parser.add_argument("--persons", choices=("guests", "tokens"), action="append")
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    for store in options.store or ("sqlite", "postgres"):
        for persons in options.persons or ("guests", "tokens"):
            run(store, persons, options.seconds)


if __name__ == "__main__":
    main()
