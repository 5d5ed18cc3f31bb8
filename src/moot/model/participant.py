"""What becomes of a participant: pure steps from one row to the next.

Each returns a new value and leaves `changed_at` to `touched`. Which connection's microphone and
screen are the live ones is decided here and nowhere else (JOIN-6).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache

from msgspec.structs import replace

from moot.model.ids import ConnectionId
from moot.model.meeting import Connection, Meeting, Participant, Settings, Source
from moot.model.permission import may_intend
from moot.model.status import after


def renewed(participant: Participant, meeting: Meeting) -> Participant:
    """Start hand, intents and admission afresh where a host has ended the run (MEET-7).

    The role and a removal stay.
    """
    if participant.run >= meeting.run:
        return participant
    return replace(
        participant,
        run=meeting.run,
        status=participant.status if participant.status == "removed" else "disconnected",
        audio=False,
        video=False,
        screen=False,
        microphone_connection=None,
        screen_connection=None,
        hand_at=None,
        admitted=False,
    )


def joined(
    participant: Participant,
    connection_id: ConnectionId,
    *,
    others: Iterable[Connection],
    audio: bool | None,
    video: bool | None,
    settings: Settings,
) -> Participant:
    """Let a connection join: intents as asked, and the microphone if it is free (JOIN-5, JOIN-6).

    Args:
        others: the participant's other connections that are not closed.
        audio: asked for the microphone; None keeps the stored intent, like `video`.

    While another connection is live, joining only adds: it neither takes that one's microphone
    nor switches anything off. A guest who may not unmute comes in muted, never refused.
    """
    live = {connection.id for connection in others if connection.state != "lost"}
    known = {connection.id for connection in others}
    holder = participant.microphone_connection
    if holder in live:
        wants_audio = participant.audio
    else:
        holder = connection_id
        wants_audio = participant.audio if audio is None else audio
        if wants_audio and not participant.audio:
            wants_audio = may_intend(participant.role, "unmute", settings)
    wants_video = participant.video
    if video is not None:
        wants_video = video or (bool(live) and participant.video)
    sharing = participant.screen_connection
    keeps_screen = sharing is not None and sharing in known
    return replace(
        participant,
        status=after(participant.status, "join"),
        admitted=True,
        audio=wants_audio,
        video=wants_video,
        microphone_connection=holder,
        screen=participant.screen and keeps_screen,
        screen_connection=sharing if keeps_screen else None,
        left_at=None,
    )


def without(
    participant: Participant, gone: Collection[ConnectionId], *, remaining: int
) -> Participant:
    """Take closed connections away.

    A screen share ends with its connection. The microphone of a closed connection goes to nobody
    by itself, so no other device goes live unasked: while others remain, the intent goes off with
    it. With none remaining it stays as stored, for the way back (JOIN-5).
    """
    if participant.screen_connection in gone:
        participant = replace(participant, screen=False, screen_connection=None)
    if participant.microphone_connection in gone:
        participant = replace(
            participant,
            microphone_connection=None,
            audio=participant.audio and remaining == 0,
        )
    return participant


def left(participant: Participant, *, at: int) -> Participant:
    """Let a participant without connections be away: hand down, nothing shared, seat kept."""
    return replace(
        participant,
        status=after(participant.status, "leave"),
        hand_at=None,
        screen=False,
        screen_connection=None,
        microphone_connection=None,
        left_at=at,
    )


def ended(participant: Participant, *, at: int) -> Participant:
    """Send a participant out because a host ended the run; the next run starts afresh (MEET-7)."""
    return replace(
        participant,
        status=after(participant.status, "end"),
        hand_at=None,
        screen=False,
        screen_connection=None,
        microphone_connection=None,
        left_at=at,
    )


def with_audio(
    participant: Participant, on: bool, connection_id: ConnectionId | None
) -> Participant:
    """Set the microphone's intent; switching on takes it to a connection (JOIN-6)."""
    if not on:
        return replace(participant, audio=False)
    return replace(participant, audio=True, microphone_connection=connection_id)


def with_screen(
    participant: Participant, on: bool, connection_id: ConnectionId | None
) -> Participant:
    """Set the screen share's intent; switching on takes it to a connection."""
    if not on:
        return replace(participant, screen=False, screen_connection=None)
    return replace(participant, screen=True, screen_connection=connection_id)


def muted(participant: Participant, sources: Collection[Source]) -> Participant:
    """Switch sources off."""
    if "microphone" in sources:
        participant = with_audio(participant, False, None)
    if "camera" in sources:
        participant = replace(participant, video=False)
    if "screen" in sources:
        participant = with_screen(participant, False, None)
    return participant


def restricted(participant: Participant, settings: Settings) -> Participant:
    """Stop what the settings no longer allow: a guest's share where guests may not share."""
    if participant.screen and not may_intend(participant.role, "share", settings):
        return with_screen(participant, False, None)
    return participant


def allowed_sources(participant: Participant, connection_id: ConnectionId) -> frozenset[Source]:
    """Say what the media engine may forward from one connection of a participant (EVENT-4)."""
    allowed: set[Source] = set()
    if participant.status not in ("connected", "reconnecting"):
        return frozenset()
    if participant.audio and participant.microphone_connection == connection_id:
        allowed.add("microphone")
    if participant.video:
        allowed.add("camera")
    if participant.screen and participant.screen_connection == connection_id:
        allowed.add("screen")
    return frozenset(allowed)


@lru_cache(maxsize=8192)
def name_key(name: str) -> str:
    """Bring names that people would confuse to one key."""
    return " ".join(name.casefold().split())


def free_twin(name: str, others: Iterable[tuple[str, int]]) -> int:
    """Find the smallest number that none of the others of this name carries (PERSON-3).

    Args:
        others: their names and numbers.
    """
    key = name_key(name)
    taken = {twin for other, twin in others if name_key(other) == key}
    twin = 1
    while twin in taken:
        twin += 1
    return twin
