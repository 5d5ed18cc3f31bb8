"""A process that writes and says what was acknowledged, until it is killed.

Run as `python -m tests.contract.writer ADDRESS MEETING_ID`; prints the number of each event whose
commit was acknowledged, one a line.
"""

from __future__ import annotations

import asyncio
import os
import sys

from tests.contract.seats import NOW
from tests.contract.stores import build

from moot.model.ids import MeetingId
from moot.store.port import Transaction

CALLERS = 32


async def write(address: str, meeting_id: MeetingId) -> None:
    """Append events for ever, from many callers at once, so that commits are shared."""
    store = build(address)
    await store.open()

    def work(t: Transaction) -> int:
        meeting = t.lock_meeting(meeting_id)
        assert meeting is not None
        return t.append_event(meeting.uid, type="x", at=NOW, body=b"x" * 200).event_seq

    async def caller() -> None:
        while True:
            # Written at once and not buffered: what was printed was acknowledged before the kill.
            os.write(1, b"%d\n" % await store.write(work))

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], MeetingId(sys.argv[2])))
