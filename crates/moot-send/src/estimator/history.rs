//! Which packets have been reported already.

/// How many packets are remembered. At 10 Mbit/s these are two seconds; a smaller number forgets
/// packets that a late report may still be about, a larger one costs a quarter of a byte each.
const LENGTH: u64 = 2048;

const WORDS: usize = (LENGTH / 64) as usize;

/// What a report says about a packet, in view of the reports before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The first that is heard of the packet.
    First,
    /// It was reported lost, and has arrived after all.
    Recovered,
    /// Nothing new, or too old to tell.
    Nothing,
}

/// The last packets by number: reported or not, arrived or not.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// One above the highest number met.
    end: u64,
    reported: [u64; WORDS],
    arrived: [u64; WORDS],
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            end: 0,
            reported: [0; WORDS],
            arrived: [0; WORDS],
        }
    }

    /// Returns how many packets between the newest reported one and `seq_no` were never reported.
    pub(super) fn gap(&self, seq_no: u64) -> u64 {
        match self.end {
            0 => 0,
            end => seq_no.saturating_sub(end),
        }
    }

    /// Notes that a packet has been reported, and says whether that is news.
    pub(super) fn note(&mut self, seq_no: u64, has_arrived: bool) -> News {
        if seq_no >= self.end {
            self.advance(seq_no);
        } else if self.end - seq_no > LENGTH {
            return News::Nothing;
        }
        let word = ((seq_no % LENGTH) / 64) as usize;
        let bit = 1 << (seq_no % 64);
        let was_reported = self.reported[word] & bit != 0;
        let had_arrived = self.arrived[word] & bit != 0;
        self.reported[word] |= bit;
        if has_arrived {
            self.arrived[word] |= bit;
        }
        match (was_reported, had_arrived, has_arrived) {
            (false, _, _) => News::First,
            (true, false, true) => News::Recovered,
            _ => News::Nothing,
        }
    }

    /// Forgets what the numbers up to `seq_no` displace.
    fn advance(&mut self, seq_no: u64) {
        let end = seq_no.saturating_add(1);
        if end - self.end >= LENGTH {
            self.reported = [0; WORDS];
            self.arrived = [0; WORDS];
        } else {
            for fresh in self.end..end {
                let word = ((fresh % LENGTH) / 64) as usize;
                let bit = 1 << (fresh % 64);
                self.reported[word] &= !bit;
                self.arrived[word] &= !bit;
            }
        }
        self.end = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_news_once_and_once_more_when_it_arrives_after_all() {
        let mut history = History::new();
        assert_eq!(history.gap(5), 0);
        assert_eq!(history.note(5, false), News::First);
        assert_eq!((history.gap(5), history.gap(6), history.gap(9)), (0, 0, 3));
        assert_eq!(history.note(5, false), News::Nothing);
        assert_eq!(history.note(5, true), News::Recovered);
        assert_eq!(history.note(5, true), News::Nothing);
        assert_eq!(history.note(5, false), News::Nothing);
        assert_eq!(history.note(4, true), News::First);
    }

    #[test]
    fn what_is_displaced_is_no_news_and_its_place_is_clean() {
        let mut history = History::new();
        history.note(1, true);
        assert_eq!(history.note(1 + LENGTH, true), News::First);
        assert_eq!(history.note(1, true), News::Nothing);
        assert_eq!(history.note(u64::MAX, true), News::First);
        assert_eq!(history.note(3, true), News::Nothing);
    }
}
