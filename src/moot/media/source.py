"""What a track shows or sounds: the four sources a participant can publish."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """Where a track comes from (LiveKit's `TrackSource`, in moot's words)."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"
    SCREEN_AUDIO = "screen_audio"


EVERY_SOURCE: frozenset[Source] = frozenset(Source)
