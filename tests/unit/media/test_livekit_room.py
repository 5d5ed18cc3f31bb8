"""Two answers about a room, and what has happened between them."""

from __future__ import annotations

from typing import Any

import pytest
from livekit.protocol import models

from moot.media.event import (
    MediaEvent,
    MeetingClosed,
    SourceActive,
    SourceInactive,
    TransportConnected,
    TransportDisconnected,
)
from moot.media.livekit_room import (
    GRANTED_AT,
    allowed_sources,
    difference,
    read_participants,
    with_sources,
)
from moot.media.source import EVERY_SOURCE, Source

KEY, ANA = "ABC123.1", "ana.1"
ALL = models.ParticipantPermission(can_publish=True, can_subscribe=True)
MIC = {"sid": "TR_mic", "source": "MICROPHONE"}


def info(sid: str = "PA_1", state: str = "ACTIVE", *tracks: Any, **facts: Any) -> Any:
    given = {"permission": ALL, **facts}
    return models.ParticipantInfo(sid=sid, identity=ANA, state=state, tracks=tracks, **given)  # type: ignore[arg-type]


def between(before: list[Any], after: list[Any], **reasons: str) -> list[MediaEvent]:
    return list(difference(KEY, read_participants(before), read_participants(after), reasons))


def source(kind: Any, track_id: str = "TR_mic") -> MediaEvent:
    made: MediaEvent = kind(
        meeting_key=KEY, identity=ANA, source=Source.MICROPHONE, track_id=track_id
    )
    return made


CONNECTED = TransportConnected(meeting_key=KEY, identity=ANA)


def gone(reason: str) -> MediaEvent:
    return TransportDisconnected(meeting_key=KEY, identity=ANA, reason=reason)


def test_nothing_new_says_nothing() -> None:
    """EVENT-1: the same answer twice, or a replayed webhook, makes no event."""
    assert between([info("PA_1", "ACTIVE", MIC)], [info("PA_1", "ACTIVE", MIC)]) == []
    assert between([], []) == []


def test_coming_publishing_muting_going() -> None:
    """EVENT-4: each step of a stay is told once."""
    assert between([], [info(state="JOINED")]) == []
    assert between([info(state="JOINED")], [info()]) == [CONNECTED]
    assert between([], [info("PA_1", "ACTIVE", MIC)]) == [CONNECTED, source(SourceActive)]
    muted = {**MIC, "muted": True}
    assert between([info("PA_1", "ACTIVE", MIC)], [info("PA_1", "ACTIVE", muted)]) == [
        source(SourceInactive)
    ]
    assert between([info()], [], PA_1="left") == [gone("left"), MeetingClosed(meeting_key=KEY)]
    assert between([info()], [info(state="DISCONNECTED")])[0] == gone("lost")


def test_a_new_stay_of_the_same_identity_is_another_connection() -> None:
    """JOIN-3: what was heard late of an older stay changes nothing about the newer one."""
    assert between([info("PA_1", "ACTIVE", MIC)], [info("PA_2", "ACTIVE")]) == [
        source(SourceInactive),
        gone("replaced"),
        CONNECTED,
    ]


def test_a_source_that_goes_on_under_another_track_stays_active() -> None:
    """EVENT-4: a track published anew is told as active, never as gone."""
    again = {**MIC, "sid": "TR_2"}
    assert between([info("PA_1", "ACTIVE", MIC)], [info("PA_1", "ACTIVE", again)]) == [
        source(SourceActive, "TR_2")
    ]


def test_a_source_that_is_not_allowed_is_not_active() -> None:
    """HOST-4: what LiveKit is about to unpublish does not count any more."""
    camera = models.ParticipantPermission(can_publish_sources=[models.TrackSource.CAMERA])
    (seen,) = read_participants([info("PA_1", "ACTIVE", MIC, permission=camera)]).values()
    assert seen.active == {}
    assert seen.allowed == {Source.CAMERA}
    assert [track.track_id for track in seen.tracks] == ["TR_mic"]


def test_a_ticket_of_ours_says_when_it_was_made() -> None:
    """JOIN-8: a worthless ticket is recognised by its age; one of others is left alone."""

    def granted_at(**attributes: str) -> float | None:
        (seen,) = read_participants([info(attributes=attributes)]).values()
        return seen.granted_at

    assert granted_at(**{GRANTED_AT: "12.5"}) == 12.5
    assert granted_at(**{GRANTED_AT: "soon"}) is None
    assert granted_at() is None


@pytest.mark.parametrize(
    "sources", [EVERY_SOURCE, frozenset({Source.CAMERA, Source.SCREEN_AUDIO}), frozenset[Source]()]
)
def test_other_sources_all_else_the_same(sources: frozenset[Source]) -> None:
    """HOST-4: changing what may be published takes nothing else away."""
    before = models.ParticipantPermission(can_subscribe=True, can_publish_data=True, hidden=True)
    after = with_sources(before, sources)
    assert allowed_sources(after) == sources
    assert after.can_subscribe
    assert after.can_publish_data
    assert after.hidden
    assert not before.can_publish_sources
