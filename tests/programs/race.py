"""Many processes, many people, the same Meeting IDs at the same moment (MEET-2, MEET-3, JOIN-1).

Every client goes through all Meeting IDs in an order of its own, in spellings of its own, creates
each and joins it, twice. The history is judged by the sticky-register checker: a Meeting ID is one
meeting and one creation, a person in a meeting is one participant and one creation.

    python -m tests.programs.race --store sqlite
    python -m tests.programs.race --store postgres --redis --kills 50
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.checker import Operation, check
from tests.programs.person import AUTH_SECRET, Person
from tests.programs.server import Server, stop_all

_SPELLINGS = (
    str.upper,
    str.lower,
    str.title,
    lambda text: "-".join((text[:3], text[3:])),
    lambda text: f"%20{text[:2]}%20{text[2:]}%20",
)


def spell(meeting_id: str, chance: random.Random) -> str:
    """Write a Meeting ID as people do: other case, hyphens, spaces (MEET-1)."""
    return chance.choice(_SPELLINGS)(meeting_id)


@dataclass
class History:
    """What was asked and answered, by register."""

    meetings: dict[str, list[Operation]] = field(
        default_factory=lambda: collections.defaultdict(list)
    )
    participants: dict[tuple[str, str], list[Operation]] = field(
        default_factory=lambda: collections.defaultdict(list)
    )
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    unknown: int = 0
    slowest_s: float = 0.0

    def complaints(self) -> Iterator[str]:
        """Say everything that is wrong with it."""
        for status, count in sorted(self.statuses.items()):
            if status not in (200, 201):
                yield f"{count} answers were {status}"
        for meeting_id, operations in self.meetings.items():
            if complaint := check(operations):
                yield f"{meeting_id}: {complaint}"
        for (meeting_id, person), operations in self.participants.items():
            if complaint := check(operations):
                yield f"{meeting_id}, {person}: {complaint}"


async def _client(
    person: Person, meeting_ids: Sequence[str], history: History, seed: int, retry: bool
) -> None:
    chance = random.Random(seed)
    order = list(meeting_ids)
    chance.shuffle(order)
    for meeting_id in order:
        await _attempt(
            history.meetings[meeting_id],
            history,
            retry,
            person,
            "PUT",
            f"/meetings/{spell(meeting_id, chance)}",
            {},
        )
        registers = history.participants[meeting_id, person.name]
        path = f"/meetings/{spell(meeting_id, chance)}/participants/me"
        # Two tabs of one person at once: still one participant.
        await asyncio.gather(
            *(
                _attempt(
                    registers, history, retry, person, "PUT", path, {"name": person.name}, tab=tab
                )
                for tab in range(2)
            )
        )


async def _attempt(
    register: list[Operation],
    history: History,
    retry: bool,
    person: Person,
    method: str,
    path: str,
    body: object,
    tab: int = 0,
) -> None:
    thing = "participant" if path.endswith("/me") else "meeting"
    first = time.monotonic()
    while True:
        call = time.monotonic()
        server = random.choice(person.servers)
        try:
            answer = await person.tabs[tab][server.port].ask(method, f"/api/v1{path}", body)
        except ConnectionError:
            answer = None
        now = time.monotonic()
        if answer is None or answer.status == 503:
            # Killed or restarting: it may have happened. The client asks again, as the page does.
            history.unknown += 1
            register.append(
                Operation(
                    call=call, ret=float("inf"), kind="put", st="info", id=None, created=False
                )
            )
            if not retry:
                told = "not answered" if answer is None else f"answered 503: {answer.body}"
                raise ConnectionError(f"{method} {path} was {told}")
            await asyncio.sleep(random.uniform(0.01, 0.1))
            continue
        history.statuses[answer.status] += 1
        history.slowest_s = max(history.slowest_s, now - first)
        if answer.status in (200, 201):
            content = answer.body
            identity = content[thing]["id"]
            register.append(
                Operation(
                    call=call, ret=now, kind="put", st="ok", id=identity, created=content["created"]
                )
            )
            if content["created"] != (answer.status == 201):
                history.statuses[599] += 1
        return


class _Racer(Person):
    """A person with two kept-alive connections to each server."""

    def __init__(self, servers: Sequence[Server], name: str) -> None:
        super().__init__(servers, name)
        self.tabs = [
            {server.port: server.wire(Authorization=f"Bearer {self.token}") for server in servers}
            for _ in range(2)
        ]

    async def gone(self) -> None:
        """Close every connection."""
        for tab in self.tabs:
            for wire in tab.values():
                await wire.close()
        await super().gone()


async def _nemesis(
    servers: Sequence[Server], kills: int, every_s: tuple[float, float], done: asyncio.Event
) -> int:
    """`kill -9` a random server every few seconds and start it again."""
    killed = 0
    while killed < kills and not done.is_set():
        await asyncio.sleep(random.uniform(*every_s))
        server = random.choice(servers)
        server.kill()
        killed += 1
        server.launch()
        await server.ready()
    return killed


async def race(
    *,
    data: Path,
    processes: int,
    clients: int,
    meetings: int,
    kills: int = 0,
    seed: int = 1,
    every_s: tuple[float, float] = (2.0, 5.0),
    **settings: str,
) -> tuple[History, dict[str, Any]]:
    """Run one race; return its history and its figures.

    With `kills`, clients go through fresh Meeting IDs until the last kill.
    """
    servers = [Server(data, MOOT_AUTH_SECRET=AUTH_SECRET, **settings) for _ in range(processes)]
    await asyncio.gather(*(server.start() for server in servers))
    history = History()
    people = [_Racer(servers, f"racer {number}") for number in range(clients)]
    began = time.monotonic()
    done = asyncio.Event()
    killed = 0
    try:
        nemesis = asyncio.create_task(_nemesis(servers, kills, every_s, done))
        lap = 0
        while True:
            ids = [f"RACE{seed}X{lap}N{number}" for number in range(meetings)]
            await asyncio.gather(
                *(
                    _client(person, ids, history, seed + number, kills > 0)
                    for number, person in enumerate(people)
                )
            )
            lap += 1
            if nemesis.done() or kills == 0:
                break
        done.set()
        killed = await nemesis
        took = time.monotonic() - began
        await _read_back(servers[0], people[0], history)
    finally:
        for person in people:
            await person.gone()
        stop_all(servers)
    figures = {
        "answers": sum(history.statuses.values()),
        "unknown": history.unknown,
        "kills": killed,
        "meetings": len(history.meetings),
        "participants": len(history.participants),
        "slowest_s": round(history.slowest_s, 3),
        "per_s": round(sum(history.statuses.values()) / took),
        "seed": seed,
    }
    return history, figures


async def _read_back(server: Server, person: _Racer, history: History) -> None:
    """After the faults: every meeting that was acknowledged is still there (JOIN-10)."""
    for meeting_id, register in history.meetings.items():
        call = time.monotonic()
        answer = await person.ask("GET", f"/meetings/{meeting_id}", via=server)
        found = answer.body["meeting"]["id"] if answer.status == 200 else None
        register.append(
            Operation(call=call, ret=time.monotonic(), kind="get", st="ok", id=found, created=False)
        )


def main() -> int:
    """Race by command; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--meetings", type=int, default=500)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--redis", action="store_true", help="join the processes by Redis too")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="moot-race-"))
        settings = {}
        if options.store == "postgres":
            from tests.programs.database import running_postgres

            settings["MOOT_DATABASE_URL"] = stack.enter_context(running_postgres())
        if options.redis:
            from tests.servers.redis import RedisServer
            from tests.servers.running import running

            settings["MOOT_BUS_URL"] = stack.enter_context(running(RedisServer())).url
        history, figures = _run(Path(folder), options, settings)
    complaints = list(history.complaints())
    print(
        json.dumps(
            {
                "program": "race",
                "store": options.store,
                "redis": options.redis,
                **figures,
                "complaints": len(complaints),
            }
        )
    )
    for complaint in complaints[:20]:
        print(complaint)
    return 1 if complaints else 0


def _run(
    data: Path, options: argparse.Namespace, settings: dict[str, str]
) -> tuple[History, dict[str, Any]]:
    return asyncio.run(
        race(
            data=data,
            processes=options.processes,
            clients=options.clients,
            meetings=options.meetings,
            kills=options.kills,
            seed=options.seed,
            **settings,
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
