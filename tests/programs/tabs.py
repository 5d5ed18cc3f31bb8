"""One person in many tabs that join, reload and leave in every order (JOIN-2, JOIN-3, JOIN-6).

In each round every tab does one random thing, all at once. After it: one participant, as many
connections as live tabs, and every stream that lived through it has the same end state.

    python -m tests.programs.tabs --tabs 20 --rounds 1000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.programs.person import AUTH_SECRET, Person, Stream
from tests.programs.server import Server, stop_all

SETTLE_WITHIN_S = 30.0


@dataclass
class _Tab:
    """One browser tab: its connection while it is in the meeting, else None."""

    person: Person
    meeting_id: str
    connection: dict[str, Any] | None = None
    stream: Stream | None = None
    task: asyncio.Task[None] | None = None

    async def join(self) -> None:
        """Open the meeting; from inside, reload it: the new connection replaces the old one."""
        body: dict[str, Any] = {"name": self.person.name, "connection_id": str(uuid.uuid4())}
        if self.connection is not None:
            body["replaces"] = self.connection["id"]
        await self._drop()
        answer = await self.person.insist(
            "PUT", f"/meetings/{self.meeting_id}/participants/me", body
        )
        assert answer.status in (200, 201), (answer.status, answer.body)
        self.connection = answer.body["connection"]
        self.stream = Stream(self.person.servers, self.meeting_id, self.connection)
        self.task = asyncio.create_task(self.stream.run())
        try:
            await asyncio.wait_for(self.stream.live.wait(), SETTLE_WITHIN_S)
        except TimeoutError:
            raise AssertionError(f"the stream did not open: {self.stream.closed}") from None

    async def leave(self) -> None:
        """Press Leave in this tab only; leaving twice is leaving once."""
        if self.connection is None:
            return
        connection, self.connection = self.connection, None
        path = f"/meetings/{self.meeting_id}/participants/me?connection_id={connection['id']}"
        for _ in range(random.randint(1, 2)):
            answer = await self.person.insist("DELETE", path)
            assert answer.status == 200, (answer.status, answer.body)
        await self._drop()

    async def late_close(self, old: dict[str, Any]) -> None:
        """The close of a connection that was replaced arrives late: it must change nothing."""
        path = f"/meetings/{self.meeting_id}/participants/me?connection_id={old['id']}"
        answer = await self.person.insist("DELETE", path)
        assert answer.status in (200, 410), (answer.status, answer.body)

    async def _drop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        self.task = self.stream = None


async def _turn(tab: _Tab, chance: random.Random) -> None:
    draw = chance.random()
    if tab.connection is None or draw < 0.5:
        old = tab.connection
        await tab.join()
        if old is not None and chance.random() < 0.3:
            await tab.late_close(old)
    else:
        await tab.leave()


async def tabs(
    *, data: Path, count: int, rounds: int, seed: int = 1, processes: int = 1, **settings: str
) -> list[str]:
    """Run the rounds; return what was wrong, [] if nothing."""
    chance = random.Random(seed)
    servers = [Server(data, MOOT_AUTH_SECRET=AUTH_SECRET, **settings) for _ in range(processes)]
    await asyncio.gather(*(server.start() for server in servers))
    complaints: list[str] = []
    observer = Person(servers, "observer")
    one = Person(servers, "one person")
    meeting_id = f"TABS{seed}"
    try:
        await observer.create(meeting_id)
        watched = (await observer.join(meeting_id)).body
        watching = observer.watch(meeting_id, watched["connection"])
        mine = [_Tab(one, meeting_id) for _ in range(count)]
        for number in range(rounds):
            await asyncio.gather(*(_turn(tab, random.Random(chance.random())) for tab in mine))
            complaint = await _settled(one, meeting_id, mine, watching)
            if complaint:
                complaints.append(f"round {number}, seed {seed}: {complaint}")
                break
        for stream in [watching, *(tab.stream for tab in mine if tab.stream is not None)]:
            complaints += stream.gaps
        joined = [kind for _, kind in watching.log].count("participant.joined")
        left = [kind for _, kind in watching.log].count("participant.left")
        if not 0 <= joined - left <= 1:
            complaints.append(f"{joined} joined and {left} left events")
        for tab in mine:
            await tab.leave()
    finally:
        await observer.gone()
        await one.gone()
        stop_all(servers)
    return complaints


async def _settled(one: Person, meeting_id: str, mine: list[_Tab], watching: Stream) -> str | None:
    """Wait until all streams agree with the live tabs; say what differs if they do not in time."""
    live = [tab for tab in mine if tab.connection is not None]
    end = asyncio.get_running_loop().time() + SETTLE_WITHIN_S
    while True:
        answer = await one.ask("GET", f"/meetings/{meeting_id}/participants/me")
        seat = answer.body
        ids = {connection["id"] for connection in seat["connections"]}
        wanted = {tab.connection["id"] for tab in live if tab.connection is not None}
        streams = [watching, *(tab.stream for tab in live if tab.stream is not None)]
        views = [
            json.dumps(stream.state.get(seat["participant"]["id"]), sort_keys=True)
            for stream in streams
        ]
        people = {participant["name"] for participant in watching.state.values()}
        if (
            ids == wanted
            and len(set(views)) == 1
            and seat["participant"]["connections"] == len(wanted)
            and seat["participant"]["status"] == ("connected" if wanted else "disconnected")
            and people == {"observer", "one person"}
        ):
            return None
        if asyncio.get_running_loop().time() > end:
            return (
                f"{len(ids)} connections for {len(wanted)} live tabs, {len(set(views))} views, "
                f"status {seat['participant']['status']}, people {sorted(people)}: "
                f"{sorted(set(views))[:3]}"
            )
        await asyncio.sleep(0.02)


def main() -> int:
    """Run by command; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tabs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moot-tabs-") as folder:
        complaints = asyncio.run(
            tabs(
                data=Path(folder),
                count=options.tabs,
                rounds=options.rounds,
                seed=options.seed,
                processes=options.processes,
            )
        )
    print(
        json.dumps(
            {
                "program": "tabs",
                "tabs": options.tabs,
                "rounds": options.rounds,
                "seed": options.seed,
                "complaints": len(complaints),
            }
        )
    )
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
