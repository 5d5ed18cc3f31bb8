"""What the media engine reports: reconciled with the stored intents, or passed on as ephemeral."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

import msgspec

from moot.bus.port import Announcement
from moot.control.change import ALIVE, media_sources
from moot.control.context import Control
from moot.control.media_lease import is_shared, release, take_up
from moot.control.reading import found_meeting
from moot.errors import Problem
from moot.media.event import (
    EventsLost,
    MediaEvent,
    MeetingClosed,
    QualityChanged,
    SourceActive,
    Speaker,
    SpeakersChanged,
    TransportConnected,
)
from moot.media.key import meeting_key, split_identity, split_meeting_key
from moot.media.port import MediaUnavailable
from moot.media.roster import RosterEntry
from moot.media.source import Source
from moot.model.event import Ephemeral
from moot.model.ids import ConnectionId, MeetingId, MeetingUid, ParticipantId, ProcessId
from moot.model.meeting import Event
from moot.store.port import Transaction

_RETRY_S: Final = 1.0
_KNOWN_MEETINGS: Final = 10_000
LOOK_S: Final = 0.25
"""How often a process that carries media for others looks what they have changed, where the bus has
not said so at once. Shorter stops a source sooner that was muted through another process without
Redis, and asks the database more often."""


class _Level(msgspec.Struct, frozen=True):
    id: ParticipantId
    level: float


class _SpeakersBody(msgspec.Struct, frozen=True):
    participants: list[_Level]


class _QualityBody(msgspec.Struct, frozen=True):
    participant_id: ParticipantId
    quality: str
    cause: str


class MediaEvents:
    """Follows the media engine; the stored intents are the truth (EVENT-4).

    A source that becomes active without being allowed is stopped again, and whoever connects with
    the ticket of a connection that has been closed is put out: that is how an order that was lost,
    overtaken by one of another process, or given while the engine was away is made good.
    """

    def __init__(self, control: Control, process_id: Callable[[], ProcessId]) -> None:
        """Args:
        process_id: who this process is at the moment, to know its media leases by.
        """
        self._control = control
        self._process_id = process_id
        self._is_shared = is_shared(control.config)
        self._uids: dict[str, MeetingUid] = {}
        self._carried: dict[str, tuple[object, ...] | None] = {}
        self._followed: dict[str, MeetingUid] = {}
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Follow the engine until cancelled or the engine is closed."""
        if not self._is_shared:
            await self._follow()
            return
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._run_look())
            await self._follow()
            looking.cancel()

    def heard(self, announcement: Announcement) -> None:
        """Look at once where somebody's seat has changed in a meeting that is carried here."""
        if isinstance(announcement, Event) and not announcement.type.startswith("chat."):
            self._news.set()

    async def _run_look(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()
            self._news.clear()
            try:
                await self.look()
            except (Problem, MediaUnavailable) as problem:
                self._control.log.warning("Media could not be looked after", reason=str(problem))

    async def look(self) -> None:
        """Bring what this process carries in line with what others have changed, or taken over.

        Raises:
            Problem, MediaUnavailable: store or engine are away; the next look tries again.
        """
        places = {key: split_meeting_key(key) for key in self._carried}

        def read(tx: Transaction) -> dict[str, tuple[object, ...]]:
            found: dict[str, tuple[object, ...]] = {}
            for key, place in places.items():
                meeting = tx.find_meeting(MeetingId(place[0])) if place else None
                if meeting is not None:
                    lease = tx.find_media_lease(meeting.uid)
                    found[key] = (meeting.epoch, meeting.event_seq, lease, self._process_id())
            return found

        if not places:
            return
        for key, state in (await self._control.store.read(read)).items():
            if key in self._carried and self._carried[key] != state:
                await self._reconcile_all(key)
                if key in self._carried:
                    self._carried[key] = state

    async def _follow(self) -> None:
        async for event in self._control.media.events():
            try:
                await self.handle(event)
            except (Problem, MediaUnavailable) as problem:
                self._control.log.warning("Media event could not be handled", reason=str(problem))

    async def handle(self, event: MediaEvent) -> None:
        """Reconcile or pass on one event.

        Raises:
            Problem, MediaUnavailable: store or engine are away; the next event tries again.
        """
        if isinstance(event, SpeakersChanged):
            await self._speakers(event)
        elif isinstance(event, QualityChanged):
            await self._quality(event)
        elif isinstance(event, SourceActive | TransportConnected):
            if self._is_shared:
                await self._carry(event.meeting_key)
            await self._reconcile(event.meeting_key, event.identity)
        elif isinstance(event, EventsLost):
            await self._reconcile_all(event.meeting_key)
        elif isinstance(event, MeetingClosed) and self._is_shared:
            await self._let_go(event.meeting_key)

    async def _carry(self, key: str) -> None:
        """Look after a run from now on, and hear at once what others change in it."""
        self._carried.setdefault(key, None)
        if key in self._followed or (meeting_uid := await self._uid(key)) is None:
            return
        # Whoever was sent here before the lease was given up may come after.
        await take_up(self._control, meeting_uid, self._process_id())
        self._followed[key] = meeting_uid
        self._control.bus.follow(meeting_uid)

    async def _let_go(self, key: str) -> None:
        """Look after a run no more; with the last one of its meeting the lease is given up."""
        self._carried.pop(key, None)
        if (followed := self._followed.pop(key, None)) is not None:
            self._control.bus.unfollow(followed)
        meeting_uid = followed or await self._uid(key)
        if meeting_uid is not None and meeting_uid not in self._followed.values():
            await release(self._control, meeting_uid, self._process_id())

    async def _speakers(self, event: SpeakersChanged) -> None:
        meeting_uid = await self._uid(event.meeting_key)
        if meeting_uid is not None:
            body = msgspec.json.encode(_SpeakersBody(_folded(event.speakers)))
            self._control.bus.publish(Ephemeral(meeting_uid, "speakers", body, key="speakers"))

    async def _quality(self, event: QualityChanged) -> None:
        meeting_uid = await self._uid(event.meeting_key)
        parts = split_identity(event.identity)
        if meeting_uid is not None and parts is not None:
            participant_id = ParticipantId(parts[0])
            body = msgspec.json.encode(
                _QualityBody(participant_id, event.quality.value, event.cause)
            )
            self._control.bus.publish(Ephemeral(meeting_uid, "quality", body, key=participant_id))

    async def _reconcile_all(self, key: str | None) -> None:
        keys = [key] if key is not None else list(self._control.orders.meeting_keys())
        for each in keys:
            try:
                roster = await self._control.media.roster(each)
            except MediaUnavailable:
                # The engine says that events were lost when it is back, too.
                await asyncio.sleep(_RETRY_S)
                continue
            for entry in roster.entries:
                await self._reconcile(each, entry.identity, entry=entry)

    async def _reconcile(
        self, key: str, identity: str, *, entry: RosterEntry | None = None
    ) -> None:
        """Tell the engine what the store says of one connection.

        Args:
            entry: what the engine has of it, where that is known; what agrees is not said again.
        """
        parts, place = split_identity(identity), split_meeting_key(key)
        if parts is None or place is None:
            return
        meeting_id, run = place
        participant_id, connection_id = ParticipantId(parts[0]), ConnectionId(parts[1])

        def look(tx: Transaction) -> tuple[int, frozenset[Source] | None]:
            meeting = found_meeting(tx, MeetingId(meeting_id))
            participant = tx.find_participant_by_id(meeting.uid, participant_id)
            connection = tx.find_connection(connection_id)
            if (
                meeting.run != run
                or not self._carries(tx, meeting.uid)
                or participant is None
                or connection is None
                or connection.participant_id != participant_id
                or connection.state not in ALIVE
            ):
                return meeting.event_seq, None
            return meeting.event_seq, media_sources(participant, connection_id)

        event_seq, truth = await self._control.store.read(look)
        if entry is None or truth != entry.allowed:
            await self._control.orders.correct(key, identity, truth, event_seq=event_seq)

    def _carries(self, tx: Transaction, meeting_uid: MeetingUid) -> bool:
        """Tell whether a meeting's media is this process's to carry."""
        if not self._is_shared:
            return True
        lease = tx.find_media_lease(meeting_uid)
        return lease is not None and lease.process_id == self._process_id()

    async def _uid(self, key: str) -> MeetingUid | None:
        known = self._uids.get(key)
        if known is not None:
            return known
        place = split_meeting_key(key)
        if place is None:
            return None
        meeting = await self._control.store.read(lambda tx: tx.find_meeting(MeetingId(place[0])))
        if meeting is None or meeting_key(meeting.id, meeting.run) != key:
            return None
        if len(self._uids) >= _KNOWN_MEETINGS:
            self._uids.clear()
        self._uids[key] = meeting.uid
        return meeting.uid


def _folded(speakers: Iterable[Speaker]) -> list[_Level]:
    """Fold connections into persons, the loudest of each, in the order given."""
    levels: dict[ParticipantId, float] = {}
    for speaker in speakers:
        parts = split_identity(speaker.identity)
        if parts is not None:
            person = ParticipantId(parts[0])
            levels[person] = max(levels.get(person, 0.0), round(speaker.level, 3))
    return [_Level(person, level) for person, level in levels.items()]
