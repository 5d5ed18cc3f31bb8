"""Presence: which connections are open, lost and gone, over processes, crashes and clock steps.

A connection's row says which process holds its event stream. What happens when, is timed by this
process's monotonic clock alone: an age is the time for which this process has seen a value stand
still, never a difference of two wall clocks, so a clock that steps disconnects nobody (JOIN-10).

Three watches run here:

- the streams of this process: a lost one is shown as reconnecting after `reconnecting_after_s`,
  and the connection is closed after `linger_s` (JOIN-4);
- the other processes: one whose heartbeat stands still for `DEAD_AFTER_S` is declared dead, and
  its connections are lost;
- what nobody else will end: lost connections of dead processes, and joins that never opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from moot.control import lease
from moot.control.context import Control
from moot.control.deadlines import Deadlines
from moot.control.lease import Opened, Stamp, stamp_of
from moot.control.media_lease import is_shared
from moot.errors import Problem
from moot.model.ids import ConnectionId, MeetingId, ProcessId
from moot.model.meeting import Connection, Process
from moot.store.port import Transaction

BEAT_S: Final = 0.5
"""Seconds between two heartbeats, and between two looks at the others."""
DEAD_AFTER_S: Final = 2.25
"""How long a heartbeat may stand still. Shorter takes a process that waits for a slow disk for
dead; longer shows people of a dead one as connected for longer. With one beat until it is looked at
again this stays within the 3 s of JOIN-4."""
OPEN_WITHIN_S: Final = 30.0
"""How long a join may take to open its event stream, where the linger time is shorter."""
_IDLE_S: Final = 30.0
_RESPITE_S: Final = 10.0
_ORPHANS_EVERY_S: Final = 5.0
_ENDING_EVERY_S: Final = 2.0
_ENDING_SPARE: Final = 20.0
"""How many times as long as a look took until the next. Less has joins wait for looks where many
are pending; more ends those later that nobody opens."""
_FAR_MS: Final = 2**53
_LOOK: Final = 5000


@dataclass(slots=True)
class _Seen:
    """A value that stands still, and since when by this process's own clock."""

    value: object
    since: float


class Presence:
    """This process's open connections, its heartbeat, and the deadlines of lost connections."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._process_id = ProcessId(control.new_id())
        self._started_at = control.clock.now_ms()
        self._open: dict[ConnectionId, Opened] = {}
        self._lost: dict[ConnectionId, Stamp] = {}
        self._opening = 0
        self._asked_at = 0
        self._is_registered = False
        # Who carries media for others is known to them although it may hold no stream itself.
        self._media_url = control.config.media_url or "" if is_shared(control.config) else ""
        self._is_draining = False
        self._idle_since = control.clock.monotonic()
        self._registering = asyncio.Lock()
        self._fenced: list[Callable[[], None]] = []
        self._is_store_away = False
        self._respite_until = 0.0
        # Apart, because an end waits for the media engine, and must not hold up a loss.
        self._losses = Deadlines(control.clock.monotonic, BEAT_S)
        self._ends = Deadlines(control.clock.monotonic, BEAT_S)
        self._has_beaten = asyncio.Event()
        self._beat_at = 0.0
        self._processes: dict[ProcessId, _Seen] = {}
        self._dead: dict[ProcessId, float] = {}
        self._orphans: dict[ConnectionId, Stamp] = {}
        self._ending: dict[ConnectionId, Stamp] = {}
        self._ending_at = 0.0
        self._last_look: float | None = None
        self._has_vanished = True
        self._orphans_at = 0.0

    @property
    def process_id(self) -> ProcessId:
        """Who leases this process's connections; changes when it was declared dead meanwhile."""
        return self._process_id

    def when_fenced(self, act: Callable[[], None]) -> None:
        """Have `act` called when this process finds that others have declared it dead.

        Its streams are to be ended then: their connections count as lost already.
        """
        self._fenced.append(act)

    async def run(self) -> None:
        """Beat, reap and expire until cancelled; a store that is away is waited for."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._run_beat())
            group.create_task(self._run_look())
            group.create_task(self._losses.run())
            group.create_task(self._ends.run())

    async def close(self) -> None:
        """Give up this process's leases, so that others need not wait for its heartbeat to age.

        Its connections stay open in the store, and count as lost as soon as another process, or
        the next start of this one, looks. Idempotent.
        """
        self._open.clear()
        self._lost.clear()
        self._losses.clear()
        self._ends.clear()
        async with self._registering:
            if self._is_registered:
                self._is_registered = False
                process_id = self._process_id
                await self._control.store.write(lambda tx: tx.delete_process(process_id))

    async def drain(self) -> None:
        """Let the others take over the media that this process carries."""
        self._is_draining = True
        async with self._registering:
            if self._is_registered and self._media_url:
                process = self._process()
                await self._control.store.write(lambda tx: tx.upsert_process(process))

    async def opened(
        self, meeting_id: MeetingId, connection_id: ConnectionId, *, fence: int
    ) -> Opened:
        """Lease a connection to this process: its participant is present (JOIN-4).

        Raises:
            Problem: `meeting_not_found`, `connection_closed`, `connection_replaced` (it was opened
                again here since), `meeting_ended`, `participant_removed`, `lobby_denied`,
                `restarting` (this process was declared dead meanwhile), `unavailable`.

        If cancelled, the connection counts as lost from now.
        """
        # The order in which streams are asked for is the order in which they replace each other.
        asked_at = self._asked_at = max(self._control.clock.now_ms(), self._asked_at + 1)
        self._opening += 1
        try:
            await self._register()
            stamp = Stamp("open", fence, asked_at, self._process_id)
            try:
                opened = await self._control.change(
                    meeting_id, partial(lease.take, connection_id=connection_id, stamp=stamp)
                )
            except BaseException as reason:
                if not isinstance(reason, Problem) or reason.kind.id == "unavailable":
                    # It may be committed all the same, and nobody else would end it.
                    self._lose(meeting_id, connection_id, stamp)
                raise
            if stamp.process_id != self._process_id:
                raise Problem("restarting", retry_after_s=1)
            if asked_at < self._newest(connection_id):
                raise Problem("connection_replaced")
            self._open[connection_id] = opened
            self._lost.pop(connection_id, None)
            return opened
        finally:
            self._opening -= 1

    def lost(self, opened: Opened) -> None:
        """Say that a stream is gone; a newer stream of the same connection is not touched."""
        if self._open.get(opened.connection_id) is opened:
            self.gone(opened)
            self._lose(opened.meeting_id, opened.connection_id, opened.stamp)

    def gone(self, opened: Opened) -> None:
        """Say that a stream has ended because its connection was closed: nothing is lost."""
        if self._open.get(opened.connection_id) is opened:
            del self._open[opened.connection_id]
            if not self._open:
                self._idle_since = self._control.clock.monotonic()

    async def step(self) -> None:
        """Do what is due now: for tests, which move the clock themselves."""
        await self._step_deadlines()
        if await self._beat():
            await self._look_around()
        await self._step_deadlines()

    async def _step_deadlines(self) -> None:
        await self._losses.step()
        await self._ends.step()

    # Deadlines of lost connections

    def _newest(self, connection_id: ConnectionId) -> int:
        """Say when the latest known stream of a connection was asked for; 0 where none is known."""
        opened, lost = self._open.get(connection_id), self._lost.get(connection_id)
        return max(opened.stamp.changed_at if opened else 0, lost.changed_at if lost else 0)

    def _lose(self, meeting_id: MeetingId, connection_id: ConnectionId, stamp: Stamp) -> None:
        if stamp.changed_at < self._newest(connection_id):
            return
        self._lost[connection_id] = stamp
        at = self._control.clock.monotonic()
        self._losses.at(
            at + self._control.config.reconnecting_after_s,
            partial(self._mark_lost, meeting_id, connection_id, stamp, at),
        )

    async def _mark_lost(
        self, meeting_id: MeetingId, connection_id: ConnectionId, stamp: Stamp, lost_at: float
    ) -> None:
        if self._lost.get(connection_id) is not stamp:
            # The stream was opened again meanwhile; if it was lost again, that loss counts.
            return
        await self._end_spell(meeting_id, connection_id, stamp, lost_at)
        if self._lost.get(connection_id) is stamp:
            del self._lost[connection_id]

    async def _end_spell(
        self, meeting_id: MeetingId, connection_id: ConnectionId, stamp: Stamp, lost_at: float
    ) -> None:
        """Mark a connection lost, unless it was opened again, and have it end in time."""
        lost = await self._control.change(
            meeting_id, partial(lease.lose, connection_id=connection_id, stamp=stamp)
        )
        if lost is not None:
            self._expire_at(
                lost_at + self._control.config.linger_s, meeting_id, connection_id, lost
            )

    def _expire_at(
        self, when: float, meeting_id: MeetingId, connection_id: ConnectionId, stamp: Stamp
    ) -> None:
        self._ends.at(when, partial(self._expire, meeting_id, connection_id, stamp))

    async def _expire(
        self, meeting_id: MeetingId, connection_id: ConnectionId, stamp: Stamp
    ) -> None:
        if self._control.clock.monotonic() < self._respite_until:
            self._expire_at(self._respite_until, meeting_id, connection_id, stamp)
            return
        await self._control.change(
            meeting_id, partial(lease.expire, connection_id=connection_id, stamp=stamp)
        )

    # Heartbeat and the others

    async def _run_beat(self) -> None:
        while True:
            if await self._beat():
                self._has_beaten.set()
            await asyncio.sleep(BEAT_S)

    async def _run_look(self) -> None:
        # A look follows a beat, for where this process cannot beat, the others cannot either; but
        # no beat waits for a look, which takes long where a crowd was lost.
        while True:
            await self._has_beaten.wait()
            self._has_beaten.clear()
            await self._look_around()

    async def _beat(self) -> bool:
        """Show that this process lives; tells whether the store has taken it."""
        began = self._control.clock.monotonic()
        try:
            await self._keep_lease()
        except Problem as problem:
            self._miss(problem)
            return False
        self._beat_at = began
        return True

    async def _look_around(self) -> None:
        try:
            await self._look()
        except Problem as problem:
            self._miss(problem)
        else:
            if self._is_store_away:
                self._is_store_away = False
                self._respite()

    def _miss(self, problem: Problem) -> None:
        self._is_store_away = True
        self._respite()
        # The others could not beat either.
        self._processes.clear()
        self._control.log.warning("Presence could not be looked after", code=problem.kind.id)

    def _respite(self) -> None:
        """Expire nobody yet: while the store was away, people could not come back either."""
        respite_s = min(self._control.config.linger_s, _RESPITE_S)
        self._respite_until = self._control.clock.monotonic() + respite_s

    async def _register(self) -> None:
        async with self._registering:
            if not self._is_registered:
                process = self._process()
                await self._control.store.write(lambda tx: tx.upsert_process(process))
                self._is_registered = True

    def _process(self) -> Process:
        return Process(
            id=self._process_id,
            started_at=self._started_at,
            heartbeat_at=self._control.clock.now_ms(),
            media_url=self._media_url,
            draining=self._is_draining,
        )

    async def _keep_lease(self) -> None:
        if self._media_url:
            await self._register()
        async with self._registering:
            if not self._is_registered:
                return
            process_id = self._process_id
            idle_s = self._control.clock.monotonic() - self._idle_since
            is_idle = not self._open and not self._opening and not self._media_url
            if is_idle and idle_s > _IDLE_S:
                await self._control.store.write(lambda tx: tx.delete_process(process_id))
                self._is_registered = False
                return
            now = self._control.clock.now_ms()
            # Behind a flood of other work it would come too late, and all streams would be ended.
            alive = await self._control.store.write_first(
                lambda tx: tx.heartbeat(process_id, at=now)
            )
            if not alive:
                self._fence()

    def _fence(self) -> None:
        self._control.log.warning("Process was declared dead, ending its streams")
        self._is_registered = False
        self._has_vanished = True
        self._process_id = ProcessId(self._control.new_id())
        self._open.clear()
        self._lost.clear()
        for act in self._fenced:
            act()

    async def _look(self) -> None:
        now = self._control.clock.monotonic()
        if self._last_look is not None and now - self._last_look > 2 * DEAD_AFTER_S:
            # This process itself stood still, perhaps with the whole machine: give the others time.
            self._processes.clear()
        self._last_look = now
        store = self._control.store
        await self._bury(now, await store.read(lambda tx: tx.list_processes(alive_since=0)))
        # Only a process that is no more leaves orphans, so they are looked for when one has gone,
        # and now and then in case that was not seen.
        if self._has_vanished or self._orphans or now >= self._orphans_at:
            self._adopt(now, await store.read(_orphans))
            self._has_vanished = False
            self._orphans_at = now + _ORPHANS_EVERY_S
        if now >= self._ending_at:
            began = self._control.clock.monotonic()
            self._outlast(now, await store.read(_ending))
            # A flood of joins that never open is thousands of rows to read, and none is in a hurry.
            # Nor may one long look, of a process that was stopped meanwhile, put off the next.
            ended = self._control.clock.monotonic()
            every_s = min(_ENDING_EVERY_S, self._control.config.linger_s / 15)
            spare_s = min(_ENDING_SPARE * (ended - began), OPEN_WITHIN_S)
            self._ending_at = ended + max(every_s, spare_s)

    async def _bury(self, now: float, processes: Sequence[Process]) -> None:
        """Declare processes dead whose heartbeat stood still."""
        seen: dict[ProcessId, _Seen] = {}
        for process in processes:
            if process.id == self._process_id:
                continue
            before = self._processes.get(process.id)
            if before is None or before.value != process.heartbeat_at:
                before = _Seen(process.heartbeat_at, now)
            seen[process.id] = before
        self._has_vanished |= not self._processes.keys() <= seen.keys()
        self._processes = seen
        for process_id, each in seen.items():
            # Not until now: while this process waited for the store, the others may have, too.
            if self._beat_at - each.since >= DEAD_AFTER_S:
                await self._control.store.write(partial(_delete_process, process_id=process_id))
                self._dead[process_id] = each.since
                self._control.log.warning("Process is dead, its connections are lost")
        self._has_vanished |= bool(self._dead)

    def _adopt(self, now: float, orphans: Sequence[tuple[MeetingId, Connection]]) -> None:
        """Have connections lost whose process is no more, each once as long as it stands still."""
        seen: dict[ConnectionId, Stamp] = {}
        for meeting_id, connection in orphans:
            if connection.process_id == self._process_id:
                continue
            stamp = seen[connection.id] = stamp_of(connection)
            if self._orphans.get(connection.id) == stamp:
                continue
            # A dead owner's silence was the debounce. Where it left in order, its people are about
            # to open a stream elsewhere and get the usual time for it.
            lost_at = now
            if connection.process_id is not None:
                lost_at = self._dead.get(connection.process_id, now)
            self._losses.at(
                lost_at + self._control.config.reconnecting_after_s,
                partial(self._end_spell, meeting_id, connection.id, stamp, lost_at),
            )
        self._orphans = seen
        if not orphans:
            self._dead.clear()

    def _outlast(self, now: float, ending: Sequence[tuple[MeetingId, Connection]]) -> None:
        """Give lost and pending connections a deadline, each once as long as it stands still."""
        seen: dict[ConnectionId, Stamp] = {}
        linger_s = self._control.config.linger_s
        for meeting_id, connection in ending:
            stamp = seen[connection.id] = stamp_of(connection)
            if self._ending.get(connection.id) == stamp:
                continue
            # The process that marked it lost ends it in time; this is for when that one is gone.
            allowed_s = (
                linger_s + BEAT_S if connection.state == "lost" else max(linger_s, OPEN_WITHIN_S)
            )
            self._ends.at(
                now + allowed_s, partial(self._expire_ending, meeting_id, connection.id, stamp)
            )
        self._ending = seen

    async def _expire_ending(
        self, meeting_id: MeetingId, connection_id: ConnectionId, stamp: Stamp
    ) -> None:
        if self._ending.get(connection_id) == stamp:
            await self._expire(meeting_id, connection_id, stamp)


def _delete_process(tx: Transaction, *, process_id: ProcessId) -> None:
    tx.delete_process(process_id)


# Times are left out of both on purpose (0 and the far future): ages are judged by the clock of the
# process that looks.


def _orphans(tx: Transaction) -> Sequence[tuple[MeetingId, Connection]]:
    return tx.orphaned_connections(alive_since=0, limit=_LOOK)


def _ending(tx: Transaction) -> Sequence[tuple[MeetingId, Connection]]:
    return tx.overdue_connections(before=_FAR_MS, limit=_LOOK)
