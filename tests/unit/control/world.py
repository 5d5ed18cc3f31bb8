"""A moot without edges under a clock that tests move, and a page that believes what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from moot.bus.local import LocalBus
from moot.bus.port import Bus
from moot.config import Config
from moot.control import joining, meetings
from moot.control.actor import Actor
from moot.control.attendance import Attendance, Attendances
from moot.control.context import Control
from moot.control.joining import Joined, JoinRequest
from moot.control.presence import Presence
from moot.control.watching import Since, Watcher, Watching
from moot.errors import Problem
from moot.media.fake import FakeMediaEngine
from moot.model.ids import ConnectionId, MeetingId, PersonId
from moot.model.meeting import Event, Participant, Settings
from moot.store.memory import MemoryStore
from moot.store.open import open_store
from moot.store.port import Store, Transaction

MEETING = MeetingId("ABC123")
MEDIA_URL = "ws://moot.test"


class VirtualClock:
    """Both clocks in the hands of a test."""

    def __init__(self) -> None:
        self.wall_ms = 1_800_000_000_000
        self.seconds = 1000.0

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic(self) -> float:
        return self.seconds

    def pass_s(self, seconds: float) -> None:
        self.seconds += seconds
        self.wall_ms += int(seconds * 1000)


class Lines:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def _add(self, level: str, text: str, facts: dict[str, Any]) -> None:
        self.lines.append((level, text, facts))

    def debug(self, event: str, /, **facts: Any) -> None:
        self._add("debug", event, facts)

    def info(self, event: str, /, **facts: Any) -> None:
        self._add("info", event, facts)

    def warning(self, event: str, /, **facts: Any) -> None:
        self._add("warning", event, facts)

    def error(self, event: str, /, **facts: Any) -> None:
        self._add("error", event, facts)

    def texts(self) -> list[str]:
        return [text for _, text, _ in self.lines]


class Page:
    """A browser's reducer: a snapshot, then every event in its turn (EVENT-2)."""

    def __init__(self, watcher: Watcher, before: Page | None = None) -> None:
        self.watcher = watcher
        self.epoch = 0
        self.event_seq = 0
        self.meeting: dict[str, Any] = {}
        self.participants: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, dict[str, Any]] = {}
        self.seqs: list[int] = []
        self.kinds: list[str] = []
        self.snapshots = 0
        self.was_resumed = False
        self.said: list[dict[str, Any]] = []
        if before is not None:
            self.epoch, self.event_seq = before.epoch, before.event_seq
            self.meeting = dict(before.meeting)
            self.participants = dict(before.participants)
            self.messages = dict(before.messages)

    async def read(self) -> Page:
        """Take in whatever has arrived."""
        for _ in range(20):
            await asyncio.sleep(0)
        for text in self.watcher.take():
            self.handle(json.loads(text))
        return self

    def handle(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "hello":
            self.was_resumed = message["resumed"]
            self.epoch = message["epoch"]
            if self.was_resumed:
                assert message["event_seq"] == self.event_seq
            else:
                self.replace(message)
        elif kind == "snapshot":
            self.replace(message)
        elif kind == "event":
            assert message["epoch"] == self.epoch
            assert message["event_seq"] == self.event_seq + 1, "a gap or a repetition"
            self.event_seq = message["event_seq"]
            self.seqs.append(self.event_seq)
            self.kinds.append(message["kind"])
            if message["kind"] != "hidden":
                self.apply(message["kind"], message["body"])
        else:
            self.said.append(message)

    def replace(self, message: dict[str, Any]) -> None:
        snapshot = message["snapshot"]
        self.snapshots += 1
        self.event_seq = message["event_seq"]
        self.meeting = snapshot["meeting"]
        self.participants = {each["id"]: each for each in snapshot["participants"]}
        self.messages = {each["id"]: each for each in snapshot["messages"]}

    def apply(self, kind: str, body: dict[str, Any]) -> None:
        if "meeting" in body:
            self.meeting = body["meeting"]
        if "participant" in body:
            self.participants[body["participant"]["id"]] = body["participant"]
        if "message" in body:
            self.messages[body["message"]["id"]] = body["message"]

    def inside(self) -> dict[str, dict[str, Any]]:
        """Who is shown as being in."""
        return {
            key: each
            for key, each in self.participants.items()
            if each["status"] in ("connected", "reconnecting")
        }


class World:
    """One installation: a store, and any number of processes on it."""

    def __init__(self, store: Store, **settings: Any) -> None:
        self.store = store
        self.clock = VirtualClock()
        self.log = Lines()
        self.media = FakeMediaEngine(clock=lambda: self.clock.wall_ms / 1000)
        self.config = Config(data=Path("/nonexistent"), **settings)
        self.dice = Random(7)
        self.processes: list[Process] = []

    async def open(self) -> None:
        await self.store.open()
        await self.store.migrate()
        await self.media.start()
        self.first = await self.start_process()
        self.control = self.first.control
        self.presence = self.first.presence
        self.watching = self.first.watching

    async def close(self) -> None:
        for process in self.processes:
            await process.kill()
        await self.media.close()
        await self.store.close()

    async def start_process(self, bus: Bus | None = None) -> Process:
        process = Process(self, bus or LocalBus())
        await process.start()
        self.processes.append(process)
        return process

    async def pass_s(self, seconds: float, *, step_s: float = 0.25) -> None:
        """Let time pass for every living process."""
        rest = seconds
        while rest > 1e-9:
            self.clock.pass_s(min(step_s, rest))
            rest -= step_s
            for process in self.processes:
                if process.is_alive and not process.is_paused:
                    await process.presence.step()
            await self.settle()

    async def settle(self) -> None:
        """Let what was announced arrive everywhere."""
        for process in self.processes:
            if process.is_alive and not process.is_paused:
                await process.watching.poll()
        for process in self.processes:
            if process.is_alive:
                await process.watching.idle()
                await self.agree(process.control)

    async def agree(self, control: Control) -> None:
        """What a process keeps of who is in, carried on by events, is what the rows say."""

        def work(tx: Transaction) -> tuple[Attendance, Attendance] | None:
            meeting = tx.find_meeting(MEETING)
            if meeting is None:
                return None
            kept = control.attendances.read(tx, meeting)
            control.attendances.keep(meeting.uid, kept)
            return kept, Attendances().read(tx, meeting)

        found = None
        with contextlib.suppress(Problem):
            found = await self.store.read(work)
        if found is not None:
            kept, fresh = found
            assert kept == fresh
            assert list(kept.people) == list(fresh.people), "the same order"

    # People

    def person(self, who: str, **facts: Any) -> Actor:
        return Actor(person_id=PersonId(f"guest:{who}"), **facts)

    async def create(self, name: str = "host", **settings: Any) -> Actor:
        actor = self.person(name)
        await meetings.ensure(self.control, actor, MEETING, settings=Settings(**settings))
        return actor

    async def join(
        self,
        actor: Actor,
        *,
        name: str | None = None,
        audio: bool | None = None,
        video: bool | None = None,
        connection_id: ConnectionId | None = None,
        replaces: ConnectionId | None = None,
        passcode: str | None = None,
        control: Control | None = None,
    ) -> Joined:
        request = JoinRequest(
            name=name or actor.person_id.removeprefix("guest:"),
            audio=audio,
            video=video,
            connection_id=connection_id,
            replaces=replaces,
            passcode=passcode,
        )
        return await joining.join(
            control or self.control, actor, MEETING, request, media_url=MEDIA_URL
        )

    async def watch(
        self, joined: Any, *, watching: Watching | None = None, before: Page | None = None
    ) -> Page:
        since = None if before is None else Since(before.epoch, before.event_seq)
        watcher = await (watching or self.watching).watch(
            MEETING, joined.connection.id, fence=joined.connection.fence, since=since
        )
        return await Page(watcher, before).read()

    async def come(self, name: str, **wishes: Any) -> tuple[Actor, Joined, Page]:
        """Join and open the event stream; the actor then names its connection."""
        joined = await self.join(self.person(name), **wishes)
        page = await self.watch(joined)
        return self.sitting(name, joined), joined, page

    def sitting(self, name: str, joined: Any) -> Actor:
        return self.person(name, connection_id=joined.connection.id, fence=joined.connection.fence)

    # The truth

    async def rows(self, *statuses: str) -> Sequence[Participant]:
        wanted = statuses or (
            "waiting",
            "connected",
            "reconnecting",
            "disconnected",
            "removed",
            "denied",
        )

        def work(tx: Any) -> Sequence[Participant]:
            meeting = tx.find_meeting(MEETING)
            return tx.list_participants(meeting.uid, statuses=wanted)

        return await self.store.read(work)

    async def row(self, name: str) -> Participant:
        return next(row for row in await self.rows() if row.person_id == f"guest:{name}")

    async def events(self) -> Sequence[Event]:
        def work(tx: Any) -> Sequence[Event]:
            return tx.list_events(tx.find_meeting(MEETING).uid, after=0, limit=100_000)

        return await self.store.read(work)

    async def kinds(self) -> list[str]:
        return [event.type for event in await self.events()]

    async def forwarded(self, joined: Joined) -> set[str]:
        """What the media engine may forward from a connection."""
        roster = await self.media.roster(joined.media.room)
        for entry in roster.entries:
            if entry.identity == joined.media.identity:
                return {source.value for source in entry.allowed}
        return set()

    def connect(self, joined: Joined) -> None:
        """Open the media transport, as a browser does."""
        from moot.media.grant import MediaTicket

        self.media.connect(MediaTicket(joined.media.url, joined.media.token, 0.0))


class Process:
    """One `moot serve`, without its edges and without tasks of its own but hearing the bus."""

    def __init__(self, world: World, bus: Bus) -> None:
        self.bus = bus
        self.control = Control(
            store=world.store,
            bus=bus,
            media=world.media,
            config=world.config,
            clock=world.clock,
            random=world.dice.getrandbits,
            log=world.log,
        )
        self.presence = Presence(self.control)
        self.watching = Watching(self.control, self.presence)
        self.is_alive = False
        self.is_paused = False
        self._hearing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.bus.open()
        self.is_alive = True
        self._hearing = asyncio.create_task(self.watching.hear())

    async def kill(self) -> None:
        """Die at once, telling nobody."""
        self.is_alive = False
        if self._hearing is not None:
            self._hearing.cancel()
            await asyncio.gather(self._hearing, return_exceptions=True)


def make_store(kind: str, folder: Path, template: Callable[[], Path]) -> Store:
    """Make a store of a kind; SQLite starts from a copy of a migrated file, to save time."""
    if kind == "memory":
        return MemoryStore()
    folder.mkdir(exist_ok=True)
    shutil.copy(template(), folder / "moot.sqlite3")
    return open_store(Config(data=folder))
