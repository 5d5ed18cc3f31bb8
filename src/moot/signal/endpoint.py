"""The door for LiveKit's clients: `/rtc` and `/rtc/v1`, as WebSocket and to ask beforehand."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import structlog
from livekit.protocol import models, rtc

from moot.media.builtin.door import Door, Joined, JoinRefused
from moot.media.builtin.engine import BuiltinMediaEngine
from moot.media.builtin.notice import Closing, Notice
from moot.media.builtin.outbox import Attachment
from moot.media.builtin.signalling import Signalling
from moot.media.port import MediaUnavailable
from moot.media.tokens import Claims, TokenInvalid
from moot.signal import outgoing
from moot.signal.asgi import Receive, Scope, Send, answer_text, header, refuse_socket
from moot.signal.incoming import Incoming, MessageInvalid
from moot.signal.joining import JoinInvalid, JoinWish, read_query, read_wish
from moot.signal.outgoing import Encoder, IceServer
from moot.signal.protocol import Due, MessageMalformed, SignalProtocol
from moot.wire import EXTENSION, WireProtocol, binary_frame

log = structlog.get_logger(__name__)

TICK_S: Final = 5.0
"""How often the deadlines of all sockets are looked at; they are tens of seconds."""
OFFER_HELD_S: Final = 0.05
"""How long an early offer is held back at most. Longer makes such a client's start later where it
says nothing by itself; shorter lets a slow one be overtaken by the answer."""
_NORMAL: Final = 1000
_INTERNAL: Final = 1011
_V0: Final = "/rtc"
_V1: Final = "/rtc/v1"
_VALIDATE: Final = "/validate"


class _Refused(Exception):
    """The client is not let in: an HTTP status and a sentence for its developer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class SignalEndpoint:
    """An ASGI application for LiveKit's signalling.

    Args:
        engine: carries the media; its tickets open this door.
        ice_servers: STUN and TURN servers handed to clients.
    """

    def __init__(self, engine: BuiltinMediaEngine, ice_servers: Sequence[IceServer] = ()) -> None:
        self._engine = engine
        self._ice_servers = tuple(ice_servers)
        self._encoder = Encoder()
        self.counts: Counter[str] = Counter()
        self._sockets: set[_Socket] = set()
        self._due: list[_Socket] = []
        self._is_watching = False

    @staticmethod
    def serves(path: str) -> bool:
        """Tell whether a path belongs to this door."""
        return path.rstrip("/").removesuffix(_VALIDATE) in (_V0, _V1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one socket."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._validate(scope, send)

    async def _validate(self, scope: Scope, send: Send) -> None:
        """Say beforehand whether a socket would be let in; browsers ask across origins."""
        path = scope["path"].rstrip("/")
        if scope["method"] == "OPTIONS":
            await answer_text(send, 204, "")
            return
        if not path.endswith(_VALIDATE):
            await answer_text(send, 426, "open a WebSocket here")
            return
        if scope["method"] not in ("GET", "HEAD"):
            await answer_text(send, 405, "method not allowed")
            return
        try:
            self._admit(scope, path.removesuffix(_VALIDATE))
        except _Refused as refused:
            await answer_text(send, refused.status, refused.sentence)
            return
        await answer_text(send, 200, "success")

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # `websocket.connect`, always the first (ASGI)
        try:
            claims, wish = self._admit(scope, scope["path"].rstrip("/"))
            door, signalling = self._engine.door, self._engine.signalling
            joined, first = self._enter(door, claims, wish)
        except _Refused as refused:
            self.counts["signal_refused"] += 1
            await refuse_socket(scope, send, refused.status, refused.sentence)
            return
        except MediaUnavailable:
            await refuse_socket(scope, send, 503, "the media engine is unavailable")
            return
        wire: WireProtocol = scope["extensions"][EXTENSION]
        wire.accept(b"".join(map(binary_frame, first)))
        if joined is None:
            wire.end(_NORMAL, "")
            return
        socket = _Socket(self, wire, door, signalling, joined)
        self._sockets.add(socket)
        if not self._is_watching:
            self._is_watching = True
            asyncio.get_running_loop().call_later(TICK_S, self._watch)
        try:
            await socket.serve(wish, receive)
        finally:
            self._sockets.discard(socket)

    def due(self, socket: _Socket) -> None:
        """Write to a socket at the end of this turn of the loop."""
        if not self._due:
            asyncio.get_running_loop().call_soon(self._write_due)
        self._due.append(socket)

    def _write_due(self) -> None:
        due, self._due = self._due, []
        for socket in due:
            try:
                socket.write()
            except Exception as reason:  # noqa: BLE001 - one's mistake must not stop the rest
                socket.fail(reason)

    def encode(self, notice: Notice) -> bytes:
        """Give the frame for a notice, made once however many it goes to."""
        return self._encoder.encode(notice)

    def _watch(self) -> None:
        """Look at the deadlines of all sockets: one timer for all, not a task and a wake each."""
        self._is_watching = bool(self._sockets)
        if self._is_watching:
            asyncio.get_running_loop().call_later(TICK_S, self._watch)
        now = time.monotonic()
        for socket in tuple(self._sockets):
            socket.handle_timeout(now)

    def _admit(self, scope: Scope, path: str) -> tuple[Claims, JoinWish]:
        """Read who asks for what.

        Raises:
            _Refused: 404 for another path, 401 for the token, 400 for the query, 503 while closed.
        """
        if path not in (_V0, _V1):
            raise _Refused(404, "not found")
        try:
            query = read_query(scope["query_string"])
            token = query.get("access_token") or _bearer(scope)
            if not token:
                raise _Refused(401, "no permissions to access the room")
            claims = self._engine.door.admit(token)
            wish = read_wish(query, is_packed=path == _V1)
        except JoinInvalid as invalid:
            raise _Refused(400, invalid.sentence) from None
        except (TokenInvalid, JoinRefused):
            raise _Refused(401, "invalid token") from None
        except MediaUnavailable:
            raise _Refused(503, "the media engine is not running") from None
        return claims, wish

    def _enter(
        self, door: Door, claims: Claims, wish: JoinWish
    ) -> tuple[Joined | None, list[bytes]]:
        """Join or resume; answers the first messages, and no connection where the client has to
        begin anew.
        """
        if wish.resumes:
            resumed = door.resume(claims, wish.resumes)
            if resumed is None:
                return None, [
                    outgoing.leave(
                        models.DisconnectReason.STATE_MISMATCH,
                        rtc.LeaveRequest.Action.RECONNECT,
                        may_resume=True,
                    )
                ]
            return resumed, outgoing.reconnect_responses(resumed, self._ice_servers)
        try:
            joined = door.join(claims, wish.connection)
        except JoinRefused:
            raise _Refused(503, "the meeting is full") from None
        return joined, [outgoing.join_response(joined, self._ice_servers)]


class _Socket:
    """One open signalling socket, from its first message to its close."""

    def __init__(
        self,
        endpoint: SignalEndpoint,
        wire: WireProtocol,
        door: Door,
        signalling: Signalling,
        joined: Joined,
    ) -> None:
        self._endpoint = endpoint
        self._counts = endpoint.counts
        self._wire = wire
        self._door = door
        self._signalling = signalling
        self._connection = joined.connection
        self._attachment: Attachment = joined.attachment
        self._incoming = Incoming(signalling, joined.connection, endpoint.counts)
        self._protocol = SignalProtocol(time.monotonic())
        self._held: rtc.SessionDescription | None = None

    async def serve(self, wish: JoinWish, receive: Receive) -> None:
        """Serve until the client goes, falls silent, breaks the rules or is told to leave."""
        try:
            self._attachment.when_waiting(self._await)
            if self._act(partial(self._begin, wish)):
                self._reply()
                await self._read(receive)
        finally:
            self._held = None
            self._attachment.when_waiting(None)
            self._wire.when_drained(None)
            self._wire.end(_NORMAL, "")
            self._door.lose(self._connection, self._attachment)

    def handle_timeout(self, now: float) -> None:
        """Do what is due: a client that has fallen silent is cut off."""
        while not self._wire.is_gone and (due := self._protocol.handle_timeout(now)):
            if due is Due.CLOSE:
                self._counts["signal_silent"] += 1
                self._wire.end(_NORMAL, "")
            else:
                self._door.renew_ticket(self._connection)

    async def _read(self, receive: Receive) -> None:
        """Take the client's messages in order, none while it does not read what it is told; ends
        when it is gone.
        """
        while True:
            await self._wire.drained()
            event = await receive()
            if event["type"] != "websocket.receive":
                return
            try:
                request = self._protocol.receive(
                    event.get("bytes"), time.monotonic(), int(time.time() * 1000)
                )
            except MessageMalformed:
                self._counts["signal_malformed"] += 1
                self._break_off(Closing.UNKNOWN)
                return
            # Who trickles candidates has set the offer that they belong to.
            if not self._release():
                return
            if request is not None and not self._act(partial(self._incoming.handle, request)):
                return
            self._reply()
            pause = self._protocol.pause_s()
            if pause > 0:
                self._counts["signal_slowed"] += 1
                await asyncio.sleep(pause)
            elif self._protocol.ends_turn():
                await asyncio.sleep(0)  # receiving does not wait while frames do

    def _begin(self, wish: JoinWish) -> None:
        """Do what came along with the request to join."""
        for announcement in wish.announcements:
            self._incoming.add_track(announcement)
        if wish.sync_state is not None:
            self._incoming.sync_state(wish.sync_state)
        if wish.is_offer_early:
            self._held = wish.offer
            asyncio.get_running_loop().call_later(OFFER_HELD_S, self._release)
        elif wish.offer is not None:
            self._incoming.offer(wish.offer)

    def _release(self) -> bool:
        """Take the offer held back, if there is one; False where it ended the connection."""
        held, self._held = self._held, None
        return held is None or self._act(partial(self._incoming.offer, held))

    def _act(self, act: Callable[[], None]) -> bool:
        """Carry out a request; False where it ended the connection."""
        try:
            act()
        except MessageInvalid:
            self._counts["signal_malformed"] += 1
            self._break_off(Closing.UNKNOWN)
            return False
        except Exception as reason:  # noqa: BLE001 - a full queue, or a bug of ours
            # This client starts anew, the others never notice.
            self._count_failure("Signalling request failed", reason)
            self._break_off(Closing.FAILED)
            return False
        for reply in self._incoming.replies:
            self._protocol.send(reply)
        self._incoming.replies.clear()
        self._protocol.count_steps(self._incoming.steps)
        self._incoming.steps = 0
        return True

    def _break_off(self, why: Closing) -> None:
        """End the connection: the client is told why, then the socket closes."""
        self._signalling.break_off(self._connection, why)
        self.write()

    def _await(self) -> None:
        self._endpoint.due(self)

    def write(self) -> None:
        """Write what waits, then wait for more; close where nothing follows any more."""
        if self._wire.is_stalled and self._attachment.is_current:
            self._wire.when_drained(self._await)
            return
        if notices := self._attachment.take():
            self._wire.write(b"".join(map(self._endpoint.encode, notices)))
        if self._attachment.is_over:
            self._wire.end(_NORMAL, "")
        else:
            self._attachment.when_waiting(self._await)

    def fail(self, reason: Exception) -> None:
        """Close after a mistake of ours; the client may resume."""
        self._count_failure("Signalling message failed", reason)
        self._wire.end(_INTERNAL, "")

    def _count_failure(self, event: str, reason: Exception) -> None:
        self._counts["signal_failed"] += 1
        log.error(
            event,
            exc_info=reason,
            meeting_key=self._connection.meeting_key,
            identity=self._connection.identity,
        )

    def _reply(self) -> None:
        """Write the answers to what was asked last."""
        if messages := self._protocol.messages_to_send():
            self._wire.write(b"".join(map(binary_frame, messages)))


def _bearer(scope: Scope) -> str:
    scheme, _, token = header(scope, b"authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
