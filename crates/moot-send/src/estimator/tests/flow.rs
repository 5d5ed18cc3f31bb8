//! A sender of layered video and sound, and its receiver.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::{Estimator, Probe, Reported};
use super::link::{Link, Rng};

pub(super) const TICK_US: i64 = 500;
const SOUND_SIZE: u16 = 100;
pub(super) const SOUND_BPS: f64 = 40_000.0;
const FRAME_US: i64 = 33_333;
const BURST_S: f64 = 0.04;
const PACE: f64 = 2.5;

#[derive(Clone, Copy, Debug)]
struct Sent {
    report: Reported,
    sent_us: i64,
    arrival_us: Option<i64>,
    is_reported: bool,
}

/// What was seen since the last look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) sounds: u32,
    pub(super) heard: u32,
    pub(super) sent_bytes: u64,
    pub(super) arrived_bytes: u64,
    pub(super) padding_bytes: u64,
    pub(super) min_bps: u64,
    pub(super) max_bps: u64,
    /// Sum and count of the estimates of each decision.
    pub(super) sum_bps: u64,
    pub(super) count: u64,
    /// Frames given of each layer.
    pub(super) frames: [u32; 3],
    pub(super) probes: u32,
    pub(super) max_queue_us: i64,
    pub(super) congested: u64,
}

impl Tally {
    pub(super) fn mean_bps(&self) -> f64 {
        self.sum_bps as f64 / self.count.max(1) as f64
    }

    pub(super) fn heard_share(&self) -> f64 {
        f64::from(self.heard) / f64::from(self.sounds.max(1))
    }
}

pub(super) struct Flow {
    pub(super) estimator: Estimator,
    pub(super) start: Instant,
    pub(super) layers: [f64; 3],
    pub(super) desired_bps: f64,
    pub(super) tally: Tally,
    pub(super) layer: Option<usize>,
    /// Added to the receiver's clock.
    pub(super) leap_us: i64,
    /// Parts per million by which the receiver's clock is fast.
    pub(super) drift_ppm: i64,
    /// Sends whatever the estimate says, not layers: bit/s at most.
    pub(super) fixed_bps: Option<f64>,
    pub(super) is_deaf: bool,
    pub(super) report_every_us: i64,
    /// Share of the reports that are lost.
    pub(super) report_loss: f64,
    next_sound_us: i64,
    next_frame_us: i64,
    next_report_us: i64,
    next_choice_us: i64,
    raised_us: i64,
    lowered_us: i64,
    wants_key: bool,
    paced: VecDeque<u16>,
    debt: f64,
    probe: Option<(Probe, i64, f64, u16)>,
    sent: VecDeque<Sent>,
    first_seq: u64,
    reported_to: u64,
    reports: VecDeque<(i64, Vec<Reported>)>,
    rng: Rng,
}

impl Flow {
    pub(super) fn new(initial_bps: u64, seed: u64, start: Instant, begin_us: i64) -> Self {
        let mut rng = Rng::new(seed ^ 0x55);
        let begin = start + Duration::from_micros(begin_us as u64);
        Self {
            estimator: Estimator::new(initial_bps, 10_000_000, begin),
            start,
            layers: [120_000.0, 500_000.0, 2_000_000.0],
            desired_bps: 2_500_000.0,
            tally: Tally::default(),
            layer: None,
            leap_us: rng.below(1 << 40),
            drift_ppm: 0,
            fixed_bps: None,
            is_deaf: false,
            report_every_us: 50_000,
            report_loss: 0.0,
            next_sound_us: begin_us + rng.below(20_000),
            next_frame_us: begin_us + rng.below(FRAME_US),
            next_report_us: begin_us + rng.below(50_000),
            next_choice_us: begin_us,
            raised_us: -1_000_000_000,
            lowered_us: -1_000_000_000,
            wants_key: true,
            paced: VecDeque::new(),
            debt: 0.0,
            probe: None,
            sent: VecDeque::new(),
            first_seq: 0,
            reported_to: 0,
            reports: VecDeque::new(),
            rng,
        }
    }

    fn at(&self, us: i64) -> Instant {
        self.start + Duration::from_micros(us as u64)
    }

    fn transmit(&mut self, link: &mut Link, size: u16, is_sound: bool, probe: Option<u8>, us: i64) {
        let arrival_us = link.send(size, us);
        let now = self.at(us);
        self.estimator.record_sent(now);
        self.tally.sent_bytes += u64::from(size);
        if arrival_us.is_some() {
            self.tally.arrived_bytes += u64::from(size);
        }
        if is_sound {
            self.tally.sounds += 1;
            self.tally.heard += u32::from(arrival_us.is_some());
        }
        let arrived_us = arrival_us
            .map(|arrival_us| arrival_us + self.leap_us + arrival_us * self.drift_ppm / 1_000_000);
        self.sent.push_back(Sent {
            report: Reported {
                seq_no: self.first_seq + self.sent.len() as u64,
                sent_at: now,
                size,
                arrived_us,
                probe,
            },
            sent_us: us,
            arrival_us,
            is_reported: false,
        });
    }

    fn choose(&mut self, us: i64) {
        let estimate_bps = self.estimator.estimate_bps() as f64;
        self.tally.sum_bps += estimate_bps as u64;
        self.tally.count += 1;
        self.tally.congested += u64::from(self.estimator.is_congested());
        self.tally.min_bps = match self.tally.min_bps {
            0 => estimate_bps as u64,
            min => min.min(estimate_bps as u64),
        };
        self.tally.max_bps = self.tally.max_bps.max(estimate_bps as u64);
        let fits = |share: f64| {
            (0..3)
                .rev()
                .find(|&layer| (self.layers[layer] + SOUND_BPS) * share <= estimate_bps)
        };
        let lowest = (estimate_bps >= self.layers[0] / 2.0).then_some(0);
        let now = fits(1.0).or(lowest);
        let layer = if now < self.layer {
            self.lowered_us = us;
            now
        } else {
            let up = fits(1.15).or(lowest).max(self.layer);
            let is_due = us - self.raised_us > 1_000_000 && us - self.lowered_us > 2_000_000;
            if up > self.layer && is_due {
                self.raised_us = us;
                up
            } else {
                self.layer
            }
        };
        if layer != self.layer {
            self.wants_key = true;
            self.layer = layer;
        }
        self.estimator.set_desired(self.desired_bps as u64);
    }

    fn produce(&mut self) {
        let bps = match (self.fixed_bps, self.layer) {
            (Some(bps), _) => bps.min(self.estimator.estimate_bps() as f64 - SOUND_BPS),
            (None, Some(layer)) => self.layers[layer],
            (None, None) => return,
        };
        if let (None, Some(layer)) = (self.fixed_bps, self.layer) {
            self.tally.frames[layer] += 1;
        }
        let mean = (bps.max(0.0) / 30.0 / 8.0) as i64;
        let mut bytes = mean * 7 / 10 + self.rng.below(mean * 6 / 10 + 1);
        if std::mem::take(&mut self.wants_key) && self.fixed_bps.is_none() {
            bytes = mean * 6;
        }
        let packets = bytes / 1100 + 1;
        for _ in 0..packets {
            self.paced.push_back((bytes / packets + 24) as u16);
        }
    }

    /// Does everything that is due at `us`.
    pub(super) fn tick(&mut self, link: &mut Link, us: i64) {
        if us >= self.next_choice_us {
            self.next_choice_us += 100_000;
            self.choose(us);
        }
        if us >= self.next_sound_us {
            self.next_sound_us += 20_000;
            self.transmit(link, SOUND_SIZE, true, None, us);
        }
        if us >= self.next_frame_us {
            self.next_frame_us += FRAME_US;
            self.produce();
        }
        let pace = self.estimator.estimate_bps() as f64 * PACE / 8.0;
        self.debt = (self.debt - pace * TICK_US as f64 / 1e6).max(0.0);
        while self.debt <= pace * BURST_S
            && let Some(size) = self.paced.pop_front()
        {
            self.debt += f64::from(size);
            self.transmit(link, size, false, None, us);
        }
        if self.paced.len() > 400 {
            self.paced.clear();
            self.wants_key = true;
        }
        self.run_probe(link, us);
        if us >= self.next_report_us {
            self.next_report_us += self.report_every_us;
            if !self.is_deaf {
                self.report(link, us);
            }
        }
        while let Some((due_us, _)) = self.reports.front()
            && *due_us <= us
        {
            let (_, packets) = self.reports.pop_front().unwrap();
            let now = self.at(us);
            self.estimator.record_report(&packets, now);
        }
        self.tally.max_queue_us = self.tally.max_queue_us.max(link.queue_now_us(us));
    }

    fn run_probe(&mut self, link: &mut Link, us: i64) {
        if self.probe.is_none()
            && let Some(probe) = self.estimator.poll_probe(self.at(us))
        {
            self.tally.probes += 1;
            self.probe = Some((probe, us, 0.0, 0));
        }
        let Some((probe, began_us, mut sent, mut packets)) = self.probe else {
            return;
        };
        let total = probe.rate_bps as f64 * probe.duration.as_secs_f64() / 8.0;
        let size = (total / f64::from(probe.min_packets)).clamp(200.0, 1100.0) as u16;
        let due = probe.rate_bps as f64 * (us - began_us) as f64 / 8e6;
        while sent <= due && (sent < total || packets < probe.min_packets) {
            self.transmit(link, size, false, Some(probe.id), us);
            self.tally.padding_bytes += u64::from(size);
            sent += f64::from(size);
            packets += 1;
        }
        let is_done = sent >= total && packets >= probe.min_packets;
        self.probe = (!is_done).then_some((probe, began_us, sent, packets));
    }

    /// What the receiver sends: all that has arrived since, and what is missing before it.
    fn report(&mut self, link: &Link, us: i64) {
        let has_arrived = |sent: &Sent| sent.arrival_us.is_some_and(|at| at <= us);
        let newest = self
            .sent
            .iter()
            .rposition(|sent| has_arrived(sent) && !sent.is_reported);
        let Some(newest) = newest else {
            return;
        };
        let mut first = (self.reported_to - self.first_seq) as usize;
        // What arrives late is reported again, and what follows with it.
        if let Some(late) = self
            .sent
            .iter()
            .position(|sent| has_arrived(sent) && !sent.is_reported)
        {
            first = first.min(late);
        }
        let mut packets = Vec::new();
        for sent in self.sent.range_mut(first..=newest) {
            let mut report = sent.report;
            if has_arrived(sent) {
                sent.is_reported = true;
            } else {
                report.arrived_us = None;
            }
            packets.push(report);
        }
        self.reported_to = self.reported_to.max(self.first_seq + newest as u64 + 1);
        while self
            .sent
            .front()
            .is_some_and(|sent| us - sent.sent_us > 3_000_000)
            && self.first_seq < self.reported_to
        {
            self.sent.pop_front();
            self.first_seq += 1;
        }
        if !self.rng.chance(self.report_loss) {
            self.reports.push_back((us + link.delay_us, packets));
        }
    }

    pub(super) fn estimate_bps(&self) -> f64 {
        self.estimator.estimate_bps() as f64
    }

    pub(super) fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }
}

/// Some flows through one bottleneck.
pub(super) struct World {
    pub(super) link: Link,
    pub(super) flows: Vec<Flow>,
    pub(super) us: i64,
    pub(super) start: Instant,
}

impl World {
    pub(super) fn new(link: Link, initial_bps: u64, seed: u64) -> Self {
        let start = Instant::now();
        Self {
            link,
            flows: vec![Flow::new(initial_bps, seed, start, 0)],
            us: 0,
            start,
        }
    }

    pub(super) fn join(&mut self, initial_bps: u64, seed: u64) {
        self.flows
            .push(Flow::new(initial_bps, seed, self.start, self.us));
    }

    pub(super) fn run_ms(&mut self, ms: i64) {
        let end_us = self.us + ms * 1000;
        while self.us < end_us {
            for flow in &mut self.flows {
                flow.tick(&mut self.link, self.us);
            }
            self.us += TICK_US;
        }
    }

    /// Runs for `ms` and returns what the first flow saw.
    pub(super) fn watch_ms(&mut self, ms: i64) -> Tally {
        self.flows[0].take_tally();
        self.run_ms(ms);
        self.flows[0].take_tally()
    }

    /// Runs until the first flow's estimate is as wished, and returns how long that took, ms.
    pub(super) fn wait_ms(&mut self, limit_ms: i64, wish: impl Fn(f64) -> bool) -> Option<i64> {
        let begin_us = self.us;
        while self.us - begin_us < limit_ms * 1000 {
            if wish(self.flows[0].estimate_bps()) {
                return Some((self.us - begin_us) / 1000);
            }
            self.run_ms(5);
        }
        None
    }
}
