"""The media core as Python sees it: commands down, events up, never a call back.

An `Engine` owns the media threads. Every command returns at once: it is put in a bounded queue and
its outcome
arrives as an event. Events wait in a queue behind a file descriptor that turns readable;
`Engine.drain` empties it.
Nothing here takes part in the path of a packet, so the interpreter never slows media down.

Ids are strings that the caller chooses, 1 to 128 bytes, and unique in the engine while they are
open: `meeting` (the
meeting's key), `connection` (in LiveKit's dialect the `PA_` sid), `track` (the `TR_` sid). A
command that names
something unknown changes nothing and is answered by `RequestFailed` with the code
`unknown_meeting`,
`unknown_connection` or `unknown_track`.

`request` is any number the caller likes, 0 to 2**32 - 1; it comes back in the events the command
causes. For an offer it is
natural to pass the offer's own id. Times are seconds, rates bit/s, unless a name says otherwise.

SDP is made and parsed in the core. In every description the core makes, a subscribed track's media
stream id is
`<publisher's connection>|<track>` and its media stream track id is `<track>`, as LiveKit's SDKs
expect.

**Data** (chat, RPC and the like) is forwarded by the caller: the core hands every message up as
`DataReceived` and sends what
`Engine.send_data` is given. It never looks into a message, so who may send to whom is decided in
one place.
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, final

TransportName: TypeAlias = Literal["publisher", "subscriber"]
"""Which of a connection's transports. A connection with a single transport has only `publisher`,
which then carries
both directions and is always offered by the client."""

Kind: TypeAlias = Literal["audio", "video"]
Source: TypeAlias = Literal["camera", "microphone", "screen", "screen_audio", "unknown"]
Quality: TypeAlias = Literal["low", "medium", "high", "off"]
DataKind: TypeAlias = Literal["reliable", "lossy"]

version: Final[str]
"""Version of the media core, the same as the package's."""

@final
class EngineConfig:
    """Everything that shapes an engine. Frozen; every argument has a name and a default."""

    def __new__(
        cls,
        *,
        bind: Sequence[str] | None = ...,
        udp_port: int = 7882,
        tcp_port: int = 7881,
        public_addresses: Sequence[str] = ...,
        shards: int = 0,
        include_loopback: bool = True,
        max_connections: int = 10_000,
        max_tracks_per_connection: int = 32,
        max_subscriptions_per_connection: int = 200,
        command_queue: int = 16_384,
        event_queue: int = 65_536,
        socket_buffer_bytes: int = 4_194_304,
        initial_estimate_bps: int = 1_500_000,
        max_estimate_bps: int = 20_000_000,
        stats_interval_ms: int = 1_000,
        speakers_interval_ms: int = 300,
        transport_timeout_ms: int = 20_000,
        codecs: Sequence[str] | None = ...,
    ) -> EngineConfig:
        """Describe an engine; nothing is opened yet.

        Args:
            bind: literal IP addresses to listen on; `0.0.0.0` and `::` mean every address of that
                family, and each of the
                machine's addresses becomes an ICE host candidate (RFC 8445 section 5.1.1). Default:
                both wildcards;
                a family the machine lacks is left out.
            udp_port: first UDP port; shard n listens on `udp_port + n`. 0 takes free ports.
            tcp_port: port for ICE-TCP (RFC 6544, passive); 0 takes a free one, -1 switches it off.
            public_addresses: literal IP addresses under which the ports are reachable from outside
                (1:1 NAT), handed out as
                additional candidates.
            shards: media threads, 1 to 64; 0 is one per core.
            include_loopback: hand out loopback candidates as well, for browsers on this machine.
            max_connections: most connections open at once; more are refused with `too_many`.
            max_tracks_per_connection: most tracks one connection may announce.
            max_subscriptions_per_connection: most tracks one connection may receive.
            command_queue: most commands waiting for one shard; beyond it a command raises
                `QueueFull`.
            event_queue: most events waiting for `Engine.drain`; beyond it events that may be lost
                (stats, speakers, quality,
                data) are dropped and counted, the others are kept.
            socket_buffer_bytes: wanted size of each UDP socket's buffers; what the kernel gave is
                in `EngineStats`.
            initial_estimate_bps: assumed rate to a subscriber before the first bandwidth estimate.
            max_estimate_bps: most that is ever sent to one subscriber.
            stats_interval_ms: how often the figures behind `Engine.transport_stats` are renewed;
                200 to 60,000.
            speakers_interval_ms: how often changes of active speakers are told; 100 to 5,000.
            transport_timeout_ms: how long a transport may be silent before it is `failed`; 1,000 to
                120,000.
            codecs: what may be negotiated, of `opus`, `red`, `vp8`, `h264`, `vp9`, `av1`. Default:
                all of them.

        Raises:
            ValueError: a figure is out of its range, an address is not a literal IP address, a
            codec is unknown.
        """

@final
class QueueFull(Exception):
    """The shard's command queue is full: the engine is overloaded. Nothing has been queued."""

@final
class EngineClosed(Exception):
    """The engine has been closed, or the shard of this meeting has died (see `ShardFailed`)."""

@final
class Layer:
    """One encoding of a video track, as its publisher announced it."""

    def __new__(
        cls,
        *,
        quality: Quality,
        width: int = 0,
        height: int = 0,
        bitrate_bps: int = 0,
        rid: str = "",
        ssrc: int = 0,
    ) -> Layer:
        """Describe a layer.

        Args:
            quality: `low`, `medium` or `high`.
            width: pixels, 0 where unknown.
            height: pixels, 0 where unknown.
            bitrate_bps: what the publisher aims at, 0 where unknown.
            rid: the layer's name on the wire (RFC 8852); empty derives it from the quality (`q`,
                `h`, `f`).
            ssrc: the layer's SSRC where the client knows it, else 0.
        """

    @property
    def quality(self) -> Quality: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def bitrate_bps(self) -> int: ...
    @property
    def rid(self) -> str: ...
    @property
    def ssrc(self) -> int: ...

@final
class Engine:
    """The running media engine: its sockets, its threads and the queue of its events.

    Safe to use from any thread; meant to be used from the event loop's.
    """

    def __new__(cls, config: EngineConfig) -> Engine:
        """Open the sockets and start the media threads.

        Raises:
            OSError: a port is taken, an address is not this machine's, or descriptors ran out.
        """
    # The queue of events.
    def fileno(self) -> int:
        """Return a descriptor that is readable while events wait. It belongs to the engine: do not
        close it.
        """

    def drain(self, max_events: int = 1_024) -> list[Event]:
        """Take up to `max_events` events, oldest first; never blocks.

        Events of one meeting are in the order in which they happened. The descriptor stays readable
        while events remain.
        """

    def close(self) -> None:
        """End every transport, stop the threads and close the sockets; waits at most 2 s. Calling
        it again changes nothing.
        """
    # Where clients reach it.
    @property
    def udp_ports(self) -> list[int]:
        """The UDP port of each shard."""

    @property
    def tcp_port(self) -> int:
        """The ICE-TCP port, -1 where it is off."""

    @property
    def addresses(self) -> list[str]:
        """The addresses handed out as host candidates, public ones last."""
    # Meetings and connections.
    def open_meeting(self, meeting: str, *, request: int = 0) -> None:
        """Make room for a meeting on the shard with the least load. Opening an open meeting changes
        nothing.
        """

    def close_meeting(self, meeting: str, *, request: int = 0) -> None:
        """Close every connection of a meeting and forget it. Events: `TransportStateChanged`
        `closed` for each transport.
        """

    def open_connection(
        self,
        meeting: str,
        connection: str,
        *,
        mode: Literal["single", "dual"],
        sources: Sequence[Source] | None = None,
        may_subscribe: bool = True,
        request: int = 0,
    ) -> None:
        """Make a connection ready for its transports.

        Args:
            mode: `single` has one transport, which the client offers; `dual` has a `publisher` that
                the client offers and
                a `subscriber` that the core offers: call `negotiate` to get the first offer, which
                carries the data channels.
            sources: what may be forwarded from this connection, as in `set_allowed_sources`; None
                allows everything.
            may_subscribe: False refuses every subscription of this connection.
        """

    def close_connection(self, connection: str, *, request: int = 0) -> None:
        """Close a connection's transports at once and end what it publishes and receives.

        Events: `TrackUnpublished` for each of its tracks, `TransportStateChanged` `closed` for each
        transport.
        """
    # Negotiation.
    def accept_offer(
        self, connection: str, transport: TransportName, sdp: str, *, request: int = 0
    ) -> None:
        """Answer a client's offer. Events: `Answer`, then `TrackPublished` for each track it
        carries for the first time.

        A media section is matched with an announced track by its `a=msid` track id equal to the
        track's `cid`, else by
        kind in the order of announcement; one that nobody announced yet waits for `add_track`. In
        single mode the answer
        also carries whatever subscriptions fit the sections the client offered to receive; if some
        do not fit,
        `SectionsNeeded` follows. Offers over 256 KiB or with more than 400 sections are refused
        (`bad_sdp`).
        """

    def accept_answer(
        self, connection: str, transport: TransportName, sdp: str, *, request: int = 0
    ) -> None:
        """Take the client's answer to the last `Offer`; `request` is the offer's, or 0 where the
        client does not repeat it. A late or repeated one is refused (`bad_state`).
        """

    def negotiate(self, connection: str) -> None:
        """Ask for a round of negotiation even if nothing changed: `Offer` in dual mode,
        `SectionsNeeded(0, 0)` in single mode.
        """

    def restart_ice(self, connection: str, transport: TransportName) -> None:
        """Restart ICE (RFC 8445 section 2.4). The `subscriber` of a dual connection is offered anew
        at once; a transport
        that the client offers restarts with its next offer (one with new credentials restarts by
        itself). Media
        goes on with continuous sequence numbers.
        """

    def add_candidate(self, connection: str, transport: TransportName, candidate: str) -> None:
        """Add a trickled remote candidate: the value of `candidate:` as in RFC 8839, with or
        without the attribute's name.

        An empty one marks the end. mDNS names (`.local`) and relayed TCP are ignored; the client's
        checks find us anyway.
        """
    # Publishing.
    def add_track(
        self,
        connection: str,
        track: str,
        *,
        cid: str,
        kind: Kind,
        source: Source,
        muted: bool = False,
        codec: str = "",
        layers: Sequence[Layer] = ...,
        stereo: bool = False,
        dtx: bool = True,
        red: bool = True,
        encrypted: bool = False,
        request: int = 0,
    ) -> None:
        """Announce a track, before or after the offer that carries it.

        Args:
            cid: the client's own id of the track, equal to the msid track id in most clients'
                offers.
            source: decides priority and `set_allowed_sources`.
            muted: starts muted, as in `set_muted`.
            codec: what the client means to send (`vp8`, `video/VP8`); empty if it did not say.
            layers: the announced encodings, lowest first or in any order; empty for a single one.
            stereo: Opus is stereo; subscribers are offered `stereo=1`.
            dtx: Opus may fall silent (discontinuous transmission), which is no loss.
            red: Opus may come as RED (RFC 2198).
            encrypted: payloads are end-to-end encrypted; they pass untouched, and keyframes are
                found by header alone.
        """

    def add_codec(
        self,
        track: str,
        *,
        cid: str,
        codec: str,
        layers: Sequence[Layer] = ...,
        request: int = 0,
    ) -> None:
        """Announce that a published track will come in another codec, for those who cannot decode
        the first.

        Once its first packet arrives the track is taken from there and no longer in the first
        codec, for everybody; event: `TrackPublished` anew.

        Args:
            cid: the client's own id of what it sends in that codec.
        """

    def remove_track(self, track: str, *, request: int = 0) -> None:
        """End a publication. Subscribers' sections become inactive, free for reuse. Event:
        `TrackUnpublished`.
        """

    def set_muted(self, track: str, muted: bool, *, request: int = 0) -> None:
        """Mute or unmute a track in the forwarder, whatever the client sends.

        Once the command is processed (`RequestDone`, within a tick) no packet of the track goes out
        until it is unmuted;
        video then starts again with a keyframe, which the core asks for. Idempotent.
        """

    def set_allowed_sources(
        self, connection: str, sources: Sequence[Source] | None, *, request: int = 0
    ) -> None:
        """Say what may be forwarded from a connection, now and for tracks yet to come; None allows
        everything.

        Packets of other sources are dropped as by `set_muted`, on top of each track's own mute: a
        track is forwarded
        only if it is unmuted and its source is allowed.
        """
    # Subscribing.
    def subscribe(self, connection: str, tracks: Sequence[str], *, request: int = 0) -> None:
        """Send tracks to a connection as soon as they are published; what is already subscribed
        stays as it is.

        Renegotiates by itself: `Offer` in dual mode, `SectionsNeeded` in single mode; many calls in
        a row share one round.
        """

    def unsubscribe(self, connection: str, tracks: Sequence[str], *, request: int = 0) -> None:
        """Stop sending tracks to a connection and free their sections. Tracks not subscribed are
        skipped.
        """

    def set_subscription(
        self,
        connection: str,
        track: str,
        *,
        disabled: bool = False,
        quality: Quality | None = None,
        width: int = 0,
        height: int = 0,
        fps: int = 0,
        priority: int = 0,
        request: int = 0,
    ) -> None:
        """Say how a connection wants to receive a track.

        Args:
            disabled: withhold it for now (not shown on the page).
            quality: the best layer wanted; None leaves the choice to `width` and `height`.
            width: pixels the picture is shown at; the smallest layer that covers it is the best one
                sent. 0: no limit.
            height: as `width`.
            fps: most frames per second wanted; drops temporal layers above it. 0: no limit.
            priority: 0 to 255; higher is served first when bandwidth is short. 0 lets the core
                decide
                (screens and active speakers first).
        """
    # Data.
    def send_data(
        self,
        meeting: str,
        kind: DataKind,
        payload: bytes,
        *,
        to: Sequence[str] | None = None,
        sender: str | None = None,
    ) -> None:
        """Send one data message, at most 64 KiB, on the data channel `_reliable` or `_lossy`.

        Args:
            to: the connections to send to; None is everyone in the meeting. Unknown ones are
                skipped.
            sender: a connection to leave out.

        A reliable message waits for a connection whose channel is not open yet (at most 256
        messages and 1 MiB); a lossy
        one is dropped.
        """
    # Figures.
    def stats(self) -> EngineStats:
        """Return the engine's totals since it started; never older than `stats_interval_ms`."""

    def transport_stats(self, meeting: str | None = None) -> list[TransportStats]:
        """Return the figures of every transport, or of one meeting's; never older than
        `stats_interval_ms`. Does not block.
        """

@final
class TrackStats:
    """One track on one transport: received from its publisher (`inbound`) or sent to a
    subscriber.
    """

    @property
    def track(self) -> str: ...
    @property
    def inbound(self) -> bool: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def codec(self) -> str: ...
    @property
    def layer(self) -> str:
        """The quality received or forwarded: `low`, `medium`, `high` or `off`."""
    @property
    def temporal_layer(self) -> int:
        """Outbound: highest temporal layer forwarded, -1 where there are none."""
    @property
    def packets(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def bitrate_bps(self) -> int:
        """Payload over the last interval."""
    @property
    def packets_lost(self) -> int:
        """Inbound: missing from the publisher. Outbound: as the subscriber reports (RFC 3550
        section 6.4.1).
        """
    @property
    def loss(self) -> float:
        """Share lost over the last interval, 0 to 1."""
    @property
    def jitter_ms(self) -> float: ...
    @property
    def nacks(self) -> int: ...
    @property
    def keyframe_requests(self) -> int: ...
    @property
    def packets_resent(self) -> int: ...
    @property
    def muted(self) -> bool: ...
    @property
    def paused(self) -> bool: ...

@final
class TransportStats:
    """One transport over its life, with rates over the last interval."""

    @property
    def meeting(self) -> str: ...
    @property
    def connection(self) -> str: ...
    @property
    def transport(self) -> TransportName: ...
    @property
    def state(self) -> str:
        """As in `TransportStateChanged.state`."""
    @property
    def path(self) -> Literal["udp", "tcp", ""]:
        """What the media travels over; empty until connected."""
    @property
    def packets_in(self) -> int: ...
    @property
    def packets_out(self) -> int: ...
    @property
    def bytes_in(self) -> int: ...
    @property
    def bytes_out(self) -> int: ...
    @property
    def rtt_ms(self) -> float:
        """Round trip, -1 where unknown."""
    @property
    def loss_in(self) -> float: ...
    @property
    def loss_out(self) -> float: ...
    @property
    def estimate_bps(self) -> int:
        """Bandwidth estimate towards the client, 0 where there is none."""
    @property
    def allocated_bps(self) -> int:
        """What the allocation gave to this connection's subscriptions."""
    @property
    def tracks(self) -> list[TrackStats]: ...

@final
class EngineStats:
    """Totals over all shards."""

    @property
    def meetings(self) -> int: ...
    @property
    def connections(self) -> int: ...
    @property
    def transports(self) -> int: ...
    @property
    def tracks(self) -> int: ...
    @property
    def subscriptions(self) -> int: ...
    @property
    def datagrams_in(self) -> int: ...
    @property
    def datagrams_out(self) -> int: ...
    @property
    def bytes_in(self) -> int: ...
    @property
    def bytes_out(self) -> int: ...
    @property
    def packets_forwarded(self) -> int:
        """RTP packets handed to subscribers."""
    @property
    def packets_withheld(self) -> int:
        """RTP packets dropped because their track was muted or its source not allowed."""
    @property
    def datagrams_unknown(self) -> int:
        """Datagrams of no transport: unknown STUN user name, unverified address, not media."""
    @property
    def datagrams_unsent(self) -> int:
        """Datagrams the kernel did not take."""
    @property
    def events_dropped(self) -> int: ...
    @property
    def transport_panics(self) -> int: ...
    @property
    def receive_buffer_bytes(self) -> int:
        """What the kernel granted to each UDP socket, the smallest over all."""
    @property
    def send_buffer_bytes(self) -> int: ...
    @property
    def uses_gso(self) -> bool:
        """UDP segmentation offload works here."""

# Events. All are frozen values.

@final
class Answer:
    """The answer to `accept_offer`; send it to the client with the offer's id."""

    @property
    def connection(self) -> str: ...
    @property
    def transport(self) -> TransportName: ...
    @property
    def request(self) -> int: ...
    @property
    def sdp(self) -> str: ...
    @property
    def mid_to_track(self) -> dict[str, str]:
        """Media section to track id, both directions: LiveKit's `mid_to_track_id`."""

@final
class Offer:
    """An offer for the client of a dual connection; at most one is outstanding, later changes wait
    for its answer.
    """

    @property
    def connection(self) -> str: ...
    @property
    def transport(self) -> TransportName: ...
    @property
    def request(self) -> int:
        """The offer's id, made by the core: 1, 2, 3 ... for each connection."""
    @property
    def sdp(self) -> str: ...
    @property
    def mid_to_track(self) -> dict[str, str]: ...

@final
class SectionsNeeded:
    """A single-transport client must offer again, with this many more sections to receive on:
    LiveKit's
    `media_sections_requirement`. (0, 0) just asks for a new offer.
    """

    @property
    def connection(self) -> str: ...
    @property
    def audio(self) -> int: ...
    @property
    def video(self) -> int: ...

@final
class TransportStateChanged:
    """ICE and DTLS of a transport, seen as one."""

    @property
    def meeting(self) -> str: ...
    @property
    def connection(self) -> str: ...
    @property
    def transport(self) -> TransportName: ...
    @property
    def state(self) -> Literal["connecting", "connected", "disconnected", "failed", "closed"]:
        """`disconnected` may recover by itself or by an ICE restart; `failed` does not; `closed` is
        the last.
        """
    @property
    def path(self) -> Literal["udp", "tcp", ""]: ...

@final
class TrackPublished:
    """An announced track has arrived: an offer carried it. Tell the others about it now."""

    @property
    def meeting(self) -> str: ...
    @property
    def connection(self) -> str: ...
    @property
    def track(self) -> str: ...
    @property
    def mid(self) -> str: ...
    @property
    def codec(self) -> str:
        """The negotiated codec as a MIME type, such as `video/VP8`."""
    @property
    def rids(self) -> list[str]:
        """The simulcast layers in the offer (RFC 8853), empty for a single encoding."""

@final
class TrackUnpublished:
    """A track is gone: removed, its section ended, or its connection closed."""

    @property
    def meeting(self) -> str: ...
    @property
    def connection(self) -> str: ...
    @property
    def track(self) -> str: ...

@final
class DataReceived:
    """A message came in on a data channel. May be dropped under overload if it is lossy."""

    @property
    def meeting(self) -> str: ...
    @property
    def connection(self) -> str: ...
    @property
    def kind(self) -> DataKind: ...
    @property
    def payload(self) -> bytes: ...

@final
class Speaker:
    """One connection's audio level."""

    @property
    def connection(self) -> str: ...
    @property
    def track(self) -> str: ...
    @property
    def level(self) -> float:
        """Smoothed loudness, 0 (silent) to 1 (as loud as can be)."""
    @property
    def active(self) -> bool: ...

@final
class SpeakersChanged:
    """Who speaks has changed, or how loud: the connections whose state differs from the last event,
    loudest first.
    One that stopped comes once with `active` false.
    """

    @property
    def meeting(self) -> str: ...
    @property
    def speakers(self) -> list[Speaker]: ...

@final
class QualityChanged:
    """A connection's quality, as the participant would judge it."""

    @property
    def meeting(self) -> str: ...
    @property
    def connection(self) -> str: ...
    @property
    def quality(self) -> Literal["lost", "poor", "good", "excellent"]: ...
    @property
    def score(self) -> float:
        """1 (unusable) to 5 (perfect)."""
    @property
    def cause(self) -> Literal["", "loss", "delay", "jitter", "bandwidth"]:
        """What drags it down most; empty when excellent."""

@final
class StreamStateChanged:
    """The core withholds a subscribed video for lack of bandwidth, or sends it again."""

    @property
    def connection(self) -> str: ...
    @property
    def track(self) -> str: ...
    @property
    def state(self) -> Literal["active", "paused"]: ...

@final
class SubscribedQualityChanged:
    """Which layers of a track anyone receives (dynacast): tell its publisher, who may stop sending
    the others.
    """

    @property
    def connection(self) -> str:
        """The publisher's."""
    @property
    def track(self) -> str: ...
    @property
    def codec(self) -> str:
        """`vp8`, `h264`, `vp9` or `av1`."""
    @property
    def qualities(self) -> list[tuple[Quality, bool]]:
        """Each announced quality, lowest first, with whether it is wanted."""

@final
class CodecUnsupported:
    """Somebody who subscribed to a video cannot decode what it comes in; told once for each codec
    of the track.
    """

    @property
    def connection(self) -> str:
        """The publisher's."""
    @property
    def track(self) -> str: ...
    @property
    def codec(self) -> str:
        """`vp8`, `h264`, `vp9` or `av1`."""

@final
class RequestDone:
    """A command with a `request` other than 0, of the kind that has no event of its own, has taken
    effect.
    """

    @property
    def request(self) -> int: ...

@final
class RequestFailed:
    """A command was refused and changed nothing."""

    @property
    def connection(self) -> str:
        """The connection it named, or empty."""
    @property
    def request(self) -> int: ...
    @property
    def code(
        self,
    ) -> Literal[
        "unknown_meeting",
        "unknown_connection",
        "unknown_track",
        "already_open",
        "bad_sdp",
        "bad_state",
        "bad_value",
        "too_many",
    ]: ...
    @property
    def reason(self) -> str:
        """A sentence for the log, without addresses or names."""

@final
class ConnectionFailed:
    """A transport broke down inside the core (bad DTLS, a bug caught): close the connection and let
    the client come back.
    """

    @property
    def meeting(self) -> str: ...
    @property
    def connection(self) -> str: ...
    @property
    def transport(self) -> TransportName: ...
    @property
    def reason(self) -> str: ...

@final
class ShardFailed:
    """A media thread has died; the meetings named are gone and must be opened again, on another
    shard.
    """

    @property
    def shard(self) -> int: ...
    @property
    def meetings(self) -> list[str]: ...
    @property
    def reason(self) -> str: ...

Event: TypeAlias = (
    Answer
    | Offer
    | SectionsNeeded
    | TransportStateChanged
    | TrackPublished
    | TrackUnpublished
    | DataReceived
    | SpeakersChanged
    | QualityChanged
    | StreamStateChanged
    | SubscribedQualityChanged
    | CodecUnsupported
    | RequestDone
    | RequestFailed
    | ConnectionFailed
    | ShardFailed
)
