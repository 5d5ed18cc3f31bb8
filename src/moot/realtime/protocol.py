"""One event stream as a state machine: no socket, no clock, no task.

Messages and the time go in; what to do comes out. The order is: `handle_text` for what the client
sent, `handle_time` at least once a second, and after either do what was returned, in order. After a
`Close` the machine is finished and returns nothing more.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

HELLO_WITHIN_S: Final = 10.0
PING_EVERY_S: Final = 5.0
MISSED: Final = 2
"""Pings without an answer after which the stream is closed: the loss is known after 10 to 15 s."""
LIMIT_BYTES: Final = 16_384
"""One message from a client; the largest that means anything is a hello of some 300 bytes."""
BURST: Final = 60.0
PER_S: Final = 10.0
"""Messages a client may send: a burst, then so many a second. Its own pings and answers are less
than one a second, typing at most one."""

_Id = Annotated[int, Meta(ge=-(2**53), le=2**53)] | Annotated[str, Meta(max_length=64)]
_Count = Annotated[int, Meta(ge=0, le=2**53)]


class SinceMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the client already has."""

    epoch: _Count
    event_seq: _Count


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello", forbid_unknown_fields=True):
    """The first message: which connection this is, and what it has."""

    connection_id: Annotated[str, Meta(max_length=45)]
    token: Annotated[str, Meta(max_length=512)]
    fence: _Count
    since: SinceMessage | None = None


class PingMessage(
    msgspec.Struct, frozen=True, tag_field="type", tag="ping", forbid_unknown_fields=True
):
    """Asks for a pong with the same id, in either direction."""

    id: _Id


class PongMessage(
    msgspec.Struct, frozen=True, tag_field="type", tag="pong", forbid_unknown_fields=True
):
    """Answers a ping."""

    id: _Id


class Typing(
    msgspec.Struct, frozen=True, tag_field="type", tag="typing", forbid_unknown_fields=True
):
    """The person types, to all or to one participant."""

    to: Annotated[str, Meta(max_length=45)] | None = None


class Send(msgspec.Struct, frozen=True):
    """Write this message now."""

    text: str


class Close(msgspec.Struct, frozen=True):
    """Close the stream with the close code of this row of the table of errors."""

    problem_id: str


Action = Hello | Send | Typing | Close

_DECODER: Final = msgspec.json.Decoder(Hello | PingMessage | PongMessage | Typing)
_ENCODER: Final = msgspec.json.Encoder()


class Stream:
    """One client's side of the conversation.

    Args:
        now: seconds of a clock that only goes forward, when the WebSocket was accepted.
    """

    __slots__ = (
        "_allowance",
        "_at",
        "_limit_bytes",
        "_missed",
        "_next_ping",
        "_pinged",
        "_said_hello",
        "_started",
    )

    def __init__(self, *, now: float, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._started = now
        self._at = now
        self._allowance = BURST
        self._said_hello = False
        self._next_ping = now + PING_EVERY_S
        self._pinged = 0
        self._missed = 0

    def handle_text(self, text: str, *, now: float) -> Action | None:
        """Take one message of the client and say what to do."""
        self._allowance = min(BURST, self._allowance + (now - self._at) * PER_S) - 1.0
        self._at = now
        if self._allowance < 0.0:
            return Close("rate_limited")
        limit = self._limit_bytes
        if len(text) > limit or (
            len(text) * 4 > limit and len(text.encode("utf-8", "replace")) > limit
        ):
            return Close("message_invalid")
        try:
            message = _DECODER.decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return Close("message_invalid" if self._said_hello else "hello_expected")
        return self._handle(message)

    def _handle(self, message: Hello | PingMessage | PongMessage | Typing) -> Action | None:
        if isinstance(message, Hello):
            if self._said_hello:
                return Close("message_invalid")
            self._said_hello = True
            return message
        if not self._said_hello:
            return Close("hello_expected")
        if isinstance(message, PingMessage):
            return Send(_ENCODER.encode({"type": "pong", "id": message.id}).decode())
        if isinstance(message, PongMessage):
            # Any answer to a ping of ours proves that the other side lives; an old one counts.
            if isinstance(message.id, int) and 0 < message.id <= self._pinged:
                self._missed = 0
            return None
        return message

    def handle_time(self, *, now: float) -> Action | None:
        """Say what is due: a ping, or the end of a stream whose client says nothing."""
        if not self._said_hello:
            return Close("hello_expected") if now - self._started >= HELLO_WITHIN_S else None
        if now < self._next_ping:
            return None
        if self._missed >= MISSED:
            return Close("ping_timeout")
        self._missed += 1
        self._pinged += 1
        self._next_ping = now + PING_EVERY_S
        return Send(f'{{"type":"ping","id":{self._pinged}}}')
