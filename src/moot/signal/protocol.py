"""One client's signalling without sockets: bytes in, requests and bytes out, time as an argument.

The endpoint feeds `receive`, sends what `messages_to_send` gives, and calls `handle_timeout` at
least once a second. Unknown kinds of message pass (newer clients know more than we do); what is
not a message at all closes its sender and nobody else.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from google.protobuf.message import DecodeError
from livekit.protocol import rtc

from moot.signal import outgoing

MESSAGE_LIMIT: Final = 1_048_576
"""Longest message taken, in bytes: the longest description the core takes fits in."""
SILENCE_S: Final = 45.0
"""Seconds without a message after which the socket is dead: clients ping every 5, and a browser
slows the timers of a hidden page."""
RENEWAL_S: Final = 240.0
"""Seconds between two fresh tokens: under half a ticket's life, so that one may be missed."""
RATE: Final = 50.0
"""Messages a second one client may send for long; a busy page sends under 10."""
BURST: Final = 400.0
"""Messages it may send at once: candidates, and one wish per track of a large meeting."""
STEPS: Final = 20
"""Tracks named, or pairs of person and track looked at, that count as one message more. Larger lets
one client keep the loop longer; smaller slows a page that asks for a large meeting at once."""
STEPS_MOST: Final = 2 * RATE
"""Messages that one counts as at most: 2 seconds of not being read, within a client's patience."""
TURN: Final = 16.0
"""Messages of one client that are taken before others have their turn. Larger lets a flood delay
everyone's; smaller makes a join, which says a handful at once, wait for others."""


class MessageMalformed(Exception):
    """Not a signalling message: too long, not binary, or not protobuf."""


class Due(Enum):
    """What the passing of time asks for."""

    CLOSE = auto()
    RENEW_TICKET = auto()


class SignalProtocol:
    """The state of one signalling socket. Times are seconds of one steady clock."""

    def __init__(self, now: float) -> None:
        self._heard_at = now
        self._renewed_at = now
        self._allowance = BURST
        self._counted_at = now
        self._turn = 0.0
        self._out: list[bytes] = []

    def receive(self, message: bytes | None, now: float, now_ms: int) -> rtc.SignalRequest | None:
        """Take one frame; None where the protocol itself has dealt with it (pings).

        Args:
            message: a binary frame's content; None for a text frame.
            now: when it came.
            now_ms: Unix milliseconds, told to clients that measure their round trip.

        Raises:
            MessageMalformed: the sender has to be closed.
        """
        self._heard_at = now
        self._allowance = min(BURST, self._allowance + (now - self._counted_at) * RATE)
        self._counted_at = now
        self._count(1)
        if message is None or len(message) > MESSAGE_LIMIT:
            raise MessageMalformed
        try:
            request = rtc.SignalRequest.FromString(message)
        except DecodeError:
            raise MessageMalformed from None
        kind = request.WhichOneof("message")
        if kind == "ping":
            self._out.append(outgoing.pong(now_ms))
            return None
        if kind == "ping_req":
            self._out.append(outgoing.pong_to_request(request.ping_req.timestamp, now_ms))
            return None
        return request

    def count_steps(self, steps: int) -> None:
        """Count what a message has set in motion, as further messages."""
        self._count(min(steps / STEPS, STEPS_MOST))

    def ends_turn(self) -> bool:
        """Tell, once, that this client has had its turn and others should have theirs."""
        is_over = self._turn >= TURN
        if is_over:
            self._turn = 0.0
        return is_over

    def pause_s(self) -> float:
        """How long to read nothing from a client that sends too much; 0 for everyone else."""
        return max(0.0, -self._allowance / RATE)

    def send(self, message: bytes) -> None:
        """Add a message to what goes out next."""
        self._out.append(message)

    def messages_to_send(self) -> list[bytes]:
        """Take what goes out, in order."""
        out, self._out = self._out, []
        return out

    def handle_timeout(self, now: float) -> Due | None:
        """Say what is due at `now`; call it again until it says None."""
        if now - self._heard_at >= SILENCE_S:
            return Due.CLOSE
        if now - self._renewed_at >= RENEWAL_S:
            self._renewed_at = now
            return Due.RENEW_TICKET
        return None

    def _count(self, messages: float) -> None:
        self._allowance -= messages
        self._turn += messages
