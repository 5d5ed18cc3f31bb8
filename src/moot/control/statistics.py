"""How everyone's media fares, for a host who is asked why a picture is bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moot.control.actor import Actor
from moot.control.context import Control
from moot.control.reading import found_meeting
from moot.control.seat import reading_inside
from moot.errors import Problem
from moot.media.key import meeting_key, split_identity
from moot.media.port import MediaUnavailable
from moot.media.stats import ConnectionStats
from moot.model.ids import MeetingId
from moot.store.port import Transaction


@dataclass(frozen=True, slots=True)
class MeasuredConnection:
    """One connection's figures, and whose it is."""

    participant_id: str
    connection_id: str
    stats: ConnectionStats


async def measure(
    control: Control, actor: Actor, meeting_id: MeetingId
) -> Sequence[MeasuredConnection]:
    """Measure every connection of a meeting's present run; changes nothing.

    Connections that only listen to the event stream have no media and are not listed.

    Raises:
        Problem: `meeting_not_found`, `not_in_meeting`, `host_only`, `unavailable`.
    """

    def look(tx: Transaction) -> str:
        meeting = found_meeting(tx, meeting_id)
        if reading_inside(tx, meeting, actor).role != "host":
            raise Problem("host_only")
        return meeting_key(meeting.id, meeting.run)

    key = await control.store.read(look)
    try:
        measured = await control.media.stats(key)
    except MediaUnavailable as problem:
        control.log.warning("Media engine gave no figures", reason=problem.reason)
        raise Problem("unavailable", retry_after_s=2) from problem
    return [
        MeasuredConnection(*names, stats)
        for stats in measured
        if (names := split_identity(stats.identity)) is not None
    ]
