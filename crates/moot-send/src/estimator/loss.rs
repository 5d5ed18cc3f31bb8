//! What the lost packets say.

use super::tally::Tally;
use super::window::{Gathering, Window};

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
/// Losses without a queue lower the rate no further than this, bit/s: sound and a small picture. What
/// is lost there is lost.
const LEAST_BPS: f64 = 300_000.0;
/// Unless even more is lost than this.
const HOPELESS: f64 = 0.4;
/// Less sent than this share of what got through ought not to lose anything; what is lost all the
/// same, is lost at any rate. For further decreases in a row it is all that got through: a policer
/// lets more through at first. A larger value takes a policer's loss for the path's own.
const WELL_BELOW: f64 = 0.6;
/// Where much less is sent and as much gets through, losses are a bottleneck's: shares of what was
/// sent and got through before the decrease.
const MUCH_LESS: f64 = 0.6;
const AS_MUCH: f64 = 0.85;
/// How fast the loss that happens at any rate is learnt and forgotten, per decision. A larger value
/// follows chance.
const LEARN: f64 = 0.7;
const FORGET: f64 = 0.3;
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
    gathering: Gathering,
    /// What left before does not count: it was sent at an older rate.
    not_before_us: i64,
    inherent: f64,
    /// When the inherent loss is to be doubted, and how long it is believed next time.
    doubted_us: i64,
    belief_us: i64,
    decrease: Option<Decrease>,
    is_limiting: bool,
}

impl Loss {
    pub(super) fn new() -> Self {
        Self {
            tally: Tally::new(),
            gathering: Gathering::new(),
            not_before_us: i64::MIN,
            inherent: 0.0,
            doubted_us: i64::MAX,
            belief_us: BELIEF_US,
            decrease: None,
            is_limiting: false,
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
        if sent_us >= self.not_before_us {
            self.gathering.note(sent_us, size, is_lost, now_us);
        }
    }

    /// Counts bytes of packets that no report has told of: the report itself was lost.
    pub(super) fn note_unreported(&mut self, bytes: u32) {
        self.gathering.note_unreported(bytes);
    }

    /// Takes back a loss: the packet has arrived after all.
    pub(super) fn note_recovered(&mut self) {
        self.gathering.take_back();
        self.tally.take_back();
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
        match self.gathering.take(is_queueing, now_us) {
            Some(window) => self.judge(window, rate_bps, throughput_bps),
            None => Verdict::Undecided,
        }
    }

    fn judge(&mut self, window: Window, rate_bps: f64, throughput_bps: Option<f64>) -> Verdict {
        let Window { share, doubt, .. } = window;
        if window.now_us >= self.doubted_us {
            self.doubted_us = i64::MAX;
            self.inherent = 0.0;
            self.decrease = None;
        }
        let is_learnt = self.learn(window);
        let excess = |share: f64| ((share - self.inherent) / (1.0 - self.inherent)).max(0.0);
        let heavy = if window.is_queueing {
            HEAVY_QUEUEING
        } else {
            HEAVY
        };
        if excess(share - doubt) > heavy {
            let is_floored = !window.is_queueing && share - doubt < HOPELESS;
            if is_floored && rate_bps <= LEAST_BPS {
                self.is_limiting = false;
                self.believe(share, window.now_us);
                return Verdict::Some;
            }
            let least_bps = if is_floored { LEAST_BPS } else { 0.0 };
            let lower_bps = self.lower(window, rate_bps, throughput_bps);
            return Verdict::Heavy(lower_bps.max(least_bps).min(rate_bps));
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
            self.doubted_us = window.now_us + self.belief_us;
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
    fn learn(&mut self, window: Window) -> bool {
        let Window {
            share,
            doubt,
            sent_bps,
            now_us,
            ..
        } = window;
        if share + doubt < self.inherent {
            self.inherent += FORGET * (share + doubt - self.inherent);
            if self.inherent < SLIGHT {
                self.belief_us = BELIEF_US;
            }
        }
        let Some(decrease) = self.decrease else {
            return false;
        };
        let is_fresh = now_us - decrease.at_us < MEMORY_US;
        if window.is_queueing || !is_fresh || sent_bps > decrease.harmless_bps {
            return false;
        }
        // What gets through whatever is sent is what a path carries.
        let delivered_bps = sent_bps * (1.0 - share);
        if sent_bps < decrease.sent_bps * MUCH_LESS
            && delivered_bps > decrease.delivered_bps * AS_MUCH
        {
            return false;
        }
        self.believe(share, now_us);
        true
    }

    fn believe(&mut self, share: f64, now_us: i64) {
        if share > self.inherent {
            self.inherent += LEARN * (share - self.inherent);
            self.inherent = self.inherent.min(MAX_INHERENT);
            self.doubted_us = self.doubted_us.min(now_us + self.belief_us);
        }
    }

    /// Opens a decrease, or goes on with one, and returns what is left of the rate, bit/s.
    fn lower(&mut self, window: Window, rate_bps: f64, throughput_bps: Option<f64>) -> f64 {
        let Window {
            share, sent_bps, ..
        } = window;
        let delivered_bps = sent_bps * (1.0 - share);
        // Several decreases in a row are undone together.
        let series = self
            .decrease
            .filter(|decrease| decrease.is_open && self.is_limiting);
        let carried_bps = match throughput_bps {
            Some(throughput_bps) if series.is_none() => throughput_bps,
            _ => delivered_bps,
        };
        let (first_share, before_bps, harmless_bps) = match series {
            Some(first) => (
                first.share,
                first.rate_bps,
                carried_bps.max(first.harmless_bps),
            ),
            None => (
                share,
                rate_bps.min(sent_bps * TRIED),
                carried_bps * WELL_BELOW,
            ),
        };
        self.decrease = Some(Decrease {
            at_us: window.now_us,
            share: first_share,
            rate_bps: before_bps,
            sent_bps,
            delivered_bps,
            harmless_bps,
            is_open: true,
        });
        self.is_limiting = true;
        self.not_before_us = window.now_us;
        (carried_bps * KEPT).max(rate_bps.min(sent_bps) * MIN_KEPT)
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
