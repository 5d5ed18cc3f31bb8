"""Which process carries a meeting's media: a leased row with a fencing epoch.

Only where several processes run the built-in engine: each names its own address in `media_url`,
and every one of them hands out the address of the one that holds the lease. A holder that is dead
or about to stop loses it to the least loaded of the others as soon as somebody asks.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from moot.config import Config
from moot.control.change import ALIVE
from moot.control.context import Control
from moot.errors import Problem
from moot.model.ids import MeetingUid, ProcessId
from moot.model.meeting import MediaLease, Process
from moot.store.port import Transaction

_ROUNDS: Final = 3
"""Each round but the last means that somebody else was first, and the next one finds them."""


def is_shared(config: Config) -> bool:
    """Whether media is carried by one of several processes, this one among them."""
    return config.media_url is not None and config.media != "livekit"


async def media_address(control: Control, meeting_uid: MeetingUid) -> str:
    """Find, or choose, the process that carries a meeting's media; return its address.

    Raises:
        Problem: `unavailable` where no process carries media at the moment.
    """
    held = await control.store.read(partial(_holder, meeting_uid=meeting_uid))
    if held is None:
        held = await control.store.write(partial(_take, meeting_uid=meeting_uid))
    if held is None:
        raise Problem("unavailable", retry_after_s=1)
    return held.media_url


async def release(control: Control, meeting_uid: MeetingUid, process_id: ProcessId) -> None:
    """Give up the lease on a meeting in which nobody is any more: the next is chosen by load."""

    def work(tx: Transaction) -> None:
        lease = tx.find_media_lease(meeting_uid)
        if lease is not None and lease.process_id == process_id:
            free = MediaLease(meeting_uid, None, lease.epoch + 1)
            tx.take_media_lease(free, expected_epoch=lease.epoch)

    await control.store.write(work)


async def take_up(control: Control, meeting_uid: MeetingUid, process_id: ProcessId) -> None:
    """Take the lease on a meeting to a process that people have come to, if nobody has it."""
    lease = await control.store.read(lambda tx: tx.find_media_lease(meeting_uid))
    if lease is not None and lease.process_id is None:
        taken = MediaLease(meeting_uid, process_id, lease.epoch + 1)
        # Somebody may be first; then they are sent on to that one.
        await control.store.write(lambda tx: tx.take_media_lease(taken, expected_epoch=lease.epoch))


def _carriers(tx: Transaction) -> list[Process]:
    # Every row is alive: presence takes away those of dead processes by its own clock.
    processes = tx.list_processes(alive_since=0)
    return [each for each in processes if each.media_url and not each.draining]


def _holder(tx: Transaction, *, meeting_uid: MeetingUid) -> Process | None:
    lease = tx.find_media_lease(meeting_uid)
    if lease is None:
        return None
    return next((each for each in _carriers(tx) if each.id == lease.process_id), None)


def _take(tx: Transaction, *, meeting_uid: MeetingUid) -> Process | None:
    for _ in range(_ROUNDS):
        if (held := _holder(tx, meeting_uid=meeting_uid)) is not None:
            return held
        loads = tx.media_loads(states=ALIVE)
        carriers = _carriers(tx)
        if not carriers:
            return None
        chosen = min(carriers, key=lambda each: (loads.get(each.id, 0), each.id))
        before = tx.find_media_lease(meeting_uid)
        epoch = before.epoch if before is not None else 0
        lease = MediaLease(meeting_uid, chosen.id, epoch + 1)
        if tx.take_media_lease(lease, expected_epoch=epoch) is not None:
            return chosen
    return None
