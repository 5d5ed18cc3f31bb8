"""A small HTTP/1.1 client for load: one kept-alive connection, one request at a time.

It costs the machine an order less than a full client does, so that a measurement on two cores
measures the server. It reads only what moot sends: a status line, headers with a content length,
a body.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any


async def answer(reader: asyncio.StreamReader) -> bytes:
    """Read one whole answer, head and body, as it stands; less where the server closes before."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as gone:
        return gone.partial
    length = next(
        (
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ),
        0,
    )
    try:
        return head + await reader.readexactly(length)
    except asyncio.IncompleteReadError as gone:
        return head + gone.partial


@dataclass(slots=True)
class Answer:
    """One answer; `body` is the decoded JSON object, {} where there is none."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """Decode the body."""
        return json.loads(self.raw) if self.raw else {}


@dataclass(slots=True)
class Wire:
    """One kept-alive connection to one server; reconnects when the server has closed it."""

    host: str
    port: int
    headers: dict[str, str] = field(default_factory=dict)
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def ask(
        self, method: str, path: str, body: object | None = None, **headers: str
    ) -> Answer:
        """Send one request and read its answer.

        Raises:
            ConnectionError: the server is gone, or went while answering: nobody knows whether the
                request took effect.
        """
        payload = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [
            f"{name.replace('_', '-')}: {value}" for name, value in (self.headers | headers).items()
        ]
        if body is not None:
            lines.append("Content-Type: application/json")
        if payload or method in ("PUT", "POST", "PATCH"):
            lines.append(f"Content-Length: {len(payload)}")
        request = "\r\n".join([*lines, "", ""]).encode() + payload
        try:
            if self._writer is None or self._writer.is_closing():
                self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
            self._writer.write(request)
            assert self._reader is not None
            return await self._answer(self._reader)
        except (OSError, EOFError, ValueError) as gone:
            await self.close()
            raise ConnectionError(str(gone)) from gone
        except BaseException:
            # Cancelled with an answer under way, which the next request would take for its own.
            await self.close()
            raise

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        raw = await reader.readexactly(length) if length else b""
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return Answer(status, headers, raw)

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()
