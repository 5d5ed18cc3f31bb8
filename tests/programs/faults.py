"""What goes wrong around a server while people are in a meeting: the database, the disk, the clock.

    python -m tests.programs.faults database --restarts 10 --outage 30
    python -m tests.programs.faults disk
    python -m tests.programs.faults clock

Each answers with what was wrong, nothing where all held, and with its figures.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import resource
import sqlite3
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg
from tests.programs.person import AUTH_SECRET, Person
from tests.programs.server import Server
from tests.servers.postgres import PostgresServer

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
_POOL = 10
_LOADERS = 8

Outcome = tuple[list[str], dict[str, Any]]


class _Load:
    """People who raise and lower their hands until told to stop; counts the answers."""

    def __init__(self, people: list[Person], meeting_id: str) -> None:
        self.statuses: collections.Counter[int] = collections.Counter()
        self.complaints: list[str] = []
        self.unanswered = 0
        self._people = people
        self._path = f"/meetings/{meeting_id}/participants/me"
        self._tasks = [asyncio.create_task(self._run(person)) for person in people]

    async def _run(self, person: Person) -> None:
        hand = False
        while True:
            hand = not hand
            try:
                answer = await person.ask("PATCH", self._path, {"hand": hand})
            except ConnectionError:
                self.unanswered += 1
                continue
            self.statuses[answer.status] += 1
            if answer.status == 503 and int(answer.headers.get("retry-after", "0")) < 1:
                self.complaints.append("a 503 without Retry-After")
            await asyncio.sleep(0.01)

    async def stop(self) -> list[str]:
        """Stop, and say what was wrong with the answers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # A request that was cut off leaves its connection with half an answer.
        for person in self._people:
            await person.gone()
        foreign = {status: n for status, n in self.statuses.items() if status not in (200, 503)}
        if foreign:
            self.complaints.append(f"answers other than 200 and 503: {foreign}")
        if self.unanswered:
            self.complaints.append(f"{self.unanswered} requests were not answered")
        return self.complaints


async def _until_ready(server: Server, within_s: float = 60.0) -> float:
    """Wait until `/readyz` is 200; liveness must hold the whole time. Gives the seconds."""
    began = time.monotonic()
    while True:
        live = await server.wire(Connection="close").ask("GET", "/livez")
        if live.status != 200:
            raise AssertionError(f"/livez answered {live.status}")
        if (await server.wire(Connection="close").ask("GET", "/readyz")).status == 200:
            return time.monotonic() - began
        if time.monotonic() - began > within_s:
            raise AssertionError(f"not ready within {within_s} s")
        await asyncio.sleep(0.05)


async def database(data: Path, *, restarts: int, outage_s: float) -> Outcome:
    """Crash and restart PostgreSQL under load, then take it away for a while (C4)."""
    postgres = PostgresServer(durable=True)
    postgres.start()
    name = postgres.create_database()
    server = Server(
        data,
        MOOT_AUTH_SECRET=AUTH_SECRET,
        MOOT_DATABASE_URL=postgres.url(name),
        MOOT_DATABASE_POOL=str(_POOL),
    )
    watcher = Person([server], "watcher")
    people = [Person([server], f"loader {number}") for number in range(_LOADERS)]
    try:
        await server.start()
        await watcher.create("OUTAGE")
        stream = watcher.watch("OUTAGE", (await watcher.join("OUTAGE")).body["connection"])
        for person in people:
            await person.join("OUTAGE")
        await asyncio.wait_for(stream.live.wait(), 20)
        load = _Load(people, "OUTAGE")
        ready_s = []
        for _ in range(restarts):
            await asyncio.sleep(1.0)
            await asyncio.to_thread(postgres.restart)
            ready_s.append(await _until_ready(server))
        if outage_s:
            await asyncio.to_thread(postgres.halt)
            await asyncio.sleep(outage_s)
            await asyncio.to_thread(postgres.resume)
            ready_s.append(await _until_ready(server))
        await asyncio.sleep(0.5)
        complaints = await load.stop()
        last = await watcher.insist("PATCH", "/meetings/OUTAGE/participants/me", {"name": "after"})
        roll = await watcher.insist("GET", "/meetings/OUTAGE/participants")
        try:
            async with asyncio.timeout(30):
                while stream.event_seq < roll.body["event_seq"]:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            complaints.append("the stream did not catch up within 30 s")
        complaints += stream.gaps
        if stream.state[last.body["participant"]["id"]]["name"] != "after":
            complaints.append("the stream does not show the last change")
        if "Request failed" in server.log:
            complaints.append("the log has an error that was not expected")
        open_slots = await asyncio.to_thread(_slots, postgres.url(), name)
        if open_slots > _POOL:
            complaints.append(f"{open_slots} connections for a pool of {_POOL}")
        return complaints, {
            "restarts": restarts,
            "outage_s": outage_s,
            "answers": dict(sorted(load.statuses.items())),
            "ready_after_s_max": round(max(ready_s), 3),
            "pool": _POOL,
            "connections_after": open_slots,
        }
    finally:
        await watcher.gone()
        server.kill()
        postgres.stop()


def _slots(url: str, database_name: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s", (database_name,)
        ).fetchone()
    assert row is not None
    return int(row[0])


async def disk(data: Path) -> Outcome:
    """Let the files of a SQLite store grow no further, then let them grow again (C11)."""
    server = Server(data, MOOT_AUTH_SECRET=AUTH_SECRET)
    ana = Person([server], "ana")
    try:
        await server.start()
        await ana.create("DISK")
        stream = ana.watch("DISK", (await ana.join("DISK")).body["connection"])
        await asyncio.wait_for(stream.live.wait(), 20)
        complaints = []
        size = _largest(data)
        hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size + 60_000, hard))
        kept: set[str] = set()
        refused: collections.Counter[int] = collections.Counter()
        while refused.total() < 20:
            message = str(uuid.uuid4())
            answer = await ana.ask("PUT", f"/meetings/DISK/chat/{message}", {"text": "x" * 4000})
            if answer.status == 201:
                kept.add(message)
            else:
                refused[answer.status] += 1
            if len(kept) > 500:
                complaints.append("the disk never became full")
                break
        if not set(refused) <= {503, 507}:
            complaints.append(f"refusals other than 503 and 507: {dict(refused)}")
        if (await ana.ask("GET", "/meetings/DISK/snapshot")).status != 200:
            complaints.append("reading stopped")
        if (await server.wire(Connection="close").ask("GET", "/livez")).status != 200:
            complaints.append("liveness stopped")
        if stream.closed is not None:
            complaints.append("the stream was closed")
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))
        freed = time.monotonic()
        while (
            await ana.insist("PATCH", "/meetings/DISK/participants/me", {"hand": True})
        ).status != 200:
            if time.monotonic() - freed > 30:
                complaints.append("writing did not come back within 30 s")
                break
            await asyncio.sleep(0.05)
        recovered_s = time.monotonic() - freed
        chat = await ana.ask("GET", "/meetings/DISK/chat?limit=200")
        if lost := kept - {message["id"] for message in chat.body["messages"]}:
            complaints.append(f"{len(lost)} acknowledged messages are lost")
        if "Traceback" in server.log:
            complaints.append("the log has an error that was not expected")
        server.stop()
        integrity = await asyncio.to_thread(_integrity, data / "moot.sqlite3")
        if integrity != "ok":
            complaints.append(f"integrity_check: {integrity}")
        return complaints, {
            "refused": dict(sorted(refused.items())),
            "kept": len(kept),
            "recovered_s": round(recovered_s, 3),
            "integrity_check": integrity,
        }
    finally:
        await ana.gone()
        server.kill()


def _largest(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.iterdir())


def _integrity(path: Path) -> str:
    handle = sqlite3.connect(path)
    try:
        return str(handle.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        handle.close()


def _dial(folder: Path) -> Path:
    if not FAKETIME.exists():
        raise RuntimeError("the clock is stepped by libfaketime: apt-get install libfaketime")
    folder.mkdir(parents=True, exist_ok=True)
    dial = folder / "clock"
    dial.write_text("+0")
    return dial


async def clock(data: Path) -> Outcome:
    """Step the clock by an hour to either side, and by ten seconds back (C10)."""
    dial = _dial(data)
    server = Server(
        data,
        MOOT_AUTH_SECRET=AUTH_SECRET,
        LD_PRELOAD=str(FAKETIME),
        FAKETIME_TIMESTAMP_FILE=str(dial),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    ana, ben = Person([server], "ana"), Person([server], "ben")
    try:
        await server.start()
        await ana.create("CLOCK")
        stream = ana.watch("CLOCK", (await ana.join("CLOCK")).body["connection"])
        other = ben.watch("CLOCK", (await ben.join("CLOCK")).body["connection"])
        for one in (stream, other):
            await asyncio.wait_for(one.live.wait(), 20)
        complaints, changes = [], 0
        steps = ("+1h", "-1h", "+0", "-10s")
        for step in steps:
            dial.write_text(step)
            for hand in (True, False):
                path = "/meetings/CLOCK/participants/me"
                answer = await ben.ask("PATCH", path, {"hand": hand})
                changes += 1
                if answer.status != 200:
                    complaints.append(f"at {step} a change was answered {answer.status}")
            # Long enough for the tasks that look for who has gone to look with the new time.
            await asyncio.sleep(2.5)
        head = (await ana.insist("GET", "/meetings/CLOCK/participants")).body["event_seq"]
        async with asyncio.timeout(20):
            while min(stream.event_seq, other.event_seq) < head:
                await asyncio.sleep(0.05)
        seat = await ana.ask("GET", "/meetings/CLOCK/participants/me")
        if seat.body["participant"]["status"] != "connected":
            complaints.append(f"the status is {seat.body['participant']['status']}")
        disconnects = sum(one.snapshots - 1 for one in (stream, other))
        if disconnects or stream.closed is not None or other.closed is not None:
            complaints.append("a stream was closed")
        foreign = {kind for _, kind in stream.log} - {"participant.updated", "participant.joined"}
        if foreign:
            complaints.append(f"events that nobody caused: {sorted(foreign)}")
        seen = sum(kind == "participant.updated" for _, kind in stream.log)
        if seen != changes:
            complaints.append(f"{changes} changes were seen as {seen}")
        complaints += stream.gaps + other.gaps
        return complaints, {
            "steps": list(steps),
            "changes": changes,
            "disconnects": disconnects,
        }
    finally:
        await ana.gone()
        await ben.gone()
        server.kill()


def main() -> int:
    """Run one by command; exit code 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault", choices=("database", "disk", "clock"))
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--outage", type=float, default=30.0, metavar="SECONDS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moot-faults-") as folder:
        data = Path(folder) / "data"
        if options.fault == "database":
            made = database(data, restarts=options.restarts, outage_s=options.outage)
        else:
            made = disk(data) if options.fault == "disk" else clock(data)
        complaints, figures = asyncio.run(made)
    line = {"program": "faults", "fault": options.fault, **figures}
    print(json.dumps(line | {"complaints": len(complaints)}))
    for complaint in complaints[:20]:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
