//! A clock that lets a handshake wait no longer than it should.
//!
//! DTLS doubles the time between two repeats of what was not answered (RFC 6347 §4.2.4.1), which is
//! meant for paths that are crowded. Where three packets in ten are lost and nothing is crowded, the
//! sixth repeat of a handful of packets comes after six seconds, and the person has gone. The
//! library has no setting for the longest pause, but it is told the time: this clock is set forward
//! to the repeat once the longest pause is over.

use std::time::{Duration, Instant};

/// The clock of one handshake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    longest: Duration,
    /// How far the clock is ahead.
    ahead: Duration,
    /// The time as it was told last.
    now: Instant,
    /// What is waited for by this clock, and until when in truth.
    waits: Option<(Instant, Instant)>,
}

impl Patience {
    /// Makes a clock that shows `now` and waits no longer than `longest` for what
    /// [`until`](Self::until) is asked for.
    pub(crate) fn new(longest: Duration, now: Instant) -> Self {
        Self {
            longest,
            ahead: Duration::ZERO,
            now,
            waits: None,
        }
    }

    /// Returns when what is due at `due` by this clock is due in truth.
    pub(crate) fn until(&mut self, due: Instant) -> Instant {
        if let Some((waited_for, until)) = self.waits
            && waited_for == due
        {
            return until;
        }
        let until = self.truth(due).min(self.now + self.longest);
        self.waits = Some((due, until));
        until
    }

    /// Returns when it is `due` by this clock as it goes now.
    pub(crate) fn truth(&self, due: Instant) -> Instant {
        due.checked_sub(self.ahead).unwrap_or(due)
    }

    /// Tells the time; answers what this clock shows.
    pub(crate) fn read(&mut self, now: Instant) -> Instant {
        self.now = now;
        let shown = now + self.ahead;
        match self.waits {
            Some((due, until)) if now >= until && due > shown => {
                self.ahead += due - shown;
                due
            }
            _ => shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(1);

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn start() -> Instant {
        Instant::now()
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn short_waits_are_left_alone() {
        let start = start();
        let mut patience = Patience::new(LONGEST, start);
        assert_eq!(patience.until(start + ms(400)), start + ms(400));
        assert_eq!(patience.read(start + ms(400)), start + ms(400));
    }

    #[test]
    fn a_long_wait_is_cut_short_once_and_its_end_does_not_move() {
        let start = start();
        let mut patience = Patience::new(LONGEST, start);
        let due = start + ms(6_400);
        assert_eq!(patience.until(due), start + LONGEST);
        assert_eq!(patience.read(start + ms(700)), start + ms(700));
        assert_eq!(patience.until(due), start + LONGEST);
        assert_eq!(patience.read(start + LONGEST), due);
        // From there it goes on at the usual speed.
        assert_eq!(patience.read(start + LONGEST + ms(10)), due + ms(10));
        let next = due + ms(12_810);
        assert_eq!(patience.until(next), start + LONGEST * 2 + ms(10));
        assert_eq!(patience.truth(due + ms(300)), start + LONGEST + ms(300));
    }
}
