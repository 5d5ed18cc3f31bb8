"""What an operator does from the command line: bring the store up to date, look, end a meeting."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final

from moot.bus.local import LocalBus
from moot.config import Config
from moot.control.context import Control
from moot.control.ending import end_by_operator
from moot.errors import Problem
from moot.media.fake import FakeMediaEngine
from moot.model.ids import MeetingId, parse_meeting_id
from moot.model.meeting import Meeting, Participant
from moot.store.open import open_store
from moot.store.port import Store, Transaction

_PAGE: Final = 500
_PRESENT: Final = ("connected", "reconnecting")
_EVERYBODY: Final = ("waiting", "connected", "reconnecting", "disconnected", "removed", "denied")


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Store]:
    """Open the store for one command, bring it up to date as `moot serve` does, close it again.

    Raises:
        StoreUnusable: the store cannot be reached, written or understood.
    """
    store = open_store(config)
    await store.open()
    try:
        await store.migrate()
        yield store
    finally:
        await store.close()


async def migrate(config: Config) -> list[str]:
    """Bring the store to this version's schema; return the steps taken, none if none was needed."""
    store = open_store(config)
    await store.open()
    try:
        return await store.migrate()
    finally:
        await store.close()


async def list_meetings(config: Config) -> list[str]:
    """Return one line for each meeting: its id, when it was made, who is present."""
    lines: list[str] = []
    async with opened(config) as store:
        after: MeetingId | None = None
        while True:
            page = await store.read(partial(_page, after=after))
            lines += [
                f"{meeting.id:<20} made {_when(meeting.created_at)}, {present} present"
                for meeting, present in page
            ]
            if len(page) < _PAGE:
                return lines
            after = page[-1][0].id


def _page(tx: Transaction, *, after: MeetingId | None) -> list[tuple[Meeting, int]]:
    return [
        (meeting, tx.count_participants(meeting.uid, statuses=_PRESENT))
        for meeting in tx.list_meetings(after=after, limit=_PAGE)
    ]


async def show_meeting(config: Config, spelling: str) -> list[str]:
    """Return a meeting's settings and its participants, a line each; nothing if there is none.

    Raises:
        Problem: `meeting_id_invalid`.
    """
    meeting_id = parse_meeting_id(spelling)

    def look(tx: Transaction) -> tuple[Meeting, list[Participant]] | None:
        meeting = tx.find_meeting(meeting_id)
        if meeting is None:
            return None
        return meeting, list(tx.list_participants(meeting.uid, statuses=_EVERYBODY))

    async with opened(config) as store:
        found = await store.read(look)
    if found is None:
        return []
    meeting, people = found
    marks = [
        word
        for word, holds in (
            ("locked", meeting.settings.locked),
            ("lobby", meeting.settings.lobby),
            ("passcode", meeting.passcode_hash is not None),
        )
        if holds
    ]
    return [
        f"{meeting.id}  {meeting.settings.title}".rstrip(),
        f"  made {_when(meeting.created_at)}, run {meeting.run}, event {meeting.event_seq}",
        f"  {', '.join(marks) or 'open to everybody who knows its id'}",
        *(f"  {person.status:<13}{person.role:<6}{person.name}" for person in people),
    ]


async def end_meeting(config: Config, spelling: str) -> list[str]:
    """End a meeting for all (MEET-7); return a sentence, or nothing if there is no such meeting.

    Running processes that have an event stream of the meeting find the end in the store within a
    second, close the streams and stop the media; this command itself reaches no media engine.

    Raises:
        Problem: `meeting_id_invalid`.
    """
    meeting_id = parse_meeting_id(spelling)
    async with opened(config) as store:
        control = Control(store=store, bus=LocalBus(), media=FakeMediaEngine(), config=config)
        try:
            meeting = await end_by_operator(control, meeting_id)
        except Problem as problem:
            if problem.kind.id == "meeting_not_found":
                return []
            raise
    return [f"{meeting.id} has ended for all; the next to join begin run {meeting.run}."]


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
