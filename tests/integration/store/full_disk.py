"""A process whose files may not grow: what a full disk is to a program, without filling one.

Run as `python -m tests.integration.store.full_disk PATH`; prints one word for each thing it saw.
"""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import sys
from pathlib import Path

from tests.contract.seats import new_meeting

from moot.errors import Problem
from moot.store.sqlite import SqliteStore

ROOM_BYTES = 200_000
"""How much may still be written after the store was opened."""


async def fill(path: Path) -> None:
    """Write until nothing fits, look whether reading goes on, make room, write again."""
    store = SqliteStore(path)
    await store.migrate()
    await store.open()
    first = new_meeting()
    await store.write(lambda t: t.insert_meeting(first))
    size = max(file.stat().st_size for file in path.parent.iterdir())
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + ROOM_BYTES, hard))
    acknowledged = [first]
    problem = ""
    while not problem:
        meetings = [new_meeting(passcode_hash="x" * 3000) for _ in range(8)]
        answers = await asyncio.gather(
            *(store.write(lambda t, m=m: t.insert_meeting(m)) for m in meetings),
            return_exceptions=True,
        )
        for meeting, answer in zip(meetings, answers, strict=True):
            if isinstance(answer, Problem):
                problem = answer.kind.id
            elif isinstance(answer, BaseException):
                raise answer
            else:
                acknowledged.append(meeting)
    print(problem)
    found = await store.read(lambda t: t.find_meeting(first.id))
    print("reads" if found == first else "lost")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    last = new_meeting()
    print("writes" if await store.write(lambda t: t.insert_meeting(last)) == last else "lost")
    stored = await store.read(lambda t: t.list_meetings(after=None, limit=100_000))
    expected = {meeting.id for meeting in (*acknowledged, last)}
    print("kept" if {meeting.id for meeting in stored} == expected else "lost")
    await store.close()
    with sqlite3.connect(path) as handle:
        print(handle.execute("PRAGMA integrity_check").fetchone()[0])


if __name__ == "__main__":
    asyncio.run(fill(Path(sys.argv[1])))
