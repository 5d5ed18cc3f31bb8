"""One watched meeting in this process: its events in order, to every watcher (EVENT-1, EVENT-5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Literal, Protocol

import msgspec

from moot.control import frames
from moot.control.watcher import Watcher
from moot.model.event import EVERYONE, Ephemeral, may_read
from moot.model.ids import MeetingId, MeetingUid, ParticipantId
from moot.model.meeting import Event, Role

_AHEAD: Final = 1000
"""Announcements kept that came before their turn; beyond it the store is asked anyway."""


class _Person(msgspec.Struct, frozen=True):
    id: ParticipantId
    role: Role
    connections: int


class _Peek(msgspec.Struct, frozen=True):
    """What a process must know of an event about a participant."""

    participant: _Person
    reason: Literal["left", "lost"] | None = None


class _NextRun(msgspec.Struct, frozen=True):
    run: int


class _Ended(msgspec.Struct, frozen=True):
    """What a process must know of the end of a run."""

    meeting: _NextRun


_peek = msgspec.json.Decoder(_Peek).decode
_peek_ended = msgspec.json.Decoder(_Ended).decode


class Attendant(Protocol):
    """What a feed asks of the one that keeps it; each returns at once and is done later."""

    def catch_up(self, feed: Feed) -> None:
        """Read the events that were missed from the store."""
        ...

    def renew(self, feed: Feed, watchers: Sequence[Watcher]) -> None:
        """Give watchers, which hold, a new snapshot."""
        ...

    def check(self, feed: Feed, participant_id: ParticipantId) -> None:
        """End the streams of connections that were closed or made room for newer ones."""
        ...

    def ended(self, feed: Feed, run: int, *, event_seq: int) -> None:
        """Stop the media of a run that has ended, which another process may have done."""
        ...

    def told(self, feed: Feed, event: Event, participant_id: ParticipantId) -> None:
        """Note that an event about a participant went out."""
        ...


class Feed:
    """The order of one meeting's events, and who follows them here.

    Attributes:
        meeting_id: the meeting.
        meeting_uid: its row.
        epoch: the event log's name; meaningless until `event_seq` is set.
        event_seq: the last event delivered; None until the first watcher's snapshot was read.
        is_catching_up: the store is being asked for missed events.
    """

    def __init__(
        self, meeting_id: MeetingId, meeting_uid: MeetingUid, attendant: Attendant
    ) -> None:
        self.meeting_id = meeting_id
        self.meeting_uid = meeting_uid
        self.epoch = 0
        self.event_seq: int | None = None
        self.is_catching_up = False
        self._attendant = attendant
        self._watchers: set[Watcher] = set()
        self._by_participant: defaultdict[ParticipantId, set[Watcher]] = defaultdict(set)
        self._connections: dict[ParticipantId, int] = {}
        self._ahead: dict[int, Event] = {}
        self._began_at = 0

    @property
    def watchers(self) -> Iterable[Watcher]:
        """Everyone who follows here."""
        return self._watchers

    def streams_of(self, participant_id: ParticipantId) -> Collection[Watcher]:
        """One person's streams."""
        return self._by_participant.get(participant_id, ())

    def add(self, watcher: Watcher) -> None:
        """Let a watcher follow; it holds until it is started."""
        self._watchers.add(watcher)
        self._by_participant[watcher.participant_id].add(watcher)

    def discard(self, watcher: Watcher) -> None:
        """Let a watcher go. Idempotent."""
        self._watchers.discard(watcher)
        mine = self._by_participant.get(watcher.participant_id)
        if mine is not None:
            mine.discard(watcher)
            if not mine:
                del self._by_participant[watcher.participant_id]
                self._connections.pop(watcher.participant_id, None)

    def reaches(self, epoch: int, event_seq: int) -> bool:
        """Tell whether everything after this number was or will be put to whoever follows.

        Not so for a number that was read before another watcher's, from which delivery began: what
        lies between the two is never put, so the watcher has to be read for again.
        """
        return self.event_seq is None or epoch != self.epoch or event_seq >= self._began_at

    def is_ahead_of(self, epoch: int, event_seq: int) -> bool:
        """Tell whether something after this number was put already."""
        return self.event_seq is not None and epoch == self.epoch and event_seq < self.event_seq

    def begin(self, epoch: int, event_seq: int) -> None:
        """Set the place from which events are delivered, once; later calls change nothing."""
        if self.event_seq is None:
            self.epoch = epoch
            self.event_seq = self._began_at = event_seq
            if self._ahead:
                self._advance()

    def take(self, event: Event) -> None:
        """Take an event, whether heard or read: deliver it in its turn, exactly once."""
        if self.event_seq is None:
            self._keep(event)
        elif event.epoch != self.epoch:
            self.restart()
        elif event.event_seq == self.event_seq + 1:
            self._deliver(event)
            if self._ahead:
                self._advance()
        elif event.event_seq > self.event_seq:
            self._keep(event)
            self._attendant.catch_up(self)

    def learn(self, epoch: int, event_seq: int) -> None:
        """Learn how far the store is, and have read what is missing."""
        if self.event_seq is None:
            return
        if epoch != self.epoch:
            self.restart()
        elif event_seq > self.event_seq:
            self._attendant.catch_up(self)

    def restart(self) -> None:
        """Begin again from a snapshot: the log has another history, or a gap cannot be read."""
        self.event_seq = None
        self._ahead.clear()
        watchers = list(self._watchers)
        for watcher in watchers:
            watcher.hold()
        self._attendant.renew(self, watchers)

    def pass_on(self, passing: Ephemeral) -> None:
        """Hand out something that may be lost."""
        message = frames.ephemeral(passing)
        key = f"{passing.kind} {passing.key}" if passing.key else ""
        everyone = passing.audience == EVERYONE
        for watcher in self._watchers:
            if not watcher.is_waiting and (everyone or _may_read(passing.audience, watcher)):
                watcher.pass_on(key, message)

    def _keep(self, event: Event) -> None:
        if len(self._ahead) < _AHEAD:
            self._ahead[event.event_seq] = event

    def _advance(self) -> None:
        seq = self.event_seq or 0
        while (event := self._ahead.pop(seq + 1, None)) is not None:
            if event.epoch != self.epoch:
                break
            self._deliver(event)
            seq += 1
        if self._ahead:
            self._ahead = {n: event for n, event in self._ahead.items() if n > seq}
        if self._ahead:
            self._attendant.catch_up(self)

    def _deliver(self, event: Event) -> None:
        seq = self.event_seq = event.event_seq
        message = frames.event(event)
        if event.audience == EVERYONE:
            for watcher in self._watchers:
                if not watcher.is_waiting:
                    watcher.put(seq, message)
        else:
            hidden = frames.hidden(event)
            audience = event.audience
            for watcher in self._watchers:
                if not watcher.is_waiting:
                    watcher.put(seq, message if _may_read(audience, watcher) else hidden)
        if not event.type.startswith("chat."):
            self._follow_up(event)

    def _follow_up(self, event: Event) -> None:
        """Do to the streams of this process what an event means for them.

        It may be heard late, when those it meant have come back by a new stream.
        """
        if event.type == "meeting.ended":
            _close(_meant(self._watchers, event), "meeting_ended")
            run = _peek_ended(event.body).meeting.run - 1
            self._attendant.ended(self, run, event_seq=event.event_seq)
            return
        if event.type == "meeting.updated":
            return
        peek = _peek(event.body)
        person = peek.participant
        self._attendant.told(self, event, person.id)
        mine = _meant(self.streams_of(person.id), event)
        if not mine:
            return
        if event.type == "participant.removed":
            _close(mine, "participant_removed")
        elif event.type == "participant.left":
            _close(mine, "left" if peek.reason == "left" else "connection_closed")
        elif event.type == "lobby.left":
            _close(mine, "left")
        elif event.type == "lobby.denied":
            self._answer(mine, "denied")
            _close(mine, "lobby_denied")
        elif event.type == "lobby.admitted":
            self._answer(mine, "admitted")
        else:
            self._adjust(mine, person)

    def _answer(self, watchers: Iterable[Watcher], status: frames.LobbyStatus) -> None:
        message = frames.lobby(status)
        for watcher in watchers:
            if watcher.is_waiting:
                watcher.say(message)

    def _adjust(self, watchers: Iterable[Watcher], person: _Person) -> None:
        if self._connections.get(person.id) != person.connections:
            self._connections[person.id] = person.connections
            self._attendant.check(self, person.id)
        promoted = []
        for watcher in watchers:
            was_host, watcher.is_host = watcher.is_host, person.role == "host"
            if watcher.is_host and not was_host and not watcher.is_waiting:
                watcher.hold()
                promoted.append(watcher)
        if promoted:
            self._attendant.renew(self, promoted)


def _meant(watchers: Iterable[Watcher], event: Event) -> Sequence[Watcher]:
    return [watcher for watcher in watchers if watcher.is_older_than(event)]


def _close(watchers: Iterable[Watcher], problem_id: str) -> None:
    for watcher in watchers:
        watcher.close(problem_id)


def _may_read(audience: str, watcher: Watcher) -> bool:
    return may_read(audience, reader=watcher.participant_id, is_host=watcher.is_host)
