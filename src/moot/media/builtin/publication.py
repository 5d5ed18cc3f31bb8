"""A participant's offer of a track to the meeting."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from moot.media.source import Source


class PublicationLayer(Struct, frozen=True, kw_only=True):
    """One encoding of a video, as its publisher announced it; 0 and empty mean unknown."""

    quality: Literal["low", "medium", "high", "off"]
    width: int = 0
    height: int = 0
    bitrate_bps: int = 0
    rid: str = ""
    ssrc: int = 0


class PublicationRequest(Struct, frozen=True, kw_only=True):
    """What a client announces before it sends a track.

    Attributes:
        cid: the client's own id of the track; the offer that carries it names it again.
        source: None where the client did not say.
        codec: what the client means to send; empty if it did not say.
        backup_codec: what it can send as well, for those who cannot decode the first; empty if
            there is none.
        group: tracks of one group are played in step; empty stands for the publisher's default.
        features: what was done to the audio, in the dialect's words, passed on untouched.
    """

    cid: str
    kind: Literal["audio", "video"]
    source: Source | None
    name: str = ""
    is_muted: bool = False
    width: int = 0
    height: int = 0
    codec: str = ""
    backup_codec: str = ""
    layers: tuple[PublicationLayer, ...] = ()
    has_stereo: bool = False
    uses_dtx: bool = True
    uses_red: bool = True
    encryption: Literal["none", "gcm", "custom"] = "none"
    group: str = ""
    features: tuple[str, ...] = ()


class Publication(Struct, frozen=True, kw_only=True):
    """A track of a connection; replaced as a whole whenever something about it changes.

    Attributes:
        is_muted: by the publisher's will or by a host's word; what others are shown also counts
            whether the source is allowed (`is_silent`).
        is_allowed: its source may be forwarded.
        has_arrived: an offer has carried it; others hear of it only then.
        was_taken: somebody has subscribed to it at least once.
        has_fallen_back: its publisher was asked to send the backup codec, since somebody cannot
            decode the first.
        version: grows with every change.
    """

    track_id: str
    request: PublicationRequest
    is_muted: bool
    is_allowed: bool
    width: int = 0
    height: int = 0
    features: tuple[str, ...] = ()
    mid: str = ""
    mime: str = ""
    rids: tuple[str, ...] = ()
    has_arrived: bool = False
    was_taken: bool = False
    has_fallen_back: bool = False
    version: int = 0

    @property
    def codecs(self) -> tuple[str, str]:
        """The short names of what it was announced in and of its backup; empty where unknown."""
        return short_codec(self.request.codec), short_codec(self.request.backup_codec)

    @property
    def is_silent(self) -> bool:
        """Nothing of it is forwarded."""
        return self.is_muted or not self.is_allowed

    @property
    def is_active(self) -> bool:
        """Others may see or hear it."""
        return self.has_arrived and not self.is_silent


def short_codec(name: str) -> str:
    """Shorten a codec's name: `video/VP8`, `VP8` and `vp8` are the same."""
    return name.rpartition("/")[2].lower()
