//! What shapes an engine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use moot_sfu::Codecs;

/// Everything that shapes an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Addresses to listen on; an unspecified one stands for all of its family.
    pub bind: Vec<IpAddr>,
    /// First UDP port; shard n listens on this plus n. 0 takes free ones.
    pub udp_port: u16,
    /// ICE-TCP port; 0 takes a free one, `None` switches it off.
    pub tcp_port: Option<u16>,
    /// Addresses under which the ports are reachable from outside (1:1 NAT).
    pub public_addresses: Vec<IpAddr>,
    /// Media threads, 1 to 64; 0 is one per core.
    pub shards: usize,
    /// Hand out loopback candidates as well.
    pub include_loopback: bool,
    /// Most connections open at once.
    pub max_connections: usize,
    /// Most tracks one connection may announce.
    pub max_tracks_per_connection: usize,
    /// Most tracks one connection may receive.
    pub max_subscriptions_per_connection: usize,
    /// Most commands that wait for one shard.
    pub command_queue: usize,
    /// Most events that wait to be drained before droppable ones are dropped.
    pub event_queue: usize,
    /// Wanted size of each UDP socket's buffers.
    pub socket_buffer_bytes: usize,
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
    /// What may be negotiated.
    pub codecs: Codecs,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            bind: vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
            udp_port: 7882,
            tcp_port: Some(7881),
            public_addresses: Vec::new(),
            shards: 0,
            include_loopback: true,
            max_connections: 10_000,
            max_tracks_per_connection: 32,
            max_subscriptions_per_connection: 200,
            command_queue: 16_384,
            event_queue: 65_536,
            socket_buffer_bytes: 4 << 20,
            initial_estimate_bps: 1_500_000,
            max_estimate_bps: 20_000_000,
            stats_interval: Duration::from_secs(1),
            speakers_interval: Duration::from_millis(300),
            transport_timeout: Duration::from_secs(20),
            codecs: Codecs::default(),
        }
    }
}

impl EngineConfig {
    /// How many shards that makes on this machine.
    pub(crate) fn shard_count(&self) -> usize {
        match self.shards {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        }
        .clamp(1, 64)
    }
}
