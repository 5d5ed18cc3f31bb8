//! What is gathered between two decisions about losses.

/// A decision takes at least this long and this many packets. Larger values are surer and later.
const MIN_WINDOW_US: i64 = 250_000;
/// The first decision is taken sooner: what is sent at the beginning is a guess.
const FIRST_WINDOW_US: i64 = 100_000;
const MIN_PACKETS: u32 = 20;
/// After this long a decision is taken on fewer packets: sound alone has 50 per second.
const MAX_WINDOW_US: i64 = 1_000_000;
const FEW_PACKETS: u32 = 8;
/// So many packets lost one after the other, and so large a share of all that are lost, are an
/// outage, as of Wi-Fi, and count as one. Smaller values forgive more.
const MIN_OUTAGE: u32 = 5;
const OUTAGE: f64 = 0.6;

/// What was sent and lost since the last decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// Share of the packets lost, 0 to 1.
    pub(super) share: f64,
    /// By how much chance may have changed the share: two standard deviations.
    pub(super) doubt: f64,
    /// How much was sent, bit/s.
    pub(super) sent_bps: f64,
    /// Whether there was a queue.
    pub(super) is_queueing: bool,
    /// When the window closed.
    pub(super) now_us: i64,
}

/// Counts reported packets until they are enough to decide on.
#[derive(Clone, Debug)]
pub(super) struct Gathering {
    began_us: Option<i64>,
    first_sent_us: i64,
    last_sent_us: i64,
    bytes: u64,
    arrived: u32,
    lost: u32,
    /// Packets lost one after the other: up to now, and at most.
    run: u32,
    longest_run: u32,
    is_first: bool,
}

impl Gathering {
    pub(super) fn new() -> Self {
        Self {
            began_us: None,
            first_sent_us: 0,
            last_sent_us: 0,
            bytes: 0,
            arrived: 0,
            lost: 0,
            run: 0,
            longest_run: 0,
            is_first: true,
        }
    }

    /// Counts a packet that is reported for the first time.
    pub(super) fn note(&mut self, sent_us: i64, size: u16, is_lost: bool, now_us: i64) {
        if self.began_us.is_none() {
            self.began_us = Some(now_us);
            self.first_sent_us = sent_us;
            self.last_sent_us = sent_us;
        }
        self.last_sent_us = self.last_sent_us.max(sent_us);
        self.bytes += u64::from(size);
        if is_lost {
            self.lost += 1;
            self.run += 1;
            self.longest_run = self.longest_run.max(self.run);
        } else {
            self.arrived += 1;
            self.run = 0;
        }
    }

    /// Counts bytes of packets that no report has told of.
    pub(super) fn note_unreported(&mut self, bytes: u32) {
        if self.began_us.is_some() {
            self.bytes += u64::from(bytes);
        }
    }

    /// Takes back a loss.
    pub(super) fn take_back(&mut self) {
        if self.lost > 0 {
            self.lost -= 1;
            self.arrived += 1;
        }
    }

    /// How many packets were lost in one go: too much of it for a queue that overflows or a policer,
    /// which let something through all the time.
    fn outage(&self) -> u32 {
        let run = self.longest_run.min(self.lost);
        if run >= MIN_OUTAGE && f64::from(run) > f64::from(self.lost) * OUTAGE {
            run - 1
        } else {
            0
        }
    }

    /// Closes the window if there is enough in it, and begins another.
    pub(super) fn take(&mut self, is_queueing: bool, now_us: i64) -> Option<Window> {
        let age_us = now_us - self.began_us?;
        let packets = self.arrived + self.lost;
        let min_us = if self.is_first {
            FIRST_WINDOW_US
        } else {
            MIN_WINDOW_US
        };
        let is_enough = (age_us >= min_us && packets >= MIN_PACKETS)
            || (age_us >= MAX_WINDOW_US && packets >= FEW_PACKETS);
        if !is_enough {
            return None;
        }
        let outage = self.outage();
        let packets = packets - outage;
        let share = f64::from(self.lost - outage) / f64::from(packets);
        let span_us = (self.last_sent_us - self.first_sent_us).max(min_us);
        let window = Window {
            share,
            doubt: 2.0 * (share * (1.0 - share) / f64::from(packets)).sqrt(),
            sent_bps: self.bytes as f64 * 8e6 / span_us as f64,
            is_queueing,
            now_us,
        };
        *self = Self {
            is_first: false,
            ..Self::new()
        };
        Some(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(gathering: &mut Gathering, from_us: i64, packets: i64, is_lost: impl Fn(i64) -> bool) {
        for number in 0..packets {
            let at_us = from_us + number * 5_000;
            gathering.note(at_us, 1000, is_lost(number), at_us);
        }
    }

    #[test]
    fn a_window_closes_when_it_is_long_and_full_enough() {
        let mut gathering = Gathering::new();
        assert_eq!(gathering.take(false, 0), None);
        fill(&mut gathering, 0, 25, |number| number % 5 == 0);
        assert_eq!(gathering.take(false, 90_000), None);
        let first = gathering.take(false, 120_000).unwrap();
        assert_eq!(first.share, 0.2);
        assert!((0.1..0.2).contains(&first.doubt));
        assert!((1.6e6..1.7e6).contains(&first.sent_bps), "{first:?}");
        // Later ones take longer.
        fill(&mut gathering, 125_000, 25, |number| number % 5 == 0);
        assert_eq!(gathering.take(false, 250_000), None);
        assert!(gathering.take(false, 380_000).is_some());
    }

    #[test]
    fn few_packets_are_waited_for_a_second() {
        let mut gathering = Gathering::new();
        fill(&mut gathering, 0, 10, |_| false);
        assert_eq!(gathering.take(false, 900_000), None);
        assert!(gathering.take(false, 1_000_000).is_some());
    }

    #[test]
    fn an_outage_counts_as_one_loss() {
        let mut gathering = Gathering::new();
        fill(&mut gathering, 0, 49, |number| number < 10);
        assert_eq!(gathering.take(false, 250_000).unwrap().share, 0.025);
    }

    #[test]
    fn what_arrives_after_all_is_not_lost() {
        let mut gathering = Gathering::new();
        fill(&mut gathering, 0, 25, |number| number == 3);
        gathering.take_back();
        gathering.take_back();
        assert_eq!(gathering.take(false, 130_000).unwrap().share, 0.0);
    }
}
