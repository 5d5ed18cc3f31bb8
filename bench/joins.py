"""How many durable joins per second does one process take through HTTP, and how fast is each?

Every join is a person's first into a meeting: authenticated, committed with fsync, numbered,
announced and answered with a ticket. Beside it, on the same database file and in the same run, the
old way that moot replaces: look whether the row is there, insert it if not, with as many callers;
its errors are counted too.

    python -m bench.joins [--store sqlite|postgres] [--seconds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import sqlite3
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import psycopg
from tests.programs.database import running_postgres
from tests.programs.person import AUTH_SECRET, bearer
from tests.programs.server import Server

from bench.figure import figure, percentile
from bench.process import cpu_s

CALLERS = 64
MEETINGS = 200


def _requests(port: int, caller: int, count: int) -> list[bytes]:
    """Write the requests beforehand: making them must not be measured."""
    made = []
    for number in range(count):
        body = json.dumps({"name": f"Caller {caller}", "connection_id": str(uuid.uuid4())}).encode()
        head = (
            f"PUT /api/v1/meetings/JOINS{(caller + number) % MEETINGS:04}/participants/me "
            f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {bearer(str(uuid.uuid4()))}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def _caller(
    port: int, requests: list[bytes], until: float, pace_s: float, took: list[float], bad: list[int]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    due = time.monotonic()
    for request in requests:
        now = time.monotonic()
        if now >= until:
            break
        if pace_s:
            due = max(due + pace_s, now - pace_s)
            if due > now:
                await asyncio.sleep(due - now)
        began = time.monotonic()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        took.append(time.monotonic() - began)
        if status not in (200, 201):
            bad.append(status)
    writer.close()


def _load(port: int, seconds: float, per_s: float, out: multiprocessing.Queue[Any]) -> None:
    """The load program, a process of its own so that the server has its own core."""
    each = int(seconds * (per_s / CALLERS if per_s else 120)) + 5
    prepared = [_requests(port, caller, each) for caller in range(CALLERS)]
    took: list[float] = []
    bad: list[int] = []

    async def run() -> float:
        began = time.monotonic()
        pace_s = CALLERS / per_s if per_s else 0.0
        await asyncio.gather(
            *(_caller(port, one, began + seconds, pace_s, took, bad) for one in prepared)
        )
        return time.monotonic() - began

    wall = asyncio.run(run())
    out.put((took, bad, wall))


def _measure(port: int, seconds: float, per_s: float = 0.0) -> tuple[list[float], list[int], float]:
    out: multiprocessing.Queue[Any] = multiprocessing.Queue()
    load = multiprocessing.Process(target=_load, args=(port, seconds, per_s, out))
    load.start()
    result: tuple[list[float], list[int], float] = out.get(timeout=seconds * 4 + 60)
    load.join()
    return result


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


def run(store: str, seconds: float) -> None:
    """Measure one store and print its figures."""
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
            _measure(server.port, 1.0)
            before = cpu_s(server.pid)
            took, bad, wall = _measure(server.port, seconds)
            used = cpu_s(server.pid) - before
            rate = len(took) / wall
            old, errors = _old_postgres(url, seconds) if url else _old_sqlite(Path(folder), seconds)
            aim = ">= 2000/s" if store == "sqlite" else ">= 1000/s"
            figure(
                "joins",
                rate,
                "durable joins/s",
                case=store,
                aim=aim,
                peer="look, then insert (SQL alone)",
                peer_value=old / seconds,
            )
            figure(
                "joins",
                len(bad),
                "answers other than 200 or 201",
                case=store,
                aim="0",
                peer="look, then insert (SQL alone)",
                peer_value=errors,
            )
            figure("joins", used / len(took) * 1000, "ms of server CPU a join", case=store)
            half, half_bad, _ = _measure(server.port, seconds, rate / 2)
            figure("joins", percentile(half, 0.5) * 1000, "ms p50 at half that rate", case=store)
            figure(
                "joins",
                percentile(half, 0.99) * 1000,
                "ms p99 at half that rate",
                case=store,
                aim="<= 50 ms",
            )
            if bad or half_bad:
                raise SystemExit(f"answers other than 200 or 201: {sorted({*bad, *half_bad})}")
        finally:
            server.stop()


def main() -> None:
    """Measure by command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgres"), action="append")
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    for store in options.store or ("sqlite", "postgres"):
        run(store, options.seconds)


if __name__ == "__main__":
    main()
