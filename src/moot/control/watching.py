"""Watching a meeting: a snapshot or what was missed, then everything after (EVENT-1, EVENT-2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from moot.bus.port import Announcement
from moot.control import frames
from moot.control.change import PRESENT
from moot.control.context import Control
from moot.control.feed import Feed
from moot.control.lease import Opened
from moot.control.orders import EndRun
from moot.control.pace import Pace
from moot.control.presence import Presence
from moot.control.reactions import typing
from moot.control.start import (
    PAGE_EVENTS,
    Since,
    Start,
    events_after,
    fences_of,
    is_shown,
    lobby_status,
    read_start,
)
from moot.control.watcher import Watcher
from moot.errors import Problem
from moot.media.key import meeting_key
from moot.model.event import EVERYONE, Ephemeral, only
from moot.model.ids import ConnectionId, MeetingId, MeetingUid, ParticipantId
from moot.model.meeting import Event

__all__ = ["Since", "Watcher", "Watching"]

_CLOSED: Final = frozenset(
    {"left", "connection_closed", "participant_removed", "meeting_ended", "lobby_denied"}
)
"""Endings that follow an event which closed the connection in the store."""
_CATCH_UP_S: Final = 0.02
_CATCH_UP_TURNS: Final = 100
_START_TURNS: Final = 3
"""Readings of a start; the second is later than where delivery began, in a store that is right."""
POLL_S: Final = 0.25
"""How often the store is asked for unheard events where the bus does not reach other processes.
More often shows changes of other processes sooner; each asking is one statement."""
POLL_CONNECTED_S: Final = 1.0
"""The same while the bus does reach them, as a safety net."""


class Watching:
    """All event streams of this process: one feed for each watched meeting."""

    def __init__(self, control: Control, presence: Presence) -> None:
        self._control = control
        self._presence = presence
        self._feeds: dict[MeetingUid, Feed] = {}
        self._streams: dict[ConnectionId, Watcher] = {}
        self._opened: dict[Watcher, Opened] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[Announcement], None]] = []
        self._typing = Pace(control.clock.monotonic, burst=1, per_s=1)
        presence.when_fenced(lambda: self.close_all("restarting"))

    def when_heard(self, act: Callable[[Announcement], None]) -> None:
        """Have `act` called with everything that the bus brings, of meetings it follows itself."""
        self._listeners.append(act)

    async def run(self) -> None:
        """Carry announcements to watchers, and find missed ones in the store, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.hear())
                group.create_task(self._poll())
        finally:
            for task in self._tasks:
                task.cancel()
            await self.idle()

    async def hear(self) -> None:
        """Carry announcements to watchers until cancelled or the bus is closed."""
        async for batch in self._control.bus.listen():
            for announcement in batch:
                for act in self._listeners:
                    act(announcement)
                feed = self._feeds.get(announcement.meeting_uid)
                if feed is None:
                    continue
                if isinstance(announcement, Ephemeral):
                    feed.pass_on(announcement)
                else:
                    feed.take(announcement)

    async def poll(self) -> None:
        """Ask the store how far every watched meeting is, and have read what was not heard."""
        uids = [uid for uid, feed in self._feeds.items() if feed.event_seq is not None]
        if not uids:
            return
        try:
            heads = await self._control.store.read(lambda tx: tx.event_heads(uids))
        except Problem as problem:
            self._control.log.warning("Events could not be asked for", code=problem.kind.id)
            return
        for uid, (epoch, event_seq) in heads.items():
            feed = self._feeds.get(uid)
            if feed is not None:
                feed.learn(epoch, event_seq)

    async def idle(self) -> None:
        """Wait until everything that was begun for watchers is done."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def watch(
        self,
        meeting_id: MeetingId,
        connection_id: ConnectionId,
        *,
        fence: int,
        since: Since | None = None,
    ) -> Watcher:
        """Open a connection's event stream: the participant is present from here on (JOIN-4).

        The edge has checked that the connection's token is right. The watcher's messages begin
        with `hello`, with a snapshot or followed by what came after `since`.

        Raises:
            Problem: `connection_closed` (unknown, closed, or made room for a newer fence),
                `connection_replaced` (by a stream that was asked for later), `meeting_ended`,
                `participant_removed`, `lobby_denied`, `meeting_not_found`, `restarting`,
                `unavailable`.

        If cancelled, the stream counts as lost.
        """
        opened = await self._presence.opened(meeting_id, connection_id, fence=fence)
        participant = opened.participant
        watcher = Watcher(
            meeting_id,
            connection_id,
            fence=fence,
            participant_id=participant.id,
            opened_at=opened.at,
            is_host=participant.role == "host",
            is_waiting=participant.status not in PRESENT,
            limit_bytes=self._control.config.max_queue_bytes,
            tell_typing=self._tell_typing,
        )
        older = self._streams.get(connection_id)
        if older is not None:
            older.close("connection_replaced")
        self._streams[connection_id] = watcher
        self._opened[watcher] = opened
        feed = self._feed(meeting_id, opened.meeting_uid)
        feed.add(watcher)
        try:
            await self._begin(feed, watcher, since)
        except BaseException:
            self.unwatch(watcher)
            raise
        if len(feed.streams_of(participant.id)) > 1:
            # One of them may be of the connection that this one replaces, as a reload does, which
            # leaves the number of connections as it was.
            self.check(feed, participant.id)
        return watcher

    def unwatch(self, watcher: Watcher) -> None:
        """Say that a stream is gone, for whatever reason; must follow every `watch`. Idempotent.

        If the connection was not closed meanwhile, it counts as lost from now (JOIN-4).
        """
        opened = self._opened.pop(watcher, None)
        if opened is None:
            return
        ending = watcher.ending
        watcher.close("left")
        if self._streams.get(watcher.connection_id) is watcher:
            del self._streams[watcher.connection_id]
        feed = self._feeds.get(opened.meeting_uid)
        if feed is not None:
            feed.discard(watcher)
            if not feed.watchers:
                del self._feeds[opened.meeting_uid]
                self._control.bus.unfollow(opened.meeting_uid)
        if ending in _CLOSED:
            self._presence.gone(opened)
        else:
            self._presence.lost(opened)

    def close_all(self, problem_id: str) -> None:
        """End every stream of this process, as with `restarting` when draining."""
        for watcher in list(self._opened):
            watcher.close(problem_id)

    @property
    def watchers(self) -> int:
        """How many streams are open, for metrics."""
        return len(self._opened)

    # What a feed asks for.

    def catch_up(self, feed: Feed) -> None:
        """Read the events that a feed missed, unless that is being done."""
        if not feed.is_catching_up:
            feed.is_catching_up = True
            self._spawn(self._catch_up(feed))

    def renew(self, feed: Feed, watchers: Sequence[Watcher]) -> None:
        """Give watchers, which hold, a new snapshot; one that has yet to begin gets it then."""
        for watcher in watchers:
            if watcher.has_begun:
                self._spawn(self._renew(feed, watcher))

    def check(self, feed: Feed, participant_id: ParticipantId) -> None:
        """End the streams of connections that were closed or made room for newer ones."""
        self._spawn(self._check(feed, participant_id))

    def ended(self, feed: Feed, run: int, *, event_seq: int) -> None:
        """Stop the media of a run that has ended, which another process may have done."""
        key = meeting_key(feed.meeting_id, run)
        self._spawn(self._control.orders.give([EndRun(meeting_key=key, event_seq=event_seq)]))

    def told(self, feed: Feed, event: Event, participant_id: ParticipantId) -> None:
        """Log that others were told of a participant."""
        self._control.log.info(
            "Real-time participant update received",
            meeting_id=feed.meeting_id,
            participant_id=participant_id,
            event_seq=event.event_seq,
            kind=event.type,
        )

    # How it is done.

    def _tell_typing(self, watcher: Watcher, to: ParticipantId | None) -> None:
        opened = self._opened.get(watcher)
        if opened is None or watcher.is_waiting or not self._typing.take(watcher.participant_id):
            return
        audience = EVERYONE if to is None else only([to])
        self._control.bus.publish(typing(opened.meeting_uid, watcher.participant_id, audience))

    async def _poll(self) -> None:
        while True:
            is_heard = self._control.bus.is_connected
            await asyncio.sleep(POLL_CONNECTED_S if is_heard else POLL_S)
            await self.poll()

    def _feed(self, meeting_id: MeetingId, meeting_uid: MeetingUid) -> Feed:
        feed = self._feeds.get(meeting_uid)
        if feed is None:
            feed = self._feeds[meeting_uid] = Feed(meeting_id, meeting_uid, self)
            self._control.bus.follow(meeting_uid)
        return feed

    async def _begin(self, feed: Feed, watcher: Watcher, since: Since | None) -> None:
        # The watcher follows already and holds; what is read now is at least as new as what was
        # delivered before it began to follow, so nothing falls between.
        start = await self._read_start(feed, watcher, since)
        hello = frames.hello(
            watcher.connection_id,
            fence=watcher.fence,
            epoch=start.epoch,
            event_seq=start.event_seq - len(start.events),
            snapshot=start.snapshot,
            now_ms=self._control.clock.now_ms(),
        )
        messages = [hello]
        messages.extend(
            frames.event(event) if is_shown(event, watcher) else frames.hidden(event)
            for event in start.events
        )
        if watcher.is_waiting:
            messages.append(frames.lobby(lobby_status(start.participant)))
        watcher.start(start.event_seq, messages)
        feed.begin(start.epoch, start.event_seq)

    async def _read_start(self, feed: Feed, watcher: Watcher, since: Since | None) -> Start:
        """Read what a stream begins with, as late as what the feed delivers follows on from."""
        attendances = self._control.attendances
        for _ in range(_START_TURNS):
            start = await self._control.store.read(
                lambda tx: read_start(tx, watcher, since, attendances)
            )
            is_reached = feed.reaches(start.epoch, start.event_seq)
            if is_reached and _agree_on_role(feed, watcher, start):
                return start
        # The store answers from its past, as a replica does that was made the first too early.
        raise Problem("unavailable", retry_after_s=1)

    async def _catch_up(self, feed: Feed) -> None:
        try:
            while feed.watchers and feed.event_seq is not None:
                after = feed.event_seq
                events = await self._control.store.read(
                    partial(events_after, meeting_uid=feed.meeting_uid, after=after)
                )
                if events and feed.event_seq < events[0].event_seq - 1:
                    # The events in between are kept no longer.
                    feed.restart()
                    return
                for event in events:
                    feed.take(event)
                if len(events) < PAGE_EVENTS:
                    return
        except Problem as problem:
            # The next poll asks again.
            self._control.log.warning(
                "Events could not be read", meeting_id=feed.meeting_id, code=problem.kind.id
            )
        finally:
            feed.is_catching_up = False

    async def _renew(self, feed: Feed, watcher: Watcher) -> None:
        try:
            start = await self._read_start(feed, watcher, None)
        except Problem as problem:
            watcher.close("unavailable" if problem.kind.close is None else problem.kind.id)
            return
        if start.snapshot is not None:
            watcher.start(start.event_seq, [frames.snapshot(start.snapshot)])
            feed.begin(start.epoch, start.event_seq)

    async def _check(self, feed: Feed, participant_id: ParticipantId) -> None:
        # Of a stream that is opened meanwhile, what is read here says nothing.
        watchers = list(feed.streams_of(participant_id))
        try:
            fences, event_seq = await self._control.store.read(
                partial(fences_of, meeting_uid=feed.meeting_uid, participant_id=participant_id)
            )
        except Problem:
            # The next change of this participant's connections is looked at again.
            return
        # What was read may be ahead of what was delivered. An event in between may say better why
        # a stream ends (removed, ended), so it goes first.
        for _ in range(_CATCH_UP_TURNS):
            if feed.event_seq is None or feed.event_seq >= event_seq or not feed.watchers:
                break
            self.catch_up(feed)
            await asyncio.sleep(_CATCH_UP_S)
        for watcher in watchers:
            fence = fences.get(watcher.connection_id)
            if fence is None:
                watcher.close("connection_closed")
            elif fence > watcher.fence:
                watcher.close("connection_replaced")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _agree_on_role(feed: Feed, watcher: Watcher, start: Start) -> bool:
    """Give a watcher the role that was read, and tell whether what it was put goes by the same.

    Where events that come after were put by another role, they have to be read instead.
    """
    is_host = start.participant.role == "host"
    if watcher.is_host != is_host and not feed.is_ahead_of(start.epoch, start.event_seq):
        watcher.is_host = is_host
    return watcher.is_host == is_host
