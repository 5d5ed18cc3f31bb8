"""A process that creates and joins as fast as it can, beside others that do the same.

Run as `python -m tests.contract.racer ADDRESS SEED LOOKS_FIRST`; prints its history as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.checker import Operation, check
from tests.contract.seats import create_or_get, join, new_meeting
from tests.contract.stores import build

from moot.model.ids import MeetingId, PersonId
from moot.model.meeting import Meeting
from moot.store.port import Store
from moot.store.statements import Statements, load_statements

History = list[tuple[str, Operation]]
"""Operations on many registers, each with its key: a Meeting ID, or one and a person."""

KEYS = 60
CALLERS = 16
ROUNDS = 20
_PEOPLE = 20


@dataclass(frozen=True)
class Racer:
    """One process.

    Attributes:
        seed: makes its choices, so that a failure can be run again.
        looks_first: be the canary: look in one transaction, insert in the next, as the old
            application did.
    """

    address: str
    seed: int
    looks_first: bool

    async def run(self) -> History:
        """Race, and tell what was asked and answered."""
        statements = looking_statements(self.address) if self.looks_first else None
        store = build(self.address, statements)
        await store.open()
        history: History = []
        await asyncio.gather(*(self._call(store, at, history) for at in range(CALLERS)))
        await store.close()
        return history

    async def _call(self, store: Store, at: int, history: History) -> None:
        choice = random.Random(self.seed * 1000 + at)
        for _ in range(ROUNDS):
            meeting_id = MeetingId(f"RACE{choice.randrange(KEYS)}")
            call = time.monotonic()
            created = False
            if choice.random() < 0.3:
                kind = "get"
                found = await store.read(lambda t, key=meeting_id: t.find_meeting(key))
            else:
                kind = "put"
                found, created = await self._create(store, new_meeting(meeting_id))
            history.append((meeting_id, _answered(call, kind, found and found.uid, created)))
            if found is None or self.looks_first:
                continue
            person = PersonId(f"guest:{choice.randrange(_PEOPLE)}")
            call = time.monotonic()
            seat = await store.write(lambda t, key=meeting_id, who=person: join(t, key, who))
            # A seat's first fence says who made it, whatever its caller knows of ids.
            operation = _answered(call, "put", seat.id, seat.fence == 1)
            history.append((f"{meeting_id} {person}", operation))

    async def _create(self, store: Store, meeting: Meeting) -> tuple[Meeting, bool]:
        if not self.looks_first:
            return await store.write(lambda t: create_or_get(t, meeting))
        found = await store.read(lambda t: t.find_meeting(meeting.id))
        if found is not None:
            return found, False
        made = await store.write(lambda t: t.insert_meeting(meeting))
        assert made is not None
        return made, True


def looking_statements(address: str) -> Statements:
    """Give the statements of a store that trusts its look: an insert with no `ON CONFLICT`."""
    postgres = address.startswith("postgresql:")
    statements = dict(load_statements("postgres" if postgres else "sqlite"))
    statements["insert_meeting"] = statements["insert_meeting"].replace(
        "ON CONFLICT (id) DO NOTHING\n", ""
    )
    return statements


def _answered(call: float, kind: str, id: str | None, created: bool) -> Operation:
    ret = time.monotonic()
    return Operation(call=call, ret=ret, kind=kind, st="ok", id=id, created=created)


def complaints(history: History) -> list[str]:
    """Say for each key what is impossible about its history."""
    by_key: dict[str, list[Operation]] = {}
    for key, operation in history:
        by_key.setdefault(key, []).append(operation)
    found = ((key, check(operations)) for key, operations in by_key.items())
    return [f"{key}: {complaint}" for key, complaint in found if complaint]


async def race(address: str, *, processes: int = 4, looks_first: bool = False) -> History:
    """Let several processes race and return their common history."""
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.contract.racer",
            address,
            str(seed),
            "looks" if looks_first else "",
            cwd=Path(__file__).parents[2],
            stdout=asyncio.subprocess.PIPE,
        )
        for seed in range(processes)
    ]
    history: History = []
    for process in running:
        said, _ = await process.communicate()
        assert process.returncode == 0, "a racing process has failed; see above"
        said_last = json.loads(said.splitlines()[-1])
        history += [(key, Operation(**operation)) for key, operation in said_last]
    return history


if __name__ == "__main__":
    racer = Racer(sys.argv[1], int(sys.argv[2]), bool(sys.argv[3]))
    print(json.dumps([(key, asdict(one)) for key, one in asyncio.run(racer.run())]))
