"""One of LiveKit's rooms as it was when asked, and what a difference between two answers means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from livekit.protocol import models
from msgspec import Struct

from moot.media.event import (
    MediaEvent,
    MeetingClosed,
    SourceActive,
    SourceInactive,
    TransportConnected,
    TransportDisconnected,
)
from moot.media.source import EVERY_SOURCE, Source
from moot.media.stats import TrackStats

_SOURCES: Final = {
    models.TrackSource.CAMERA: Source.CAMERA,
    models.TrackSource.MICROPHONE: Source.MICROPHONE,
    models.TrackSource.SCREEN_SHARE: Source.SCREEN,
    models.TrackSource.SCREEN_SHARE_AUDIO: Source.SCREEN_AUDIO,
}
_WIRE_SOURCES: Final = {source: wire for wire, source in _SOURCES.items()}


class SeenParticipant(Struct, frozen=True, kw_only=True):
    """A participant of LiveKit's as it was when last asked.

    Attributes:
        sid: LiveKit's id of this stay; the same identity comes back with another.
        active: the sources others may see or hear, each with its track.
        granted_at: Unix seconds at which its ticket was made; None where it is not ours.
    """

    sid: str
    is_connected: bool
    allowed: frozenset[Source]
    active: Mapping[Source, str]
    tracks: tuple[TrackStats, ...]
    granted_at: float | None


GRANTED_AT: Final = "moot.granted_at"
"""The attribute by which a ticket says when it was made."""


def read_participants(
    infos: Iterable[models.ParticipantInfo],
) -> dict[str, SeenParticipant]:
    """Read LiveKit's list of a room, by identity; those who are gone are left out."""
    return {
        info.identity: _seen(info)
        for info in infos
        if info.state != models.ParticipantInfo.State.DISCONNECTED
    }


def difference(
    meeting_key: str,
    before: Mapping[str, SeenParticipant],
    after: Mapping[str, SeenParticipant],
    reasons: Mapping[str, str],
) -> Iterator[MediaEvent]:
    """Say what has happened in a room between two answers.

    Args:
        meeting_key: the room's name.
        before: the earlier answer.
        after: the later answer.
        reasons: why a stay ended, by sid, as far as it was heard.
    """
    for identity, old in before.items():
        new = after.get(identity)
        stays = new is not None and new.sid == old.sid
        active = new.active if new is not None and stays else {}
        for source, track_id in old.active.items():
            if source not in active:
                yield SourceInactive(
                    meeting_key=meeting_key, identity=identity, source=source, track_id=track_id
                )
        if not stays:
            fallback = "lost" if new is None else "replaced"
            yield TransportDisconnected(
                meeting_key=meeting_key,
                identity=identity,
                reason=reasons.get(old.sid, fallback),
            )
    for identity, new in after.items():
        known = before.get(identity)
        earlier = known if known is not None and known.sid == new.sid else None
        if new.is_connected and not (earlier is not None and earlier.is_connected):
            yield TransportConnected(meeting_key=meeting_key, identity=identity)
        was = earlier.active if earlier is not None else {}
        for source, track_id in new.active.items():
            if was.get(source) != track_id:
                yield SourceActive(
                    meeting_key=meeting_key, identity=identity, source=source, track_id=track_id
                )
    if before and not after:
        yield MeetingClosed(meeting_key=meeting_key)


def allowed_sources(permission: models.ParticipantPermission) -> frozenset[Source]:
    """Read what a permission lets be published; sources that are named supersede the flag."""
    if permission.can_publish_sources:
        return frozenset(
            _SOURCES[source] for source in permission.can_publish_sources if source in _SOURCES
        )
    return EVERY_SOURCE if permission.can_publish else frozenset()


def with_sources(
    permission: models.ParticipantPermission, sources: frozenset[Source]
) -> models.ParticipantPermission:
    """Copy a permission with other sources, all else as it was."""
    changed = models.ParticipantPermission()
    changed.CopyFrom(permission)
    changed.can_publish = bool(sources)
    del changed.can_publish_sources[:]
    if sources != EVERY_SOURCE:
        changed.can_publish_sources.extend(_WIRE_SOURCES[source] for source in sorted(sources))
    return changed


def _seen(info: models.ParticipantInfo) -> SeenParticipant:
    allowed = allowed_sources(info.permission)
    named = [(track, _SOURCES[track.source]) for track in info.tracks if track.source in _SOURCES]
    return SeenParticipant(
        sid=info.sid,
        is_connected=info.state == models.ParticipantInfo.State.ACTIVE,
        allowed=allowed,
        active={
            source: track.sid for track, source in named if not track.muted and source in allowed
        },
        tracks=tuple(
            TrackStats(track_id=track.sid, source=source, is_muted=track.muted)
            for track, source in named
        ),
        granted_at=_granted_at(info),
    )


def _granted_at(info: models.ParticipantInfo) -> float | None:
    try:
        return float(info.attributes[GRANTED_AT]) if GRANTED_AT in info.attributes else None
    except ValueError:
        return None
