//! Figures: what str0m measured of the wire, and what the core knows of tracks.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use moot_forward::QualitySample;
use str0m::media::{Mid, Rid};
use str0m::stats::{MediaIngressStats, PeerStats};

use crate::command::Kind;
use crate::command::Quality;
use crate::connection::Connection;
use crate::event::{Totals, TrackStats, TransportStats};
use crate::sfu::Sfu;
use crate::subscription::codec_name;
use crate::track::Track;
use crate::transport::Transport;

/// Audio and video have clocks of their own (RFC 7587 §4.1, RFC 7741 §4.1).
const AUDIO_CLOCK_KHZ: f32 = 48.0;
const VIDEO_CLOCK_KHZ: f32 = 90.0;

/// What str0m last measured on one transport.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) transport: Option<PeerStats>,
    ingress: HashMap<(Mid, Option<Rid>), MediaIngressStats>,
    /// Packets that should have come, and that did not, since the last sample.
    expected: f32,
    lost: f32,
}

impl Measured {
    pub(crate) fn add_ingress(&mut self, stats: MediaIngressStats) {
        let before = self
            .ingress
            .get(&(stats.mid, stats.rid))
            .map_or(0, |before| before.packets);
        self.count(stats.packets.saturating_sub(before), stats.loss);
        self.ingress.insert((stats.mid, stats.rid), stats);
    }

    fn count(&mut self, packets: u64, loss: Option<f32>) {
        self.expected += packets as f32;
        self.lost += packets as f32 * loss.unwrap_or(0.0).clamp(0.0, 1.0);
    }

    /// Adds what was measured since the last sample.
    ///
    /// Only audio tells jitter: the packets of a video frame share a timestamp, so that a paced
    /// frame looks like jitter (RFC 3550 §6.4.1 measures arrival against it).
    pub(crate) fn sample(&mut self, sample: &mut QualitySample, is_audio: impl Fn(Mid) -> bool) {
        sample.packets_expected += std::mem::take(&mut self.expected) as u64;
        sample.packets_lost += std::mem::take(&mut self.lost) as u64;
        let jitter = self
            .ingress
            .values()
            .filter(|stats| is_audio(stats.mid))
            .map(|stats| stats.jitter as f32 / AUDIO_CLOCK_KHZ)
            .fold(0.0, f32::max);
        sample.jitter_ms = sample.jitter_ms.max(jitter as u32);
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        let stats = self.transport.as_ref()?;
        let checked = stats
            .selected_candidate_pair
            .as_ref()
            .and_then(|pair| pair.current_round_trip_time);
        stats.rtt.or(checked)
    }
}

impl Sfu {
    /// Counts the bits of the last interval.
    pub(crate) fn renew_figures(&mut self, now: Instant) {
        let interval = self.config.stats_interval;
        self.figures_at = Some(now + interval);
        let ms = interval.as_millis().max(1) as u64;
        let tracks: Vec<_> = self.tracks.iter().map(|(key, _)| key).collect();
        for key in tracks {
            for encoding in self
                .tracks
                .get_mut(key)
                .into_iter()
                .flat_map(|t| &mut t.encodings)
            {
                encoding.bitrate_bps = (encoding.bytes - encoding.counted_bytes) * 8_000 / ms;
                encoding.counted_bytes = encoding.bytes;
            }
        }
        let connections: Vec<_> = self.connections.iter().map(|(key, _)| key).collect();
        for key in connections {
            let connection = self.connections.get_mut(key);
            for subscription in connection
                .into_iter()
                .flat_map(|connection| connection.subscriptions.iter_mut().flatten())
            {
                let fresh = subscription.bytes - subscription.counted_bytes;
                subscription.bitrate_bps = fresh * 8_000 / ms;
                subscription.counted_bytes = subscription.bytes;
            }
        }
    }

    /// The totals since the SFU was made.
    pub fn totals(&self) -> Totals {
        let subscriptions = self
            .connections
            .iter()
            .map(|(_, connection)| connection.subscriptions.iter().flatten().count() as u64)
            .sum();
        Totals {
            meetings: self.meetings.len() as u64,
            connections: self.connections.len() as u64,
            transports: self.transports.len() as u64,
            tracks: self.tracks.len() as u64,
            subscriptions,
            ..self.totals
        }
    }

    /// The figures of every transport.
    pub fn transport_stats(&self) -> Vec<TransportStats> {
        let mut all = Vec::with_capacity(self.transports.len());
        for (_, meeting) in self.meetings.iter() {
            for &key in &meeting.connections {
                let Some(connection) = self.connections.get(key) else {
                    continue;
                };
                for key in connection.transports() {
                    let Some(transport) = self.transports.get(key) else {
                        continue;
                    };
                    let mut tracks = Vec::new();
                    if Some(key) == connection.publisher {
                        self.add_inbound(connection, transport, &mut tracks);
                    }
                    let sends = key == connection.subscriber;
                    if sends {
                        self.add_outbound(connection, transport, &mut tracks);
                    }
                    let measured = transport.measured.transport.as_ref();
                    all.push(TransportStats {
                        meeting: meeting.id.clone(),
                        connection: connection.id.clone(),
                        transport: transport.name,
                        state: transport.state,
                        path: transport.path,
                        packets_in: transport.traffic.packets_in,
                        packets_out: transport.traffic.packets_out,
                        bytes_in: transport.traffic.bytes_in,
                        bytes_out: transport.traffic.bytes_out,
                        rtt_ms: transport
                            .round_trip()
                            .or(transport.measured.round_trip())
                            .map(|round_trip| round_trip.as_secs_f32() * 1_000.0),
                        loss_in: measured
                            .and_then(|m| m.ingress_loss_fraction)
                            .unwrap_or(0.0),
                        loss_out: transport.loss_out(),
                        estimate_bps: transport.estimate_bps,
                        allocated_bps: if sends { connection.allocated_bps } else { 0 },
                        tracks,
                    });
                }
            }
        }
        all
    }

    fn add_inbound(
        &self,
        connection: &Connection,
        transport: &Transport,
        into: &mut Vec<TrackStats>,
    ) {
        let published = connection
            .tracks
            .iter()
            .filter_map(|&key| self.tracks.get(key));
        for track in published {
            let Some(mid) = track.mid else { continue };
            for encoding in &track.encodings {
                let measured = transport.measured.ingress.get(&(mid, encoding.rid));
                let packets_lost = measured.map_or(0, |measured| {
                    let sent = measured.remote.as_ref().map_or(0, |remote| remote.packets);
                    sent.saturating_sub(measured.packets)
                });
                into.push(TrackStats {
                    track: track.id.clone(),
                    inbound: true,
                    kind: track.kind,
                    codec: codec_of(track),
                    layer: quality_name(encoding.quality),
                    temporal_layer: None,
                    packets: encoding.packets,
                    bytes: encoding.bytes,
                    bitrate_bps: encoding.bitrate_bps,
                    packets_lost,
                    loss: measured.and_then(|measured| measured.loss).unwrap_or(0.0),
                    jitter_ms: jitter_ms(track.kind, measured.map_or(0, |m| m.jitter)),
                    nacks: measured.map_or(0, |measured| measured.nacks),
                    keyframe_requests: track.keyframes_asked,
                    packets_resent: 0,
                    muted: self.is_withheld(track),
                    paused: false,
                });
            }
        }
    }

    fn add_outbound(
        &self,
        connection: &Connection,
        transport: &Transport,
        into: &mut Vec<TrackStats>,
    ) {
        for outlet in &connection.outlets {
            let Some(key) = outlet.track else { continue };
            let Some(track) = self.tracks.get(key) else {
                continue;
            };
            let Some(subscription) = connection.subscription(track.place) else {
                continue;
            };
            let figures = outlet
                .ssrc
                .and_then(|ssrc| transport.figures(ssrc))
                .unwrap_or_default();
            let current = subscription
                .sender
                .as_ref()
                .and_then(|sender| sender.forwarder.current());
            let layer = match (current, track.kind) {
                (_, Kind::Audio) => "high",
                (None, Kind::Video) => "off",
                (Some(layer), Kind::Video) => quality_name(track.quality_of(layer.spatial)),
            };
            into.push(TrackStats {
                track: track.id.clone(),
                inbound: false,
                kind: track.kind,
                codec: codec_of(track),
                layer,
                temporal_layer: current.map(|layer| layer.temporal.0),
                packets: subscription.packets,
                bytes: subscription.bytes,
                bitrate_bps: subscription.bitrate_bps,
                packets_lost: figures.lost,
                loss: figures.loss,
                jitter_ms: jitter_ms(track.kind, figures.jitter),
                nacks: figures.nacks,
                keyframe_requests: subscription.keyframe_requests,
                packets_resent: figures.resent,
                muted: self.is_withheld(track),
                paused: subscription.is_told_paused || subscription.wish.disabled,
            });
        }
    }
}

fn codec_of(track: &Track) -> &'static str {
    track.taken.map_or("", |taken| codec_name(taken.codec))
}

fn quality_name(quality: Quality) -> &'static str {
    match quality {
        Quality::Low => "low",
        Quality::Medium => "medium",
        Quality::High => "high",
    }
}

fn jitter_ms(kind: Kind, units: u32) -> f32 {
    units as f32
        / match kind {
            Kind::Audio => AUDIO_CLOCK_KHZ,
            Kind::Video => VIDEO_CLOCK_KHZ,
        }
}
