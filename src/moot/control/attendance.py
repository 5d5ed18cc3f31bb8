"""Who is in a meeting, kept in memory between transactions and proven by the meeting's number.

Reading a hundred rows for each of a hundred joins is what makes a large meeting slow to fill. Every
change of what others see of a participant is a numbered event (EVENT-1), and its body is the whole
new view, so what was read at one `event_seq` is carried on by events alone, as every browser does.
Nothing here is believed by its age: it counts only together with the number in the meeting's row,
read in the same transaction.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

import msgspec

from moot.model.event import Body, EndedBody, LeftBody, ModeratedBody, ParticipantBody
from moot.model.ids import MeetingUid, ParticipantId
from moot.model.meeting import Event, Meeting
from moot.model.view import ParticipantView, participant_view
from moot.store.port import Transaction

_SHOWN: Final = ("connected", "reconnecting", "waiting", "removed")
_CATCH_UP: Final = 64
"""Missed events that are read to carry an attendance on; for more, everyone is read afresh."""
_PEOPLE: Final = 50_000
"""Views that one process keeps, half a kilobyte each. More serves more large meetings at once."""


class _Told(msgspec.Struct, frozen=True):
    participant: ParticipantView


_told = msgspec.json.Decoder(_Told).decode


@dataclass(frozen=True, slots=True)
class Attendance:
    """Everyone who is in, waits in the lobby or was removed, at one number of a meeting.

    Attributes:
        people: first come first; never changed, a later attendance has its own.
    """

    epoch: int
    event_seq: int
    people: dict[ParticipantId, ParticipantView]

    def after(self, event_seq: int, body: Body) -> Attendance:
        """Carry on by the next event."""
        if isinstance(body, EndedBody):
            return self._emptied(event_seq)
        if isinstance(body, ParticipantBody | LeftBody | ModeratedBody):
            return self._with(event_seq, body.participant)
        return Attendance(self.epoch, event_seq, self.people)

    def after_stored(self, event: Event) -> Attendance:
        """Carry on by the next event as it is stored.

        Raises:
            msgspec.MsgspecError: another release wrote one that this one cannot read.
        """
        if event.type == "meeting.ended":
            return self._emptied(event.event_seq)
        if event.type.startswith(("participant.", "lobby.")):
            return self._with(event.event_seq, _told(event.body).participant)
        return Attendance(self.epoch, event.event_seq, self.people)

    def _emptied(self, event_seq: int) -> Attendance:
        removed = {id_: view for id_, view in self.people.items() if view.status == "removed"}
        return Attendance(self.epoch, event_seq, removed)

    def _with(self, event_seq: int, view: ParticipantView) -> Attendance:
        people = dict(self.people)
        if view.status not in _SHOWN:
            people.pop(view.id, None)
        elif (
            view.id in people or not people or _place(people[next(reversed(people))]) < _place(view)
        ):
            people[view.id] = view
        else:
            people[view.id] = view
            people = {each.id: each for each in sorted(people.values(), key=_place)}
        return Attendance(self.epoch, event_seq, people)


class Attendances:
    """The attendances that this process keeps; called by the loop and by the store's threads."""

    def __init__(self, limit: int = _PEOPLE) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[MeetingUid, Attendance] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, tx: Transaction, meeting: Meeting) -> Attendance:
        """Find out who is in at the number of a meeting's row that was read in this transaction.

        What the transaction has written about participants must be told by events already, or not
        be written yet.
        """
        with self._lock:
            kept = self._kept.get(meeting.uid)
        if kept is not None and kept.epoch == meeting.epoch:
            missed = meeting.event_seq - kept.event_seq
            if missed == 0:
                return kept
            if 0 < missed <= _CATCH_UP:
                events = tx.list_events(meeting.uid, after=kept.event_seq, limit=missed)
                if len(events) == missed and events[-1].event_seq == meeting.event_seq:
                    with contextlib.suppress(msgspec.MsgspecError):
                        return reduce(Attendance.after_stored, events, kept)
        return _read(tx, meeting)

    def keep(self, meeting_uid: MeetingUid, attendance: Attendance) -> None:
        """Keep an attendance of a transaction that was committed, unless a newer one is known."""
        with self._lock:
            kept = self._kept.get(meeting_uid)
            if kept is not None:
                if (kept.epoch, kept.event_seq) > (attendance.epoch, attendance.event_seq):
                    return
                self._size -= len(kept.people) + 1
            self._kept[meeting_uid] = attendance
            self._kept.move_to_end(meeting_uid)
            self._size += len(attendance.people) + 1
            while self._size > self._limit:
                _, gone = self._kept.popitem(last=False)
                self._size -= len(gone.people) + 1


def visible(attendance: Attendance, *, to_host: bool) -> Sequence[ParticipantView]:
    """Choose whom a reader sees: hosts also see who waits and who was removed."""
    if to_host:
        return list(attendance.people.values())
    return [
        each for each in attendance.people.values() if each.status in ("connected", "reconnecting")
    ]


def _read(tx: Transaction, meeting: Meeting) -> Attendance:
    counts = tx.connection_counts(meeting.uid)
    people = {
        each.id: participant_view(each, connections=counts.get(each.id, 0))
        for each in tx.list_participants(meeting.uid, statuses=_SHOWN)
        if each.status != "waiting" or each.run == meeting.run
    }
    return Attendance(meeting.epoch, meeting.event_seq, people)


def _place(view: ParticipantView) -> tuple[int, str]:
    return view.joined_at, view.id
