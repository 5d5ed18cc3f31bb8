"""The meetings in the engine and the few moves that everything else is made of.

The rooms beside it come here with what the port wants (`engine`), what clients want (`signalling`)
and what the core saw (`core_events`); only here do the registry, the core and the two ways
of telling (outboxes for clients, the feed for control) change together.
"""

from __future__ import annotations

import secrets
import string
from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from moot.media.builtin.connection import Connection
from moot.media.builtin.core import MediaCore, core_sources, is_closed, is_overload
from moot.media.builtin.meeting import LiveMeeting
from moot.media.builtin.notice import (
    Closed,
    Closing,
    MuteChanged,
    Notice,
    ParticipantsChanged,
    QualitySeen,
    TrackTaken,
)
from moot.media.builtin.publication import Publication
from moot.media.builtin.view import ConnectionState
from moot.media.event import (
    MeetingClosed,
    SourceActive,
    SourceInactive,
    SpeakersChanged,
    TransportDisconnected,
)
from moot.media.feed import EventFeed
from moot.media.ledger import Ledger
from moot.media.port import MediaUnavailable
from moot.media.source import Source

_ALPHABET: Final = string.ascii_letters + string.digits
_ID_LENGTH: Final = 12
_RETURNABLE: Final = frozenset({Closing.CLOSED, Closing.FAILED, Closing.LOST})
GATHER_S_EACH: Final = 0.02
"""Seconds, for each person in a meeting, that newcomers are gathered before they are announced in
one message. Each message costs its sending once per person, so longer lets a crowd come in cheaply,
and shows a newcomer later; what it publishes is announced at once in any case."""
GATHER_MOST_S: Final = 1.0
"""The longest that a newcomer waits to be announced, however large the meeting."""
EMPTY_TIMEOUT_S: Final = 20
"""Seconds a meeting is kept with nobody in it. Longer spares a core set-up to someone who comes
back; shorter frees the shard for others."""


def new_id(prefix: str) -> str:
    """Make an id of 71 random bits behind a prefix, as LiveKit's SDKs expect it."""
    number = secrets.randbelow(len(_ALPHABET) ** _ID_LENGTH)
    drawn = []
    for _ in range(_ID_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        drawn.append(_ALPHABET[place])
    return prefix + "".join(drawn)


class Hub:
    """Registry of meetings, connections and tracks, and how a change of one reaches everyone.

    Args:
        core: carries the media.
        feed: tells control.
        ledger: what control has said of identities.
        clock: Unix seconds.
        later: calls something after so many seconds, as an event loop does.
    """

    def __init__(
        self,
        core: MediaCore,
        feed: EventFeed,
        ledger: Ledger,
        clock: Callable[[], float],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self.core = core
        self.feed = feed
        self.ledger = ledger
        self.now = clock
        self._later = later
        self.meetings: dict[str, LiveMeeting] = {}
        self.connections: dict[str, Connection] = {}
        self.owners: dict[str, Connection] = {}
        self.counts: Counter[str] = Counter()
        self._owed: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    # Commanding.

    def command(self, verb: Callable[..., None], *args: Any) -> None:
        """Give the core a command that must not be lost: what its queue cannot take now is owed,
        in order, and given by `settle`. A core that is gone needs no command any more.
        """
        self._owed.append((verb, args))
        self.settle()

    def settle(self) -> None:
        """Give the core what is owed, as far as its queue takes it."""
        while self._owed:
            verb, args = self._owed[0]
            try:
                verb(*args)
            except Exception as error:
                if is_overload(error):
                    self.counts["core_overload"] += 1
                    return
                if not is_closed(error):
                    self._owed.popleft()
                    raise
            self._owed.popleft()

    # Finding.

    def meeting(self, key: str) -> LiveMeeting:
        """Find or open a meeting.

        Raises:
            MediaUnavailable: the core is overloaded and has yet to close the meeting's last run.
        """
        meeting = self.meetings.get(key)
        if meeting is None:
            self.settle()
            if any(key in args for _, args in self._owed):
                raise MediaUnavailable("The media engine is overloaded.")
            self.core.open_meeting(key)
            meeting = LiveMeeting(
                key=key, sid=new_id("RM_"), now=self.now(), empty_timeout_s=EMPTY_TIMEOUT_S
            )
            self.meetings[key] = meeting
        return meeting

    def find(self, meeting_key: str, identity: str) -> Connection | None:
        """Find the connection of an identity in a meeting."""
        meeting = self.meetings.get(meeting_key)
        return meeting.find(identity) if meeting is not None else None

    def others(self, connection: Connection) -> Iterable[Connection]:
        """Go through everyone else in a connection's meeting."""
        meeting = self.meetings.get(connection.meeting_key)
        if meeting is None:
            return ()
        return (other for other in meeting if other is not connection)

    # Telling.

    def tell_all(self, meeting_key: str, notice: Notice) -> None:
        """Tell everyone in a meeting."""
        for connection in self.meetings.get(meeting_key, ()):
            connection.outbox.put(notice)

    def announce(self, connection: Connection) -> None:
        """Show a changed connection to everyone who may see it, itself included."""
        notice = ParticipantsChanged(views=(connection.changed(),))
        if connection.permission.is_hidden:
            connection.outbox.put(notice)
        else:
            self.tell_all(connection.meeting_key, notice)

    def announce_soon(self, connection: Connection) -> None:
        """Announce a change that shows neither picture nor sound: together with others', after a
        time that grows with the meeting, for each newcomer costs a message to everyone there.
        """
        meeting = self.meetings[connection.meeting_key]
        if connection.permission.is_hidden:
            self.announce(connection)
            return
        connection.changed()
        is_first = not meeting.gathered
        meeting.gathered[connection.sid] = connection
        if is_first:
            gather_s = min(len(meeting) * GATHER_S_EACH, GATHER_MOST_S)
            self._later(gather_s, partial(self._announce_gathered, meeting, meeting.gathered))

    def _announce_gathered(self, meeting: LiveMeeting, gathered: dict[str, Connection]) -> None:
        if not gathered or meeting.gathered is not gathered:
            return
        meeting.gathered = {}
        notice = ParticipantsChanged(views=tuple(one.view() for one in gathered.values()))
        for connection in meeting:
            connection.outbox.put(notice)

    def tell_qualities(self) -> None:
        """Tell every meeting whose quality has changed since the last time, in one message: on a
        bad day everyone's changes every second. Newcomers who wait to be announced go along.
        """
        for meeting in self.meetings.values():
            changed = [self.connections[sid] for sid in meeting.graded]
            meeting.graded.clear()
            qualities = []
            for one in changed:
                if one.quality is None:
                    continue
                seen = (one.sid, one.quality[0], one.quality[1])
                if one.permission.is_hidden:
                    one.outbox.put(QualitySeen(qualities=(seen,)))
                else:
                    qualities.append(seen)
            if qualities:
                self._announce_gathered(meeting, meeting.gathered)
                self.tell_all(meeting.key, QualitySeen(qualities=tuple(qualities)))

    # Publications.

    def change(self, connection: Connection, publication: Publication) -> None:
        """Put a changed publication in its place, announce it, and tell control what it means."""
        before = connection.active()
        connection.put(publication)
        self.owners[publication.track_id] = connection
        if publication.has_arrived:
            self.announce(connection)
        self._report(connection, before)

    def unpublish(self, connection: Connection, track_id: str) -> None:
        """Forget a publication. Calling it again changes nothing."""
        before = connection.active()
        publication = connection.publications.pop(track_id, None)
        self.owners.pop(track_id, None)
        if publication is None:
            return
        connection.forget(track_id)
        for other in self.others(connection):
            other.forget(track_id)
        if publication.has_arrived:
            self.announce(connection)
        self._report(connection, before)

    def set_muted(self, connection: Connection, track_id: str, *, is_muted: bool) -> None:
        """Mute or unmute a publication in the core, and show it."""
        publication = connection.publications[track_id]
        if publication.is_muted == is_muted:
            return
        self.command(self.core.set_muted, track_id, is_muted)
        self.change(connection, replace(publication, is_muted=is_muted))

    def set_forwarded(self, connection: Connection, sources: frozenset[Source]) -> None:
        """Let the core forward these sources of a connection and no others.

        What falls silent by it is muted as well, and its publisher is told: once the source is
        allowed again, it is for the person to unmute (HOST-4).
        """
        if sources == connection.forwarded:
            return
        before = connection.active()
        self.command(self.core.set_allowed_sources, connection.sid, core_sources(sources))
        connection.forwarded = sources
        for track_id, publication in list(connection.publications.items()):
            is_allowed = connection.is_allowed(publication.request.source)
            if is_allowed == publication.is_allowed:
                continue
            is_muted = publication.is_muted or not is_allowed
            if is_muted and not publication.is_muted:
                self.command(self.core.set_muted, track_id, True)
                connection.outbox.put(MuteChanged(track_id=track_id, is_muted=True))
            connection.put(replace(publication, is_allowed=is_allowed, is_muted=is_muted))
        self.announce(connection)
        self._report(connection, before)

    # Subscriptions.

    def may_receive(self, connection: Connection, owner: Connection, track_id: str) -> bool:
        """Tell whether a connection may have another's track."""
        return (
            connection is not owner
            and connection.meeting_key == owner.meeting_key
            and connection.permission.may_subscribe
            and owner.trusts(connection.identity, track_id)
        )

    def subscribe(self, connection: Connection, track_ids: Iterable[str]) -> None:
        """Let the core send tracks to a connection: those that have arrived and are allowed."""
        sent = []
        for track_id in track_ids:
            owner = self.owners.get(track_id)
            if owner is None or not self.may_receive(connection, owner, track_id):
                continue
            publication = owner.publications[track_id]
            if not publication.has_arrived:
                continue
            sent.append(track_id)
            if not publication.was_taken:
                owner.put(replace(publication, was_taken=True))
                owner.outbox.put(TrackTaken(track_id=track_id))
        if sent:
            self.command(self.core.subscribe, connection.sid, sent)

    def unsubscribe(self, connection: Connection, track_ids: list[str]) -> None:
        """Let the core send tracks to a connection no longer; what it does not get is skipped."""
        self.command(self.core.unsubscribe, connection.sid, track_ids)
        for track_id in track_ids:
            connection.end_subscription(track_id)

    def subscribe_to_present(self, connection: Connection) -> None:
        """Subscribe a connection to what is there already and it wants."""
        self.subscribe(
            connection,
            [
                track_id
                for other in self.others(connection)
                for track_id in other.publications
                if self.wants(connection, track_id)
            ],
        )

    def wants(self, connection: Connection, track_id: str) -> bool:
        """Tell whether a connection wants a track, by name or because it wants everything."""
        if track_id in connection.declined:
            return False
        return connection.wants_everything or track_id in connection.wanted

    # Ends.

    def drop(self, connection: Connection, why: Closing) -> None:
        """End a connection: its transports close, everyone is told. Calling it again changes
        nothing.
        """
        if connection.state is ConnectionState.GONE:
            return
        meeting = self.meetings[connection.meeting_key]
        before = connection.active()
        had_spoken = connection.sid in meeting.levels
        self.command(self.core.close_connection, connection.sid)
        meeting.discard(connection, self.now())
        del self.connections[connection.sid]
        for track_id in connection.publications:
            self.owners.pop(track_id, None)
            for other in meeting:
                other.forget(track_id)
        connection.publications.clear()
        connection.state = ConnectionState.GONE
        connection.why_gone = why.value
        notice = ParticipantsChanged(views=(connection.changed(),))
        if not connection.permission.is_hidden:
            self.tell_all(meeting.key, notice)
        connection.outbox.put_last(Closed(why=why, may_return=why in _RETURNABLE))
        self._report(connection, before)
        if had_spoken:
            self.feed.publish(SpeakersChanged(meeting_key=meeting.key, speakers=meeting.speakers()))
        self.feed.publish(
            TransportDisconnected(
                meeting_key=meeting.key, identity=connection.identity, reason=why.value
            )
        )

    def close_meeting(self, key: str, why: Closing) -> None:
        """End a meeting for everyone. Calling it again changes nothing."""
        meeting = self.meetings.get(key)
        if meeting is None:
            return
        for connection in meeting:
            self.drop(connection, why)
        del self.meetings[key]
        self.command(self.core.close_meeting, key)
        self.feed.publish(MeetingClosed(meeting_key=key))

    def _report(self, connection: Connection, before: dict[Source, str]) -> None:
        after = connection.active()
        for source, track_id in before.items():
            if source not in after:
                self.feed.publish(
                    SourceInactive(
                        meeting_key=connection.meeting_key,
                        identity=connection.identity,
                        source=source,
                        track_id=track_id,
                    )
                )
        for source, track_id in after.items():
            if before.get(source) != track_id:
                self.feed.publish(
                    SourceActive(
                        meeting_key=connection.meeting_key,
                        identity=connection.identity,
                        source=source,
                        track_id=track_id,
                    )
                )
