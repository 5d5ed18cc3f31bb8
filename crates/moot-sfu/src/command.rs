//! What the control plane asks for.

use std::fmt;
use std::ops::BitOr;
use std::sync::Arc;

use crate::ids::{ConnectionId, MeetingId, RequestId, TrackId};

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Audio.
    Audio,
    /// Video.
    Video,
}

/// Where a track's media comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Source {
    /// A camera.
    Camera = 1,
    /// A microphone.
    Microphone = 2,
    /// A shared screen or window.
    Screen = 4,
    /// The sound of what is shared.
    ScreenAudio = 8,
    /// Anything else.
    Unknown = 16,
}

/// A set of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sources(u8);

impl Sources {
    /// Every source.
    pub const ALL: Sources = Sources(0x1f);
    /// No source.
    pub const NONE: Sources = Sources(0);

    /// Returns whether `source` is among them.
    pub fn contains(self, source: Source) -> bool {
        self.0 & source as u8 != 0
    }
}

impl BitOr<Source> for Sources {
    type Output = Sources;
    fn bitor(self, source: Source) -> Sources {
        Sources(self.0 | source as u8)
    }
}

impl FromIterator<Source> for Sources {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        sources.into_iter().fold(Self::NONE, BitOr::bitor)
    }
}

/// LiveKit's names for the spatial layers of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quality {
    /// The smallest.
    Low,
    /// The middle one.
    Medium,
    /// The largest.
    High,
}

/// One encoding of a video, as its publisher announced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSpec {
    /// Its name among the others.
    pub quality: Quality,
    /// Pixels; 0 where unknown.
    pub width: u32,
    /// Pixels; 0 where unknown.
    pub height: u32,
    /// What the publisher aims at, bit/s; 0 where unknown.
    pub bitrate_bps: u64,
    /// Its name on the wire (RFC 8852); empty where the quality tells it.
    pub rid: String,
    /// Its SSRC where known, else 0.
    pub ssrc: u32,
}

/// How many transports a connection has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One for both directions; the client always offers.
    Single,
    /// One each way: the client offers the publisher's, the core the subscriber's.
    Dual,
}

/// Which of a connection's transports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransportName {
    /// What the client sends on; in single mode both directions.
    Publisher,
    /// What the client receives on in dual mode.
    Subscriber,
}

impl fmt::Display for TransportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TransportName::Publisher => "publisher",
            TransportName::Subscriber => "subscriber",
        })
    }
}

/// Which data channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataKind {
    /// Ordered and complete.
    Reliable,
    /// Neither.
    Lossy,
}

/// A track that will be, or already is, in its connection's offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackSpec {
    /// Its id.
    pub track: TrackId,
    /// The client's own id of it: the msid track id in most offers.
    pub cid: String,
    /// Audio or video.
    pub kind: Kind,
    /// Where it comes from.
    pub source: Source,
    /// Starts muted.
    pub muted: bool,
    /// What the client means to send, by its short name in lower case; empty if it did not say.
    pub codec: String,
    /// The encodings; empty for a single one.
    pub layers: Vec<LayerSpec>,
    /// Opus in stereo.
    pub stereo: bool,
    /// Payloads are encrypted end to end.
    pub encrypted: bool,
}

/// How a connection wants to receive a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Wish {
    /// Withhold it.
    pub disabled: bool,
    /// The best layer wanted, if not told by the size.
    pub quality: Option<Quality>,
    /// Pixels it is shown at; 0 is no limit.
    pub width: u32,
    /// Pixels it is shown at; 0 is no limit.
    pub height: u32,
    /// Most frames per second; 0 is no limit.
    pub fps: u32,
    /// Higher is served first; 0 lets the core decide.
    pub priority: u8,
}

/// What the control plane asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Make room for a meeting. Idempotent.
    OpenMeeting {
        /// The meeting.
        meeting: MeetingId,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Close a meeting's connections and forget it.
    CloseMeeting {
        /// The meeting.
        meeting: MeetingId,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Make a connection ready for its transports.
    OpenConnection {
        /// Its meeting.
        meeting: MeetingId,
        /// The connection.
        connection: ConnectionId,
        /// One transport or two.
        mode: Mode,
        /// What may be forwarded from it.
        sources: Sources,
        /// Whether it may receive tracks.
        may_subscribe: bool,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Close a connection at once.
    CloseConnection {
        /// The connection.
        connection: ConnectionId,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Answer a client's offer.
    AcceptOffer {
        /// The connection.
        connection: ConnectionId,
        /// Which transport.
        transport: TransportName,
        /// The offer.
        sdp: String,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Take a client's answer.
    AcceptAnswer {
        /// The connection.
        connection: ConnectionId,
        /// Which transport.
        transport: TransportName,
        /// The answer.
        sdp: String,
        /// The offer's number.
        request: RequestId,
    },
    /// Start a round of negotiation even if nothing changed.
    Negotiate {
        /// The connection.
        connection: ConnectionId,
    },
    /// Restart ICE.
    RestartIce {
        /// The connection.
        connection: ConnectionId,
        /// Which transport.
        transport: TransportName,
    },
    /// Add a remote candidate.
    AddCandidate {
        /// The connection.
        connection: ConnectionId,
        /// Which transport.
        transport: TransportName,
        /// As in RFC 8839 §5.1, with or without `candidate:`.
        candidate: String,
    },
    /// Announce a track.
    AddTrack {
        /// Its publisher.
        connection: ConnectionId,
        /// The track.
        track: TrackSpec,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Announce that a published track will come in another codec: once that arrives, it is taken in
    /// place of the first.
    AddCodec {
        /// The track.
        track: TrackId,
        /// The client's own id of what it sends in that codec.
        cid: String,
        /// The codec's short name in lower case.
        codec: String,
        /// Its encodings; empty for a single one.
        layers: Vec<LayerSpec>,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// End a publication.
    RemoveTrack {
        /// The track.
        track: TrackId,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Mute or unmute a track in the forwarder.
    SetMuted {
        /// The track.
        track: TrackId,
        /// Whether it is muted from now on.
        muted: bool,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Say what may be forwarded from a connection.
    SetAllowedSources {
        /// The connection.
        connection: ConnectionId,
        /// What may.
        sources: Sources,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Send tracks to a connection.
    Subscribe {
        /// The subscriber.
        connection: ConnectionId,
        /// The tracks.
        tracks: Vec<TrackId>,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Stop sending tracks to a connection.
    Unsubscribe {
        /// The subscriber.
        connection: ConnectionId,
        /// The tracks.
        tracks: Vec<TrackId>,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Say how a connection wants to receive a track.
    SetSubscription {
        /// The subscriber.
        connection: ConnectionId,
        /// The track.
        track: TrackId,
        /// How.
        wish: Wish,
        /// Repeated in the answer.
        request: RequestId,
    },
    /// Send a message on a data channel.
    SendData {
        /// The meeting.
        meeting: MeetingId,
        /// Which channel.
        kind: DataKind,
        /// The message.
        payload: Arc<[u8]>,
        /// To whom; everyone if `None`.
        to: Option<Vec<ConnectionId>>,
        /// Who is left out.
        sender: Option<ConnectionId>,
    },
}

impl Command {
    /// Whom the command names, and its number; 0 where it has none.
    pub fn addressee(&self) -> (Option<ConnectionId>, RequestId) {
        match self {
            Command::OpenMeeting { request, .. }
            | Command::CloseMeeting { request, .. }
            | Command::AddCodec { request, .. }
            | Command::RemoveTrack { request, .. }
            | Command::SetMuted { request, .. } => (None, *request),
            Command::SendData { sender, .. } => (sender.clone(), 0),
            Command::Negotiate { connection }
            | Command::RestartIce { connection, .. }
            | Command::AddCandidate { connection, .. } => (Some(connection.clone()), 0),
            Command::OpenConnection {
                connection,
                request,
                ..
            }
            | Command::CloseConnection {
                connection,
                request,
            }
            | Command::AcceptOffer {
                connection,
                request,
                ..
            }
            | Command::AcceptAnswer {
                connection,
                request,
                ..
            }
            | Command::AddTrack {
                connection,
                request,
                ..
            }
            | Command::SetAllowedSources {
                connection,
                request,
                ..
            }
            | Command::Subscribe {
                connection,
                request,
                ..
            }
            | Command::Unsubscribe {
                connection,
                request,
                ..
            }
            | Command::SetSubscription {
                connection,
                request,
                ..
            } => (Some(connection.clone()), *request),
        }
    }
}
