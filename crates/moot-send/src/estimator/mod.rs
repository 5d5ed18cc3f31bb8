//! What the path to a subscriber carries, from the subscriber's reports: delay-based and loss-based
//! control after draft-ietf-rmcat-gcc-02, with probes.
//!
//! Nothing here reads a clock, allocates after [`Estimator::new`] or asks for wake-ups: decisions
//! are taken when a report comes, and when a packet is sent while none has come for long.

mod arrival;
mod cluster;
mod history;
mod loss;
mod probing;
mod rate;
mod tally;
// A test is where time comes from.
#[allow(clippy::disallowed_methods)]
#[cfg(test)]
mod tests;
mod throughput;
mod trendline;
mod window;

use std::time::{Duration, Instant};

use arrival::Arrivals;
use history::{History, News};
use loss::{Loss, Verdict};
pub use probing::Probe;
use probing::Probing;
use rate::{Outcome, Rate, Situation};
use throughput::Throughput;
use trendline::{Trendline, Usage};

/// The lowest estimate, bit/s: less carries no speech.
pub const MIN_ESTIMATE_BPS: u64 = 20_000;

/// Taken for the round trip until one is known, µs.
const FIRST_ROUND_TRIP_US: i64 = 100_000;
/// Silence of the subscriber after which the estimate is lowered, µs. A larger value bridges longer
/// gaps, and sends longer into nothing.
const SILENCE_US: i64 = 1_000_000;
/// While silence lasts, the estimate is lowered this often, to this share.
const SILENCE_STEP_US: i64 = 500_000;
const SILENCE_KEPT: f64 = 0.8;
/// Silence lowers the estimate no further than this, bit/s: sound and a small picture, so that
/// there is something to report on.
const SILENCE_MIN_BPS: f64 = 100_000.0;
/// How long congestion counts as present after its last sign, µs.
const CONGESTED_US: i64 = 500_000;
/// Losses beside a queue at least as long are congestion's, ms. A larger value takes losses of short
/// buffers for the path's own.
const QUEUEING_MS: f64 = 10.0;
/// Most packets that are taken for unreported at once: more are no lost report but a gap in the
/// numbers.
const MAX_GAP: u64 = 1_000;
/// Arrival times beyond this are cut, µs: differences of them must fit.
const MAX_ARRIVAL_US: i64 = 1 << 60;

/// One packet of a transport feedback.
#[derive(Clone, Copy, Debug)]
pub struct Reported {
    /// Transport-wide sequence number as it was given when sending, without wraps.
    pub seq_no: u64,
    /// When it was sent.
    pub sent_at: Instant,
    /// Bytes including the RTP header, without IP and UDP.
    pub size: u16,
    /// When it arrived, µs of the receiver's clock, whose beginning does not matter; `None` where
    /// it is lost so far.
    pub arrived_us: Option<i64>,
    /// The probe it was sent for ([`Probe::id`]).
    pub probe: Option<u8>,
}

/// Estimates what the path to one subscriber carries.
#[derive(Clone, Debug)]
pub struct Estimator {
    epoch: Instant,
    max_bps: f64,
    desired_bps: f64,
    remb_bps: Option<f64>,
    rate: Rate,
    history: History,
    arrivals: Arrivals,
    trendline: Trendline,
    received: Throughput,
    loss: Loss,
    probing: Probing,
    round_trip_us: i64,
    newest_sent_us: i64,
    reported_us: Option<i64>,
    /// When something was first sent since the last report.
    unreported_us: Option<i64>,
    silence_us: i64,
    congested_us: Option<i64>,
}

impl Estimator {
    /// Makes an estimator that begins with `initial_bps` and never exceeds `max_bps`, bit/s.
    pub fn new(initial_bps: u64, max_bps: u64, now: Instant) -> Self {
        let max_bps = max_bps.max(MIN_ESTIMATE_BPS) as f64;
        Self {
            epoch: now,
            max_bps,
            desired_bps: 0.0,
            remb_bps: None,
            rate: Rate::new(initial_bps as f64, MIN_ESTIMATE_BPS as f64, max_bps),
            history: History::new(),
            arrivals: Arrivals::new(),
            trendline: Trendline::new(),
            received: Throughput::new(),
            loss: Loss::new(),
            probing: Probing::new(0),
            round_trip_us: FIRST_ROUND_TRIP_US,
            newest_sent_us: 0,
            reported_us: None,
            unreported_us: None,
            silence_us: 0,
            congested_us: None,
        }
    }

    /// Begins anew with `initial_bps`, as for another path; packets that left before do not count.
    /// What is desired, the maximum and the numbers of packets go on.
    pub fn reset(&mut self, initial_bps: u64, now: Instant) {
        let fresh = Self::new(initial_bps, self.max_bps as u64, now);
        *self = Self {
            desired_bps: self.desired_bps,
            history: self.history.clone(),
            ..fresh
        };
    }

    /// Says what could be sent if the path carried it, bit/s. Probes go no further; 0, as at the
    /// beginning, asks for none.
    pub fn set_desired(&mut self, desired_bps: u64) {
        self.desired_bps = (desired_bps as f64).min(self.max_bps);
    }

    /// Notes that a packet has left; any kind, probes included. While nothing is reported for a
    /// second of this, the estimate is lowered step by step.
    pub fn record_sent(&mut self, now: Instant) {
        let now_us = self.micros(now);
        let unreported_us = *self.unreported_us.get_or_insert(now_us);
        if now_us - unreported_us > SILENCE_US && self.reported_us.is_some() {
            self.yield_to_silence(now_us);
        }
    }

    /// Takes a transport feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): the packets
    /// it is about, lost ones included, in order of their numbers. What is reported again does no
    /// harm.
    pub fn record_report(&mut self, packets: &[Reported], now: Instant) {
        let now_us = self.micros(now);
        let us_per_byte = 8e6 / self.rate.bps();
        let mut is_news = false;
        let mut unreported = self.unreported_bytes(packets);
        for packet in packets {
            let news = self
                .history
                .note(packet.seq_no, packet.arrived_us.is_some());
            if news == News::Nothing || packet.sent_at < self.epoch {
                continue;
            }
            is_news = true;
            let sent_us = self.micros(packet.sent_at).min(now_us);
            let arrived_us = packet
                .arrived_us
                .map(|arrived_us| arrived_us.clamp(-MAX_ARRIVAL_US, MAX_ARRIVAL_US));
            if let Some(arrived_us) = arrived_us {
                let size = u32::from(packet.size) + std::mem::take(&mut unreported);
                self.received.record(arrived_us, size);
            }
            if news == News::Recovered {
                self.loss.note_recovered();
                continue;
            }
            self.newest_sent_us = self.newest_sent_us.max(sent_us);
            self.loss
                .note(sent_us, packet.size, arrived_us.is_none(), now_us);
            self.probing
                .note(sent_us, packet.size, arrived_us, packet.probe);
            let own_us = self.arrivals.note_sent(sent_us, packet.size, us_per_byte);
            if let Some(arrived_us) = arrived_us
                && let Some(sample) = self
                    .arrivals
                    .note_arrived(sent_us, arrived_us, own_us, now_us)
            {
                self.trendline.add(sample);
            }
        }
        if is_news {
            self.reported_us = Some(now_us);
            self.unreported_us = None;
            self.decide(now_us);
        }
    }

    /// Notes a round trip as RTCP has it (RFC 3550 section 6.4.1).
    pub fn record_round_trip(&mut self, round_trip: Duration) {
        let round_trip_us = (round_trip.as_micros() as i64).clamp(1_000, 2_000_000);
        self.round_trip_us = round_trip_us;
    }

    /// Takes a receiver's estimate, bit/s (draft-alvestrand-rmcat-remb-03): a bound, and the
    /// estimate itself while no transport feedback has ever come.
    pub fn record_remb(&mut self, bitrate_bps: u64) {
        self.remb_bps = Some(bitrate_bps as f64);
    }

    /// Returns what the path carries as far as is known, bit/s, from [`MIN_ESTIMATE_BPS`] to the
    /// maximum.
    pub fn estimate_bps(&self) -> u64 {
        let estimate_bps = match (self.remb_bps, self.reported_us) {
            (Some(remb_bps), None) => remb_bps,
            (Some(remb_bps), Some(_)) => remb_bps.min(self.rate.bps()),
            (None, _) => self.rate.bps(),
        };
        estimate_bps.clamp(MIN_ESTIMATE_BPS as f64, self.max_bps) as u64
    }

    /// Returns the share of packets lost in about the last second, 0 to 1.
    pub fn loss(&self) -> f32 {
        self.loss.share() as f32
    }

    /// Says whether a queue grows, or losses keep the estimate down, as of the last report.
    pub fn is_congested(&self) -> bool {
        let is_recent = match (self.congested_us, self.reported_us) {
            (Some(congested_us), Some(reported_us)) => reported_us - congested_us < CONGESTED_US,
            _ => false,
        };
        is_recent || self.loss.is_limiting()
    }

    /// Returns a probe to send now, if it is time for one; at most one is outstanding, and the first
    /// comes after the first packet. Worth asking after a report and whenever something is sent.
    pub fn poll_probe(&mut self, now: Instant) -> Option<Probe> {
        let now_us = self.micros(now);
        let is_heard = match self.reported_us {
            Some(reported_us) => now_us - reported_us < SILENCE_US,
            None => self.remb_bps.is_none() && self.unreported_us.is_some(),
        };
        if !is_heard || self.is_congested() {
            return None;
        }
        self.probing.poll(
            self.rate.bps(),
            self.desired_bps,
            self.round_trip_us,
            now_us,
        )
    }

    fn micros(&self, at: Instant) -> i64 {
        let since = at.saturating_duration_since(self.epoch);
        since.as_secs().min(1 << 40) as i64 * 1_000_000 + i64::from(since.subsec_micros())
    }

    /// Guesses how many bytes arrived in vain, because the report that told of them was lost.
    fn unreported_bytes(&mut self, packets: &[Reported]) -> u32 {
        let Some(first) = packets.first() else {
            return 0;
        };
        let gap = self.history.gap(first.seq_no).min(MAX_GAP);
        if gap == 0 {
            return 0;
        }
        let bytes: u64 = packets.iter().map(|packet| u64::from(packet.size)).sum();
        let unreported = (bytes * gap / packets.len() as u64) as u32;
        self.loss.note_unreported(unreported);
        (f64::from(unreported) * (1.0 - self.loss.share())) as u32
    }

    fn yield_to_silence(&mut self, now_us: i64) {
        if now_us - self.silence_us < SILENCE_STEP_US {
            return;
        }
        self.silence_us = now_us;
        let lower_bps = (self.rate.bps() * SILENCE_KEPT).max(SILENCE_MIN_BPS);
        self.rate.set(lower_bps.min(self.rate.bps()));
        self.rate.hold(now_us);
    }

    fn decide(&mut self, now_us: i64) {
        let usage = self.trendline.usage();
        let inherent = self.loss.inherent();
        let throughput = if usage == Usage::Over {
            self.received.late_rate_bps()
        } else {
            self.received.rate_bps()
        };
        let situation = Situation {
            now_us,
            last_sent_us: self.newest_sent_us,
            round_trip_us: self.round_trip_us,
            throughput_bps: throughput.map(|bps| bps / (1.0 - inherent)),
            queue_ms: self.trendline.whole_queue_ms(),
            slope: self.trendline.slope(),
            loss: self.loss.share(),
        };
        let verdict = self.loss.decide(
            self.rate.bps(),
            self.received.rate_bps(),
            usage != Usage::Normal || situation.queue_ms > QUEUEING_MS,
            now_us,
        );
        match usage {
            Usage::Over => self.yield_to_queue(&situation),
            Usage::Under => self.rate.hold(now_us),
            Usage::Normal if self.loss.is_limiting() => self.rate.hold(now_us),
            Usage::Normal if matches!(verdict, Verdict::Some) => self.rate.hold(now_us),
            Usage::Normal => self.rate.raise(&situation),
        }
        match verdict {
            Verdict::Heavy(bps) => {
                self.rate.note_capacity(bps);
                self.rate.set(bps.min(self.rate.bps()));
                self.note_congestion(now_us);
            }
            Verdict::InVain(bps) if usage == Usage::Normal => {
                self.rate.forget_capacity();
                self.rate.set(bps.max(self.rate.bps()));
            }
            _ => {}
        }
        self.weigh_probe(inherent, now_us);
    }

    fn yield_to_queue(&mut self, situation: &Situation) {
        match self.rate.lower(situation) {
            Outcome::Lowered => self.note_congestion(situation.now_us),
            Outcome::Waiting => {}
            Outcome::Futile => {
                self.arrivals.accept_delay(situation.queue_ms);
                self.trendline.restart();
            }
        }
    }

    fn note_congestion(&mut self, now_us: i64) {
        self.congested_us = Some(now_us);
        self.probing.note_congestion(now_us);
    }

    fn weigh_probe(&mut self, inherent: f64, now_us: i64) {
        let finding = self.probing.take_finding(inherent, now_us);
        if self.is_congested() {
            return;
        }
        self.probing.note_calm(now_us);
        let Some(finding) = finding else {
            return;
        };
        if finding.bps > self.rate.bps() {
            self.rate.set(finding.bps);
            self.rate.hold(now_us);
            self.probing.note_raise(now_us);
        }
        if finding.is_saturated {
            self.rate.note_capacity(finding.bps);
        } else {
            self.rate.forget_capacity();
        }
    }
}
