"""The event streams of this process: sockets on one side, watchers on the other.

One task reads each stream. What is to be written waits with its watcher until the end of the loop's
turn: then all streams that have something are written one after the other, each in one piece, and
none waits for a client, since one that does not read is left out until it does. One more task looks
at all of them every half second: it pings, and cuts off who says nothing or does not read.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final

import msgspec

from moot.control.watching import Since, Watcher, Watching
from moot.errors import PROBLEMS, Problem
from moot.gate.address import Proxies
from moot.gate.limits import STREAMS, Limits
from moot.gate.origin import Origins
from moot.model.ids import ConnectionId, MeetingId, ParticipantId, parse_meeting_id, parse_uuid
from moot.persons.connection import ConnectionTokens
from moot.realtime.protocol import Close, Hello, Send, Stream, Typing
from moot.wire import EXTENSION, WireProtocol, text_frame

LOOK_EVERY_S: Final = 0.5
STALLED_S: Final = 5.0
"""How long a client may not read before it is cut off, even where its queue has room."""

_JSON: Final = b"application/problem+json"


class Streams:
    """Answers every WebSocket at `/api/v1/meetings/{meeting_id}/events`.

    Args:
        watching: where events come from.
        tokens: judges the token of a hello.
        monotonic: seconds of a clock that only goes forward.
        is_draining: whether this process is about to stop.
        limit_bytes: the largest message of a client.
        count_close: told of each close code.
        count_sent: told how many messages were written.
    """

    def __init__(
        self,
        *,
        watching: Watching,
        tokens: ConnectionTokens,
        origins: Origins,
        proxies: Proxies,
        limits: Limits,
        monotonic: Callable[[], float],
        is_draining: Callable[[], bool],
        limit_bytes: int,
        count_close: Callable[[int], None],
        count_sent: Callable[[int], None],
        log: Any,
    ) -> None:
        self._watching = watching
        self._tokens = tokens
        self._origins = origins
        self._proxies = proxies
        self._limits = limits
        self._monotonic = monotonic
        self._is_draining = is_draining
        self._limit_bytes = limit_bytes
        self._count_close = count_close
        self._count_sent = count_sent
        self._log = log
        self._open: set[_Open] = set()
        self._due: list[_Open] = []

    async def run(self) -> None:
        """Look after the open streams until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = self._monotonic()
            for stream in list(self._open):
                stream.look(now)

    async def drain(self, within_s: float) -> None:
        """Close every stream with `restarting`, spread over a time: not all return at once."""
        streams = list(self._open)
        random.shuffle(streams)
        for number, stream in enumerate(streams, 1):
            stream.close("restarting")
            if number % 20 == 0:
                await asyncio.sleep(within_s * 20 / len(streams))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one WebSocket (ASGI)."""
        await receive()
        try:
            meeting_id = self._admit(scope)
        except Problem as problem:
            await _refuse(send, problem)
            return
        wire: WireProtocol = scope["extensions"][EXTENSION]
        wire.accept()
        wire.hold_back()
        stream = _Open(
            self, wire, meeting_id, Stream(now=self._monotonic(), limit_bytes=self._limit_bytes)
        )
        self._open.add(stream)
        try:
            await stream.serve(receive)
        except Exception as reason:  # noqa: BLE001 - one stream's mistake must not end the process
            self._log.exception("Event stream failed", exc_info=reason)
            stream.close("internal")
        finally:
            self._open.discard(stream)
            stream.forget()

    def _admit(self, scope: dict[str, Any]) -> MeetingId:
        """Judge a stream before it is accepted.

        Raises:
            Problem: what is wrong with it.
        """
        headers = dict(scope["headers"])
        peer = scope["client"][0] if scope["client"] else ""
        forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1")
        address = self._proxies.origin_address(peer, [forwarded])
        told = headers.get(b"x-forwarded-proto", b"").decode("latin-1")
        scheme = self._proxies.scheme(peer, scope["scheme"], told)
        own = self._origins.own(scheme, headers.get(b"host", b"").decode("latin-1"))
        if own is None:
            raise Problem("host_unknown")
        origin = headers.get(b"origin")
        if origin is not None and not self._origins.allows(origin.decode("latin-1"), own):
            raise Problem("origin_forbidden")
        if self._is_draining():
            raise Problem("restarting", retry_after_s=1)
        self._limits.take(STREAMS, address)
        return parse_meeting_id(scope["path"].split("/")[4])

    async def watch(self, meeting_id: MeetingId, hello: Hello) -> Watcher:
        """Judge a hello and begin to watch.

        Raises:
            Problem: `message_invalid`, `token_invalid`, and what `Watching.watch` raises.
        """
        try:
            connection_id = ConnectionId(parse_uuid(hello.connection_id, field="connection_id"))
        except Problem:
            raise Problem("message_invalid") from None
        if not self._tokens.check(hello.token, meeting_id, connection_id):
            raise Problem("token_invalid")
        since = Since(hello.since.epoch, hello.since.event_seq) if hello.since else None
        return await self._watching.watch(meeting_id, connection_id, fence=hello.fence, since=since)

    def unwatch(self, watcher: Watcher) -> None:
        """Say that a watcher's stream is gone."""
        self._watching.unwatch(watcher)

    def due(self, stream: _Open) -> None:
        """Write a stream at the end of this turn of the loop."""
        if not self._due:
            asyncio.get_running_loop().call_soon(self._write_due)
        self._due.append(stream)

    def _write_due(self) -> None:
        due, self._due = self._due, []
        sent = 0
        for stream in due:
            try:
                sent += stream.write()
            except Exception as reason:  # noqa: BLE001 - one stream's mistake must not stop the rest
                self._log.exception("Event stream could not be written", exc_info=reason)
                stream.close("internal")
        self._count_sent(sent)

    def closed(self, code: int) -> None:
        """Count a close."""
        self._count_close(code)

    def now(self) -> float:
        """Read the clock that only goes forward."""
        return self._monotonic()


class _Open:
    """One accepted stream."""

    __slots__ = (
        "_endpoint",
        "_meeting_id",
        "_protocol",
        "_stalled_at",
        "_watcher",
        "_wire",
    )

    def __init__(
        self, endpoint: Streams, wire: WireProtocol, meeting_id: MeetingId, protocol: Stream
    ) -> None:
        self._endpoint = endpoint
        self._wire = wire
        self._meeting_id = meeting_id
        self._protocol = protocol
        self._watcher: Watcher | None = None
        self._stalled_at: float | None = None

    async def serve(self, receive: Any) -> None:
        """Read the stream until it ends."""
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            if text is None:
                self.close("message_invalid")
                continue
            action = self._protocol.handle_text(text, now=self._endpoint.now())
            if isinstance(action, Hello):
                await self._begin(action)
            elif isinstance(action, Send):
                self._wire.write(text_frame(action.text))
            elif isinstance(action, Typing):
                self._type(action)
            elif isinstance(action, Close):
                self.close(action.problem_id)

    async def _begin(self, hello: Hello) -> None:
        try:
            self._watcher = await self._endpoint.watch(self._meeting_id, hello)
        except Problem as problem:
            self.close(problem.kind.id)
            return
        self._await()

    def _type(self, typing: Typing) -> None:
        """Pass on that the person types; one who cannot be named reads nothing."""
        if self._watcher is None:
            return
        try:
            to = ParticipantId(parse_uuid(typing.to, field="to")) if typing.to else None
        except Problem:
            self.close("message_invalid")
            return
        self._watcher.typing(to=to)

    def _await(self) -> None:
        self._endpoint.due(self)

    def write(self) -> int:
        """Write what waits, then wait for more; returns how many messages were written."""
        watcher, wire = self._watcher, self._wire
        if watcher is None:
            return 0
        messages = watcher.take()
        if messages:
            wire.write(b"".join(map(text_frame, messages)))
        if wire.is_stalled:
            wire.when_drained(self._await)
        elif watcher.ending is not None:
            self.close(watcher.ending)
        else:
            watcher.wait(self._await)
        return len(messages)

    def look(self, now: float) -> None:
        """Ping where it is due; cut off who says nothing or does not read."""
        if not self._wire.is_stalled:
            self._stalled_at = None
        elif self._stalled_at is None:
            self._stalled_at = now
        elif now - self._stalled_at >= STALLED_S:
            self.close("slow_reader")
            return
        if self._wire.is_stalled and self._watcher is not None and self._watcher.ending:
            self.close(self._watcher.ending)
            return
        action = self._protocol.handle_time(now=now)
        if isinstance(action, Send):
            self._wire.write(text_frame(action.text))
        elif isinstance(action, Close):
            self.close(action.problem_id)

    def close(self, problem_id: str) -> None:
        """Close the stream with a row of the table of errors; the first one counts."""
        if self._wire.is_gone:
            return
        kind = PROBLEMS[problem_id]
        code = kind.close or PROBLEMS["connection_closed"].close or 1008
        self._wire.end(code, kind.id)
        self._endpoint.closed(code)

    def forget(self) -> None:
        """Stop writing, and say that the stream is gone."""
        self._wire.when_drained(None)
        if self._watcher is not None:
            self._endpoint.unwatch(self._watcher)


async def _refuse(send: Any, problem: Problem) -> None:
    """Answer the upgrade with a problem instead of accepting it."""
    kind = problem.kind
    content = msgspec.json.encode(
        {
            "type": f"/api/v1/problems/{kind.id}",
            "title": kind.id.replace("_", " ").capitalize(),
            "status": kind.status,
            "detail": problem.sentence,
            "code": kind.id,
            "cure": kind.cure,
        }
    )
    headers = [(b"content-type", _JSON), (b"cache-control", b"no-store")]
    if problem.retry_after_s is not None:
        headers.append((b"retry-after", str(problem.retry_after_s).encode()))
    await send({"type": "websocket.http.response.start", "status": kind.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": content})
