"""One event stream's bounded queue: filled without waiting, read by the edge (EVENT-5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from moot.model.ids import ConnectionId, MeetingId, ParticipantId
from moot.model.meeting import Event

QUEUE_MESSAGES: Final = 256
"""Durable messages that may wait. More rides out longer pauses of a reader and costs memory for
each of them; fewer cuts off people on slow links during a burst of joins."""
_EPHEMERAL: Final = 128
"""Ephemeral messages that may wait, and durable ones beyond which no ephemeral one is added."""
_BURST: Final = 4
"""How many times the byte limit one burst may bring to a reader who waits for it: muting everyone
in a large meeting is hundreds of events at once, and no fault of the reader's."""


class Watcher:
    """One connection's messages, ready-made, `hello` first.

    The feed puts, the edge reads; putting never waits and never fails. What does not fit ends the
    stream with `slow_reader`, which means: connect again and resume.

    Attributes:
        meeting_id: the meeting watched.
        connection_id: whose stream it is.
        fence: the connection's fencing number when the stream was opened.
        participant_id: who reads.
        opened_at: epoch and number of the last event before the stream was opened.
        is_host: whether the reader sees what only hosts see.
        is_waiting: the reader is in the lobby and sees nothing but the host's answer.
        has_begun: the reader was given `hello`, which comes before all else.
    """

    __slots__ = (
        "_alert",
        "_bytes",
        "_count",
        "_ephemeral",
        "_event_seq",
        "_held",
        "_is_awaited",
        "_limit_bytes",
        "_queue",
        "_reactions",
        "_tell_typing",
        "connection_id",
        "ending",
        "fence",
        "has_begun",
        "is_host",
        "is_waiting",
        "meeting_id",
        "opened_at",
        "participant_id",
    )

    def __init__(
        self,
        meeting_id: MeetingId,
        connection_id: ConnectionId,
        *,
        fence: int,
        participant_id: ParticipantId,
        opened_at: tuple[int, int],
        is_host: bool,
        is_waiting: bool,
        limit_bytes: int,
        tell_typing: Callable[[Watcher, ParticipantId | None], None],
    ) -> None:
        self.meeting_id = meeting_id
        self.connection_id = connection_id
        self.fence = fence
        self.participant_id = participant_id
        self.opened_at = opened_at
        self.is_host = is_host
        self.is_waiting = is_waiting
        self.has_begun = False
        self.ending: str | None = None
        self._limit_bytes = limit_bytes
        self._tell_typing = tell_typing
        self._queue: list[str] = []
        self._bytes = 0
        self._count = 0
        self._ephemeral: dict[str, str] = {}
        self._reactions = 0
        self._event_seq = 0
        self._held: list[tuple[int, str]] | None = []
        self._alert: Callable[[], None] | None = None
        self._is_awaited = False

    def take(self) -> Sequence[str]:
        """Take all messages that are there; empty where there are none. The reader is busy then."""
        self._is_awaited = False
        taken = self._queue
        if self._ephemeral:
            taken.extend(self._ephemeral.values())
            self._ephemeral = {}
        self._queue = []
        self._bytes = self._count = 0
        return taken

    def wait(self, act: Callable[[], None]) -> None:
        """Have `act` called once there is something to take, or the stream is to be closed.

        Once for each `wait`, at once where it is so already. Whoever puts is still at work then:
        `act` notes that the reader has to come, and returns.
        """
        self._is_awaited = True
        self._alert = act
        if self._queue or self._ephemeral or self.ending is not None:
            self._wake()

    def typing(self, *, to: ParticipantId | None = None) -> None:
        """Tell the others, or one of them, that this person types; too often is ignored."""
        self._tell_typing(self, to)

    def close(self, problem_id: str) -> None:
        """End the stream with a row of the table of errors; the first one counts."""
        if self.ending is None:
            self.ending = problem_id
            self._held = None
            self._wake()

    def is_older_than(self, event: Event) -> bool:
        """Tell whether the stream was open when an event happened, so that it is meant as well."""
        epoch, event_seq = self.opened_at
        return event.event_seq > event_seq or event.epoch != epoch

    def hold(self) -> None:
        """Keep back what comes until `start`, because a snapshot is being read."""
        if self._held is None and self.ending is None:
            self._held = []

    def start(self, event_seq: int, messages: Sequence[str]) -> None:
        """Give the reader these messages, which stand for everything up to `event_seq`.

        What was kept back meanwhile follows, without what the messages hold already. They are not
        held against the queue's bound: a snapshot is as large as the meeting.
        """
        held, self._held = self._held or (), None
        if self.ending is not None:
            return
        self.has_begun = True
        self._event_seq = event_seq
        self._queue.extend(messages)
        for number, message in held:
            self.put(number, message)
        self._wake()

    def put(self, event_seq: int, message: str) -> None:
        """Queue one durable message, unless the reader has it already."""
        if self._held is not None:
            self._held.append((event_seq, message))
            if len(self._held) > 4 * QUEUE_MESSAGES:
                self._cut()
            return
        if event_seq <= self._event_seq or self.ending is not None:
            return
        self._event_seq = event_seq
        self._queue.append(message)
        self._count += 1
        self._bytes += len(message)
        if self._is_awaited:
            self._wake()
            if self._bytes > _BURST * self._limit_bytes:
                self._cut()
        elif self._bytes > self._limit_bytes or self._count > QUEUE_MESSAGES:
            self._cut()

    def say(self, message: str) -> None:
        """Queue a message that has no number, such as the host's answer in the lobby."""
        if self.ending is None:
            self._queue.append(message)
            self._wake()

    def pass_on(self, key: str, message: str) -> None:
        """Queue an ephemeral message; a newer one of the same key replaces it.

        Args:
            key: "" where each stands for itself.
            message: dropped where the reader is behind.
        """
        if self._held is not None or self.ending is not None or len(self._queue) > _EPHEMERAL:
            return
        if not key:
            self._reactions += 1
            key = f"reaction {self._reactions}"
        if key in self._ephemeral or len(self._ephemeral) < _EPHEMERAL:
            self._ephemeral[key] = message
            self._wake()

    @property
    def event_seq(self) -> int:
        """The number of the last event put."""
        return self._event_seq

    def _cut(self) -> None:
        self._queue = []
        self._ephemeral = {}
        self._bytes = self._count = 0
        self.close("slow_reader")

    def _wake(self) -> None:
        alert = self._alert
        if alert is not None:
            self._alert = None
            alert()
