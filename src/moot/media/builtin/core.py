"""The media core as this room uses it: the part of `moot._media.Engine` that the engine calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from moot.media.builtin.publication import PublicationLayer
from moot.media.source import EVERY_SOURCE, Source

if TYPE_CHECKING:
    from moot._media import (
        DataKind,
        EngineStats,
        Kind,
        Layer,
        Quality,
        TransportName,
        TransportStats,
    )
    from moot._media import Source as CoreSource


def core_sources(sources: frozenset[Source]) -> list[CoreSource] | None:
    """Say allowed sources in the core's words; None allows unnamed sources as well."""
    if sources == EVERY_SOURCE:
        return None
    return [source.value for source in sorted(sources)]


def core_layers(layers: Sequence[PublicationLayer]) -> list[Layer]:
    """Say a video's announced encodings in the core's words."""
    if not layers:
        return []
    # Imported here: only a process that carries media needs the compiled core.
    from moot._media import Layer  # noqa: PLC0415

    return [
        Layer(
            quality=layer.quality,
            width=layer.width,
            height=layer.height,
            bitrate_bps=layer.bitrate_bps,
            rid=layer.rid,
            ssrc=layer.ssrc,
        )
        for layer in layers
    ]


def is_overload(error: Exception) -> bool:
    """Tell whether the core's queue was full; the same command may succeed in a moment."""
    return type(error).__name__ == "QueueFull"


def is_closed(error: Exception) -> bool:
    """Tell whether the core, or the thread of this meeting, is gone."""
    return type(error).__name__ == "EngineClosed"


class MediaCore(Protocol):
    """Commands down, events up; `moot._media.pyi` is the contract of each name.

    A protocol of its own, so that the rules of this room are tested without sockets and threads.
    """

    def fileno(self) -> int:
        """Give the descriptor that is readable while events wait."""
        ...

    def drain(self, max_events: int = ...) -> Sequence[Any]:
        """Take waiting events."""
        ...

    def close(self) -> None:
        """End everything."""
        ...

    def open_meeting(self, meeting: str, *, request: int = ...) -> None:
        """Make room for a meeting."""
        ...

    def close_meeting(self, meeting: str, *, request: int = ...) -> None:
        """Forget a meeting."""
        ...

    def open_connection(
        self,
        meeting: str,
        connection: str,
        *,
        mode: Literal["single", "dual"],
        sources: Sequence[CoreSource] | None = ...,
        may_subscribe: bool = ...,
        request: int = ...,
    ) -> None:
        """Make a connection ready for its transports."""
        ...

    def close_connection(self, connection: str, *, request: int = ...) -> None:
        """Close a connection's transports."""
        ...

    def accept_offer(
        self, connection: str, transport: TransportName, sdp: str, *, request: int = ...
    ) -> None:
        """Answer an offer."""
        ...

    def accept_answer(
        self, connection: str, transport: TransportName, sdp: str, *, request: int = ...
    ) -> None:
        """Take an answer."""
        ...

    def negotiate(self, connection: str) -> None:
        """Ask for a round of negotiation."""
        ...

    def restart_ice(self, connection: str, transport: TransportName) -> None:
        """Restart ICE."""
        ...

    def add_candidate(self, connection: str, transport: TransportName, candidate: str) -> None:
        """Add a trickled candidate."""
        ...

    def add_track(
        self,
        connection: str,
        track: str,
        *,
        cid: str,
        kind: Kind,
        source: CoreSource,
        muted: bool = ...,
        codec: str = ...,
        layers: Sequence[Layer] = ...,
        stereo: bool = ...,
        dtx: bool = ...,
        red: bool = ...,
        encrypted: bool = ...,
        request: int = ...,
    ) -> None:
        """Announce a track."""
        ...

    def add_codec(
        self,
        track: str,
        *,
        cid: str,
        codec: str,
        layers: Sequence[Layer] = ...,
        request: int = ...,
    ) -> None:
        """Announce that a published track will come in another codec."""
        ...

    def remove_track(self, track: str, *, request: int = ...) -> None:
        """End a publication."""
        ...

    def set_muted(self, track: str, muted: bool, *, request: int = ...) -> None:
        """Mute or unmute in the forwarder."""
        ...

    def set_allowed_sources(
        self, connection: str, sources: Sequence[CoreSource] | None, *, request: int = ...
    ) -> None:
        """Say what may be forwarded."""
        ...

    def subscribe(self, connection: str, tracks: Sequence[str], *, request: int = ...) -> None:
        """Send tracks to a connection."""
        ...

    def unsubscribe(self, connection: str, tracks: Sequence[str], *, request: int = ...) -> None:
        """Stop sending tracks to a connection."""
        ...

    def set_subscription(
        self,
        connection: str,
        track: str,
        *,
        disabled: bool = ...,
        quality: Quality | None = ...,
        width: int = ...,
        height: int = ...,
        fps: int = ...,
        priority: int = ...,
        request: int = ...,
    ) -> None:
        """Say how a track is wanted."""
        ...

    def send_data(
        self,
        meeting: str,
        kind: DataKind,
        payload: bytes,
        *,
        to: Sequence[str] | None = ...,
        sender: str | None = ...,
    ) -> None:
        """Send one data message."""
        ...

    def stats(self) -> EngineStats:
        """Give the engine's totals."""
        ...

    def transport_stats(self, meeting: str | None = ...) -> Sequence[TransportStats]:
        """Give every transport's figures."""
        ...
