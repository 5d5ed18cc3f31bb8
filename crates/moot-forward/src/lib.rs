//! What becomes of one packet.
//!
//! The rules of a selective forwarding unit (RFC 7667 §3.7) on headers alone: which layer of a
//! publication a subscription is given, with which numbers its packets leave, how a bandwidth
//! estimate is divided, who is speaking, when a keyframe is asked for and how good a connection is.
//!
//! Pure: no socket, no thread, no clock (an [`std::time::Instant`] is an argument) and, once a
//! subscription is running, no allocation per packet. Nothing here can be made to panic or to grow
//! by what arrives from the network.
//!
//! The way of a packet:
//!
//! 1. the publication reads it once: [`Packet::read`], counts it in its [`LayerMeter`], and tells
//!    its [`KeyframeRequests`] when a keyframe begins;
//! 2. every subscription asks its [`Forwarder`] what to do: drop it, or send it with the numbers of
//!    a [`Forwarded`];
//! 3. every 100 to 500 ms each connection's [`Allocator`] divides the estimate and gives every
//!    forwarder its target, and the meeting's [`ActiveSpeakers`] hears every [`LoudnessMeter`].

pub mod allocator;
pub mod av1;
pub mod codec;
pub mod dependency;
mod forwarder;
pub mod h264;
mod ids;
mod keyframe;
mod layer;
mod numbering;
mod packet;
mod quality;
mod rewriter;
mod selector;
mod speaker;
pub mod vp8;
pub mod vp9;

pub use allocator::{Allocation, Allocator, Demand, Grant, Precedence, Withheld};
pub use codec::{Codec, Layering};
pub use forwarder::{Forwarded, Forwarder, Verdict};
pub use ids::{Bitrate, Layer, RtpTime, SeqNo, SpatialLayer, Ssrc, TemporalLayer};
pub use keyframe::KeyframeRequests;
pub use layer::{LayerMeter, LayerRates, MAX_SPATIAL_LAYERS, MAX_TEMPORAL_LAYERS};
pub use packet::{Header, MalformedPacket, Packet, SenderClock, UpSwitch};
pub use quality::{Cause, Quality, QualityMeter, QualitySample};
pub use rewriter::{Origin, Rewriter, Rewritten};
pub use selector::{Choice, Selector};
pub use speaker::{ActiveSpeakers, AudioLevel, Loudness, LoudnessMeter, Speaker};
