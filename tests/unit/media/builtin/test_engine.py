"""The built-in engine's upkeep, its face to control, and what it survives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from tests.unit.media.builtin.test_signalling import CAMERA, connect, join, publish, told
from tests.unit.media.scripted import MEETING, EngineClosed, QueueFull, Stage, happening

from moot.media.builtin.door import Joined
from moot.media.builtin.engine import CONNECT_S, FAILED_S, RESUME_S, BuiltinMediaEngine
from moot.media.builtin.hub import EMPTY_TIMEOUT_S, GATHER_MOST_S, GATHER_S_EACH
from moot.media.builtin.notice import Closed, Closing, MuteChanged, ParticipantsChanged, QualitySeen
from moot.media.event import (
    EventsLost,
    MeetingClosed,
    Quality,
    QualityChanged,
    Speaker,
    SpeakersChanged,
    TransportConnected,
    TransportDisconnected,
)
from moot.media.ledger import REMEMBERED_S
from moot.media.port import MediaEngine, MediaUnavailable
from moot.media.source import Source


def fail(stage: Stage, joined: Joined, state: str = "failed") -> None:
    stage.happens(
        "TransportStateChanged",
        meeting=MEETING,
        connection=joined.connection.sid,
        transport="publisher",
        state=state,
        path="",
    )


def passes(stage: Stage, seconds: float) -> None:
    """Let time pass, then do the upkeep."""
    stage.clock.now += seconds
    stage.engine.upkeep()


def is_there(stage: Stage, joined: Joined) -> bool:
    return joined.connection.sid in stage.engine.hub.connections


async def test_it_is_a_media_engine(stage: Stage) -> None:
    """MEDIA-2: the built-in engine has the port's verbs."""
    engine: MediaEngine = stage.engine
    await join(stage, "ana")
    status = await engine.status()
    assert (status.name, status.is_ready, status.connections) == ("builtin", True, 1)


async def test_before_start_and_after_close_it_says_so(stage: Stage) -> None:
    """A closed engine is unavailable, whoever asks."""
    await stage.engine.close()
    await stage.engine.close()
    assert not (await stage.engine.status()).is_ready
    for ask in (
        lambda: stage.engine.signalling,
        lambda: stage.engine.door,
        lambda: stage.engine.hub,
        stage.engine.counts,
    ):
        with pytest.raises(MediaUnavailable):
            ask()
    with pytest.raises(MediaUnavailable):
        await stage.engine.remove(MEETING, "ana.1")


async def test_closing_tells_clients_to_come_back(stage: Stage) -> None:
    """JOIN-10: a server that stops sends its clients away with leave to return."""
    ana = await join(stage, "ana")
    events = stage.engine.events()
    await stage.engine.close()
    assert told(ana.connection, Closed) == [Closed(why=Closing.CLOSED, may_return=True)]
    assert [type(event) for event in [event async for event in events]] == [
        TransportDisconnected,
        MeetingClosed,
    ]
    assert stage.core.commands("close") == [()]


async def test_events_of_the_core_are_drained_when_they_wait(stage: Stage) -> None:
    """The descriptor wakes the loop; one event that cannot be handled costs no other."""
    ana = await join(stage, "ana")
    stage.core.says("TrackPublished", track=None)
    stage.core.says("SpeakersChanged", meeting=MEETING, speakers=None)
    stage.core.says("NeverHeardOf")
    stage.core.says(
        "TransportStateChanged",
        meeting=MEETING,
        connection=ana.connection.sid,
        transport="publisher",
        state="connected",
        path="udp",
    )
    async with asyncio.timeout(2):
        while not stage.heard:
            await asyncio.sleep(0)
    assert stage.heard == [TransportConnected(meeting_key=MEETING, identity="ana.1")]
    assert stage.engine.counts()["core_event_failed"] == 1
    assert stage.engine.counts()["core_event_unused"] == 1


async def test_lost_signalling_ends_after_its_time(stage: Stage) -> None:
    """JOIN-4: a connection waits for its signalling to come back, then it is gone."""
    ana = await join(stage, "ana")
    connect(stage, ana)
    stage.engine.door.lose(ana.connection, ana.attachment)
    passes(stage, RESUME_S - 1)
    assert is_there(stage, ana)
    passes(stage, 1)
    assert stage.heard[-1] == TransportDisconnected(
        meeting_key=MEETING, identity="ana.1", reason="lost"
    )
    assert told(ana.connection, Closed) == [Closed(why=Closing.LOST, may_return=True)]


async def test_a_failed_transport_ends_after_its_time(stage: Stage) -> None:
    """JOIN-4: a transport may be restarted; sooner over where signalling is gone as well."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    for joined in (ana, bo):
        connect(stage, joined)
        fail(stage, joined)
    assert not ana.connection.is_connected
    stage.engine.door.lose(bo.connection, bo.attachment)
    passes(stage, FAILED_S / 2)
    assert is_there(stage, ana)
    assert not is_there(stage, bo)
    connect(stage, ana)
    passes(stage, FAILED_S * 2)
    assert is_there(stage, ana)
    assert ana.connection.is_connected
    fail(stage, ana)
    passes(stage, FAILED_S)
    assert not is_there(stage, ana)


@pytest.mark.parametrize(("state", "reason"), [("closed", "left"), ("failed", "lost")])
async def test_who_closed_its_transport_has_left_though_its_word_was_lost(
    stage: Stage, state: str, reason: str
) -> None:
    """JOIN-7: a last word may be lost with its socket; a closed transport says it too."""
    ana = await join(stage, "ana")
    connect(stage, ana)
    fail(stage, ana, state)
    stage.engine.door.lose(ana.connection, ana.attachment)
    passes(stage, FAILED_S / 2)
    assert stage.heard[-1] == TransportDisconnected(
        meeting_key=MEETING, identity="ana.1", reason=reason
    )


async def test_who_never_connects_is_forgotten(stage: Stage) -> None:
    """A client that opens no transport does not stay as a ghost."""
    ana = await join(stage, "ana")
    passes(stage, CONNECT_S - 1)
    assert is_there(stage, ana)
    passes(stage, 1)
    assert not is_there(stage, ana)


async def test_an_empty_meeting_is_let_go(stage: Stage) -> None:
    """A meeting with nobody in it frees its shard after a while, and opens anew."""
    ana = await join(stage, "ana")
    stage.engine.signalling.leave(ana.connection)
    passes(stage, EMPTY_TIMEOUT_S - 1)
    assert MEETING in stage.engine.hub.meetings
    passes(stage, 1)
    assert stage.heard[-1] == MeetingClosed(meeting_key=MEETING)
    assert stage.core.commands("close_meeting") == [(MEETING,)]
    await join(stage, "ana")
    assert len(stage.core.commands("open_meeting")) == 2


async def test_an_overloaded_core_gets_its_orders_later_and_in_order(stage: Stage) -> None:
    """HOST-4: a mute that the core's queue cannot take now is not lost."""
    ana = await join(stage, "ana")
    publish(stage, ana, CAMERA)
    stage.core.refuses = QueueFull()
    await stage.engine.set_sources(MEETING, "ana.1", frozenset())
    await stage.engine.remove(MEETING, "ana.1")
    assert stage.core.commands("close_connection") == []
    stage.core.refuses = None
    stage.engine.upkeep()
    names = [name for name, _, _ in stage.core.told]
    assert names[-3:] == ["set_allowed_sources", "set_muted", "close_connection"]


async def test_an_overloaded_core_is_told_later_who_gets_a_track(stage: Stage) -> None:
    """MEDIA-1: everyone gets a track that arrives while the core's queue is full, or loses it."""
    ana, bo, cy = [await join(stage, name) for name in ("ana", "bo", "cy")]
    stage.engine.signalling.announce_track(ana.connection, CAMERA)
    (track_id,) = ana.connection.publications
    stage.core.refuses = QueueFull()
    stage.happens(
        "TrackPublished",
        meeting=MEETING,
        connection=ana.connection.sid,
        track=track_id,
        mid="0",
        codec="video/VP8",
        rids=[],
    )
    stage.engine.signalling.want(bo.connection, [track_id], is_wanted=False)
    assert stage.core.commands("subscribe") == []
    stage.core.refuses = None
    stage.engine.upkeep()
    assert stage.core.commands("subscribe") == [
        (bo.connection.sid, [track_id]),
        (cy.connection.sid, [track_id]),
    ]
    assert stage.core.commands("unsubscribe") == [(bo.connection.sid, [track_id])]


async def test_a_meeting_opens_anew_only_once_its_last_run_is_closed(stage: Stage) -> None:
    """JOIN-10: a close that the core's queue could not take ends nobody who comes after it."""
    ana = await join(stage, "ana")
    stage.core.refuses = QueueFull()
    await stage.engine.end(MEETING)
    assert not is_there(stage, ana)
    stage.clock.now += 1
    with pytest.raises(MediaUnavailable):
        await join(stage, "ana")
    assert MEETING not in stage.engine.hub.meetings
    stage.core.refuses = None
    await join(stage, "ana")
    names = [name for name, _, _ in stage.core.told]
    assert names[-3:] == ["close_meeting", "open_meeting", "open_connection"]


async def test_a_meeting_that_the_core_did_not_open_is_not_there(stage: Stage) -> None:
    """JOIN-9: who comes after a refusal opens the meeting for themselves."""
    stage.core.refuses = QueueFull()
    with pytest.raises(QueueFull):
        await join(stage, "ana")
    stage.core.refuses = None
    await join(stage, "bo")
    assert len(stage.core.commands("open_meeting")) == 1


async def test_a_dead_media_thread_takes_only_its_meetings_down(stage: Stage) -> None:
    """JOIN-10: a shard's meetings end with leave to return, and control is told to look."""
    ana = await join(stage, "ana")
    bo = await join(stage, "bo", meeting_key="OTHER.1")
    stage.core.refuses = EngineClosed()
    stage.happens("ShardFailed", shard=0, meetings=[MEETING, "GONE.1"], reason="bug")
    assert told(ana.connection, Closed) == [Closed(why=Closing.FAILED, may_return=True)]
    assert is_there(stage, bo)
    assert EventsLost(meeting_key=MEETING) in stage.heard


@pytest.mark.parametrize(
    "name",
    ["ConnectionFailed", "RequestFailed"],
)
async def test_a_broken_connection_comes_back_by_itself(stage: Stage, name: str) -> None:
    """MEDIA-1: what breaks inside the core costs one connection, and that may return."""
    ana = await join(stage, "ana")
    facts = {"connection": ana.connection.sid, "reason": "bug", "code": "bad_sdp", "request": 0}
    stage.happens(name, **facts)
    assert told(ana.connection, Closed) == [Closed(why=Closing.FAILED, may_return=True)]
    stage.happens(name, **facts)


async def test_a_refused_request_costs_nothing_else(stage: Stage) -> None:
    """A late answer or an unknown track is counted, and the connection goes on."""
    ana = await join(stage, "ana")
    stage.happens(
        "RequestFailed", connection=ana.connection.sid, reason="", code="bad_state", request=1
    )
    assert is_there(stage, ana)
    assert stage.engine.counts()["refused_bad_state"] == 1


async def test_a_refused_subscription_costs_nothing_else(stage: Stage) -> None:
    """JOIN-9: who cannot have everybody's tracks stays in with those that it has."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    publish(stage, ana, CAMERA)
    stage.happens(
        "RequestFailed", connection=bo.connection.sid, reason="", code="too_many", request=0
    )
    assert is_there(stage, bo)
    assert stage.engine.counts()["refused_too_many"] == 1


async def test_speakers_and_quality_are_told_to_control(stage: Stage) -> None:
    """EVENT-3: who speaks, loudest first, and how well a connection does, and why."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")

    def speaks(joined: Joined, level: float) -> SimpleNamespace:
        return SimpleNamespace(
            connection=joined.connection.sid, track="TR", level=level, active=level > 0
        )

    stage.happens("SpeakersChanged", meeting=MEETING, speakers=[speaks(ana, 0.2), speaks(bo, 0.9)])
    assert stage.heard[-1] == SpeakersChanged(
        meeting_key=MEETING, speakers=(Speaker("bo.1", 0.9), Speaker("ana.1", 0.2))
    )
    stage.happens("SpeakersChanged", meeting=MEETING, speakers=[speaks(bo, 0)])
    assert stage.heard[-1] == SpeakersChanged(
        meeting_key=MEETING, speakers=(Speaker("ana.1", 0.2),)
    )
    stage.engine.signalling.leave(ana.connection)
    assert SpeakersChanged(meeting_key=MEETING, speakers=()) in stage.heard
    stage.happens(
        "QualityChanged",
        meeting=MEETING,
        connection=bo.connection.sid,
        quality="poor",
        score=1.5,
        cause="loss",
    )
    assert stage.heard[-1] == QualityChanged(
        meeting_key=MEETING,
        identity="bo.1",
        quality=Quality.POOR,
        cause="Packets get lost on the way.",
    )


async def test_qualities_are_told_together(stage: Stage) -> None:
    """EVENT-3: however often qualities change, everyone hears of them once a second, the latest."""
    ana, bo, cy = [await join(stage, name) for name in ("ana", "bo", "cy")]
    for joined, quality in ((ana, "poor"), (bo, "good"), (ana, "lost"), (cy, "poor")):
        stage.happens(
            "QualityChanged",
            meeting=MEETING,
            connection=joined.connection.sid,
            quality=quality,
            score=1.0,
            cause="",
        )
    assert told(bo.connection, QualitySeen) == []
    stage.engine.signalling.leave(cy.connection)
    stage.engine.upkeep()
    (seen,) = told(bo.connection, QualitySeen)
    assert set(seen.qualities) == {
        (ana.connection.sid, Quality.LOST, 1.0),
        (bo.connection.sid, Quality.GOOD, 1.0),
    }
    stage.engine.upkeep()
    assert told(bo.connection, QualitySeen) == []


async def test_figures_of_both_transports_are_one_connection(stage: Stage) -> None:
    """A host's page gets one line a person, whatever the number of transports."""
    ana = await join(stage, "ana", "dual")
    track_id = publish(stage, ana, CAMERA)
    sent = SimpleNamespace(track=track_id, inbound=True, bitrate_bps=500, loss=0.1, jitter_ms=3.0)
    other = SimpleNamespace(track="?", inbound=True, bitrate_bps=1, loss=0, jitter_ms=0)
    stage.core.figures = [
        SimpleNamespace(
            meeting=MEETING, connection=ana.connection.sid, bytes_in=10, bytes_out=1,
            packets_in=2, packets_out=1, rtt_ms=30.0, loss_in=0.1, loss_out=0.0, estimate_bps=0,
            tracks=[sent, other],
        ),
        SimpleNamespace(
            meeting=MEETING, connection=ana.connection.sid, bytes_in=1, bytes_out=10,
            packets_in=1, packets_out=2, rtt_ms=-1.0, loss_in=0.0, loss_out=0.3, estimate_bps=9,
            tracks=[],
        ),
    ]  # fmt: skip
    (figure,) = await stage.engine.stats(MEETING)
    assert (figure.received_bytes, figure.sent_bytes) == (11, 11)
    assert (figure.loss, figure.round_trip_ms, figure.estimate_bps) == (0.3, 30.0, 9)
    assert [(track.track_id, track.bitrate_bps) for track in figure.tracks] == [(track_id, 500)]
    assert await stage.engine.stats("NOBODY.1") == ()


async def test_data_goes_where_the_dialect_says(stage: Stage) -> None:
    """MEDIA-2: to those named, to everyone else, to nobody; never without permission."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    router = stage.engine._events
    assert router is not None
    routed: list[object] = []
    router._route = lambda payload, kind, sender: routed.pop()  # type: ignore[assignment]
    facts = {"meeting": MEETING, "connection": ana.connection.sid, "kind": "lossy", "payload": b"x"}
    routed += [
        SimpleNamespace(payload=b"1", identities=frozenset(), sids=frozenset()),
        SimpleNamespace(payload=b"2", identities=frozenset({"bo.1"}), sids=frozenset({"PA"})),
        SimpleNamespace(payload=b"3", identities=frozenset({"cy.1"}), sids=frozenset()),
        None,
    ]
    for _ in range(4):
        router.handle(happening("DataReceived", **facts))
    told_core = [
        (args, named["to"]) for name, args, named in stage.core.told if name == "send_data"
    ]
    assert told_core == [
        ((MEETING, "lossy", b"2"), [bo.connection.sid]),
        ((MEETING, "lossy", b"1"), None),
    ]
    claims = stage.engine.door.admit(await stage.ticket("mute", may_send_data=False))
    assert not claims.may_send_data
    quiet = await join(stage, "mute", may_send_data=False)
    router.handle(happening("DataReceived", **{**facts, "connection": quiet.connection.sid}))
    assert stage.engine.counts()["data_not_allowed"] == 1
    assert stage.engine.counts()["data_not_routed"] == 1


async def test_grant_speaks_for_an_identity_that_is_connected(stage: Stage) -> None:
    """EVENT-4: the latest word counts, whichever verb said it."""
    ana = await join(stage, "ana")
    await stage.ticket("ana", sources=frozenset({Source.CAMERA}))
    assert ana.connection.forwarded == {Source.CAMERA}
    assert told(ana.connection, MuteChanged) == []
    roster = await stage.engine.roster(MEETING)
    assert roster.entries[0].allowed == {Source.CAMERA}


def test_an_engine_is_made_without_opening_anything() -> None:
    """Building the engine touches no socket; `start` does."""

    def never() -> None:
        raise AssertionError

    BuiltinMediaEngine(never, None, None)  # type: ignore[arg-type]


async def test_newcomers_are_announced_together(stage: Stage) -> None:
    """MEDIA-1: newcomers are gathered for a moment; what they publish is not."""
    waiting: list[tuple[float, Callable[[], None]]] = []
    stage.engine.hub._later = lambda wait_s, act: waiting.append((wait_s, act))

    def gather() -> float:
        wait_s, act = waiting.pop()
        assert waiting == []
        act()
        return wait_s

    crowd = [await join(stage, f"p{number}") for number in range(4)]
    watcher = crowd[0].connection
    assert gather() == 0, "nobody was there to wait for"
    watcher.outbox.take()
    late = [await join(stage, f"late{number}") for number in range(3)]
    assert told(watcher, ParticipantsChanged) == []
    publish(stage, late[0], CAMERA)
    (shown,) = told(watcher, ParticipantsChanged)
    assert [view.identity for view in shown.views] == ["late0.1"]
    stage.engine.signalling.leave(late[1].connection)
    watcher.outbox.take()
    assert gather() == 4 * GATHER_S_EACH
    (shown,) = told(watcher, ParticipantsChanged)
    assert [view.identity for view in shown.views] == ["late0.1", "late2.1"]
    for number in range(60):
        await join(stage, f"more{number}")
    assert gather() == 6 * GATHER_S_EACH
    await join(stage, "last")
    assert gather() == GATHER_MOST_S


async def test_newcomers_go_along_with_what_is_told_anyway(stage: Stage) -> None:
    """MEDIA-1: one message a second to each, not two; who comes after it is gathered anew."""
    waiting: list[Callable[[], None]] = []
    stage.engine.hub._later = lambda _, act: waiting.append(act)
    ana = await join(stage, "ana")
    waiting.pop()()
    await join(stage, "bo")
    ana.connection.outbox.take()
    stage.happens(
        "QualityChanged",
        meeting=MEETING,
        connection=ana.connection.sid,
        quality="poor",
        score=1.0,
        cause="loss",
    )
    stage.engine.upkeep()
    shown, seen = ana.connection.outbox.take()
    assert isinstance(shown, ParticipantsChanged)
    assert [view.identity for view in shown.views] == ["bo.1"]
    assert isinstance(seen, QualitySeen)
    await join(stage, "cy")
    waiting[0]()
    assert told(ana.connection, ParticipantsChanged) == [], "the clock of those before"
    waiting[1]()
    (shown,) = told(ana.connection, ParticipantsChanged)
    assert [view.identity for view in shown.views] == ["cy.1"]


async def test_nothing_stays_behind_of_those_who_left(stage: Stage) -> None:
    """JOIN-10: after 300 people came, published and went in every way, the registry is empty."""
    for number in range(300):
        joined = await join(stage, f"p{number}", ("single", "dual")[number % 2])
        connect(stage, joined)
        publish(stage, joined, CAMERA)
        if number % 3 == 0:
            stage.engine.signalling.leave(joined.connection)
        elif number % 3 == 1:
            await stage.engine.remove(MEETING, joined.connection.identity)
        else:
            stage.engine.door.lose(joined.connection, joined.attachment)
    passes(stage, RESUME_S)
    passes(stage, EMPTY_TIMEOUT_S)
    hub = stage.engine.hub
    assert not hub.connections
    assert not hub.owners
    assert not hub.meetings
    assert len(stage.core.commands("close_connection")) == 300
    passes(stage, REMEMBERED_S + 1)
    assert not hub.ledger._words
