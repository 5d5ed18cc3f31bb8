"""Ready-made WebSocket frames straight to the transport.

A server's frames are not masked (RFC 6455 §5.1), and moot compresses nothing, so what is told to
many is the same bytes on every socket: it is framed once and written to each transport without
passing through the framing of each. A plain handshake is answered from the request as the HTTP
parser has read it; uvicorn would write it out and parse it a second time, at a tenth of what a join
costs, and leave an address of more than 8 KiB without an answer. Everything else (other
handshakes, reading, control frames) is uvicorn's.
"""

from __future__ import annotations

import binascii
import socket
from base64 import b64decode
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import unquote

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.utils import accept_key

EXTENSION: Final = "moot.wire"
CLOSE_WITHIN_S: Final = 2.0
"""How long a client has to answer a close; a stalled one is then cut off without manners."""
SEND_BUFFER_BYTES: Final = 131_072
"""What the kernel may keep for one stream (Linux doubles it). A large meeting's snapshot passes in
two parts; more would let a stalled client hide for longer."""
_TEXT: Final = 0x81
_BINARY: Final = 0x82
_KEPT: Final = 512
_NONCE_BYTES: Final = 16
_OF_HANDSHAKE: Final = frozenset(
    (
        b"connection",
        b"upgrade",
        b"sec-websocket-key",
        b"sec-websocket-version",
        b"sec-websocket-protocol",
    )
)
_LARGE: Final = 8_192
"""Characters from which a frame is not kept: a snapshot is for one reader, and large."""


def text_frame(text: str) -> bytes:
    """Make the one unmasked text frame of a message (RFC 6455 §5.2); small ones are made once."""
    return _kept(text) if len(text) < _LARGE else _make_text(text)


def binary_frame(payload: bytes) -> bytes:
    """Make the one unmasked binary frame of a message (RFC 6455 §5.2)."""
    return _make(_BINARY, payload)


def _make_text(text: str) -> bytes:
    return _make(_TEXT, text.encode())


def _make(kind: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((kind, size)) + payload
    if size < 65_536:
        return bytes((kind, 126)) + size.to_bytes(2, "big") + payload
    return bytes((kind, 127)) + size.to_bytes(8, "big") + payload


_kept = lru_cache(maxsize=_KEPT)(_make_text)


def plain_key(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Return the `Sec-WebSocket-Key` of an upgrade that needs no second look (RFC 6455 §4.2.1).

    Args:
        headers: of a GET over HTTP/1.1 that asks for the upgrade; names in lower case.

    Returns:
        None where something is missing, repeated, malformed or asks for a subprotocol.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _OF_HANDSHAKE:
            if name in found:
                return None
            found[name] = value
    if found.get(b"sec-websocket-version") != b"13" or b"sec-websocket-protocol" in found:
        return None
    try:
        key = found.get(b"sec-websocket-key", b"")
        return key.decode("ascii") if len(b64decode(key, validate=True)) == _NONCE_BYTES else None
    except (binascii.Error, ValueError):
        return None


class WireProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which also hands itself out as a wire (`scope["extensions"]`)."""

    _on_drained: Callable[[], None] | None = None
    _answer: bytes | None = None

    def begin(self, url: bytes, headers: list[tuple[bytes, bytes]], key: str) -> None:
        """Begin with an upgrade that has been read and found plain; the application answers it.

        Args:
            url: the request's target (RFC 9112 §3.2.1).
            headers: all of them, names in lower case.
            key: as `plain_key` gives it.
        """
        raw_path, _, query = url.partition(b"?")
        self.conn = ServerProtocol(
            state=State.OPEN, max_size=self.config.ws_max_size, logger=self.logger
        )
        self._answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
        ).encode()
        self.handshake_initiated = True
        self.scope = {
            "type": "websocket",
            "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": self.root_path,
            "path": self.root_path + unquote(raw_path.decode("ascii")),
            "raw_path": self.root_path.encode("ascii") + raw_path,
            "query_string": query,
            "headers": headers,
            "subprotocols": [],
            "state": self.app_state.copy(),
            "extensions": cast("Any", {"websocket.http.response": {}, EXTENSION: self}),
        }
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    def handle_connect(self, event: Any) -> None:
        """Begin as uvicorn does; the wire is part of the scope before the application runs."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions = cast("dict[str, Any]", self.scope["extensions"])
            extensions[EXTENSION] = self

    async def send(self, message: Any) -> None:
        """Send as uvicorn does. A refusal that has been answered is the end of the handshake;
        uvicorn would tell the log of each as of an application's fault.
        """
        await super().send(message)
        is_answer = message["type"] == "websocket.http.response.body"
        if is_answer and not message.get("more_body", False):
            self.handshake_complete = True

    def hold_back(self) -> None:
        """Let the kernel keep little: a client that has stopped reading is known sooner, and costs
        kilobytes instead of the megabytes that a send buffer grows to by itself.
        """
        bare = self.transport.get_extra_info("socket")
        if bare is not None:
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    @property
    def is_gone(self) -> bool:
        """Whether nothing more can be written."""
        return self.close_sent or self.disconnected or self.transport.is_closing()

    @property
    def is_stalled(self) -> bool:
        """Whether the client has stopped reading: more waits in the transport than it may hold."""
        return not self.writable.is_set()

    def accept(self, frames: bytes = b"") -> None:
        """Open the stream, and write its first frames in one packet with the answer."""
        self.handshake_complete = True
        if self.is_gone:
            return
        if self._answer is not None:
            self.transport.write(self._answer + frames)
        else:
            self.conn.send_response(self.response)
            self.transport.write(b"".join((*self.conn.data_to_send(), frames)))

    def write(self, frames: bytes) -> None:
        """Write whole frames; does nothing once the stream is gone. Never blocks."""
        if not self.is_gone:
            self.transport.write(frames)

    async def drained(self) -> None:
        """Wait until the client reads, or is gone."""
        await self.writable.wait()

    def when_drained(self, act: Callable[[], None] | None) -> None:
        """Have `act` called once the client reads again; never, if it is gone before, or None."""
        self._on_drained = act

    def resume_writing(self) -> None:
        """Go on as uvicorn does, and with what waits for the client (called by the transport)."""
        super().resume_writing()
        act, self._on_drained = self._on_drained, None
        if act is not None:
            act()

    def end(self, code: int, reason: str) -> None:
        """Close the stream (RFC 6455 §7.1.2), also where the client has stopped reading."""
        if self.is_gone:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_WITHIN_S, self.transport.abort)
