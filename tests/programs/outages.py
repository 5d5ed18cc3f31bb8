"""What goes wrong between several processes while people meet: Redis, PostgreSQL, a process.

    python -m tests.programs.outages redis --kills 20 --pause 10
    python -m tests.programs.outages postgres --restarts 10 --outage 30
    python -m tests.programs.outages kills --kills 20
    python -m tests.programs.outages lost
    python -m tests.programs.outages pause --seconds 30

Two processes with PostgreSQL and Redis; people on both change things all the time. In the end the
log of every stream is the database's, without a gap, and no process that lived was ever found dead
by `/livez`. Each answers with what was wrong, nothing where all held, and with its figures.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis
from tests.programs.agreement import kinds, live
from tests.programs.person import AUTH_SECRET, Person, Stream
from tests.programs.server import Server, stop_all
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.running import running

MEETING = "OUTAGES"
PEOPLE = 8
QUIET_S = 1.0
AGREE_WITHIN_S = 60.0
ASK_LIVEZ_S = 0.25
LIVEZ_WITHIN_S = 5.0
"""A process that does not answer within this is not alive, however busy the machine."""
LOST_LINGER_S = 6.0
RECONNECTING_WITHIN_S = 3.0
"""JOIN-4."""

Outcome = tuple[list[str], dict[str, Any]]


@dataclass
class Ground:
    """Two processes, what they stand on, and the people of one meeting."""

    postgres: PostgresServer
    redis: RedisServer
    database: str
    servers: list[Server]
    people: list[Person] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    down: set[int] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    livez: int = 0

    def lateness_ms(self, since: float, until: float) -> list[float]:
        """How long after the first stream each other one had an event that came in this time."""
        first: dict[int, float] = {}
        for stream in self.streams:
            for seq, at in stream.arrivals.items():
                first[seq] = min(at, first.get(seq, at))
        return sorted(
            (at - first[seq]) * 1000
            for stream in self.streams
            for seq, at in stream.arrivals.items()
            if since <= first[seq] <= until
        )

    async def agreed(self, within_s: float = AGREE_WITHIN_S) -> float:
        """Wait until every stream has what the database has now; gives the seconds it took."""
        began = time.monotonic()
        wanted = await asyncio.to_thread(_head, self.database)
        while True:
            if all(stream.event_seq >= wanted for stream in self.streams):
                return time.monotonic() - began
            if time.monotonic() - began > within_s:
                heads = [stream.event_seq for stream in self.streams]
                self.complaints.append(f"after {within_s} s at {heads}, the database at {wanted}")
                return within_s
            await asyncio.sleep(0.01)


@asynccontextmanager
async def ground(data: Path, **settings: str) -> AsyncIterator[Ground]:
    """Set everything up, and judge the logs when the disturbance is over."""
    with ExitStack() as stack:
        postgres = stack.enter_context(running(PostgresServer()))
        bus = stack.enter_context(running(RedisServer()))
        database = postgres.url(postgres.create_database())
        servers = [
            Server(
                data,
                MOOT_AUTH_SECRET=AUTH_SECRET,
                MOOT_DATABASE_URL=database,
                MOOT_BUS_URL=bus.url,
                MOOT_MEDIA_URL=f"ws://127.0.0.1/media/{number}",
                **settings,
            )
            for number in (1, 2)
        ]
        stack.callback(stop_all, servers)
        await servers[0].start()
        await servers[1].start()
        here = Ground(postgres, bus, database, servers)
        stop = asyncio.Event()
        watch = asyncio.create_task(_watch_livez(here))
        busy: list[asyncio.Task[None]] = []
        try:
            for number in range(PEOPLE):
                person = Person(servers, f"person {number}")
                here.people.append(person)
                await person.insist("PUT", f"/meetings/{MEETING}", {})
                connection = (await person.join(MEETING)).body["connection"]
                here.streams.append(person.watch(MEETING, connection))
                busy.append(asyncio.create_task(live(person, MEETING, connection, stop)))
            await asyncio.gather(*(asyncio.wait_for(one.live.wait(), 30) for one in here.streams))
            await asyncio.sleep(QUIET_S)
            yield here
            stop.set()
            for outcome in await asyncio.gather(*busy, return_exceptions=True):
                here.complaints += [f"a client failed: {outcome!r}"] if outcome else []
            await here.agreed()
            here.complaints += _judge(here)
        finally:
            for task in [watch, *busy]:
                task.cancel()
            await asyncio.gather(watch, *busy, return_exceptions=True)
            for person in here.people:
                await person.gone()


def _judge(here: Ground) -> list[str]:
    wanted = kinds(MEETING, here.database)
    complaints = []
    if sorted(wanted) != list(range(1, len(wanted) + 1)):
        complaints.append("the database's own numbers have a gap")
    for number, stream in enumerate(here.streams):
        complaints += [f"stream {number}: {gap}" for gap in stream.gaps]
        complaints += [
            f"stream {number}: {seq} is {kind}, in the database {wanted.get(seq)}"
            for seq, kind in stream.log
            if kind not in ("hidden", wanted.get(seq))
        ]
    return complaints


async def _watch_livez(here: Ground) -> None:
    """Ask every process that is up whether it is alive, again and again."""
    while True:
        for server in here.servers:
            if server.port in here.down:
                continue
            try:
                async with asyncio.timeout(LIVEZ_WITHIN_S):
                    answer = await server.wire(Connection="close").ask("GET", "/livez")
                told = str(answer.status)
            except (ConnectionError, TimeoutError) as problem:
                told = type(problem).__name__
            if server.port in here.down:
                continue
            here.livez += 1
            if told != "200":
                here.complaints.append(f"/livez: {told}")
        await asyncio.sleep(ASK_LIVEZ_S)


def _head(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT event_seq FROM meeting WHERE id = %s", (MEETING,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def _p99(values: Sequence[float]) -> float:
    return round(values[min(len(values) - 1, int(0.99 * len(values)))], 1) if values else 0.0


def _figures(here: Ground, **figures: Any) -> dict[str, Any]:
    return {
        **figures,
        "events": max(stream.event_seq for stream in here.streams),
        "streams": len(here.streams),
        "snapshots": sum(stream.snapshots for stream in here.streams),
        "livez_asked": here.livez,
    }


async def redis_away(data: Path, *, kills: int, pause_s: float) -> Outcome:
    """Kill Redis again and again, let it stand still, empty it (C5)."""
    async with ground(data) as here:
        bus = here.redis
        calm_from = time.monotonic()
        await asyncio.sleep(2)
        calm_until = time.monotonic()
        heal_s, away = [], []
        for _ in range(kills):
            began = time.monotonic()
            await asyncio.to_thread(bus.kill)
            await asyncio.sleep(random.uniform(0.3, 1.5))
            away.append((began, time.monotonic()))
            await asyncio.to_thread(bus.start)
            heal_s.append(await here.agreed())
            await asyncio.sleep(random.uniform(0.1, 0.7))
        began = time.monotonic()
        bus.pause()
        await asyncio.sleep(pause_s)
        away.append((began, time.monotonic()))
        bus.wake()
        heal_s.append(await here.agreed())
        with redis.Redis.from_url(bus.url) as client:
            client.flushall()
        await asyncio.sleep(1)
        heal_s.append(await here.agreed())
        late = sorted(x for since, until in away for x in here.lateness_ms(since, until))
        calm = here.lateness_ms(calm_from, calm_until)
    return here.complaints, _figures(
        here,
        kills=kills,
        pause_s=pause_s,
        healed_after_s_max=round(max(heal_s), 3),
        p99_ms_with_redis=_p99(calm),
        p99_ms_without=_p99(late),
    )


async def postgres_away(data: Path, *, restarts: int, outage_s: float) -> Outcome:
    """Crash PostgreSQL under two processes, and take it away for a while (C4)."""
    async with ground(data) as here:
        ready_s = []
        for _ in range(restarts):
            await asyncio.sleep(1)
            await asyncio.to_thread(here.postgres.restart)
            ready_s.append(await _all_ready(here))
        if outage_s:
            await asyncio.to_thread(here.postgres.halt)
            await asyncio.sleep(outage_s)
            await asyncio.to_thread(here.postgres.resume)
            ready_s.append(await _all_ready(here))
        await asyncio.sleep(QUIET_S)
    return here.complaints, _figures(
        here, restarts=restarts, outage_s=outage_s, ready_after_s_max=round(max(ready_s), 3)
    )


async def _all_ready(here: Ground) -> float:
    began = time.monotonic()
    for server in here.servers:
        await server.ready()
    return time.monotonic() - began


async def kills(data: Path, *, count: int, every_s: tuple[float, float] = (1.5, 4.0)) -> Outcome:
    """`kill -9` one of the two every few seconds; it is started again meanwhile (C6)."""
    async with ground(data) as here:
        back_s, moved = [], 0
        for _ in range(count):
            await asyncio.sleep(random.uniform(*every_s))
            # Of the one that has more of them: all may be on one after a kill.
            server = max(here.servers, key=lambda each: sum(s.server is each for s in here.streams))
            cut = [(s, s.hellos) for s in here.streams if s.server is server]
            here.down.add(server.port)
            server.kill()
            began = time.monotonic()
            # Streams of a killed process go on at the other one.
            async with asyncio.timeout(30):
                while any(stream.hellos == before for stream, before in cut):
                    await asyncio.sleep(0.01)
            back_s.append(time.monotonic() - began)
            moved += len(cut)
            await server.start()
            here.down.discard(server.port)
        await asyncio.sleep(QUIET_S)
        ghosts = await _until_no_ghosts(here)
    return here.complaints, _figures(
        here,
        kills=count,
        streams_moved=moved,
        resumed_after_s_max=round(max(back_s), 3),
        ghosts=ghosts,
    )


async def lost(data: Path, *, count: int) -> Outcome:
    """A process dies and some people's browsers with it: the others see them go (JOIN-4, C6).

    Those of the others who were on the dead process see it too, from the living one.
    """
    async with ground(data, MOOT_LINGER_S=str(LOST_LINGER_S)) as here:
        dying = here.servers[0]
        gone = [Person([dying], f"gone {number}") for number in range(count)]
        here.people += gone
        ids = set()
        for person in gone:
            joined = (await person.join(MEETING)).body
            ids.add(joined["participant"]["id"])
            stream = person.watch(MEETING, joined["connection"])
            await asyncio.wait_for(stream.live.wait(), 30)
        here.down.add(dying.port)
        dying.kill()
        began = time.monotonic()
        for person in gone:
            await person.gone()
        seen_s = {}
        for status in ("reconnecting", "disconnected"):
            async with asyncio.timeout(LOST_LINGER_S + 30):
                while not all(
                    stream.state.get(one, {}).get("status") == status
                    for stream in here.streams
                    for one in ids
                ):
                    await asyncio.sleep(0.01)
            seen_s[status] = round(time.monotonic() - began, 3)
        await dying.start()
        here.down.discard(dying.port)
    if seen_s["reconnecting"] > RECONNECTING_WITHIN_S:
        here.complaints.append(f"seen as reconnecting after {seen_s['reconnecting']} s only")
    return here.complaints, _figures(here, people_gone=count, seen_after_s=seen_s)


async def _until_no_ghosts(here: Ground) -> int:
    """Count who is not shown as connected although everyone is, once the dust has settled."""
    end = time.monotonic() + 15
    while True:
        with contextlib.suppress(ConnectionError, TimeoutError):
            roll = await here.people[0].insist("GET", f"/meetings/{MEETING}/participants")
            seen = [one["status"] for one in roll.body["participants"]]
            if seen.count("connected") == PEOPLE == len(seen):
                return 0
        if time.monotonic() > end:
            here.complaints.append(f"all are there, and shown as {seen}")
            return PEOPLE - seen.count("connected")
        await asyncio.sleep(0.2)


_AUDIT = """
CREATE TABLE audit (at timestamptz DEFAULT clock_timestamp(), what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (what) VALUES (TG_TABLE_NAME || ' ' || TG_OP);
    RETURN NULL;
END $$;
"""
_WATCHED = {
    # The living mark the dead one's connections lost, and later closed; its own would be open.
    "connection": "NEW.process_id = '{dead}' AND NEW.state = 'open'",
    "process": "NEW.id = '{dead}'",
    "media_lease": "NEW.process_id = '{dead}'",
}
"""What only the process itself writes, under the id by which it was declared dead."""


async def pause(data: Path, *, seconds: float) -> Outcome:
    """Stop one process for a while, then let it go on: it writes nothing as who it was (C7)."""
    async with ground(data) as here:
        asleep = here.servers[0]
        with psycopg.connect(here.database, autocommit=True) as database:
            before = {row[0] for row in database.execute("SELECT id FROM process")}
            here.down.add(asleep.port)
            asleep.send(signal.SIGSTOP)
            try:
                dead = await _declared_dead(database, before)
                declared = time.monotonic()
                database.execute(_AUDIT)
                for table, written in _WATCHED.items():
                    database.execute(
                        f"CREATE TRIGGER note_{table} AFTER INSERT OR UPDATE ON {table}"
                        f" FOR EACH ROW WHEN ({written.format(dead=dead)}) EXECUTE FUNCTION note()"
                    )
                stale = await _lost_of(database, dead)
                await asyncio.sleep(seconds)
            finally:
                asleep.send(signal.SIGCONT)
            woke = time.monotonic()
            async with asyncio.timeout(30):
                while "declared dead, ending its streams" not in asleep.log:
                    await asyncio.sleep(0.02)
            fenced_s = time.monotonic() - woke
            here.down.discard(asleep.port)
            for stream in here.streams:
                await asyncio.wait_for(stream.live.wait(), 30)
            healed_s = await here.agreed()
            await asyncio.sleep(2)
            written = [row[0] for row in database.execute("SELECT what FROM audit")]
            ids = {row[0] for row in database.execute("SELECT id FROM process")}
        if written:
            here.complaints.append(f"written as the dead process: {sorted(set(written))}")
        if dead in ids or len(ids) != len(here.servers):
            here.complaints.append(f"{len(ids)} processes are registered, {dead in ids=}")
        if stale:
            here.complaints.append(f"{stale} connections stayed with the dead process")
    return here.complaints, _figures(
        here,
        stopped_s=round(woke - declared, 1),
        fenced_after_s=round(fenced_s, 3),
        healed_after_s=round(healed_s, 3),
        writes_as_the_dead=len(written),
    )


async def _declared_dead(database: psycopg.Connection, before: set[str]) -> str:
    """Wait until one of the processes is no longer registered; gives its id."""
    async with asyncio.timeout(20):
        while True:
            gone = before - {row[0] for row in database.execute("SELECT id FROM process")}
            if gone:
                return gone.pop()
            await asyncio.sleep(0.05)


async def _lost_of(database: psycopg.Connection, dead: str) -> int:
    """Wait until no connection is open on the dead process; gives how many stayed."""
    end = time.monotonic() + 5
    while True:
        row = database.execute(
            "SELECT count(*) FROM connection WHERE process_id = %s AND state = 'open'", (dead,)
        ).fetchone()
        assert row is not None
        if not row[0] or time.monotonic() > end:
            return int(row[0])
        await asyncio.sleep(0.05)


def main() -> int:
    """Run by command; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("redis", "postgres", "kills", "lost", "pause"))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pause", type=float, default=10)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--outage", type=float, default=30)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moot-outages-") as folder:
        data = Path(folder)
        works = {
            "redis": lambda: redis_away(data, kills=options.kills, pause_s=options.pause),
            "postgres": lambda: postgres_away(
                data, restarts=options.restarts, outage_s=options.outage
            ),
            "kills": lambda: kills(data, count=options.kills),
            "lost": lambda: lost(data, count=4),
            "pause": lambda: pause(data, seconds=options.seconds),
        }
        complaints, figures = asyncio.run(works[options.what]())
    told = {"program": f"outages {options.what}", **figures, "complaints": len(complaints)}
    print(json.dumps(told))
    for complaint in complaints[:20]:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
