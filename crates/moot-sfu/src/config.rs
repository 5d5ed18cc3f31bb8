//! What shapes an SFU.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use str0m::config::DtlsCert;
use str0m::crypto::{CryptoProvider, from_feature_flags};

use crate::datagram::Path;
use crate::dtls::crypto;

/// The codecs that may be negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codecs {
    /// Opus. Without it there is no audio.
    pub opus: bool,
    /// Opus wrapped in RED (RFC 2198).
    pub red: bool,
    /// VP8.
    pub vp8: bool,
    /// H.264.
    pub h264: bool,
    /// VP9, profiles 0 and 2.
    pub vp9: bool,
    /// AV1.
    pub av1: bool,
}

impl Default for Codecs {
    fn default() -> Self {
        Self {
            opus: true,
            red: true,
            vp8: true,
            h264: true,
            vp9: true,
            av1: true,
        }
    }
}

/// An address handed out to clients as an ICE candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalAddress {
    /// What is spoken there.
    pub path: Path,
    /// The address on this machine, with its port.
    pub local: SocketAddr,
    /// Where it is reachable from outside, if that differs (1:1 NAT).
    pub public: Option<SocketAddr>,
}

/// Everything that shapes an SFU.
#[derive(Clone, Debug)]
pub struct SfuConfig {
    /// The addresses handed out as candidates.
    pub addresses: Vec<LocalAddress>,
    /// The DTLS certificate that all transports show: making a key pair costs more than the
    /// rest of a join.
    pub certificate: DtlsCert,
    /// Where all transports have their cryptography from.
    pub crypto: Arc<CryptoProvider>,
    /// What may be negotiated.
    pub codecs: Codecs,
    /// Most connections open at once.
    pub max_connections: usize,
    /// Most tracks one connection may announce.
    pub max_tracks_per_connection: usize,
    /// Most tracks one connection may receive.
    pub max_subscriptions_per_connection: usize,
    /// Assumed rate to a subscriber before the first estimate, bit/s.
    pub initial_estimate_bps: u64,
    /// Most that is sent to one subscriber, bit/s.
    pub max_estimate_bps: u64,
    /// How often figures are renewed.
    pub stats_interval: Duration,
    /// How often changes of speakers are told.
    pub speakers_interval: Duration,
    /// How long a transport may be silent before it has failed.
    pub transport_timeout: Duration,
}

impl SfuConfig {
    /// Makes a config with a fresh certificate and the defaults of the product.
    ///
    /// # Panics
    ///
    /// Never with the crypto back-end this crate is built with: it makes certificates.
    pub fn new(addresses: Vec<LocalAddress>) -> Self {
        let certificate = from_feature_flags()
            .dtls_provider
            .generate_certificate()
            .expect("the back-end makes certificates");
        Self {
            addresses,
            certificate,
            crypto: crypto(),
            codecs: Codecs::default(),
            max_connections: 10_000,
            max_tracks_per_connection: 32,
            max_subscriptions_per_connection: 200,
            initial_estimate_bps: 1_500_000,
            max_estimate_bps: 20_000_000,
            stats_interval: Duration::from_secs(1),
            speakers_interval: Duration::from_millis(300),
            transport_timeout: Duration::from_secs(20),
        }
    }
}
