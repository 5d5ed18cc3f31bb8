"""Three servers' seats behind one face: who comes in, by which documented way, and who is listed.

Every peer is used as its documents say. moot's people join by HTTP, watch the event stream, and
open their media by LiveKit's SDK with the ticket that they got; LiveKit's use that SDK, one token
and one identity a person; Janus's use VideoRoom through its WebSocket, let the plug-in choose their
ids as its demonstration does, and open no media, which its list does not need.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import websockets
from tests.livekit.server import API_KEY, API_SECRET, LiveKitServer
from tests.programs.person import AUTH_SECRET, RESUMING, bearer, greeting
from tests.programs.server import Server

from bench.janus import JanusServer
from bench.ports import free_ports
from livekit import api, rtc

WITHIN_S = 30.0
HOST = "Hana"
"""Who makes the meeting."""
PEOPLE_AT_MOST = 200


@dataclass(frozen=True)
class Entry:
    """One line of a list of participants.

    Attributes:
        person: whose it is.
        entry_id: what the server calls the line.
        is_host: whether the list says so.
        is_connected: False where the list itself says that this one is away for the moment.
    """

    person: str
    entry_id: str
    is_host: bool = False
    is_connected: bool = True


class Tab(Protocol):
    """One connection of one person, which comes back by itself where its documents say so."""

    error: str
    """Why the person could not come in; empty where all went well."""
    departures: list[str]
    """Whose going the server has announced to this tab, in order."""

    @property
    def is_live(self) -> bool:
        """Tell whether it is in, as its own page would say."""
        ...

    def listed(self) -> list[Entry]:
        """Tell who is in, as this tab sees it now, itself included."""
        ...

    async def unload(self) -> None:
        """Let the page go, as a reload does."""
        ...

    async def close(self) -> None:
        """Leave by this tab, and let go of everything."""
        ...


class Peer(Protocol):
    """A server that holds seats."""

    name: str
    has_roles: bool
    chooses_host: bool
    """Whether it is the server that says who is the host of a meeting."""
    port: int

    @property
    def pid(self) -> int:
        """The server's process id."""
        ...

    async def start(self) -> None:
        """Start the server; again after `kill`, in the same place."""
        ...

    def kill(self) -> None:
        """`kill -9`."""
        ...

    def forget(self) -> None:
        """End it for good and remove what it has kept."""
        ...

    async def join(
        self, person: str, meeting: str, *, port: int = 0, replaces: Any = None, creates: bool
    ) -> Tab:
        """Let a person come in, over another port where the way leads there."""
        ...


def quiet_sdk() -> None:
    """Let LiveKit's SDK not tell every try of a reconnection: what comes of it is measured."""
    logging.getLogger("livekit").setLevel(logging.CRITICAL)


@dataclass
class _Media:
    """A LiveKit room of a person's, as its SDK keeps it."""

    room: rtc.Room = field(default_factory=rtc.Room)

    async def open(self, url: str, token: str) -> None:
        async with asyncio.timeout(WITHIN_S):
            await self.room.connect(url, token, rtc.RoomOptions(auto_subscribe=True))

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(WITHIN_S):
                await self.room.disconnect()


class MootTab:
    """A tab as docs/protocol describes it: join, event stream, media ticket."""

    def __init__(self, server: Server, person: str, meeting: str, replaces: MootTab | None) -> None:
        self.person = person
        self.is_live = False
        self.error = ""
        self.departures: list[str] = []
        self.connection: dict[str, Any] = {}
        self._server = server
        self._meeting = meeting
        self._replaces = replaces
        self._state: dict[str, dict[str, Any]] = {}
        self._since: dict[str, int] = {}
        self._greeted = asyncio.Event()
        self._media = _Media()
        self._socket: websockets.ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self, *, creates: bool) -> None:
        """Come in."""
        wire = self._server.wire(Authorization=f"Bearer {bearer(self.person)}")
        if creates:
            made = await wire.ask("PUT", f"/api/v1/meetings/{self._meeting}", {})
            if made.status not in (200, 201):
                self.error = f"{made.status} for creating"
        body: dict[str, Any] = {"name": self.person, "connection_id": str(uuid.uuid4())}
        if self._replaces is not None:
            body["replaces"] = self._replaces.connection["id"]
        me = f"/api/v1/meetings/{self._meeting}/participants/me"
        answer = await wire.ask("PUT", me, body)
        await wire.close()
        if answer.status not in (200, 201):
            self.error = f"{answer.status} for joining"
            return
        self.connection = answer.body["connection"]
        self._task = asyncio.create_task(self._watch())
        media = answer.body["media"]
        await self._media.open(media["url"], media["token"])
        async with asyncio.timeout(WITHIN_S):
            await self._greeted.wait()

    async def _watch(self) -> None:
        """Read the stream; come back as docs/protocol/realtime.md says."""
        url = f"ws://127.0.0.1:{self._server.port}/api/v1/meetings/{self._meeting}/events"
        tries = 0
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException):
                async with websockets.connect(
                    url, open_timeout=5, compression=None, max_size=None, ping_interval=None
                ) as self._socket:
                    hello = greeting(self.connection)
                    if self._since:
                        hello["since"] = self._since
                    await self._socket.send(json.dumps(hello))
                    async for frame in self._socket:
                        tries = 0
                        await self._take(self._socket, json.loads(frame))
            self.is_live = False
            if self._socket is not None and self._socket.close_code not in {None, *RESUMING}:
                return
            while True:
                tries += 1
                await asyncio.sleep(random.uniform(0, 1 if tries == 1 else 2))
                with contextlib.suppress(ConnectionError):
                    alive = await self._server.wire(Connection="close").ask("GET", "/livez")
                    if alive.status == 200:
                        break

    async def _take(self, socket: websockets.ClientConnection, message: dict[str, Any]) -> None:
        match message["type"]:
            case "hello" | "snapshot":
                if "snapshot" in message:
                    people = message["snapshot"]["participants"]
                    self._state = {one["id"]: one for one in people}
                self._since = {"epoch": message["epoch"], "event_seq": message["event_seq"]}
                self.is_live = True
                self._greeted.set()
            case "event":
                self._since["event_seq"] = message["event_seq"]
                if one := (message.get("body") or {}).get("participant"):
                    self._state[one["id"]] = one
                    if message["kind"] == "participant.left":
                        self.departures.append(one["name"])
            case "ping":
                await socket.send(json.dumps({"type": "pong", "id": message["id"]}))
            case _:
                pass

    def listed(self) -> list[Entry]:
        """Tell who is in."""
        return [
            Entry(one["name"], one["id"], one["role"] == "host", one["status"] == "connected")
            for one in self._state.values()
            if one["status"] in ("connected", "reconnecting")
        ]

    async def unload(self) -> None:
        """Drop the stream; the SDK says that it leaves the media."""
        self.is_live = False
        if self._task is not None:
            self._task.cancel()
        if self._socket is not None:
            self._socket.transport.abort()
        await self._media.close()

    async def close(self) -> None:
        """Leave by this connection only."""
        with contextlib.suppress(ConnectionError):
            wire = self._server.wire(Authorization=f"Bearer {bearer(self.person)}")
            me = f"/api/v1/meetings/{self._meeting}/participants/me"
            if self.connection:
                await wire.ask("DELETE", f"{me}?connection_id={self.connection['id']}")
            await wire.close()
        await self.unload()


class Moot:
    """`moot serve` with its own media engine; another installation's where its program is named."""

    name = "moot"
    has_roles = True
    chooses_host = True

    def __init__(self, folder: Path, program: Path | None = None) -> None:
        self._folder = folder
        port, media_port = free_ports(2)
        self.port = port
        self._server = Server(
            folder,
            port=port,
            MOOT_AUTH_SECRET=AUTH_SECRET,
            MOOT_MEDIA="builtin",
            MOOT_MEDIA_PORT=str(media_port),
            MOOT_MEDIA_ADDRESSES="127.0.0.1",
            MOOT_LOG_LEVEL="warning",
        )
        if program is not None:
            self._server.program = [str(program)]

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._server.pid

    async def start(self) -> None:
        """Start, or start again on the same data."""
        await self._server.start()

    def kill(self) -> None:
        """`kill -9`."""
        self._server.kill()

    forget = kill

    async def join(
        self, person: str, meeting: str, *, port: int = 0, replaces: Any = None, creates: bool
    ) -> Tab:
        """Create or get the meeting where asked, and join it."""
        door = Server(self._folder, port=port) if port else self._server
        tab = MootTab(door, person, meeting, replaces)
        await tab.open(creates=creates)
        return tab


class LiveKitTab:
    """One `Room` of LiveKit's SDK, which resumes and reconnects by itself."""

    def __init__(self) -> None:
        self.error = ""
        self.departures: list[str] = []
        self._media = _Media()
        self._media.room.on("participant_disconnected", self._gone)
        self._is_open = False

    def _gone(self, participant: rtc.RemoteParticipant) -> None:
        self.departures.append(participant.identity)

    @property
    def is_live(self) -> bool:
        """Tell whether the SDK says that it is connected."""
        state = self._media.room.connection_state
        return self._is_open and bool(state == rtc.ConnectionState.CONN_CONNECTED)

    async def open(self, url: str, token: str) -> None:
        """Come in."""
        try:
            await self._media.open(url, token)
        except (rtc.ConnectError, TimeoutError) as refused:
            self.error = f"connecting failed: {refused}"
        else:
            self._is_open = True

    def listed(self) -> list[Entry]:
        """Tell who is in."""
        if not self._is_open:
            return []
        room = self._media.room
        people: Sequence[Any] = [room.local_participant, *room.remote_participants.values()]
        return [
            Entry(one.identity, one.sid, one.attributes.get("role") == "host") for one in people
        ]

    async def unload(self) -> None:
        """Leave, as the SDK for browsers does when its page goes."""
        self._is_open = False
        await self._media.close()

    close = unload


class LiveKit:
    """livekit-server; the role is an attribute that the application signs into the token."""

    name = "livekit-server"
    has_roles = True
    chooses_host = False

    def __init__(self) -> None:
        self._server = LiveKitServer(ports=free_ports(3))
        self.port = self._server.ports[0]

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._server.pid

    async def start(self) -> None:
        """Start, or start again on the same ports."""
        await asyncio.to_thread(self._server.__enter__)

    def kill(self) -> None:
        """`kill -9`."""
        self._server.stop()

    def forget(self) -> None:
        """End it."""
        self._server.__exit__(None, None, None)

    async def join(
        self,
        person: str,
        meeting: str,
        *,
        port: int = 0,
        replaces: Any = None,  # noqa: ARG002 - the identity alone says who comes back
        creates: bool,  # noqa: ARG002 - a room is made by its first participant
    ) -> Tab:
        """Join; the room is made where it is missing."""
        url = f"ws://127.0.0.1:{port or self.port}"
        token = (
            api.AccessToken(API_KEY, API_SECRET)
            .with_identity(person)
            .with_name(person)
            .with_attributes({"role": "host" if person == HOST else "guest"})
            .with_grants(api.VideoGrants(room_join=True, room=meeting))
        )
        tab = LiveKitTab()
        await tab.open(url, token.to_jwt())
        return tab


class JanusTab:
    """One session with one VideoRoom handle; claims its session after a cut, else joins again."""

    def __init__(self, port: int, person: str, room: int) -> None:
        self.is_live = False
        self.error = ""
        self.departures: list[str] = []
        self._port = port
        self._person = person
        self._room = room
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._session = 0
        self._handle = 0
        self._id = ""
        self._people: dict[str, str] = {}
        self._socket: websockets.ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def open(self, *, creates: bool) -> None:
        """Come in."""
        await self._connect()
        await self._enter(creates=creates)
        self._keeper = asyncio.create_task(self._keep())

    async def _connect(self) -> None:
        self._socket = await websockets.connect(
            f"ws://127.0.0.1:{self._port}",
            subprotocols=[websockets.Subprotocol("janus-protocol")],
            compression=None,
            ping_interval=None,
            open_timeout=WITHIN_S,
        )
        self._task = asyncio.create_task(self._read(self._socket))

    async def _enter(self, *, creates: bool) -> None:
        self._people = {}
        self._session = (await self._ask({"janus": "create"}))["data"]["id"]
        attach = {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        self._handle = (await self._ask(attach))["data"]["id"]
        if creates:
            room = {"request": "create", "room": self._room, "publishers": PEOPLE_AT_MOST}
            told = await self._tell({**room, "notify_joining": True})
            if "error" in told:
                self.error = str(told["error"])
        me = {"request": "join", "ptype": "publisher", "room": self._room}
        told = await self._tell({**me, "display": self._person})
        if "error" in told:
            self.error = str(told["error"])
            return
        self._id = str(told["id"])
        for one in [*told.get("publishers", []), *told.get("attendees", [])]:
            self._people[str(one["id"])] = one.get("display", "")
        self._people[self._id] = self._person
        self.is_live = True

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        number = str(next(self._numbers))
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        known = {"session_id": self._session, "handle_id": self._handle}
        whole = {name: value for name, value in {**known, **message}.items() if value}
        assert self._socket is not None
        await self._socket.send(json.dumps({**whole, "transaction": number}))
        async with asyncio.timeout(WITHIN_S):
            return await answer

    async def _tell(self, body: dict[str, Any]) -> dict[str, Any]:
        told = await self._ask({"janus": "message", "body": body})
        plugin: dict[str, dict[str, Any]] = told.get("plugindata", {})
        return plugin.get("data") or {"error": str(told)}

    async def _read(self, socket: websockets.ClientConnection) -> None:
        with contextlib.suppress(websockets.WebSocketException, OSError):
            async for frame in socket:
                self._take(json.loads(frame))
        self.is_live = False
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the socket was cut"))

    def _take(self, message: dict[str, Any]) -> None:
        kind, number = message["janus"], message.get("transaction", "")
        if kind != "ack" and number in self._waiting:
            answer = self._waiting.pop(number)
            if not answer.done():
                answer.set_result(message)
            if kind != "event":
                return
        data = message.get("plugindata", {}).get("data", {})
        if one := data.get("joining"):
            self._people[str(one["id"])] = one.get("display", "")
        for word in ("leaving", "kicked"):
            if gone := self._people.pop(str(data.get(word, "")), ""):
                self.departures.append(gone)

    async def _keep(self) -> None:
        """Keep the session alive; after a cut claim it, and where it has gone begin again."""
        while True:
            await asyncio.sleep(0.02)
            if self._socket is not None and self._socket.state is websockets.State.OPEN:
                continue
            with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError):
                await self._connect()
                claimed = await self._ask({"janus": "claim", "handle_id": None})
                if claimed["janus"] == "success":
                    self.is_live = True
                else:
                    self._session = self._handle = 0
                    await self._enter(creates=True)
                    self.error = ""

    def listed(self) -> list[Entry]:
        """Tell who is in."""
        return [Entry(person, number) for number, person in list(self._people.items())]

    async def unload(self) -> None:
        """Close the socket, and the session with it."""
        self.is_live = False
        for task in (self._keeper, self._task):
            if task is not None:
                task.cancel()
        if self._socket is not None:
            await self._socket.close()

    close = unload


class Janus:
    """Janus's VideoRoom, which knows no roles: who has a room's secret may do everything."""

    name = "Janus"
    has_roles = False
    chooses_host = False

    def __init__(self) -> None:
        self._server = JanusServer()
        self.port = self._server.port

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._server.pid

    async def start(self) -> None:
        """Start, or start again on the same port."""
        await self._server.start()

    def kill(self) -> None:
        """`kill -9`."""
        self._server.kill()

    def forget(self) -> None:
        """End it."""
        self._server.forget()

    async def join(
        self,
        person: str,
        meeting: str,
        *,
        port: int = 0,
        replaces: Any = None,  # noqa: ARG002 - nothing says that two ids are one person
        creates: bool,
    ) -> Tab:
        """Create the room where asked, and join it."""
        room = int.from_bytes(meeting.encode()[-6:], "big")
        tab = JanusTab(port or self.port, person, room)
        await tab.open(creates=creates)
        return tab
