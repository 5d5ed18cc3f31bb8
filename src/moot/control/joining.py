"""Joining, rejoining and reading one's own seat (JOIN-1 to JOIN-9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from moot.control.actor import Actor
from moot.control.arrival import newcomer, prove, require_admission, seat_name, seat_twin
from moot.control.attendance import visible
from moot.control.change import ALIVE, Change, media_sources
from moot.control.context import Control
from moot.control.media_lease import is_shared, media_address
from moot.control.reading import found_meeting, read_snapshot
from moot.control.seat import acting_inside, reading_inside
from moot.errors import Problem
from moot.media.grant import GrantRequest
from moot.media.key import identity, meeting_key
from moot.media.port import MediaUnavailable
from moot.model.ids import ConnectionId, MeetingId, ParticipantId, parse_name
from moot.model.meeting import Connection, Meeting, Participant
from moot.model.participant import joined, renewed
from moot.model.status import is_present
from moot.model.text import parse_device
from moot.model.view import (
    ConnectionView,
    MediaView,
    MeetingView,
    ParticipantView,
    Snapshot,
    connection_view,
    label,
    participant_view,
)
from moot.store.port import Transaction

CONNECTION_LIMIT: Final = 64
"""Connections that one person may have in one meeting: more tabs than people open, few enough that
nobody fills the database with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """What a join says.

    Attributes:
        name: needed the first time (PERSON-3); None keeps the one there is.
        audio: the microphone's intent; None keeps the stored one, like `video`.
        connection_id: made by the client, so that a repeat is the same connection; None makes one.
        replaces: the connection of the same tab before its refresh, closed in the same step. Who
            names one goes on with a run, and begins no other.
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


@dataclass(frozen=True, slots=True)
class Seat:
    """One's own participant and connections."""

    participant: ParticipantView
    connections: Sequence[ConnectionView]


@dataclass(frozen=True, slots=True)
class Roll:
    """Who is in, at one `event_seq`."""

    participants: Sequence[ParticipantView]
    event_seq: int
    epoch: int


async def join(
    control: Control, actor: Actor, meeting_id: MeetingId, request: JoinRequest, *, media_url: str
) -> Joined:
    """Bring a person into a meeting, or back into it (JOIN-1).

    Args:
        media_url: `ws://` or `wss://` base under which this browser reaches the service.

    Raises:
        Problem: `meeting_not_found`, `meeting_ended` (the run to go on with),
            `participant_removed`, `meeting_locked`, `meeting_full`, `passcode_required`,
            `passcode_wrong`, `rate_limited`, `lobby_required`, `name_invalid`, `body_invalid`,
            `unavailable`.

    Cancelled after its commit, the participant is in; repeating it with the same `connection_id`
    is the same connection.
    """
    try:
        seated, media = await _join(control, actor, meeting_id, request, media_url)
    except Exception as problem:
        control.failed("Error joining meeting", problem, meeting_id=meeting_id)
        raise
    control.log.info(
        "Meeting initialization complete",
        meeting_id=meeting_id,
        participant_id=seated.participant.id,
        connection_id=seated.connection.id,
    )
    return Joined(
        created=seated.created,
        meeting=seated.meeting,
        participant=seated.view,
        connection=seated.connection,
        media=media,
        snapshot=seated.snapshot,
    )


async def renew_media(
    control: Control, actor: Actor, meeting_id: MeetingId, *, media_url: str
) -> MediaView:
    """Make a fresh media ticket for the actor's connection.

    Raises:
        Problem: `meeting_not_found`, `not_in_meeting`, `connection_closed`, `meeting_ended`,
            `body_invalid` (no connection is named), `unavailable`.
    """
    connection_id = actor.connection_id
    if connection_id is None:
        raise Problem("body_invalid", reason="`Moot-Connection` is missing")

    def look(change: Change) -> tuple[Meeting, Participant]:
        return change.meeting, acting_inside(change, actor)

    meeting, participant = await control.ask(meeting_id, look)
    return await _grant(control, meeting, participant, connection_id, media_url)


async def seat(control: Control, actor: Actor, meeting_id: MeetingId) -> Seat:
    """Read one's own seat; changes nothing.

    Raises:
        Problem: `meeting_not_found`, `participant_not_found`.
    """

    def work(tx: Transaction) -> Seat:
        meeting = found_meeting(tx, meeting_id)
        participant = tx.find_participant(meeting.uid, actor.person_id)
        if participant is None:
            raise Problem("participant_not_found")
        connections = tx.list_connections(participant.id, states=ALIVE)
        return Seat(
            participant_view(participant, connections=len(connections)),
            [connection_view(connection) for connection in connections],
        )

    return await control.store.read(work)


async def roll(control: Control, actor: Actor, meeting_id: MeetingId) -> Roll:
    """List who is in (hosts also see who waits and who was removed); changes nothing.

    Raises:
        Problem: `meeting_not_found`, `not_in_meeting`.
    """

    def work(tx: Transaction) -> Roll:
        meeting = found_meeting(tx, meeting_id)
        reader = reading_inside(tx, meeting, actor)
        attendance = control.attendances.read(tx, meeting)
        control.attendances.keep(meeting.uid, attendance)
        people = visible(attendance, to_host=reader.role == "host")
        return Roll(people, meeting.event_seq, meeting.epoch)

    return await control.store.read(work)


@dataclass(frozen=True, slots=True)
class _Seated:
    created: bool
    meeting: MeetingView
    participant: Participant
    view: ParticipantView
    connection: Connection
    snapshot: Snapshot
    row: Meeting


async def _join(
    control: Control,
    actor: Actor,
    meeting_id: MeetingId,
    request: JoinRequest,
    media_url: str,
) -> tuple[_Seated, MediaView]:
    device = parse_device(request.device)
    wished_name = None if request.name is None else parse_name(request.name)
    connection_id = request.connection_id or ConnectionId(control.new_id())
    new_id = ParticipantId(control.new_id())
    proof = await prove(control, actor, meeting_id, request.passcode)

    def decide(change: Change) -> _Seated:
        tx, meeting = change.tx, change.meeting
        before = tx.find_participant(meeting.uid, actor.person_id)
        if request.replaces is not None and before is not None and before.run < meeting.run:
            raise Problem("meeting_ended")
        require_admission(
            change, actor, before, proof, server_limit=control.config.max_participants
        )
        name, is_verified = seat_name(actor, wished_name, before)
        was_in = before is not None and is_present(before.status)
        alive = () if before is None else change.alive(before.id)
        seen = None if before is None else change.view(before, connections=len(alive))
        base = (
            renewed(before, meeting)
            if before is not None
            else newcomer(new_id, meeting, actor.person_id, name=name, now=change.now)
        )
        others = _others(change, base, alive, connection_id, request.replaces)
        base = msgspec.structs.replace(
            base,
            name=name,
            verified=is_verified,
            twin=seat_twin(change, before if was_in else None, base.id, name),
            changed_at=change.now,
        )
        participant = tx.upsert_participant(
            joined(
                base,
                connection_id,
                others=others,
                audio=request.audio,
                video=request.video,
                settings=meeting.settings,
            )
        )
        connection = tx.upsert_connection(
            Connection(
                id=connection_id,
                participant_id=participant.id,
                meeting_uid=meeting.uid,
                fence=participant.fence,
                state="pending",
                created_at=change.now,
                changed_at=change.now,
                device=device,
            )
        )
        if connection is None:
            raise Problem("body_invalid", reason="`connection_id` is somebody else's")
        change.touch()
        count = len(others) + 1
        if was_in:
            view = change.updated(seen, participant, connections=count)
        else:
            view = change.told("participant.joined", participant, connections=count)
        if others:
            # What this connection may publish, its grant says.
            change.allow(participant, but=connection_id)
        created = before is None and participant.id == new_id
        snapshot = read_snapshot(tx, change.meeting, participant, change.here())
        return _Seated(
            created, snapshot.meeting, participant, view, connection, snapshot, change.meeting
        )

    seated = await control.change(meeting_id, decide)
    control.log.info(
        "Participant joined successfully"
        if seated.created
        else "Participant already exists, updating status",
        meeting_id=meeting_id,
        participant_id=seated.participant.id,
        connection_id=connection_id,
    )
    media = await _grant(control, seated.row, seated.participant, connection_id, media_url)
    return seated, media


def _others(
    change: Change,
    participant: Participant,
    alive: Sequence[Connection],
    connection_id: ConnectionId,
    replaces: ConnectionId | None,
) -> Sequence[Connection]:
    """Close the connection that this one replaces; answer the others that go on.

    Of too many the oldest are closed as well, those without a stream first.
    """
    others = [each for each in alive if each.id != connection_id]
    gone = [each for each in others if each.id == replaces]
    rest = sorted(
        (each for each in others if each.id != replaces),
        key=lambda each: (each.state == "open", each.fence),
    )
    surplus = max(0, len(rest) + 1 - CONNECTION_LIMIT)
    for each in (*gone, *rest[:surplus]):
        closed = msgspec.structs.replace(each, state="closed", changed_at=change.now)
        change.tx.update_connection(closed, expected_fence=each.fence)
        change.disconnect(participant, [each.id])
    return rest[surplus:]


async def _grant(
    control: Control,
    meeting: Meeting,
    participant: Participant,
    connection_id: ConnectionId,
    media_url: str,
) -> MediaView:
    room = meeting_key(meeting.id, meeting.run)
    if is_shared(control.config):
        media_url = await media_address(control, meeting.uid)
    request = GrantRequest(
        meeting_key=room,
        participant_id=participant.id,
        connection_id=connection_id,
        name=label(participant.name, participant.twin),
        url=media_url,
        sources=media_sources(participant, connection_id),
    )
    try:
        ticket = await control.orders.grant(request, event_seq=meeting.event_seq)
    except MediaUnavailable as problem:
        control.log.warning("Media engine gave no ticket", reason=problem.reason)
        raise Problem("unavailable", retry_after_s=2) from problem
    return MediaView(ticket.url, ticket.token, room, identity(participant.id, connection_id))
