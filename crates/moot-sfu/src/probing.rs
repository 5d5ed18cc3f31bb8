//! How far a connection's path is tried beyond what it is known to carry.

use std::time::{Duration, Instant};

/// What padding adds to what is sent while something is withheld, bit/s: about what the smallest
/// layer of a camera takes.
const STEP_BPS: u64 = 200_000;

/// The estimator's probes go to twice what is asked for; asked for is this share of the estimate at
/// most. A probe fills the queue before the bottleneck in proportion to how far it exceeds the
/// path's rate, and what overflows there is sound too.
const REACH_PERCENT: u64 = 150;

/// A fall to this share of the best estimate of a trial is the trial's failure.
const FAILED_PERCENT: u64 = 90;

/// How long nothing is tried after the first failure; it doubles with each further one.
const MIN_HOLD: Duration = Duration::from_secs(4);

/// Longest time without a trial: a path that has become wider is found out after this.
const MAX_HOLD: Duration = Duration::from_secs(32);

/// A trial that has lasted this long without a failure has succeeded.
const SUCCESS: Duration = Duration::from_secs(10);

/// What the estimator is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// Sent at least, with padding, bit/s.
    pub(crate) minimum_bps: u64,
    /// What probes look for, bit/s.
    pub(crate) desired_bps: u64,
}

/// Tries a path while something is withheld, more rarely the more often that has failed.
#[derive(Debug)]
pub(crate) struct Probing {
    best_bps: u64,
    began_at: Option<Instant>,
    held_until: Option<Instant>,
    hold: Duration,
}

impl Default for Probing {
    fn default() -> Self {
        Self {
            best_bps: 0,
            began_at: None,
            held_until: None,
            hold: MIN_HOLD,
        }
    }
}

impl Probing {
    /// Says what to ask for, given the estimate, what is sent, what everything wanted would take,
    /// and whether some of that is withheld.
    pub(crate) fn target(
        &mut self,
        estimate_bps: u64,
        used_bps: u64,
        desired_bps: u64,
        is_short: bool,
        now: Instant,
    ) -> Target {
        if !is_short {
            *self = Self::default();
            return Target {
                minimum_bps: 0,
                desired_bps,
            };
        }
        if self.held_until.is_some_and(|until| now < until) {
            return Target {
                minimum_bps: 0,
                desired_bps: desired_bps.min(estimate_bps),
            };
        }
        if self.held_until.take().is_some() {
            self.began_at = None;
        }
        let began_at = *self.began_at.get_or_insert_with(|| {
            self.best_bps = estimate_bps;
            now
        });
        self.best_bps = self.best_bps.max(estimate_bps);
        if estimate_bps < self.best_bps * FAILED_PERCENT / 100 {
            self.held_until = Some(now + self.hold);
            self.hold = (self.hold * 2).min(MAX_HOLD);
            return Target {
                minimum_bps: 0,
                desired_bps: desired_bps.min(estimate_bps),
            };
        }
        if now.saturating_duration_since(began_at) >= SUCCESS {
            self.hold = MIN_HOLD;
        }
        let desired_bps = desired_bps.min(estimate_bps * REACH_PERCENT / 100);
        Target {
            minimum_bps: (used_bps + STEP_BPS).min(desired_bps),
            desired_bps,
        }
    }
}

// A test is where time comes from.
#[allow(clippy::disallowed_methods)]
#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: u64 = 3_000_000;

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn nothing_is_padded_while_everything_wanted_is_sent() {
        let target = Probing::default().target(500_000, 400_000, WANTED, false, Instant::now());
        assert_eq!((target.minimum_bps, target.desired_bps), (0, WANTED));
    }

    #[test]
    fn a_trial_reaches_a_little_beyond_the_estimate() {
        let mut probing = Probing::default();
        let now = Instant::now();
        let target = probing.target(1_000_000, 400_000, WANTED, true, now);
        assert_eq!(target.desired_bps, 1_500_000);
        assert_eq!(target.minimum_bps, 600_000);
        // Never more than is wanted, nor more padding than is looked for.
        let target = probing.target(1_000_000, 400_000, 500_000, true, now);
        assert_eq!((target.minimum_bps, target.desired_bps), (500_000, 500_000));
    }

    #[test]
    fn a_failed_trial_is_followed_by_ever_longer_rests() {
        let mut probing = Probing::default();
        let start = Instant::now();
        let mut now = start;
        let mut rests = Vec::new();
        for _ in 0..5 {
            assert!(probing.target(1_000_000, 0, WANTED, true, now).minimum_bps > 0);
            // Congestion: the estimate falls below 90 % of the best.
            let failed = probing.target(890_000, 0, WANTED, true, now);
            assert_eq!((failed.minimum_bps, failed.desired_bps), (0, 890_000));
            let failed_at = now;
            while probing.target(1_000_000, 0, WANTED, true, now).minimum_bps == 0 {
                now += Duration::from_millis(500);
            }
            rests.push((now - failed_at).as_secs());
        }
        assert_eq!(rests, [4, 8, 16, 32, 32]);
    }

    #[test]
    fn a_lasting_success_makes_the_next_rest_short_again() {
        let mut probing = Probing::default();
        let start = Instant::now();
        probing.target(1_000_000, 0, WANTED, true, start);
        probing.target(800_000, 0, WANTED, true, start);
        let again = at(start, 4_000);
        probing.target(1_000_000, 0, WANTED, true, again);
        let lasted = again + SUCCESS;
        probing.target(1_000_000, 0, WANTED, true, lasted);
        probing.target(800_000, 0, WANTED, true, lasted);
        let target = probing.target(1_000_000, 0, WANTED, true, lasted + MIN_HOLD);
        assert!(target.minimum_bps > 0);
    }

    #[test]
    fn what_was_learnt_is_void_once_nothing_is_withheld() {
        let mut probing = Probing::default();
        let now = Instant::now();
        probing.target(1_000_000, 0, WANTED, true, now);
        probing.target(500_000, 0, WANTED, true, now);
        probing.target(5_000_000, 0, WANTED, false, now);
        let target = probing.target(600_000, 0, WANTED, true, now);
        assert_eq!(target.desired_bps, 900_000);
    }
}
