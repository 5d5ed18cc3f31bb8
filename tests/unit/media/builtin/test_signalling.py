"""What a client may ask of the engine, and what the engine refuses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.media.scripted import MEETING, Stage

from moot.media.builtin.connection import Connection, ConnectionRequest
from moot.media.builtin.door import Joined, JoinRefused
from moot.media.builtin.notice import (
    Closed,
    Closing,
    ForwardingPaused,
    LayersWanted,
    MuteChanged,
    Notice,
    ParticipantsChanged,
    PublishRefused,
    QualitySeen,
    RequestAnswered,
    SpeakersHeard,
    SubscriptionAllowed,
    SubscriptionRefused,
    TicketRenewed,
    TrackAccepted,
    TrackTaken,
)
from moot.media.builtin.publication import PublicationRequest
from moot.media.builtin.signalling import (
    PUBLICATIONS_LIMIT,
    SubscriptionWish,
)
from moot.media.builtin.view import ConnectionState, Permission
from moot.media.event import (
    SourceActive,
    SourceInactive,
    TransportConnected,
    TransportDisconnected,
)
from moot.media.source import Source
from moot.media.tokens import Claims, TokenInvalid

CAMERA = PublicationRequest(cid="cam", kind="video", source=Source.CAMERA)
MICROPHONE = PublicationRequest(cid="mic", kind="audio", source=Source.MICROPHONE)


async def join(stage: Stage, name: str, mode: Any = "single", **facts: Any) -> Joined:
    """Join with a fresh ticket."""
    wants = facts.pop("wants_everything", True)
    claims = stage.engine.door.admit(await stage.ticket(name, **facts))
    return stage.engine.door.join(claims, ConnectionRequest(mode=mode, wants_everything=wants))


def connect(stage: Stage, joined: Joined) -> None:
    """Let the connection's transport carry media."""
    connection = joined.connection
    stage.happens(
        "TransportStateChanged",
        meeting=MEETING,
        connection=connection.sid,
        transport=connection.primary_transport,
        state="connected",
        path="udp",
    )


def publish(stage: Stage, joined: Joined, request: PublicationRequest) -> str:
    """Announce a track and let an offer carry it; answers its id."""
    stage.engine.signalling.announce_track(joined.connection, request)
    track_id = next(reversed(joined.connection.publications))
    stage.happens(
        "TrackPublished",
        meeting=MEETING,
        connection=joined.connection.sid,
        track=track_id,
        mid="0",
        codec="video/VP8" if request.kind == "video" else "audio/opus",
        rids=[],
    )
    return track_id


def told(connection: Connection, kind: type[Notice]) -> list[Any]:
    """Take what waits for a connection, and pick one kind."""
    return [notice for notice in connection.outbox.take() if isinstance(notice, kind)]


async def test_a_newcomer_finds_the_others_and_they_find_it(stage: Stage) -> None:
    """MEDIA-1: who joins is told who is there; who is there is told who joins."""
    stage.engine.hub._later = lambda _, act: act()
    ana = await join(stage, "ana")
    bo = await join(stage, "bo", "dual")
    assert ana.others == ()
    assert [view.identity for view in bo.others] == ["ana.1"]
    (shown,) = told(ana.connection, ParticipantsChanged)
    assert [view.identity for view in shown.views] == ["bo.1"]
    assert bo.meeting.connections == 2
    assert [args[0] for args in stage.core.commands("negotiate")] == [bo.connection.sid]
    assert stage.core.named("open_connection")[1]["mode"] == "dual"


async def test_a_ticket_that_is_not_for_joining_opens_nothing(stage: Stage) -> None:
    """PERSON-2: garbage, a ticket of a removed identity and a token for the API are turned away."""
    with pytest.raises(TokenInvalid):
        stage.engine.door.admit("garbage")
    token = await stage.ticket("ana")
    await stage.engine.remove(MEETING, "ana.1")
    with pytest.raises(JoinRefused):
        stage.engine.door.admit(token)
    for facts in ({"may_join": False}, {"identity": ""}, {"meeting_key": ""}):
        given: dict[str, Any] = {
            "identity": "x.1", "name": "", "meeting_key": MEETING, "may_join": True,
            "granted_at": stage.clock.now, "expires_at": stage.clock.now + 60, **facts,
        }  # fmt: skip
        with pytest.raises(JoinRefused):
            stage.engine.door.admit(stage.signer.sign_claims(Claims(**given), "").token)
    long = Claims(
        identity="x" * 129,
        name="",
        meeting_key=MEETING,
        may_join=True,
        granted_at=stage.clock.now,
        expires_at=stage.clock.now + 60,
    )
    with pytest.raises(TokenInvalid):
        stage.engine.door.admit(stage.signer.sign_claims(long, "").token)


async def test_a_removed_person_who_is_let_back_in_gets_in(stage: Stage) -> None:
    """JOIN-8: a ticket granted after the removal opens the door again, with the same connection."""
    await stage.engine.remove(MEETING, "ana.1")
    stage.clock.now += 0.01
    joined = await join(stage, "ana")
    assert joined.connection.state is ConnectionState.JOINED


async def test_the_same_identity_again_replaces_the_first(stage: Stage) -> None:
    """MEDIA-3: one identity is one connection; the earlier one is told why it ends."""
    first = await join(stage, "ana")
    second = await join(stage, "ana")
    assert told(first.connection, Closed) == [Closed(why=Closing.REPLACED, may_return=False)]
    assert stage.engine.hub.find(MEETING, "ana.1") is second.connection
    assert stage.core.commands("close_connection") == [(first.connection.sid,)]
    stage.engine.signalling.leave(first.connection)
    assert stage.engine.hub.find(MEETING, "ana.1") is second.connection


async def test_a_full_meeting_takes_no_newcomer_but_its_own_again(stage: Stage) -> None:
    """JOIN-9: a limit on connections never shuts out an identity that is coming back."""
    await join(stage, "ana")
    stage.engine.hub.meetings[MEETING].max_connections = 1
    with pytest.raises(JoinRefused) as refused:
        await join(stage, "bo")
    assert refused.value.reason == "full"
    await join(stage, "ana")


def happens_to_all(stage: Stage, *joined: Joined) -> None:
    """Let everyone speak and have a quality."""
    sids = [one.connection.sid for one in joined]
    speakers = [SimpleNamespace(connection=sid, track="TR", level=1, active=True) for sid in sids]
    stage.happens("SpeakersChanged", meeting=MEETING, speakers=speakers)
    for sid in sids:
        facts = {"quality": "poor", "score": 1.0, "cause": ""}
        stage.happens("QualityChanged", meeting=MEETING, connection=sid, **facts)
    stage.engine.upkeep()


def of(notice: Notice) -> set[str]:
    """Whose quality or speech a notice tells."""
    if isinstance(notice, QualitySeen):
        return {sid for sid, *_ in notice.qualities}
    return {one.sid for one in notice.speakers} if isinstance(notice, SpeakersHeard) else set()


async def test_a_hidden_connection_is_seen_by_nobody(stage: Stage) -> None:
    """A recorder that is hidden hears of others and nobody hears of it."""
    ana = await join(stage, "ana")
    claims = Claims(
        identity="rec",
        name="",
        meeting_key=MEETING,
        granted_at=stage.clock.now,
        expires_at=stage.clock.now + 60,
        may_join=True,
        is_hidden=True,
    )
    hidden = stage.engine.door.join(claims, ConnectionRequest(mode="single"))
    sid = hidden.connection.sid
    happens_to_all(stage, ana, hidden)
    seen = [notice for notice in hidden.connection.outbox.take() if of(notice)]
    assert [sorted(of(notice)) for notice in seen] == [
        [sid], [ana.connection.sid], [sid], [ana.connection.sid]
    ]  # fmt: skip
    bo = await join(stage, "bo")
    for joined in (ana, bo):
        waiting = joined.connection.outbox.take()
        assert [of(notice) for notice in waiting if of(notice)] == [{ana.connection.sid}] * 2
    stage.engine.signalling.leave(hidden.connection)
    assert told(ana.connection, ParticipantsChanged) == []
    assert [view.identity for view in hidden.others] == ["ana.1"]


async def test_a_published_track_is_announced_and_subscribed(stage: Stage) -> None:
    """MEDIA-1: others hear of a track once an offer carries it, and are subscribed to it."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    connect(stage, ana)
    told(bo.connection, ParticipantsChanged)
    stage.engine.signalling.announce_track(ana.connection, CAMERA)
    assert told(bo.connection, ParticipantsChanged) == []
    track_id = publish(stage, ana, CAMERA)
    (shown,) = told(bo.connection, ParticipantsChanged)
    (publication,) = shown.views[0].publications
    assert (publication.track_id, publication.mime) == (track_id, "video/VP8")
    assert stage.core.commands("subscribe") == [(bo.connection.sid, [track_id])]
    assert told(ana.connection, TrackTaken) == [TrackTaken(track_id=track_id)]
    assert stage.heard == [
        TransportConnected(meeting_key=MEETING, identity="ana.1"),
        SourceActive(
            meeting_key=MEETING, identity="ana.1", source=Source.CAMERA, track_id=track_id
        ),
    ]
    cy = await join(stage, "cy")
    assert stage.core.commands("subscribe")[1:] == [(cy.connection.sid, [track_id])]


async def test_the_same_announcement_again_gets_the_same_track(stage: Stage) -> None:
    """A client that repeats an announcement it got no answer to does not publish twice."""
    ana = await join(stage, "ana")
    for _ in range(2):
        stage.engine.signalling.announce_track(ana.connection, CAMERA)
    one, two = told(ana.connection, TrackAccepted)
    assert one.publication.track_id == two.publication.track_id
    assert len(stage.core.commands("add_track")) == 1


async def test_publishing_without_permission_is_refused(stage: Stage) -> None:
    """HOST-4: a track that the permission does not cover gets no id."""
    ana = await join(stage, "ana")
    stage.engine.signalling.permit(
        ana.connection, Permission(sources=frozenset({Source.MICROPHONE}))
    )
    told(ana.connection, PublishRefused)
    stage.engine.signalling.announce_track(ana.connection, CAMERA)
    assert told(ana.connection, PublishRefused) == [PublishRefused(cid="cam", reason="not_allowed")]
    for number in range(PUBLICATIONS_LIMIT + 1):
        stage.engine.signalling.announce_track(
            ana.connection, PublicationRequest(cid=f"{number}", kind="audio", source=None)
        )
    assert [refused.reason for refused in told(ana.connection, PublishRefused)] == [
        "limit_exceeded"
    ]
    assert len(stage.core.commands("add_track")) == PUBLICATIONS_LIMIT


async def test_mute_goes_to_the_core_and_to_everyone(stage: Stage) -> None:
    """EVENT-4: a mute is enforced in the core, shown to others and told to control."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    track_id = publish(stage, ana, MICROPHONE)
    told(bo.connection, ParticipantsChanged)
    stage.engine.signalling.mute_own(ana.connection, track_id, is_muted=True)
    stage.engine.signalling.mute_own(ana.connection, track_id, is_muted=True)
    assert stage.core.commands("set_muted") == [(track_id, True)]
    (shown,) = told(bo.connection, ParticipantsChanged)
    assert shown.views[0].publications[0].is_silent
    assert isinstance(stage.heard[-1], SourceInactive)
    stage.engine.signalling.mute_own(ana.connection, track_id, is_muted=False)
    assert isinstance(stage.heard[-1], SourceActive)
    stage.engine.signalling.mute_own(bo.connection, track_id, is_muted=True)
    assert stage.engine.counts()["unknown_track"] == 1
    assert len(stage.core.commands("set_muted")) == 2


async def test_a_forbidden_source_stays_muted_until_its_owner_unmutes(stage: Stage) -> None:
    """HOST-4: a host's mute is enforced whatever the client says; unmuting is the person's act."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    track_id = publish(stage, ana, MICROPHONE)
    told(ana.connection, MuteChanged)
    await stage.engine.set_sources(MEETING, "ana.1", frozenset({Source.CAMERA}))
    assert stage.core.commands("set_allowed_sources") == [(ana.connection.sid, ["camera"])]
    assert told(ana.connection, MuteChanged) == [MuteChanged(track_id=track_id, is_muted=True)]
    signalling = stage.engine.signalling
    signalling.mute_own(ana.connection, track_id, is_muted=False)
    assert told(ana.connection, MuteChanged) == [MuteChanged(track_id=track_id, is_muted=True)]
    assert stage.core.commands("set_muted") == [(track_id, True)]
    assert isinstance(stage.heard[-1], SourceInactive)
    told(bo.connection, ParticipantsChanged)
    await stage.engine.set_sources(MEETING, "ana.1", frozenset(Source))
    assert stage.core.commands("set_allowed_sources")[-1] == (ana.connection.sid, None)
    assert isinstance(stage.heard[-1], SourceInactive)
    (shown,) = told(bo.connection, ParticipantsChanged)
    assert shown.views[0].publications[0].is_silent
    signalling.mute_own(ana.connection, track_id, is_muted=False)
    assert isinstance(stage.heard[-1], SourceActive)


async def test_a_mute_said_before_the_join_holds(stage: Stage) -> None:
    """EVENT-4: a source forbidden between ticket and join is forbidden from the first packet."""
    claims = stage.engine.door.admit(await stage.ticket("ana"))
    stage.clock.now += 1
    await stage.engine.set_sources(MEETING, "ana.1", frozenset())
    joined = stage.engine.door.join(claims, ConnectionRequest(mode="single"))
    assert stage.core.named("open_connection")[0]["sources"] == []
    track_id = publish(stage, joined, MICROPHONE)
    assert joined.connection.publications[track_id].is_silent
    assert not any(isinstance(event, SourceActive) for event in stage.heard)


async def test_a_source_without_name_needs_every_permission(stage: Stage) -> None:
    """HOST-4: a track that hides what it is passes only where nothing is forbidden."""
    ana = await join(stage, "ana", sources=frozenset({Source.CAMERA}))
    publish(stage, ana, PublicationRequest(cid="x", kind="audio", source=None))
    assert next(iter(ana.connection.publications.values())).is_silent


async def test_who_wants_nothing_by_itself_gets_what_it_names(stage: Stage) -> None:
    """MEDIA-1: explicit subscription: asked for, declined, unknown."""
    ana = await join(stage, "ana")
    bo = await join(stage, "bo", wants_everything=False)
    track_id = publish(stage, ana, CAMERA)
    assert stage.core.commands("subscribe") == []
    signalling = stage.engine.signalling
    signalling.want(bo.connection, [track_id, "TR_none"], is_wanted=True)
    assert stage.core.commands("subscribe") == [(bo.connection.sid, [track_id])]
    assert told(bo.connection, SubscriptionRefused) == [SubscriptionRefused(track_id="TR_none")]
    signalling.want(bo.connection, [track_id, "TR_none"], is_wanted=False)
    assert stage.core.commands("unsubscribe") == [(bo.connection.sid, [track_id])]
    signalling.want(ana.connection, [track_id], is_wanted=True)
    assert len(stage.core.commands("subscribe")) == 1


async def test_a_declined_track_stays_away_and_its_end_is_forgotten(stage: Stage) -> None:
    """MEDIA-1: a track asked away does not come back by itself, and leaves nothing behind."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    track_id = publish(stage, ana, CAMERA)
    stage.engine.signalling.want(bo.connection, [track_id], is_wanted=False)
    assert not stage.engine.hub.wants(bo.connection, track_id)
    stage.happens(
        "TrackUnpublished", meeting=MEETING, connection=ana.connection.sid, track=track_id
    )
    assert bo.connection.declined == set()
    assert isinstance(stage.heard[-1], SourceInactive)
    stage.happens("TrackUnpublished", meeting=MEETING, connection="?", track=track_id)


async def test_wishes_are_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client cannot make the engine remember without bound."""
    monkeypatch.setattr("moot.media.builtin.signalling.WISHES_LIMIT", 1)
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    for cid in ("a", "b", "c"):
        track_id = publish(stage, ana, PublicationRequest(cid=cid, kind="audio", source=None))
        stage.engine.signalling.want(bo.connection, [track_id], is_wanted=False)
    assert len(bo.connection.declined) == 1


async def test_track_settings_reach_the_core(stage: Stage) -> None:
    """A page's wish for size or layer is the core's business; unknown tracks are ignored."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    track_id = publish(stage, ana, CAMERA)
    signalling = stage.engine.signalling
    signalling.set_wish(bo.connection, [track_id, "?"], SubscriptionWish(width=320, height=180))
    signalling.set_wish(
        bo.connection, [track_id], SubscriptionWish(quality="low", is_disabled=True, priority=999)
    )
    sized, layered = stage.core.named("set_subscription")
    assert (sized["quality"], sized["width"], sized["height"]) == (None, 320, 180)
    assert (layered["quality"], layered["width"], layered["priority"]) == ("low", 0, 255)
    assert layered["disabled"]


async def test_trust_decides_who_gets_a_track(stage: Stage) -> None:
    """A publisher names who may have its tracks; others lose them, and get them back."""
    ana, bo, cy = [await join(stage, name) for name in ("ana", "bo", "cy")]
    track_id = publish(stage, ana, CAMERA)
    signalling = stage.engine.signalling
    signalling.trust(ana.connection, {"bo.1": None})
    assert stage.core.commands("unsubscribe") == [(cy.connection.sid, [track_id])]
    assert told(cy.connection, SubscriptionAllowed)[0].is_allowed is False
    assert told(bo.connection, SubscriptionAllowed) == []
    signalling.want(cy.connection, [track_id], is_wanted=True)
    assert len(stage.core.commands("subscribe")) == 2
    signalling.trust(ana.connection, {"bo.1": frozenset(), "cy.1": frozenset({track_id})})
    assert told(bo.connection, SubscriptionAllowed)[0].is_allowed is False
    assert stage.core.commands("subscribe")[-1] == (cy.connection.sid, [track_id])
    signalling.trust(ana.connection, None)
    assert told(bo.connection, SubscriptionAllowed)[0].is_allowed is True


async def test_a_wish_goes_to_the_core_once_and_for_what_one_may_have(stage: Stage) -> None:
    """EVENT-5: names repeated, one's own and another meeting's tracks set nothing in motion."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    far = await join(stage, "far", meeting_key="OTHER.1")
    track_id, own, elsewhere = (publish(stage, one, CAMERA) for one in (ana, bo, far))
    named = [track_id, own, elsewhere, track_id, own]
    assert stage.engine.signalling.set_wish(bo.connection, named, SubscriptionWish()) == 3
    assert stage.core.commands("set_subscription") == [(bo.connection.sid, track_id)]
    stage.engine.signalling.want(bo.connection, [track_id, "?", track_id, "?"], is_wanted=True)
    assert stage.core.commands("subscribe")[-1] == (bo.connection.sid, [track_id])
    assert len(told(bo.connection, SubscriptionRefused)) == 1


async def test_a_change_of_trust_is_one_order_and_one_notice_for_many(stage: Stage) -> None:
    """EVENT-5: only answers that change are told, of tracks that have arrived."""
    ana, bo, cy = [await join(stage, name) for name in ("ana", "bo", "cy")]
    arrived = [publish(stage, ana, request) for request in (CAMERA, MICROPHONE)]
    stage.engine.signalling.announce_track(
        ana.connection, PublicationRequest(cid="screen", kind="video", source=Source.SCREEN)
    )
    assert stage.engine.signalling.trust(ana.connection, {}) == 4
    assert stage.core.commands("unsubscribe") == [
        (bo.connection.sid, arrived),
        (cy.connection.sid, arrived),
    ]
    heard, other = (
        told(bo.connection, SubscriptionAllowed),
        told(cy.connection, SubscriptionAllowed),
    )
    assert [notice.track_id for notice in heard] == arrived
    assert all(one is same for one, same in zip(heard, other, strict=True))
    stage.engine.signalling.trust(ana.connection, {"gone.1": None})
    assert told(bo.connection, SubscriptionAllowed) == []
    stage.engine.signalling.trust(ana.connection, None)
    assert stage.core.commands("subscribe")[-1] == (cy.connection.sid, arrived)


async def test_resume_carries_on_and_voids_old_descriptions(stage: Stage) -> None:
    """JOIN-4: signalling that was lost and comes back is no leave and no join."""
    ana, bo = await join(stage, "ana", "dual"), await join(stage, "bo")
    track_id = publish(stage, bo, CAMERA)
    stage.engine.door.lose(ana.connection, ana.attachment)
    assert ana.connection.signal_lost_at is not None
    stage.happens(
        "Answer",
        connection=ana.connection.sid,
        transport="publisher",
        request=3,
        sdp="old",
        mid_to_track={},
    )
    claims = stage.engine.door.admit(await stage.ticket("ana"))
    resumed = stage.engine.door.resume(claims, ana.connection.sid)
    assert resumed is not None
    assert resumed.connection is ana.connection
    assert ana.connection.signal_lost_at is None
    assert stage.core.commands("restart_ice") == [(ana.connection.sid, "subscriber")]
    waiting = resumed.attachment.take()
    assert all(type(notice).__name__ != "Described" for notice in waiting)
    assert resumed.others[0].publications[0].track_id == track_id
    assert not any(isinstance(event, TransportDisconnected) for event in stage.heard)
    stage.engine.door.lose(ana.connection, ana.attachment)
    assert ana.connection.signal_lost_at is None


async def resume(stage: Stage, joined: Joined, name: str) -> Connection:
    """Come back after what was told last went into a dead socket."""
    stage.engine.door.lose(joined.connection, joined.attachment)
    joined.connection.outbox.take()
    claims = stage.engine.door.admit(await stage.ticket(name))
    resumed = stage.engine.door.resume(claims, joined.connection.sid)
    assert resumed is not None
    return resumed.connection


def standing(connection: Connection) -> list[Any]:
    """Take what waits for a connection of what holds for a track until it is told anew."""
    kinds = (LayersWanted, ForwardingPaused, SubscriptionAllowed)
    return [notice for notice in connection.outbox.take() if isinstance(notice, kinds)]


async def test_resume_tells_again_what_holds_for_tracks(stage: Stage) -> None:
    """JOIN-4: wanted layers, pauses and permissions hold though their last word was lost."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    camera, microphone = publish(stage, ana, CAMERA), publish(stage, ana, MICROPHONE)
    facts = {"connection": ana.connection.sid, "track": camera, "codec": "vp8"}
    for low in (True, False):
        stage.happens("SubscribedQualityChanged", **facts, qualities=[("low", low)])
    paused = {"connection": bo.connection.sid, "track": camera}
    stage.happens("StreamStateChanged", **paused, state="paused")
    stage.engine.signalling.trust(ana.connection, {"bo.1": frozenset({camera})})
    wanted = [LayersWanted(track_id=camera, codecs=(("vp8", (("low", False),)),))]
    assert standing(await resume(stage, ana, "ana")) == wanted
    sid = ana.connection.sid
    pause = ForwardingPaused(publisher_sid=sid, track_id=camera, is_paused=True)
    refusal = SubscriptionAllowed(publisher_sid=sid, track_id=microphone, is_allowed=False)
    assert standing(await resume(stage, bo, "bo")) == [pause, refusal]
    stage.happens("StreamStateChanged", **paused, state="active")
    assert standing(bo.connection) == [replace(pause, is_paused=False)]
    stage.engine.signalling.want(bo.connection, [camera], is_wanted=False)
    assert standing(await resume(stage, bo, "bo")) == [refusal]
    stage.happens("TrackUnpublished", meeting=MEETING, connection=sid, track=microphone)
    assert standing(await resume(stage, bo, "bo")) == []


async def test_resume_tells_waiting_words_on_tracks_once(stage: Stage) -> None:
    """JOIN-4: what waits in the outbox still is not told twice, and who left leaves nothing."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    publish(stage, ana, CAMERA)
    stage.engine.door.lose(bo.connection, bo.attachment)
    stage.engine.signalling.trust(ana.connection, {})
    claims = stage.engine.door.admit(await stage.ticket("bo"))
    assert stage.engine.door.resume(claims, bo.connection.sid)
    assert len(standing(bo.connection)) == 1
    stage.engine.signalling.leave(ana.connection)
    assert standing(await resume(stage, bo, "bo")) == []


async def test_what_is_told_again_is_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """EVENT-5: of more tracks than a resume tells again, the oldest are forgotten."""
    monkeypatch.setattr("moot.media.builtin.connection.STANDING_LIMIT", 1)
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    _, microphone = publish(stage, ana, CAMERA), publish(stage, ana, MICROPHONE)
    stage.engine.signalling.trust(ana.connection, {})
    told_again = standing(await resume(stage, bo, "bo"))
    assert [notice.track_id for notice in told_again] == [microphone]


async def test_a_backup_codec_is_asked_for_again(stage: Stage) -> None:
    """JOIN-4: the request for it stands until it has come, whatever else is said meanwhile."""
    ana = await join(stage, "ana")
    track_id = publish(stage, ana, replace(CAMERA, codec="vp9", backup_codec="vp8"))
    facts = {"connection": ana.connection.sid, "track": track_id, "codec": "vp9"}
    stage.happens("CodecUnsupported", **facts)
    stage.happens("SubscribedQualityChanged", **facts, qualities=[("low", True)])
    (asked,) = standing(await resume(stage, ana, "ana"))
    assert [codec for codec, _ in asked.codecs] == ["vp9", "vp8"]
    assert asked.codecs[0] == ("vp9", (("low", True),))


async def test_nothing_of_another_is_resumed(stage: Stage) -> None:
    """JOIN-3: a sid alone resumes nothing: identity and meeting have to be the ticket's."""
    ana = await join(stage, "ana")
    other = stage.engine.door.admit(await stage.ticket("bo"))
    elsewhere = stage.engine.door.admit(await stage.ticket("ana", meeting_key="OTHER.1"))
    own = stage.engine.door.admit(await stage.ticket("ana"))
    assert stage.engine.door.resume(other, ana.connection.sid) is None
    assert stage.engine.door.resume(elsewhere, ana.connection.sid) is None
    assert stage.engine.door.resume(own, "PA_none") is None


async def test_own_facts_change_only_where_allowed(stage: Stage) -> None:
    """PERSON-3: a name is changed through moot; a client may do it only with the permission."""
    ana = await join(stage, "ana")
    signalling = stage.engine.signalling

    def ask(**facts: Any) -> str:
        signalling.update_own(
            ana.connection,
            **{"name": "", "metadata": "", "attributes": {}, "number": 5, **facts},
        )
        (answer,) = told(ana.connection, RequestAnswered)
        assert answer.number == 5
        return str(answer.outcome)

    assert ask(name="Root") == "not_allowed"
    assert ana.connection.name == "Ana"
    ana.connection.permission = Permission(may_update_own=True)
    assert ask(name="Anna", attributes={"seat": "7", "participant_id": ""}) == "ok"
    assert ana.connection.name == "Anna"
    assert ana.connection.attributes == {"seat": "7"}
    assert ask(metadata="x" * 70_000) == "limit_exceeded"
    assert ask(attributes={"a": "x" * 70_000}) == "limit_exceeded"
    assert ana.connection.metadata == ""


async def test_a_client_brings_own_facts_only_where_allowed(stage: Stage) -> None:
    """PERSON-2: what a request to join says of its sender counts only with the permission."""
    claims = stage.engine.door.admit(await stage.ticket("ana"))
    joined = stage.engine.door.join(
        claims,
        ConnectionRequest(mode="single", metadata="I am host", attributes={"role": "host"}),
    )
    assert joined.own.metadata == ""
    assert joined.own.attributes == {"participant_id": "ana"}


async def test_losing_the_permission_to_receive_ends_subscriptions(stage: Stage) -> None:
    """A permission taken away ends what it allowed; given back, it begins again."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    track_id = publish(stage, ana, CAMERA)
    signalling = stage.engine.signalling
    signalling.permit(bo.connection, Permission(may_subscribe=False))
    assert stage.core.commands("unsubscribe") == [(bo.connection.sid, [track_id])]
    signalling.want(bo.connection, [track_id], is_wanted=True)
    assert len(stage.core.commands("subscribe")) == 1
    signalling.permit(bo.connection, Permission())
    assert stage.core.commands("subscribe")[-1] == (bo.connection.sid, [track_id])


async def test_a_renewed_ticket_says_what_holds_now(stage: Stage) -> None:
    """EVENT-4: the token to come back with does not lift a mute that was said meanwhile."""
    ana = await join(stage, "ana")
    stage.clock.now += 1
    await stage.engine.set_sources(MEETING, "ana.1", frozenset({Source.SCREEN}))
    stage.clock.now += 1
    stage.engine.door.renew_ticket(ana.connection)
    (renewed,) = told(ana.connection, TicketRenewed)
    claims = stage.engine.door.admit(renewed.token)
    assert claims.forwarded == {Source.SCREEN}
    joined = stage.engine.door.join(claims, ConnectionRequest(mode="single"))
    assert joined.connection.forwarded == {Source.SCREEN}


async def test_descriptions_and_candidates_go_to_the_core(stage: Stage) -> None:
    """What negotiates passes through; a candidate for a transport that is not there does not."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo", "dual")
    signalling = stage.engine.signalling
    signalling.offer(ana.connection, "publisher", "sdp", 7)
    signalling.answer(bo.connection, "subscriber", "sdp", 8)
    signalling.candidate(ana.connection, "publisher", "candidate:1")
    signalling.candidate(ana.connection, "subscriber", "candidate:1")
    assert stage.core.commands("accept_offer") == [(ana.connection.sid, "publisher", "sdp")]
    assert stage.core.named("accept_offer") == [{"request": 7}]
    assert stage.core.named("accept_answer") == [{"request": 8}]
    assert len(stage.core.commands("add_candidate")) == 1


async def test_sizes_and_features_of_own_tracks_are_shown(stage: Stage) -> None:
    """What a publisher says of its running track reaches the others once."""
    ana, bo = await join(stage, "ana"), await join(stage, "bo")
    camera, microphone = publish(stage, ana, CAMERA), publish(stage, ana, MICROPHONE)
    told(bo.connection, ParticipantsChanged)
    signalling = stage.engine.signalling
    for _ in range(2):
        signalling.resize_own(ana.connection, camera, 640, 360)
        signalling.describe_own(ana.connection, microphone, ("TF_STEREO",))
    signalling.resize_own(ana.connection, "?", 1, 1)
    signalling.describe_own(ana.connection, "?", ())
    shown = told(bo.connection, ParticipantsChanged)
    assert len(shown) == 2
    latest = {publication.track_id: publication for publication in shown[-1].views[0].publications}
    assert (latest[camera].width, latest[camera].height) == (640, 360)
    assert latest[microphone].features == ("TF_STEREO",)


async def test_a_newcomer_is_told_who_speaks_and_how_well_others_are_heard(stage: Stage) -> None:
    """EVENT-3: what is told only on change is told to who comes in between."""
    ana = await join(stage, "ana")
    stage.happens(
        "SpeakersChanged",
        meeting=MEETING,
        speakers=[_Heard(ana.connection.sid, "TR", 0.5, True), _Heard("?", "TR", 0.5, True)],
    )
    stage.happens(
        "QualityChanged",
        meeting=MEETING,
        connection=ana.connection.sid,
        quality="poor",
        score=2.0,
        cause="loss",
    )
    bo = await join(stage, "bo")
    waiting = bo.connection.outbox.take()
    (quality,) = [notice for notice in waiting if isinstance(notice, QualitySeen)]
    (speakers,) = [notice for notice in waiting if isinstance(notice, SpeakersHeard)]
    assert quality.qualities[0][0] == ana.connection.sid
    assert [spoken.sid for spoken in speakers.speakers] == [ana.connection.sid]
    assert stage.engine.signalling.identity_of(bo.connection, ana.connection.sid) == "ana.1"
    assert stage.engine.signalling.identity_of(bo.connection, "PA_none") == ""


class _Heard:
    def __init__(self, connection: str, track: str, level: float, active: bool) -> None:
        self.connection = connection
        self.track = track
        self.level = level
        self.active = active


async def test_a_codec_that_somebody_cannot_decode_gives_way_to_the_backup(stage: Stage) -> None:
    """MEDIA-1: the publisher is asked for its backup codec, once, and then to stop the first."""
    ana = await join(stage, "ana")
    request = PublicationRequest(
        cid="cam", kind="video", source=Source.CAMERA, codec="vp9", backup_codec="vp8"
    )
    backup = PublicationRequest(cid="again", kind="video", source=None, codec="VP8")
    track_id = publish(stage, ana, request)
    sid, signalling = ana.connection.sid, stage.engine.signalling
    told(ana.connection, LayersWanted)
    # Nobody has asked for it yet.
    assert not signalling.announce_codec(ana.connection, track_id, backup)
    for _ in range(2):
        stage.happens("CodecUnsupported", connection=sid, track=track_id, codec="vp9")
    (asked,) = told(ana.connection, LayersWanted)
    assert [(codec, {on for _, on in layers}) for codec, layers in asked.codecs] == [
        ("vp9", {True}),
        ("vp8", {True}),
    ]
    assert stage.engine.hub.counts["codec_unsupported"] == 1
    assert not signalling.announce_codec(ana.connection, "TR_other", backup)
    assert not signalling.announce_codec(ana.connection, track_id, request)
    assert signalling.announce_codec(ana.connection, track_id, backup)
    (accepted,) = told(ana.connection, TrackAccepted)
    assert (accepted.cid, accepted.publication.track_id) == ("again", track_id)
    assert stage.core.commands("add_codec") == [(track_id,)]
    assert stage.core.named("add_codec")[0]["cid"] == "again"
    facts = {"meeting": MEETING, "connection": sid, "track": track_id}
    stage.happens("TrackPublished", **facts, mid="2", codec="video/VP8", rids=["h", "f"])
    assert ana.connection.publications[track_id].mime == "video/VP8"
    (stopped,) = told(ana.connection, LayersWanted)
    assert [(codec, {on for _, on in layers}) for codec, layers in stopped.codecs] == [
        ("vp9", {False}),
        ("vp8", {True}),
    ]
    qualities = [("low", True), ("high", False)]
    stage.happens(
        "SubscribedQualityChanged", connection=sid, track=track_id, codec="vp8", qualities=qualities
    )
    (layers,) = told(ana.connection, LayersWanted)
    assert layers.codecs[1] == ("vp8", tuple(qualities))


async def test_a_codec_without_a_backup_stays(stage: Stage) -> None:
    """MEDIA-1: who announced no other codec is not asked for one."""
    ana = await join(stage, "ana")
    track_id = publish(stage, ana, CAMERA)
    told(ana.connection, LayersWanted)
    stage.happens("CodecUnsupported", connection=ana.connection.sid, track=track_id, codec="vp8")
    stage.happens("CodecUnsupported", connection="PA_gone", track=track_id, codec="vp8")
    assert told(ana.connection, LayersWanted) == []
    assert stage.engine.hub.counts["codec_unsupported"] == 1
