"""The endpoint: who may open a stream, what is written, who is cut off."""

import asyncio
import json

import pytest
import structlog

from moot.errors import Problem
from moot.gate.address import Proxies
from moot.gate.limits import Limits
from moot.gate.origin import Origins
from moot.model.ids import ConnectionId, MeetingId
from moot.persons.connection import ConnectionTokens
from moot.persons.sign import Signer
from moot.realtime.endpoint import STALLED_S, Streams
from moot.wire import EXTENSION

ID = ConnectionId("0198f0a2-8d11-7a52-8c33-0f1e2d3c4b5a")
TOKENS = ConnectionTokens(Signer("connection", [b"k" * 32]))
HELLO = {
    "type": "hello",
    "connection_id": ID,
    "token": TOKENS.make(MeetingId("ABC"), ID),
    "fence": 1,
}


class Watcher:
    """A queue that the test fills."""

    def __init__(self):
        self.messages = []
        self.ending = None
        self.typed = []
        self.alert = None

    def give(self, *messages, ending=None):
        self.messages.extend(messages)
        self.ending = self.ending or ending
        alert, self.alert = self.alert, None
        if alert is not None:
            alert()

    def take(self):
        taken, self.messages = self.messages, []
        return taken

    def wait(self, act):
        self.alert = act

    def typing(self, *, to=None):
        self.typed.append(to)


class Watching:
    def __init__(self):
        self.watcher = Watcher()
        self.problem = None
        self.unwatched = []

    async def watch(self, meeting_id, connection_id, *, fence, since=None):
        if self.problem:
            raise Problem(self.problem)
        self.asked = (meeting_id, connection_id, fence, since)
        return self.watcher

    def unwatch(self, watcher):
        self.unwatched.append(watcher)


class Wire:
    """A socket as the endpoint sees it."""

    def __init__(self):
        self.written = b""
        self.ended = None
        self.is_stalled = False
        self.is_broken = False
        self.is_accepted = False
        self.on_drained = None
        self.incoming = asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})

    @property
    def is_gone(self):
        return self.ended is not None

    def accept(self):
        self.is_accepted = True

    def hold_back(self):
        pass

    def write(self, frames):
        if self.is_broken:
            raise RuntimeError("broken")
        self.written += frames

    def when_drained(self, act):
        self.on_drained = act

    def drain(self):
        self.is_stalled = False
        self.on_drained()

    def end(self, code, reason):
        self.ended = (code, reason)
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": code})

    def say(self, message):
        text = message if isinstance(message, str) else json.dumps(message)
        self.incoming.put_nowait({"type": "websocket.receive", "text": text})


class Stage:
    def __init__(self, **changes):
        self.now = 100.0
        self.watching = Watching()
        self.wire = Wire()
        self.sent = []
        self.codes = []
        self.is_draining = False
        self.limits = Limits(is_on=True, monotonic=lambda: self.now)
        self.streams = Streams(
            watching=self.watching,
            tokens=TOKENS,
            origins=Origins(None, ["https://app.example"], []),
            proxies=Proxies([]),
            limits=self.limits,
            monotonic=lambda: self.now,
            is_draining=lambda: self.is_draining,
            limit_bytes=16_384,
            count_close=self.codes.append,
            count_sent=lambda _: None,
            log=structlog.get_logger(),
        )

    def scope(self, path="/api/v1/meetings/ABC/events", **headers):
        given = {"host": "localhost:3000"} | headers
        return {
            "type": "websocket",
            "scheme": "ws",
            "path": path,
            "headers": [(n.encode(), v.encode()) for n, v in given.items()],
            "client": ("127.0.0.1", 1),
            "extensions": {EXTENSION: self.wire},
        }

    async def send(self, message):
        self.sent.append(message)

    def begin(self, **options):
        return asyncio.create_task(
            self.streams(self.scope(**options), self.wire.incoming.get, self.send)
        )

    def look(self):
        """Do what the looking task does twice a second."""
        for stream in list(self.streams._open):
            stream.look(self.now)


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "evil.example"}, 421),
        ({"path": "/api/v1/meetings/a:b/events"}, 422),
    ],
)
async def test_refused_upgrade_is_a_problem(options, status):
    """Origin, host and Meeting ID are judged before a stream is accepted."""
    stage = Stage()
    await stage.begin(**options)
    assert stage.sent[0]["status"] == status
    assert json.loads(stage.sent[1]["body"])["status"] == status
    assert stage.watching.unwatched == []


async def test_draining_process_takes_no_new_stream():
    """Whoever reconnects now goes to another process, or tries again in a second."""
    stage = Stage()
    stage.is_draining = True
    await stage.begin()
    assert stage.sent[0]["status"] == 503
    assert (b"retry-after", b"1") in stage.sent[0]["headers"]


async def test_streams_of_one_address_are_held_to_a_rate():
    """A flood of sockets from one address is refused before it costs anything."""
    stage = Stage()
    statuses = []
    for _ in range(320):
        stage.wire, stage.sent = Wire(), []
        stage.wire.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await stage.begin()
        statuses.append(101 if stage.wire.is_accepted else stage.sent[0]["status"])
    assert statuses.count(101) == 300
    assert statuses[-1] == 429


async def test_messages_are_written_as_they_come_and_the_end_is_said():
    """EVENT-2: what the watcher gives is written in order; its ending is the close code."""
    stage = Stage()
    task = stage.begin()
    stage.wire.say(HELLO | {"since": {"epoch": 1, "event_seq": 7}})
    watcher = stage.watching.watcher
    watcher.give("one", "two")
    await settle()
    watcher.give("three")
    await settle()
    assert stage.wire.written == b"\x81\x03one\x81\x03two\x81\x05three"
    assert stage.watching.asked[3].event_seq == 7
    watcher.give("four", ending="meeting_ended")
    await task
    assert stage.wire.written.endswith(b"\x81\x04four")
    assert stage.wire.ended == (4008, "meeting_ended")
    assert stage.watching.unwatched == [watcher]
    assert stage.codes == [4008]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "forged"}, 4003),
        ({"connection_id": "x"}, 4002),
        ({"connection_id": "0198f0a2-0000-7a52-8c33-0f1e2d3c4b5a"}, 4003),
    ],
)
async def test_wrong_hello_is_closed(changes, code):
    """PERSON-2: without the very token of this connection nothing is shown."""
    stage = Stage()
    task = stage.begin()
    stage.wire.say(HELLO | changes)
    await task
    assert stage.wire.ended[0] == code
    assert not hasattr(stage.watching, "asked")


async def test_refused_watch_closes_with_its_code():
    """JOIN-3: a connection that made room for a newer one is told so."""
    stage = Stage()
    stage.watching.problem = "connection_closed"
    task = stage.begin()
    stage.wire.say(HELLO)
    await task
    assert stage.wire.ended == (4004, "connection_closed")


async def test_stalled_reader_is_cut_off():
    """EVENT-5: who has not read for five seconds is closed with the code that means resume."""
    stage = Stage()
    task = stage.begin()
    stage.wire.say(HELLO)
    await settle()
    stage.wire.is_stalled = True
    stage.look()
    stage.now += STALLED_S - 0.5
    stage.look()
    assert stage.wire.ended is None
    stage.now += 1
    stage.look()
    await task
    assert stage.wire.ended == (4009, "slow_reader")


async def test_what_waits_for_a_stalled_reader_is_written_once_it_reads():
    """EVENT-5: nothing is written to who does not read, and nothing of it is lost."""
    stage = Stage()
    stage.begin()
    stage.wire.say(HELLO)
    await settle()
    watcher = stage.watching.watcher
    stage.wire.is_stalled = True
    watcher.give("one")
    await settle()
    watcher.give("two")
    await settle()
    assert stage.wire.written == b"\x81\x03one"
    stage.wire.drain()
    await settle()
    assert stage.wire.written == b"\x81\x03one\x81\x03two"


async def test_a_stream_that_breaks_holds_back_no_other():
    """EVENT-5: what is written in one turn reaches the others when one socket fails."""
    stage = Stage()
    broken = stage.wire
    stage.begin()
    broken.say(HELLO)
    await settle()
    stage.wire, first = Wire(), stage.watching.watcher
    stage.watching.watcher = Watcher()
    stage.begin()
    stage.wire.say(HELLO)
    await settle()
    broken.is_broken = True
    first.give("one")
    stage.watching.watcher.give("two")
    await settle()
    assert stage.wire.written == b"\x81\x03two"
    assert broken.ended[1] == "internal"
    assert stage.wire.ended is None


async def test_reader_that_stalls_and_recovers_stays():
    """A pause of a few seconds is no fault."""
    stage = Stage()
    task = stage.begin()
    stage.wire.say(HELLO)
    await settle()
    for is_stalled in (True, False, True, False):
        stage.wire.is_stalled = is_stalled
        stage.now += 3
        stage.look()
    assert stage.wire.ended is None
    stage.wire.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await task
    assert stage.watching.unwatched == [stage.watching.watcher]


async def test_typing_names_a_person_or_nobody():
    """EVENT-3: typing is passed on; one who cannot be named costs the stream."""
    stage = Stage()
    task = stage.begin()
    stage.wire.say(HELLO)
    await settle()
    stage.wire.say({"type": "typing"})
    stage.wire.say({"type": "typing", "to": ID})
    await settle()
    assert stage.watching.watcher.typed == [None, ID]
    stage.wire.say({"type": "typing", "to": "nobody"})
    await task
    assert stage.wire.ended == (4002, "message_invalid")


async def test_drain_closes_everyone_with_resume():
    """A restarting process sends its streams elsewhere, spread over a time."""
    stage = Stage()
    tasks, wires = [], []
    for _ in range(50):
        stage.wire = Wire()
        wires.append(stage.wire)
        tasks.append(stage.begin())
    await settle()
    await stage.streams.drain(0.05)
    await asyncio.gather(*tasks)
    assert {wire.ended for wire in wires} == {(4011, "restarting")}
