"""uvicorn's HTTP, with an end to its patience: a request's head must come soon and be small.

uvicorn waits for the first request of a connection, and for the rest of a head that has begun,
without a deadline and without a bound; a flood of such connections would exhaust descriptors and
memory (slowloris).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moot.wire import WireProtocol, plain_key

HEAD_WITHIN_S: Final = 20.0
"""From the connection, or from the first byte of a further request, to the end of its head. Longer
serves slower lines, shorter frees stuck connections."""
HEAD_LIMIT_BYTES: Final = 65_536
"""Bytes of a head that have come without it being complete; browsers stay below 16 KiB."""


class PatientHttp(HttpToolsProtocol):
    """One HTTP connection that is closed when its next head does not come or does not end."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes: int = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, unless a head has grown past its bound."""
        if self._deadline is not None:
            if self._head_bytes > HEAD_LIMIT_BYTES:
                self.send_400_response("The head of the request is too large.")
                return
            self._head_bytes += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Wait for the rest of a head."""
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Stop waiting: from here on the application reads within its own limits."""
        self._head_came()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over, and what was read of it."""
        self._head_came()
        is_plain = self.scope["method"] == "GET" and self.scope["http_version"] == "1.1"
        key = plain_key(self.headers) if is_plain else None
        if key is None or self.ws_protocol_class is not WireProtocol:
            # It is parsed once more, and what is wrong with it is said.
            super().handle_websocket_upgrade()
            return
        self.connections.discard(self)
        protocol = WireProtocol(self.config, self.server_state, self.app_state)
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        protocol.begin(self.url, self.headers, key)

    def _wait_for_head(self) -> None:
        if self._deadline is None:
            self._head_bytes = 0
            self._deadline = self.loop.call_later(HEAD_WITHIN_S, self._give_up)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        transport: Any = self.transport
        if not transport.is_closing():
            transport.close()
