"""A participant's own name, microphone, camera, screen and hand (EVENT-4, JOIN-6)."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from moot.control.actor import Actor
from moot.control.arrival import seat_name, seat_twin
from moot.control.change import Change
from moot.control.context import Control
from moot.control.seat import acting_inside
from moot.errors import Problem
from moot.model.ids import ConnectionId, MeetingId, parse_name
from moot.model.meeting import Participant
from moot.model.participant import with_audio, with_screen
from moot.model.permission import Intent, may_intend
from moot.model.view import ParticipantView


@dataclass(frozen=True, slots=True, kw_only=True)
class Intents:
    """Changes to one's own participant; None leaves a thing as it is.

    Attributes:
        audio: True takes the microphone to the actor's connection (JOIN-6).
        screen: True takes the screen share to the actor's connection.
        hand: True raises it (keeping its place if it is up), False lowers it.
    """

    name: str | None = None
    audio: bool | None = None
    video: bool | None = None
    screen: bool | None = None
    hand: bool | None = None


async def change(
    control: Control, actor: Actor, meeting_id: MeetingId, intents: Intents
) -> ParticipantView:
    """Change one's own name, intents and hand; saying what is so already changes nothing.

    Raises:
        Problem: `meeting_not_found`, `not_in_meeting`, `connection_closed`, `meeting_ended`,
            `not_allowed` (a guest unmutes or shares where hosts have switched that off),
            `name_invalid`.

    When it returns, the media engine forwards what the answer shows, or will refuse to forward
    more than that as soon as it can be reached.
    """
    wished_name = None if intents.name is None else parse_name(intents.name)

    def decide(work: Change) -> ParticipantView:
        before = acting_inside(work, actor)
        seen = work.view(before)
        wished = _wished(work, actor, before, intents)
        if wished_name is not None:
            name, is_verified = seat_name(actor, wished_name, before)
            twin = seat_twin(work, before, before.id, name)
            wished = replace(wished, name=name, verified=is_verified, twin=twin)
        if wished == before:
            return seen
        participant = work.write(wished)
        view = work.updated(seen, participant)
        work.allow(participant)
        return view

    return await control.change(meeting_id, decide)


def _wished(work: Change, actor: Actor, participant: Participant, intents: Intents) -> Participant:
    if intents.audio is not None:
        if intents.audio and not participant.audio:
            _require(work, participant, "unmute")
        holder = _bearer(work, actor, participant, participant.microphone_connection)
        participant = with_audio(participant, intents.audio, holder)
    if intents.video is not None:
        participant = replace(participant, video=intents.video)
    if intents.screen is not None:
        if intents.screen:
            _require(work, participant, "share")
        holder = _bearer(work, actor, participant, participant.screen_connection)
        participant = with_screen(participant, intents.screen, holder)
    if intents.hand is not None and intents.hand != (participant.hand_at is not None):
        participant = replace(participant, hand_at=work.now if intents.hand else None)
    return participant


def _bearer(
    work: Change, actor: Actor, participant: Participant, held_by: ConnectionId | None
) -> ConnectionId | None:
    """Choose whose source goes live: the sender's; unnamed, the holder's, else the newest's."""
    if actor.connection_id is not None:
        return actor.connection_id
    alive = work.alive(participant.id)
    if any(connection.id == held_by for connection in alive):
        return held_by
    newest = max(alive, key=lambda connection: connection.fence, default=None)
    return None if newest is None else newest.id


def _require(work: Change, participant: Participant, intent: Intent) -> None:
    if not may_intend(participant.role, intent, work.meeting.settings):
        raise Problem("not_allowed")
