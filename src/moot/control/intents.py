"""A participant's own name, microphone, camera, screen and hand (EVENT-4, JOIN-6)."""

from __future__ import annotations

from dataclasses import dataclass

from moot.control.context import Actor, Control
from moot.model.ids import MeetingId
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
        Problem: `meeting_not_found`, `not_in_meeting`, `connection_closed`, `not_allowed` (a guest
            unmutes or shares where hosts have switched that off), `name_invalid`.

    When it returns, the media engine forwards what the answer shows, or will refuse to forward
    more than that as soon as it can be reached.
    """
    raise NotImplementedError
