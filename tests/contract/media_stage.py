"""The three media engines with their clients behind one face, for the contract suite."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import uvicorn
from aiohttp import web
from tests.livekit.server import API_KEY, API_SECRET, LiveKitServer, free_ports
from tests.media.program import Program

from livekit import rtc
from moot.media.event import MediaEvent
from moot.media.fake import FakeMediaEngine, TicketRefused
from moot.media.grant import GrantRequest, MediaTicket
from moot.media.key import identity
from moot.media.livekit import LiveKitMediaEngine
from moot.media.livekit_webhook import WebhookInvalid
from moot.media.port import MediaEngine
from moot.media.source import EVERY_SOURCE, Source
from moot.wire import WireProtocol

WITHIN_S = 15.0
_runs = itertools.count(1)


class Refused(Exception):
    """The ticket did not open the door, or the door was shut again at once."""


class Guest(Protocol):
    """A client that is in a meeting."""

    async def publish(self, source: Source) -> None:
        """Publish a source."""
        ...

    async def mute(self, source: Source, *, is_muted: bool) -> None:
        """Mute or unmute a source by its own will."""
        ...

    async def leave(self) -> None:
        """Leave by its own will."""
        ...

    def is_out(self) -> bool:
        """Tell whether the engine has ended it."""
        ...


class MediaStage:
    """An engine that is running, everything it has told, and a way to come in.

    Attributes:
        meeting: the meeting of this test, which no other test has used.
    """

    def __init__(self, name: str, engine: MediaEngine, url: str) -> None:
        self.name = name
        self.engine = engine
        self.meeting = f"ABC123.{next(_runs)}"
        self.heard: list[MediaEvent] = []
        self._url = url
        self._guests: list[Guest] = []
        self._task: asyncio.Task[None] | None = None

    async def ticket(
        self, who: str, *, meeting_key: str = "", sources: frozenset[Source] = EVERY_SOURCE
    ) -> MediaTicket:
        """Grant a ticket for the first connection of a participant."""
        return await self.engine.grant(
            GrantRequest(
                meeting_key=meeting_key or self.meeting,
                participant_id=who,
                connection_id="1",
                name=who.title(),
                url=self._url,
                sources=sources,
            )
        )

    async def enter(self, ticket: MediaTicket) -> Guest:
        """Come in with a ticket.

        Raises:
            Refused: the ticket does not open the door.
        """
        guest = await self._enter(ticket)
        self._guests.append(guest)
        return guest

    async def join(self, who: str, *, meeting_key: str = "") -> Guest:
        """Come in, and wait until the engine says so."""
        guest = await self.enter(await self.ticket(who, meeting_key=meeting_key))
        await self.until(lambda: self.told("TransportConnected", identity(who, "1"), meeting_key))
        return guest

    def told(self, kind: str, name: str = "", meeting_key: str = "") -> list[Any]:
        """Every event of a kind about an identity, in order."""
        return [
            event
            for event in self.heard
            if type(event).__name__ == kind
            and getattr(event, "meeting_key", None) == (meeting_key or self.meeting)
            and getattr(event, "identity", "") == name
        ]

    async def until(self, is_so: Any) -> None:
        """Wait until something is so; it may be asked of the engine."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                answer = is_so()
                if asyncio.iscoroutine(answer):
                    answer = await answer
                if answer:
                    return
                await asyncio.sleep(0.02)

    async def listen(self) -> None:
        """Begin to hear the engine's events."""
        events = self.engine.events()

        async def hear() -> None:
            async for event in events:
                self.heard.append(event)

        self._task = asyncio.create_task(hear())

    async def close(self) -> None:
        """Send everyone home and close the engine."""
        for guest in self._guests:
            await guest.leave()
        await self.engine.close()
        if self._task is not None:
            async with asyncio.timeout(WITHIN_S):
                await self._task

    async def _enter(self, ticket: MediaTicket) -> Guest:
        return await _Sdk.enter(ticket)


class _FakeStage(MediaStage):
    """The fake engine, whose clients are verbs of its own."""

    engine: FakeMediaEngine

    async def _enter(self, ticket: MediaTicket) -> Guest:
        try:
            name = self.engine.connect(ticket)
        except TicketRefused:
            raise Refused from None
        meeting = self.engine._tickets[ticket.token].meeting_key
        return _FakeGuest(self.engine, meeting, name)


class _FakeGuest:
    def __init__(self, engine: FakeMediaEngine, meeting: str, name: str) -> None:
        self._engine = engine
        self._meeting = meeting
        self._name = name
        # The connection itself: an identity that comes again is another guest.
        self._connection = engine._meetings[meeting][name]

    async def publish(self, source: Source) -> None:
        self._engine.publish(self._meeting, self._name, source)

    async def mute(self, source: Source, *, is_muted: bool) -> None:
        self._engine.mute(self._meeting, self._name, source, is_muted=is_muted)

    async def leave(self) -> None:
        if not self.is_out():
            self._engine.disconnect(self._meeting, self._name)

    def is_out(self) -> bool:
        there = self._engine._meetings.get(self._meeting, {})
        return there.get(self._name) is not self._connection


class _Sdk:
    """A program on LiveKit's Python SDK."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._published: dict[Source, rtc.LocalTrackPublication] = {}

    @classmethod
    async def enter(cls, ticket: MediaTicket) -> _Sdk:
        program = Program(ticket.url, ticket.token)
        try:
            await program.__aenter__()
        except (rtc.ConnectError, TimeoutError):
            raise Refused from None
        return cls(program)

    async def publish(self, source: Source) -> None:
        if source is Source.MICROPHONE:
            self._published[source] = await self._program.publish_tone()
        else:
            self._published[source] = await self._program.publish_colour((200, 30, 30))

    async def mute(self, source: Source, *, is_muted: bool) -> None:
        track = self._published[source].track
        assert isinstance(track, rtc.LocalAudioTrack | rtc.LocalVideoTrack)
        if is_muted:
            track.mute()
        else:
            track.unmute()

    async def leave(self) -> None:
        await self._program.leave()

    def is_out(self) -> bool:
        return self._program.did("disconnected")


@asynccontextmanager
async def fake_stage() -> AsyncIterator[MediaStage]:
    """The fake engine."""
    stage = _FakeStage("fake", FakeMediaEngine(), "ws://nowhere")
    await stage.engine.start()
    await stage.listen()
    yield stage
    await stage.close()


@asynccontextmanager
async def builtin_stage() -> AsyncIterator[MediaStage]:
    """The built-in engine with its signalling, on loopback in this process."""
    from tests.media.standalone import build, open_core

    app, engine = build(open_core)
    (port,) = free_ports(1)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            log_level="warning",
            ws=WireProtocol,
            lifespan="on",
        )
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    stage = MediaStage("builtin", engine, f"ws://127.0.0.1:{port}")
    await stage.until(lambda: server.started)
    await stage.listen()
    yield stage
    await stage.close()
    server.should_exit = True
    await serving


@asynccontextmanager
async def livekit_stage(livekit: LiveKitServer, webhook_port: int) -> AsyncIterator[MediaStage]:
    """A real LiveKit server behind its adapter, with its webhooks."""
    engine = LiveKitMediaEngine(livekit.url, API_KEY, API_SECRET)

    async def take(request: web.Request) -> web.Response:
        with suppress(WebhookInvalid):
            engine.receive_webhook(await request.read(), request.headers.get("Authorization", ""))
            return web.Response()
        return web.Response(status=401)

    app = web.Application()
    app.router.add_post("/webhook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", webhook_port).start()
    await engine.start()
    stage = MediaStage("livekit", engine, "ws://not-this-one")
    await stage.listen()
    yield stage
    await stage.close()
    await runner.cleanup()
