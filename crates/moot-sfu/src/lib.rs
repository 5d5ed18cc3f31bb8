//! A selective forwarding unit (RFC 7667 §3.7) without sockets, threads or a clock.
//!
//! [`Sfu`] is one shard's whole state: meetings, connections, their transports, tracks and
//! subscriptions. Datagrams, commands and the time go in; datagrams and events come out:
//!
//! 1. [`Sfu::handle_input`] and [`Sfu::handle_command`] take what there is;
//! 2. [`Sfu::handle_timeout`] forwards what arrived, subscriber by subscriber, and visits every
//!    transport that has something to do, once;
//! 3. [`Sfu::poll_transmit`] and [`Sfu::poll_event`] hand out the results;
//! 4. [`Sfu::urgency`] says whether step 2 should follow at once, or when.
//!
//! Nothing here reads a clock or blocks, and no meeting knows another, so a test can run all of it
//! in virtual time. Everything that comes from the network is bounded; a panic in the protocol
//! stack of one transport ends that transport.

mod arena;
mod command;
mod commands;
mod config;
mod connection;
mod datagram;
mod demux;
mod descriptor;
mod dtls;
mod error;
mod event;
mod greeting;
mod housekeeping;
mod ids;
mod meeting;
mod negotiation;
mod patience;
mod publishing;
mod recent;
mod router;
pub mod sdp;
mod sfu;
mod statistics;
mod subscription;
mod timers;
mod track;
mod transport;

pub use command::{
    Command, DataKind, Kind, LayerSpec, Mode, Quality, Source, Sources, TrackSpec, TransportName,
    Wish,
};
pub use config::{Codecs, LocalAddress, SfuConfig};
pub use datagram::{Class, Datagram, Path, Transmit, classify, local_ufrag};
pub use dtls::{repeatable_browser_crypto, repeatable_crypto};
pub use error::{Code, Refusal};
pub use event::{
    ConnectionQuality, Description, Event, SpeakerLevel, Totals, TrackStats, TransportState,
    TransportStats,
};
pub use ids::{ConnectionId, MAX_ID_LENGTH, MeetingId, RequestId, TrackId};
pub use sfu::{Reachability, Sfu, Urgency};
pub use transport::MAX_DATA_MESSAGE;
