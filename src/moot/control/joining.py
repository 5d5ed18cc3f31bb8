"""Joining, rejoining and reading one's own seat (JOIN-1 to JOIN-9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moot.control.context import Actor, Control
from moot.model.ids import ConnectionId, MeetingId
from moot.model.meeting import Connection
from moot.model.view import ConnectionView, MediaView, MeetingView, ParticipantView, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """What a join says.

    Attributes:
        name: needed the first time (PERSON-3); None keeps the one there is.
        audio: the microphone's intent; None keeps the stored one, like `video`.
        connection_id: made by the client, so that a repeat is the same connection; None makes one.
        replaces: the connection of the same tab before its refresh, closed in the same step.
        device: a label for the owner's list of connections, at most 80 characters.
    """

    name: str | None = None
    audio: bool | None = None
    video: bool | None = None
    connection_id: ConnectionId | None = None
    replaces: ConnectionId | None = None
    device: str = ""
    passcode: str | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to a join. The edge adds the event stream's token and the linger time."""

    created: bool
    meeting: MeetingView
    participant: ParticipantView
    connection: Connection
    media: MediaView
    snapshot: Snapshot


async def join(
    control: Control, actor: Actor, meeting_id: MeetingId, request: JoinRequest, *, media_url: str
) -> Joined:
    """Bring a person into a meeting, or back into it (JOIN-1).

    Args:
        media_url: `ws://` or `wss://` base under which this browser reaches the service.

    Raises:
        Problem: `meeting_not_found`, `participant_removed`, `meeting_locked`, `meeting_full`,
            `passcode_required`, `passcode_wrong`, `rate_limited`, `lobby_required`,
            `name_invalid`, `body_invalid`, `unavailable`.

    Cancelled after its commit, the participant is in; repeating it with the same `connection_id`
    is the same connection.
    """
    raise NotImplementedError


async def renew_media(
    control: Control, actor: Actor, meeting_id: MeetingId, *, media_url: str
) -> MediaView:
    """Make a fresh media ticket for the actor's connection.

    Raises:
        Problem: `meeting_not_found`, `not_in_meeting`, `connection_closed`, `body_invalid` (no
            connection is named), `unavailable`.
    """
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Seat:
    """One's own participant and connections."""

    participant: ParticipantView
    connections: Sequence[ConnectionView]


async def seat(control: Control, actor: Actor, meeting_id: MeetingId) -> Seat:
    """Read one's own seat; changes nothing.

    Raises:
        Problem: `meeting_not_found`, `participant_not_found`.
    """
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Roll:
    """Who is in, at one `event_seq`."""

    participants: Sequence[ParticipantView]
    event_seq: int
    epoch: int


async def roll(control: Control, actor: Actor, meeting_id: MeetingId) -> Roll:
    """List who is in (hosts also see who waits and who was removed); changes nothing.

    Raises:
        Problem: `meeting_not_found`, `not_in_meeting`.
    """
    raise NotImplementedError
