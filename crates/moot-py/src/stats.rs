//! Figures as Python sees them.

use pyo3::prelude::*;

use crate::words;

/// One track on one transport.
#[pyclass(frozen, get_all, module = "moot._media")]
#[derive(Clone)]
pub(crate) struct TrackStats {
    track: String,
    inbound: bool,
    kind: &'static str,
    codec: &'static str,
    layer: &'static str,
    temporal_layer: i32,
    packets: u64,
    bytes: u64,
    bitrate_bps: u64,
    packets_lost: u64,
    loss: f32,
    jitter_ms: f32,
    nacks: u64,
    keyframe_requests: u64,
    packets_resent: u64,
    muted: bool,
    paused: bool,
}

impl From<moot_sfu::TrackStats> for TrackStats {
    fn from(stats: moot_sfu::TrackStats) -> Self {
        Self {
            track: stats.track.to_string(),
            inbound: stats.inbound,
            kind: words::kind_word(stats.kind),
            codec: stats.codec,
            layer: stats.layer,
            temporal_layer: stats.temporal_layer.map_or(-1, i32::from),
            packets: stats.packets,
            bytes: stats.bytes,
            bitrate_bps: stats.bitrate_bps,
            packets_lost: stats.packets_lost,
            loss: stats.loss,
            jitter_ms: stats.jitter_ms,
            nacks: stats.nacks,
            keyframe_requests: stats.keyframe_requests,
            packets_resent: stats.packets_resent,
            muted: stats.muted,
            paused: stats.paused,
        }
    }
}

/// One transport.
#[pyclass(frozen, get_all, module = "moot._media")]
pub(crate) struct TransportStats {
    meeting: String,
    connection: String,
    transport: &'static str,
    state: &'static str,
    path: &'static str,
    packets_in: u64,
    packets_out: u64,
    bytes_in: u64,
    bytes_out: u64,
    rtt_ms: f32,
    loss_in: f32,
    loss_out: f32,
    estimate_bps: u64,
    allocated_bps: u64,
    tracks: Vec<TrackStats>,
}

impl From<moot_sfu::TransportStats> for TransportStats {
    fn from(stats: moot_sfu::TransportStats) -> Self {
        Self {
            meeting: stats.meeting.to_string(),
            connection: stats.connection.to_string(),
            transport: words::transport_word(stats.transport),
            state: stats.state.as_str(),
            path: words::path_word(stats.path),
            packets_in: stats.packets_in,
            packets_out: stats.packets_out,
            bytes_in: stats.bytes_in,
            bytes_out: stats.bytes_out,
            rtt_ms: stats.rtt_ms.unwrap_or(-1.0),
            loss_in: stats.loss_in,
            loss_out: stats.loss_out,
            estimate_bps: stats.estimate_bps.unwrap_or(0),
            allocated_bps: stats.allocated_bps,
            tracks: stats.tracks.into_iter().map(Into::into).collect(),
        }
    }
}

/// Totals over all shards.
#[pyclass(frozen, get_all, module = "moot._media")]
pub(crate) struct EngineStats {
    meetings: u64,
    connections: u64,
    transports: u64,
    tracks: u64,
    subscriptions: u64,
    datagrams_in: u64,
    datagrams_out: u64,
    bytes_in: u64,
    bytes_out: u64,
    packets_forwarded: u64,
    packets_withheld: u64,
    datagrams_unknown: u64,
    datagrams_unsent: u64,
    events_dropped: u64,
    transport_panics: u64,
    receive_buffer_bytes: usize,
    send_buffer_bytes: usize,
    uses_gso: bool,
}

impl From<moot_net::EngineTotals> for EngineStats {
    fn from(totals: moot_net::EngineTotals) -> Self {
        let sfu = totals.sfu;
        Self {
            meetings: sfu.meetings,
            connections: sfu.connections,
            transports: sfu.transports,
            tracks: sfu.tracks,
            subscriptions: sfu.subscriptions,
            datagrams_in: sfu.datagrams_in,
            datagrams_out: sfu.datagrams_out,
            bytes_in: sfu.bytes_in,
            bytes_out: sfu.bytes_out,
            packets_forwarded: sfu.packets_forwarded,
            packets_withheld: sfu.packets_withheld,
            datagrams_unknown: sfu.datagrams_unknown,
            datagrams_unsent: totals.datagrams_unsent,
            events_dropped: totals.events_dropped,
            transport_panics: sfu.transport_panics,
            receive_buffer_bytes: totals.receive_buffer_bytes,
            send_buffer_bytes: totals.send_buffer_bytes,
            uses_gso: totals.uses_gso,
        }
    }
}
