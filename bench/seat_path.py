"""A way to a server that can change its address under a client, as a telephone's does."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class Path:
    """A TCP way to a port of loopback; a context manager.

    `flip` cuts every connection on the client's side only, as when a telephone changes from one
    network to the next: the client notices at once, the server hears nothing of the old connection
    any more, and the next one comes from another port.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._pumps: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._held: list[asyncio.StreamWriter] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._come, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cut everything on both sides."""
        self._server.close()
        pumps = list(self._pumps)
        self.flip()
        for writer in self._held:
            writer.transport.abort()
        await asyncio.gather(*pumps, return_exceptions=True)

    def flip(self) -> None:
        """Cut the clients off; what they had stays open towards the server, and silent."""
        for task, client in list(self._pumps.items()):
            task.cancel()
            client.transport.abort()

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, towards = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._held.append(towards)
        task = asyncio.current_task()
        assert task is not None
        self._pumps[task] = writer
        try:
            await _carry(reader, towards, there, writer)
        except asyncio.CancelledError:
            # `flip` has ended it: that is no failure of this task's.
            return
        finally:
            self._pumps.pop(task, None)


async def _carry(
    reader: asyncio.StreamReader,
    towards: asyncio.StreamWriter,
    there: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, towards))
            both.create_task(_pump(there, writer))
    except* OSError:
        pass


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
