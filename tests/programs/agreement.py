"""Several processes on one database without Redis: every log is the database's (EVENT-1, EVENT-2).

People on all processes change things at random while processes are killed or restarted; in the end
every stream's log is compared with the event table, number by number.

    python -m tests.programs.agreement --store postgres --processes 2 --seconds 60 --kills 10
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from tests.programs.person import AUTH_SECRET, Person, Stream
from tests.programs.server import Server, stop_all

AGREE_WITHIN_S = 15.0
INSIST_S = 75.0
"""Longer than any outage of a store that is tried here, with time to come back."""


async def live(
    person: Person, meeting_id: str, connection: dict[str, Any], stop: asyncio.Event
) -> None:
    """Change something about oneself every now and then, as people do."""
    named = {"Moot_Connection": connection["id"], "Moot_Fence": str(connection["fence"])}
    while not stop.is_set():
        draw = random.random()
        if draw < 0.7:
            body = {random.choice(("audio", "video", "hand")): random.random() < 0.5}
            answer = await person.insist(
                "PATCH", f"/meetings/{meeting_id}/participants/me", body, within_s=INSIST_S, **named
            )
        else:
            answer = await person.insist(
                "PUT",
                f"/meetings/{meeting_id}/chat/{uuid.uuid4()}",
                {"text": "hello"},
                within_s=INSIST_S,
                **named,
            )
        assert answer.status in (200, 201), (answer.status, answer.body)
        await asyncio.sleep(random.uniform(0.02, 0.2))


async def agreement(
    *, data: Path, processes: int, people: int, seconds: float, kills: int, **settings: str
) -> tuple[list[str], dict[str, Any]]:
    """Run it; return what was wrong and the figures."""
    servers = [Server(data, MOOT_AUTH_SECRET=AUTH_SECRET, **settings) for _ in range(processes)]
    await asyncio.gather(*(server.start() for server in servers))
    meeting_id = "AGREEMENT"
    crowd = [Person(servers, f"person {number}") for number in range(people)]
    stop = asyncio.Event()
    streams: list[Stream] = []
    complaints: list[str] = []
    try:
        await crowd[0].create(meeting_id)
        tasks = []
        for person in crowd:
            joined = (await person.join(meeting_id)).body
            streams.append(person.watch(meeting_id, joined["connection"]))
            tasks.append(asyncio.create_task(live(person, meeting_id, joined["connection"], stop)))
        end = time.monotonic() + seconds
        killed = 0
        while time.monotonic() < end:
            if killed < kills:
                await asyncio.sleep(seconds / (kills + 1))
                server = random.choice(servers)
                server.kill() if random.random() < 0.5 else server.stop()
                await server.start()
                killed += 1
            else:
                await asyncio.sleep(0.1)
        stop.set()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            complaints += [f"a client failed: {outcome!r}"] if outcome is not None else []
        heads = await _agreed(crowd[0], meeting_id, streams)
        if len(heads) > 1:
            complaints.append(f"streams ended at different numbers: {sorted(heads)}")
        wanted = kinds(meeting_id, settings.get("MOOT_DATABASE_URL") or data / "moot.sqlite3")
        for number, stream in enumerate(streams):
            complaints += [f"stream {number}: {gap}" for gap in stream.gaps]
            for seq, kind in stream.log:
                if kind not in ("hidden", wanted.get(seq)):
                    complaints.append(
                        f"stream {number}: {seq} is {kind}, in the database {wanted.get(seq)}"
                    )
        if sorted(wanted) != list(range(1, max(wanted) + 1)):
            complaints.append("the database's own numbers have a gap")
    finally:
        for person in crowd:
            await person.gone()
        stop_all(servers)
    figures = {
        "events": max(wanted),
        "streams": len(streams),
        "kills": killed,
        "snapshots": sum(s.snapshots for s in streams),
    }
    return complaints, figures


async def _agreed(person: Person, meeting_id: str, streams: list[Stream]) -> set[int]:
    end = time.monotonic() + AGREE_WITHIN_S
    while True:
        answer = await person.insist("GET", f"/meetings/{meeting_id}/participants")
        heads = {stream.event_seq for stream in streams} | {answer.body["event_seq"]}
        if len(heads) == 1 or time.monotonic() > end:
            return heads
        await asyncio.sleep(0.1)


def kinds(meeting_id: str, database: str | Path) -> dict[int, str]:
    """Read the event table itself, of PostgreSQL's address or SQLite's file: number to kind."""
    query = (
        "SELECT e.event_seq, e.type FROM event e JOIN meeting m ON m.uid = e.meeting_uid"
        " WHERE m.id = {}"
    )
    if isinstance(database, str):
        import psycopg

        with psycopg.connect(database) as connection:
            return dict(connection.execute(query.format("%s"), (meeting_id,)).fetchall())
    import sqlite3

    with sqlite3.connect(database) as connection:
        return dict(connection.execute(query.format("?"), (meeting_id,)).fetchall())


def main() -> int:
    """Run by command; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="postgres")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()

    def run(folder: str, **settings: str) -> tuple[list[str], dict[str, Any]]:
        return asyncio.run(
            agreement(
                data=Path(folder),
                processes=options.processes,
                people=options.people,
                seconds=options.seconds,
                kills=options.kills,
                **settings,
            )
        )

    with tempfile.TemporaryDirectory(prefix="moot-agreement-") as folder:
        if options.store == "postgres":
            from tests.programs.database import running_postgres

            with running_postgres() as url:
                complaints, figures = run(folder, MOOT_DATABASE_URL=url)
        else:
            complaints, figures = run(folder)
    print(
        json.dumps(
            {
                "program": "agreement",
                "store": options.store,
                **figures,
                "complaints": len(complaints),
            }
        )
    )
    for complaint in complaints[:20]:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
