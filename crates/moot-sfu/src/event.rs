//! What has happened, for the control plane.

use std::sync::Arc;

use crate::command::{DataKind, Kind, Quality, TransportName};
use crate::datagram::Path;
use crate::error::Refusal;
use crate::ids::{ConnectionId, MeetingId, RequestId, TrackId};

/// ICE and DTLS of a transport, seen as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportState {
    /// Looking for a path, or shaking hands.
    Connecting,
    /// Media can flow.
    Connected,
    /// No answer for a while; may recover.
    Disconnected,
    /// Silent for too long; will not recover.
    Failed,
    /// Closed by us.
    Closed,
}

impl TransportState {
    /// The state's name on the seam to Python.
    pub fn as_str(self) -> &'static str {
        match self {
            TransportState::Connecting => "connecting",
            TransportState::Connected => "connected",
            TransportState::Disconnected => "disconnected",
            TransportState::Failed => "failed",
            TransportState::Closed => "closed",
        }
    }
}

/// How good a connection is, as a participant would judge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionQuality {
    /// Nothing arrives.
    Lost,
    /// Disturbing.
    Poor,
    /// Usable.
    Good,
    /// Nothing to wish for.
    Excellent,
}

/// One connection's audio level.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeakerLevel {
    /// Whose.
    pub connection: ConnectionId,
    /// Which track.
    pub track: TrackId,
    /// Loudness, 0 to 1.
    pub level: f32,
    /// Whether this counts as speaking.
    pub active: bool,
}

/// A description for the client, with what each of its sections carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The SDP.
    pub sdp: String,
    /// Section to track, both directions.
    pub tracks: Vec<(String, TrackId)>,
}

/// What has happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The answer to an offer.
    Answer {
        /// Whose.
        connection: ConnectionId,
        /// Which transport.
        transport: TransportName,
        /// The command's number.
        request: RequestId,
        /// The answer.
        description: Description,
    },
    /// An offer for the client.
    Offer {
        /// Whose.
        connection: ConnectionId,
        /// Which transport.
        transport: TransportName,
        /// The offer's number: 1, 2, 3 …
        request: RequestId,
        /// The offer.
        description: Description,
    },
    /// The client should offer anew, with this many more sections to receive on.
    SectionsNeeded {
        /// Whose.
        connection: ConnectionId,
        /// More audio sections.
        audio: u32,
        /// More video sections.
        video: u32,
    },
    /// A transport's state changed.
    TransportStateChanged {
        /// The meeting.
        meeting: MeetingId,
        /// Whose.
        connection: ConnectionId,
        /// Which transport.
        transport: TransportName,
        /// The new state.
        state: TransportState,
        /// What it travels over, once connected.
        path: Option<Path>,
    },
    /// An offer carried an announced track.
    TrackPublished {
        /// The meeting.
        meeting: MeetingId,
        /// The publisher.
        connection: ConnectionId,
        /// The track.
        track: TrackId,
        /// Its section.
        mid: String,
        /// Its codec's MIME type.
        codec: String,
        /// Its simulcast layers on the wire.
        rids: Vec<String>,
    },
    /// A track is gone.
    TrackUnpublished {
        /// The meeting.
        meeting: MeetingId,
        /// The publisher.
        connection: ConnectionId,
        /// The track.
        track: TrackId,
    },
    /// A message came on a data channel.
    DataReceived {
        /// The meeting.
        meeting: MeetingId,
        /// From whom.
        connection: ConnectionId,
        /// Which channel.
        kind: DataKind,
        /// The message.
        payload: Arc<[u8]>,
    },
    /// Who speaks, or how loud, has changed.
    SpeakersChanged {
        /// The meeting.
        meeting: MeetingId,
        /// Those that changed, loudest first.
        speakers: Vec<SpeakerLevel>,
    },
    /// A connection's quality changed.
    QualityChanged {
        /// The meeting.
        meeting: MeetingId,
        /// Whose.
        connection: ConnectionId,
        /// How good.
        quality: ConnectionQuality,
        /// 1 to 5.
        score: f32,
        /// What drags it down most, or empty.
        cause: &'static str,
    },
    /// A subscribed video is withheld for lack of bandwidth, or sent again.
    StreamStateChanged {
        /// The subscriber.
        connection: ConnectionId,
        /// The track.
        track: TrackId,
        /// Whether it is withheld.
        paused: bool,
    },
    /// Which layers of a track anyone receives.
    SubscribedQualityChanged {
        /// The publisher.
        connection: ConnectionId,
        /// The track.
        track: TrackId,
        /// The codec's short name.
        codec: &'static str,
        /// Each announced quality and whether it is wanted.
        qualities: Vec<(Quality, bool)>,
    },
    /// Somebody who subscribed to a video cannot decode what it comes in. Told once for each codec.
    CodecUnsupported {
        /// The publisher.
        connection: ConnectionId,
        /// The track.
        track: TrackId,
        /// The codec's short name.
        codec: &'static str,
    },
    /// A command has taken effect.
    RequestDone {
        /// The command's number.
        request: RequestId,
    },
    /// A command was refused.
    RequestFailed {
        /// The connection it named, if any.
        connection: Option<ConnectionId>,
        /// The command's number.
        request: RequestId,
        /// Why.
        refusal: Refusal,
    },
    /// A transport broke down.
    ConnectionFailed {
        /// The meeting.
        meeting: MeetingId,
        /// Whose.
        connection: ConnectionId,
        /// Which transport.
        transport: TransportName,
        /// A sentence for the log.
        reason: String,
    },
}

impl Event {
    /// Returns whether the event may be dropped under overload: a later one says the same anew, or
    /// it was never promised.
    pub fn may_be_dropped(&self) -> bool {
        matches!(
            self,
            Event::SpeakersChanged { .. }
                | Event::QualityChanged { .. }
                | Event::DataReceived {
                    kind: DataKind::Lossy,
                    ..
                }
        )
    }
}

/// The figures of one track on one transport.
#[derive(Clone, Debug)]
pub struct TrackStats {
    /// The track.
    pub track: TrackId,
    /// Received from its publisher, else sent to a subscriber.
    pub inbound: bool,
    /// Audio or video.
    pub kind: Kind,
    /// The codec's short name.
    pub codec: &'static str,
    /// The quality received or forwarded: `low`, `medium`, `high` or `off`.
    pub layer: &'static str,
    /// Highest temporal layer forwarded.
    pub temporal_layer: Option<u8>,
    /// Packets so far.
    pub packets: u64,
    /// Payload bytes so far.
    pub bytes: u64,
    /// Payload over the last interval.
    pub bitrate_bps: u64,
    /// Packets lost so far.
    pub packets_lost: u64,
    /// Share lost over the last interval, 0 to 1.
    pub loss: f32,
    /// Interarrival jitter, milliseconds.
    pub jitter_ms: f32,
    /// NACKs sent (inbound) or received.
    pub nacks: u64,
    /// Keyframe requests sent (inbound) or received.
    pub keyframe_requests: u64,
    /// Packets sent again.
    pub packets_resent: u64,
    /// Muted by will or by policy.
    pub muted: bool,
    /// Withheld by the core.
    pub paused: bool,
}

/// The figures of one transport.
#[derive(Clone, Debug)]
pub struct TransportStats {
    /// The meeting.
    pub meeting: MeetingId,
    /// Whose.
    pub connection: ConnectionId,
    /// Which transport.
    pub transport: TransportName,
    /// Its state.
    pub state: TransportState,
    /// What it travels over.
    pub path: Option<Path>,
    /// Datagrams received.
    pub packets_in: u64,
    /// Datagrams sent.
    pub packets_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Round trip, milliseconds.
    pub rtt_ms: Option<f32>,
    /// Share lost towards us, 0 to 1.
    pub loss_in: f32,
    /// Share lost towards the client, 0 to 1.
    pub loss_out: f32,
    /// Bandwidth estimate towards the client.
    pub estimate_bps: Option<u64>,
    /// What the allocation gave to its subscriptions.
    pub allocated_bps: u64,
    /// Its tracks.
    pub tracks: Vec<TrackStats>,
}

/// Totals of an SFU since it started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Open meetings.
    pub meetings: u64,
    /// Open connections.
    pub connections: u64,
    /// Open transports.
    pub transports: u64,
    /// Announced tracks.
    pub tracks: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// RTP packets handed to subscribers.
    pub packets_forwarded: u64,
    /// RTP packets dropped because their track is muted or its source not allowed.
    pub packets_withheld: u64,
    /// Datagrams of no transport.
    pub datagrams_unknown: u64,
    /// Transports lost to a caught panic.
    pub transport_panics: u64,
}
