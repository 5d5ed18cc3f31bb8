//! What the lost packets say.

use super::tally::Tally;

/// A decision takes at least this long and this many packets. Larger values are surer and later.
const MIN_WINDOW_US: i64 = 250_000;
/// The first decision is taken sooner: what is sent at the beginning is a guess.
const FIRST_WINDOW_US: i64 = 100_000;
const MIN_PACKETS: u32 = 20;
/// After this long a decision is taken on fewer packets: sound alone has 50 per second.
const MAX_WINDOW_US: i64 = 1_000_000;
const FEW_PACKETS: u32 = 8;
/// Loss above which the rate is lowered (draft-ietf-rmcat-gcc-02 section 6). A larger value fills
/// small buffers more.
const HEAVY: f64 = 0.10;
/// The same where a queue shows that the loss is a buffer's.
const HEAVY_QUEUEING: f64 = 0.03;
/// Loss below which the rate may grow (section 6). A larger value grows on worse paths.
const SLIGHT: f64 = 0.02;
/// What is kept of the throughput when losses show where the path ends. A smaller value leaves
/// more room.
const KEPT: f64 = 0.95;
/// The least that is kept of the rate in one decision: a throughput measured through a moment of
/// silence must not be believed at once.
const MIN_KEPT: f64 = 0.5;
/// Less sent than this share of what got through ought not to lose anything; what is lost all the
/// same, is lost at any rate. The first decrease of a series counts for less, since a policer lets
/// more through at first than for long. A larger value takes a policer's loss for the path's own.
const WELL_BELOW: f64 = 1.0;
const WELL_BELOW_FIRST: f64 = 0.6;
/// Where much less is sent and as much gets through, losses are a bottleneck's: shares of what was
/// sent and got through before the decrease.
const MUCH_LESS: f64 = 0.8;
const AS_MUCH: f64 = 0.85;
/// How fast the loss that happens at any rate is learnt and forgotten, per decision. A larger value
/// follows chance.
const LEARN: f64 = 0.7;
const FORGET: f64 = 0.15;
/// A decrease was in vain where at least this share of the loss remains.
const SAME: f64 = 0.6;
/// What is had again after a decrease in vain exceeds what was sent before it by no more than this:
/// the rest was never tried.
const TRIED: f64 = 1.25;
/// More loss than this is never taken as happening at any rate.
const MAX_INHERENT: f64 = 0.5;
/// How long loss is believed to happen at any rate before another decrease puts that to the test,
/// µs; it doubles with each test up to the longest. Longer beliefs cost fewer dips on a bad path
/// and bear an error longer.
const BELIEF_US: i64 = 8_000_000;
const MAX_BELIEF_US: i64 = 64_000_000;
/// What the losses of a congestion say about the path holds this long, µs.
const MEMORY_US: i64 = 30_000_000;

/// What a decision came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Not enough is known yet.
    Undecided,
    /// Hardly anything is lost because of the rate.
    Slight,
    /// Some is: no reason to grow.
    Some,
    /// Much is. The rate is to be this, bit/s.
    Heavy(f64),
    /// The losses do not depend on the rate: a decrease was in vain, and the rate from before is
    /// to be had again, bit/s.
    InVain(f64),
}

/// What was lost before the last decrease.
#[derive(Clone, Copy, Debug)]
struct Decrease {
    at_us: i64,
    share: f64,
    rate_bps: f64,
    sent_bps: f64,
    delivered_bps: f64,
    /// Sending less than this ought to be without loss.
    harmless_bps: f64,
    is_open: bool,
}

/// The loss-based side of the control (draft-ietf-rmcat-gcc-02 section 6), with one addition: loss
/// that stays the same when less is sent belongs to the path, not to the rate, and is left out of
/// the account.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    tally: Tally,
    began_us: Option<i64>,
    first_sent_us: i64,
    last_sent_us: i64,
    bytes: u64,
    arrived: u32,
    lost: u32,
    /// What left before does not count: it was sent at an older rate.
    not_before_us: i64,
    inherent: f64,
    /// When the inherent loss is to be doubted, and how long it is believed next time.
    doubted_us: i64,
    belief_us: i64,
    decrease: Option<Decrease>,
    is_limiting: bool,
    has_decided: bool,
}

impl Loss {
    pub(super) fn new() -> Self {
        Self {
            tally: Tally::new(),
            began_us: None,
            first_sent_us: 0,
            last_sent_us: 0,
            bytes: 0,
            arrived: 0,
            lost: 0,
            not_before_us: i64::MIN,
            inherent: 0.0,
            doubted_us: i64::MAX,
            belief_us: BELIEF_US,
            decrease: None,
            is_limiting: false,
            has_decided: false,
        }
    }

    /// Returns the share of packets lost in the last second or so.
    pub(super) fn share(&self) -> f64 {
        self.tally.share()
    }

    /// Returns the share that is lost at any rate, 0 to 1.
    pub(super) fn inherent(&self) -> f64 {
        self.inherent
    }

    /// Says whether losses keep the rate down.
    pub(super) fn is_limiting(&self) -> bool {
        self.is_limiting
    }

    /// Counts a packet that is reported for the first time.
    pub(super) fn note(&mut self, sent_us: i64, size: u16, is_lost: bool, now_us: i64) {
        self.tally.note(is_lost, now_us);
        if sent_us < self.not_before_us {
            return;
        }
        if self.began_us.is_none() {
            self.began_us = Some(now_us);
            self.first_sent_us = sent_us;
            self.last_sent_us = sent_us;
        }
        self.last_sent_us = self.last_sent_us.max(sent_us);
        self.bytes += u64::from(size);
        if is_lost {
            self.lost += 1;
        } else {
            self.arrived += 1;
        }
    }

    /// Counts bytes of packets that no report has told of: the report itself was lost.
    pub(super) fn note_unreported(&mut self, bytes: u32) {
        if self.began_us.is_some() {
            self.bytes += u64::from(bytes);
        }
    }

    /// Takes back a loss: the packet has arrived after all.
    pub(super) fn note_recovered(&mut self) {
        if self.lost > 0 {
            self.lost -= 1;
            self.arrived += 1;
        }
        self.tally.take_back();
    }

    fn open_window(&mut self) {
        self.began_us = None;
        self.bytes = 0;
        self.arrived = 0;
        self.lost = 0;
    }

    /// Decides what the losses since the last decision mean, if there is enough to decide on.
    ///
    /// `rate_bps` is the estimate, `throughput_bps` what is acknowledged, `is_queueing` whether the
    /// delay shows a queue, which makes every loss one of congestion.
    pub(super) fn decide(
        &mut self,
        rate_bps: f64,
        throughput_bps: Option<f64>,
        is_queueing: bool,
        now_us: i64,
    ) -> Verdict {
        let Some(began_us) = self.began_us else {
            return Verdict::Undecided;
        };
        let age_us = now_us - began_us;
        let packets = self.arrived + self.lost;
        let min_us = if self.has_decided {
            MIN_WINDOW_US
        } else {
            FIRST_WINDOW_US
        };
        let is_enough = (age_us >= min_us && packets >= MIN_PACKETS)
            || (age_us >= MAX_WINDOW_US && packets >= FEW_PACKETS);
        if !is_enough {
            return Verdict::Undecided;
        }
        let count = f64::from(packets);
        let share = f64::from(self.lost) / count;
        let span_us = (self.last_sent_us - self.first_sent_us).max(min_us);
        let sent_bps = self.bytes as f64 * 8e6 / span_us as f64;
        self.open_window();
        if now_us >= self.doubted_us {
            self.doubted_us = i64::MAX;
            self.inherent = 0.0;
            self.decrease = None;
        }
        let is_learnt = self.learn(share, sent_bps, is_queueing, now_us);
        let excess = |share: f64| ((share - self.inherent) / (1.0 - self.inherent)).max(0.0);
        // By how much chance may have raised it: two standard deviations.
        let doubt = 2.0 * (share * (1.0 - share) / count).sqrt();
        let heavy = if is_queueing { HEAVY_QUEUEING } else { HEAVY };
        if excess(share - doubt) > heavy {
            return self.lower(rate_bps, throughput_bps, sent_bps, share, now_us);
        }
        if excess(share) < HEAVY / 2.0 {
            self.is_limiting = false;
        }
        if is_learnt
            && !self.is_limiting
            && let Some(decrease) = &mut self.decrease
            && decrease.is_open
            && self.inherent > decrease.share * SAME
        {
            decrease.is_open = false;
            self.doubted_us = now_us + self.belief_us;
            self.belief_us = (self.belief_us * 2).min(MAX_BELIEF_US);
            return Verdict::InVain(decrease.rate_bps);
        }
        if excess(share) < SLIGHT.max(doubt / 2.0) {
            Verdict::Slight
        } else {
            Verdict::Some
        }
    }

    /// Learns how much is lost at any rate; true where less was sent than is known to get through.
    fn learn(&mut self, share: f64, sent_bps: f64, is_queueing: bool, now_us: i64) -> bool {
        if share < self.inherent {
            self.inherent += FORGET * (share - self.inherent);
            if self.inherent < SLIGHT {
                self.belief_us = BELIEF_US;
            }
        }
        let Some(decrease) = self.decrease else {
            return false;
        };
        let is_fresh = now_us - decrease.at_us < MEMORY_US;
        if is_queueing || !is_fresh || sent_bps > decrease.harmless_bps {
            return false;
        }
        // What gets through whatever is sent is what a path carries.
        let delivered_bps = sent_bps * (1.0 - share);
        if sent_bps < decrease.sent_bps * MUCH_LESS
            && delivered_bps > decrease.delivered_bps * AS_MUCH
        {
            return false;
        }
        if share > self.inherent {
            self.inherent += LEARN * (share - self.inherent);
            self.inherent = self.inherent.min(MAX_INHERENT);
            self.doubted_us = self.doubted_us.min(now_us + self.belief_us);
        }
        true
    }

    fn lower(
        &mut self,
        rate_bps: f64,
        throughput_bps: Option<f64>,
        sent_bps: f64,
        share: f64,
        now_us: i64,
    ) -> Verdict {
        let delivered_bps = sent_bps * (1.0 - share);
        let carries = (1.0 - self.inherent).recip();
        // Several decreases in a row are undone together.
        let series = self
            .decrease
            .filter(|decrease| decrease.is_open && self.is_limiting);
        let carried_bps = match throughput_bps {
            Some(throughput_bps) if series.is_none() => throughput_bps * carries,
            _ => delivered_bps * carries,
        };
        let (first_share, before_bps, well_below) = match series {
            Some(decrease) => (decrease.share, decrease.rate_bps, WELL_BELOW),
            None => (share, rate_bps.min(sent_bps * TRIED), WELL_BELOW_FIRST),
        };
        self.decrease = Some(Decrease {
            at_us: now_us,
            share: first_share,
            rate_bps: before_bps,
            sent_bps,
            delivered_bps,
            harmless_bps: carried_bps / carries * well_below,
            is_open: true,
        });
        let lower_bps = (carried_bps * KEPT).max(rate_bps.min(sent_bps) * MIN_KEPT);
        self.is_limiting = true;
        self.not_before_us = now_us;
        Verdict::Heavy(lower_bps.min(rate_bps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a second of packets of 1000 bytes at `sent_bps`, of which a share is lost evenly.
    fn half_second(loss: &mut Loss, from_us: i64, sent_bps: f64, share: f64) {
        let packets = (sent_bps / 16_000.0) as i64;
        let mut owed = 0.0;
        for number in 0..packets {
            owed += share;
            let is_lost = owed >= 1.0;
            owed -= if is_lost { 1.0 } else { 0.0 };
            let at_us = from_us + number * 500_000 / packets;
            loss.note(at_us, 1000, is_lost, at_us);
        }
    }

    #[test]
    fn little_loss_is_no_reason() {
        let mut loss = Loss::new();
        half_second(&mut loss, 0, 1e6, 0.0);
        assert_eq!(loss.decide(1e6, Some(1e6), false, 500_000), Verdict::Slight);
        half_second(&mut loss, 500_000, 1e6, 0.07);
        assert_eq!(loss.decide(1e6, Some(1e6), false, 1_000_000), Verdict::Some);
    }

    #[test]
    fn much_loss_lowers_to_what_gets_through() {
        let mut loss = Loss::new();
        half_second(&mut loss, 0, 2e6, 0.4);
        let Verdict::Heavy(rate_bps) = loss.decide(2e6, Some(1.2e6), false, 500_000) else {
            panic!("much is lost");
        };
        assert!((1.1e6..1.2e6).contains(&rate_bps), "{rate_bps}");
        assert!(loss.is_limiting());
    }

    #[test]
    fn loss_that_does_not_yield_to_a_decrease_is_the_paths_own() {
        let mut loss = Loss::new();
        half_second(&mut loss, 0, 2e6, 0.25);
        assert!(matches!(
            loss.decide(2e6, Some(1.5e6), false, 500_000),
            Verdict::Heavy(_)
        ));
        let mut restored = None;
        for round in 1..6 {
            half_second(&mut loss, round * 500_000, 5e5, 0.25);
            let now_us = (round + 1) * 500_000;
            if let Verdict::InVain(rate_bps) = loss.decide(1.4e6, Some(4e5), false, now_us) {
                restored = Some(rate_bps);
                break;
            }
        }
        assert_eq!(restored, Some(2e6));
        assert!((0.15..0.3).contains(&loss.inherent()));
        half_second(&mut loss, 3_000_000, 2e6, 0.25);
        let verdict = loss.decide(2e6, Some(1.5e6), false, 3_500_000);
        assert!(matches!(verdict, Verdict::Some | Verdict::Slight));
    }

    #[test]
    fn loss_beside_a_queue_is_congestion() {
        let mut loss = Loss::new();
        half_second(&mut loss, 0, 2e6, 0.25);
        loss.decide(2e6, Some(1.5e6), true, 500_000);
        half_second(&mut loss, 500_000, 5e5, 0.25);
        loss.decide(1.4e6, Some(4e5), true, 1_000_000);
        assert_eq!(loss.inherent(), 0.0);
    }
}
