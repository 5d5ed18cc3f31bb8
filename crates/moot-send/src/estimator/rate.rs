//! The rate that follows from what the delay says.

/// What is kept of the acknowledged throughput at overuse (draft-ietf-rmcat-gcc-02 section 5.5,
/// beta). A smaller value drains queues faster and leaves more unused.
const DECREASE: f64 = 0.85;
/// Growth per second while nothing is known about where the path ends (section 5.5, eta). A larger
/// value finds room sooner and overshoots farther.
const INCREASE_PER_S: f64 = 1.08;
/// How far beyond the acknowledged throughput the rate may grow without a probe: what was never
/// sent was never tried. A larger value trusts the unknown more.
const MAX_AHEAD: f64 = 1.5;
const AHEAD_BPS: f64 = 10_000.0;
/// Slowest additive growth, bit/s per second.
const MIN_ADDITIVE_BPS: f64 = 4_000.0;
/// Pictures per second and bits per packet by which additive growth is one packet per response
/// time.
const FRAMES_PER_S: f64 = 30.0;
const PACKET_BITS: f64 = 1_200.0 * 8.0;
/// What a response takes beyond the round trip, µs: reports are collected this long.
const RESPONSE_US: i64 = 100_000;
/// Weight of a new throughput in the mean at which overuse began; a larger value forgets sooner.
const CAPACITY_WEIGHT: f64 = 0.05;
/// A queue that grows this fast, ms per ms, proves that less is delivered than is sent. Below it a
/// throughput far under the rate only tells that little was sent. A larger value holds on to
/// unproven rates.
const PROVEN_SLOPE: f64 = 0.15;
/// The rate is in use when the throughput is this share of it.
const IN_USE: f64 = 0.6;
/// A second overuse within this time is believed in full, µs.
const REPEATED_US: i64 = 2_000_000;
/// Decreases that leave the queue as it is before its delay counts as the path's own. More empty a
/// rival's queue more often in vain, fewer mistake a full buffer for a long path.
const MAX_FUTILE: u32 = 4;
/// By how little a queue has changed that counts as unchanged: ms, and share of it. Larger values
/// see a longer path behind more jitter, and mistake a rival's queue for one.
const UNCHANGED_MS: f64 = 4.0;
const UNCHANGED: f64 = 0.05;
/// With more loss than this, an unchanged queue is a full one.
const MAX_FUTILE_LOSS: f64 = 0.01;
/// A busy bottleneck delivers as much as before. Where the throughput has fallen below this share
/// and the queue has not, one decrease is enough to tell.
const YIELDED: f64 = 0.9;
/// What is had again after a futile decrease exceeds what was sent before it by no more than this.
const TRIED: f64 = 1.25;

/// Throughput at which overuse began, kbit/s: mean and normalised variance (section 5.5).
#[derive(Clone, Copy, Debug)]
struct Capacity {
    mean_kbps: f64,
    variance: f64,
}

impl Capacity {
    fn new(throughput_bps: f64) -> Self {
        Self {
            mean_kbps: throughput_bps / 1e3,
            variance: 0.4,
        }
    }

    fn note(&mut self, throughput_bps: f64) {
        let kbps = throughput_bps / 1e3;
        self.mean_kbps += CAPACITY_WEIGHT * (kbps - self.mean_kbps);
        let error = self.mean_kbps - kbps;
        let normalised = error * error / self.mean_kbps.max(1.0);
        self.variance += CAPACITY_WEIGHT * (normalised - self.variance);
        self.variance = self.variance.clamp(0.4, 2.5);
    }

    fn deviation_kbps(&self) -> f64 {
        (self.variance * self.mean_kbps).sqrt()
    }

    fn is_below(&self, throughput_bps: f64) -> bool {
        throughput_bps / 1e3 > self.mean_kbps + 3.0 * self.deviation_kbps()
    }

    fn is_above(&self, throughput_bps: f64) -> bool {
        throughput_bps / 1e3 < self.mean_kbps - 3.0 * self.deviation_kbps()
    }
}

/// What is known at the time of a decision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) now_us: i64,
    /// When the newest packet of the report left.
    pub(super) last_sent_us: i64,
    pub(super) round_trip_us: i64,
    /// Acknowledged throughput, bit/s, where known.
    pub(super) throughput_bps: Option<f64>,
    /// The whole queue, bursts of one's own included, and its growth in ms per ms.
    pub(super) queue_ms: f64,
    pub(super) slope: f64,
    /// Share of packets lost of late.
    pub(super) loss: f64,
}

/// What became of an overuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The rate has been lowered.
    Lowered,
    /// It is too early to lower it again.
    Waiting,
    /// The queue does not depend on what is sent: it is the path's own delay.
    Futile,
}

/// Additive increase, multiplicative decrease (draft-ietf-rmcat-gcc-02 section 5.5).
#[derive(Clone, Debug)]
pub(super) struct Rate {
    bps: f64,
    min_bps: f64,
    max_bps: f64,
    capacity: Option<Capacity>,
    /// Time of the last decision, and of the last decrease.
    updated_us: Option<i64>,
    lowered_us: Option<i64>,
    lowered_queue_ms: f64,
    lowered_throughput_bps: f64,
    /// The rate before a series of decreases, as far as it was in use.
    before_bps: f64,
    is_lowered_in_full: bool,
    futile: u32,
}

impl Rate {
    pub(super) fn new(bps: f64, min_bps: f64, max_bps: f64) -> Self {
        Self {
            bps: bps.clamp(min_bps, max_bps),
            min_bps,
            max_bps,
            capacity: None,
            updated_us: None,
            lowered_us: None,
            lowered_queue_ms: 0.0,
            lowered_throughput_bps: 0.0,
            before_bps: 0.0,
            is_lowered_in_full: false,
            futile: 0,
        }
    }

    pub(super) fn bps(&self) -> f64 {
        self.bps
    }

    /// Sets the rate by other evidence than the delay.
    pub(super) fn set(&mut self, bps: f64) {
        self.bps = bps.clamp(self.min_bps, self.max_bps);
    }

    /// Notes that the path carries no more than this, as a probe or losses have shown.
    pub(super) fn note_capacity(&mut self, throughput_bps: f64) {
        match &mut self.capacity {
            Some(capacity)
                if !capacity.is_below(throughput_bps) && !capacity.is_above(throughput_bps) =>
            {
                capacity.note(throughput_bps);
            }
            capacity => *capacity = Some(Capacity::new(throughput_bps)),
        }
    }

    /// Forgets where the path was thought to end.
    pub(super) fn forget_capacity(&mut self) {
        self.capacity = None;
    }

    /// Lets time pass without growth.
    pub(super) fn hold(&mut self, now_us: i64) {
        self.updated_us = Some(now_us);
    }

    /// Lowers the rate for overuse: once per flight, in full where the path is seen to deliver less
    /// than is sent, half the way where only little was sent.
    pub(super) fn lower(&mut self, situation: &Situation) -> Outcome {
        let now_us = situation.now_us;
        self.updated_us = Some(now_us);
        let is_same_flight = self
            .lowered_us
            .is_some_and(|lowered_us| situation.last_sent_us <= lowered_us);
        let is_repeated = self
            .lowered_us
            .is_some_and(|lowered_us| now_us - lowered_us < REPEATED_US);
        let Some(throughput_bps) = situation.throughput_bps else {
            if is_same_flight {
                return Outcome::Waiting;
            }
            self.set(self.bps * DECREASE);
            self.lowered_us = Some(now_us);
            return Outcome::Lowered;
        };
        let is_proven = situation.slope > PROVEN_SLOPE;
        if is_same_flight {
            // The bottleneck was busy all the time, so that this repeats without going too low.
            if self.is_lowered_in_full || is_proven {
                self.is_lowered_in_full = true;
                self.set(self.bps.min(throughput_bps * DECREASE));
                return Outcome::Lowered;
            }
            return Outcome::Waiting;
        }
        // A full buffer's queue does not change either, but it loses.
        let is_unchanged = situation.loss < MAX_FUTILE_LOSS
            && (situation.queue_ms - self.lowered_queue_ms).abs()
                < UNCHANGED_MS + self.lowered_queue_ms * UNCHANGED;
        if !is_repeated {
            self.before_bps = self.bps.min(throughput_bps * TRIED);
        }
        self.futile = if is_repeated && is_unchanged {
            self.futile + 1
        } else {
            0
        };
        let has_yielded = self.futile > 0 && throughput_bps < self.lowered_throughput_bps * YIELDED;
        if self.futile >= MAX_FUTILE || has_yielded {
            self.futile = 0;
            self.capacity = None;
            self.set(self.bps.max(self.before_bps));
            return Outcome::Futile;
        }
        let is_in_use = throughput_bps > self.bps * IN_USE;
        self.is_lowered_in_full = is_proven || is_in_use || is_repeated;
        if self.is_lowered_in_full {
            self.note_capacity(throughput_bps);
            self.set(self.bps.min(throughput_bps * DECREASE));
        } else {
            let between_bps = (self.bps * throughput_bps).sqrt();
            self.set(self.bps.min(between_bps * DECREASE));
        }
        self.lowered_us = Some(now_us);
        self.lowered_queue_ms = situation.queue_ms;
        self.lowered_throughput_bps = throughput_bps;
        Outcome::Lowered
    }

    /// Lets the rate grow for the time since the last decision.
    pub(super) fn raise(&mut self, situation: &Situation) {
        let since_us = situation.now_us - self.updated_us.unwrap_or(situation.now_us);
        self.updated_us = Some(situation.now_us);
        let seconds = since_us.clamp(0, 1_000_000) as f64 / 1e6;
        let Some(throughput_bps) = situation.throughput_bps else {
            return;
        };
        if self
            .capacity
            .is_some_and(|capacity| capacity.is_below(throughput_bps))
        {
            self.capacity = None;
        }
        let grown_bps = if self.capacity.is_some() {
            self.bps + self.additive_bps(situation.round_trip_us) * seconds
        } else {
            self.bps * INCREASE_PER_S.powf(seconds)
        };
        let limit_bps = throughput_bps * MAX_AHEAD + AHEAD_BPS;
        self.set(grown_bps.min(limit_bps).max(self.bps));
    }

    /// One packet per response time, bit/s per second.
    fn additive_bps(&self, round_trip_us: i64) -> f64 {
        let frame_bits = self.bps / FRAMES_PER_S;
        let packets = (frame_bits / PACKET_BITS).ceil().max(1.0);
        let response_s = (round_trip_us + RESPONSE_US) as f64 / 1e6;
        (frame_bits / packets / response_s).max(MIN_ADDITIVE_BPS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64, throughput_bps: f64) -> Situation {
        Situation {
            now_us: ms * 1000,
            last_sent_us: ms * 1000 - 50_000,
            round_trip_us: 50_000,
            throughput_bps: Some(throughput_bps),
            queue_ms: (ms - 900) as f64,
            slope: 0.05,
            loss: 0.0,
        }
    }

    fn rate(bps: f64) -> Rate {
        Rate::new(bps, 20_000.0, 1e7)
    }

    #[test]
    fn unlimited_growth_is_eight_percent_per_second() {
        let mut rate = rate(1e6);
        for ms in (0..=1_000).step_by(50) {
            rate.raise(&at(ms, 1e6));
        }
        assert!((rate.bps() / 1.08e6 - 1.0).abs() < 0.001, "{}", rate.bps());
    }

    #[test]
    fn nothing_grows_beyond_what_was_tried() {
        let mut rate = rate(2e6);
        for ms in (0..=5_000).step_by(50) {
            rate.raise(&at(ms, 5e5));
        }
        assert_eq!(rate.bps(), 2e6);
        rate.set(7.5e5);
        for ms in (5_000..=60_000).step_by(50) {
            rate.raise(&at(ms, 5e5));
        }
        assert_eq!(rate.bps(), 7.6e5);
    }

    #[test]
    fn overuse_takes_the_rate_below_the_throughput_once_per_flight() {
        let mut rate = rate(1e6);
        assert_eq!(rate.lower(&at(1_000, 9e5)), Outcome::Lowered);
        assert_eq!(rate.bps(), 7.65e5);
        // Reports of what left before.
        rate.lower(&at(1_040, 9e5));
        assert_eq!(rate.bps(), 7.65e5);
        rate.lower(&at(1_100, 6e5));
        assert_eq!(rate.bps(), 5.1e5);
    }

    #[test]
    fn overuse_while_little_is_sent_is_believed_in_two_steps() {
        let mut rate = rate(1.6e6);
        rate.lower(&at(1_000, 1e5));
        assert_eq!(rate.bps(), 3.4e5);
        rate.lower(&at(1_500, 1e5));
        assert_eq!(rate.bps(), 8.5e4);
    }

    #[test]
    fn growth_near_the_last_overuse_is_additive() {
        let mut rate = rate(1e6);
        rate.lower(&at(1_000, 1e6));
        for ms in (1_050..=2_050).step_by(50) {
            rate.raise(&at(ms, 8.5e5));
        }
        let grown = rate.bps() - 8.5e5;
        assert!((20_000.0..60_000.0).contains(&grown), "{grown}");
    }

    #[test]
    fn a_queue_that_no_decrease_changes_is_futile() {
        let mut rate = rate(1e6);
        let outcomes: Vec<_> = (0..6)
            .map(|round| {
                rate.lower(&Situation {
                    queue_ms: 100.0,
                    ..at(1_000 + round * 300, 1e6)
                })
            })
            .collect();
        assert!(outcomes.contains(&Outcome::Futile), "{outcomes:?}");
    }
}
