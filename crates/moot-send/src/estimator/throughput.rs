//! How much passes per second.

/// Width of a slot. A smaller one makes the window's edge sharper, for more slots.
const SLOT_US: i64 = 25_000;
/// How many slots are kept: half a second. More would smooth a picture's keyframes, and be late to
/// see that a path has become narrow.
const SLOTS: usize = 20;
/// Shortest time that gives a rate at all; less mistakes one burst for a rate.
const MIN_SPAN_US: i64 = 100_000;

/// A sliding count of the bytes that have arrived, over the time of the receiver's clock
/// (draft-ietf-rmcat-gcc-02 section 5.5, R_hat).
#[derive(Clone, Debug)]
pub(super) struct Throughput {
    slots: [u32; SLOTS],
    /// Number of the newest slot: its time divided by the width.
    newest: i64,
    newest_us: i64,
    /// When counting began; `None` before the first packet.
    began_us: Option<i64>,
}

impl Throughput {
    pub(super) fn new() -> Self {
        Self {
            slots: [0; SLOTS],
            newest: 0,
            newest_us: 0,
            began_us: None,
        }
    }

    /// Counts `size` bytes that arrived at `time_us`. After a gap longer than the window the count
    /// begins anew; what is older than the window is not counted.
    pub(super) fn record(&mut self, time_us: i64, size: u32) {
        let slot = time_us.div_euclid(SLOT_US);
        let ahead = slot - self.newest;
        if self.began_us.is_none() || ahead >= SLOTS as i64 || ahead <= -4 * SLOTS as i64 {
            self.slots = [0; SLOTS];
            self.newest = slot;
            self.newest_us = time_us;
            self.began_us = Some(time_us);
        } else if ahead > 0 {
            for fresh in self.newest + 1..=slot {
                self.slots[fresh.rem_euclid(SLOTS as i64) as usize] = 0;
            }
            self.newest = slot;
        } else if ahead <= -(SLOTS as i64) {
            return;
        }
        self.newest_us = self.newest_us.max(time_us);
        let place = slot.rem_euclid(SLOTS as i64) as usize;
        self.slots[place] = self.slots[place].saturating_add(size);
    }

    /// Returns the rate in bit/s over the window that ends with the newest packet, `None` while too
    /// little time has been seen.
    pub(super) fn rate_bps(&self) -> Option<f64> {
        self.recent_bps(SLOTS)
    }

    /// Returns the rate in bit/s over the second half of the window: what a path that has just
    /// become narrow lets through.
    pub(super) fn late_rate_bps(&self) -> Option<f64> {
        self.recent_bps(SLOTS / 2)
    }

    fn recent_bps(&self, slots: usize) -> Option<f64> {
        let began_us = self.began_us?;
        let first = self.newest - (slots as i64 - 1);
        let span_us = self.newest_us - began_us.max(first * SLOT_US);
        if span_us < MIN_SPAN_US {
            return None;
        }
        let bytes: u64 = (first..=self.newest)
            .map(|slot| u64::from(self.slots[slot.rem_euclid(SLOTS as i64) as usize]))
            .sum();
        Some(bytes as f64 * 8e6 / span_us as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(until_ms: i64, size: u32) -> Throughput {
        let mut throughput = Throughput::new();
        for ms in (0..=until_ms).step_by(5) {
            throughput.record(ms * 1000, size);
        }
        throughput
    }

    #[test]
    fn a_steady_flow_has_its_rate() {
        // 625 bytes each 5 ms are 1 Mbit/s.
        let rate = filled(2_000, 625).rate_bps().unwrap();
        assert!((rate / 1e6 - 1.0).abs() < 0.05, "{rate}");
        let rate = filled(150, 625).rate_bps().unwrap();
        assert!((rate / 1e6 - 1.0).abs() < 0.05, "{rate}");
    }

    #[test]
    fn a_moment_gives_no_rate() {
        assert_eq!(filled(50, 625).rate_bps(), None);
        assert_eq!(Throughput::new().rate_bps(), None);
    }

    #[test]
    fn a_change_shows_in_the_late_rate_first() {
        let mut throughput = filled(1_000, 625);
        for ms in (1_005..1_250).step_by(5) {
            throughput.record(ms * 1000, 62);
        }
        assert!(throughput.late_rate_bps().unwrap() < 150_000.0);
        assert!(throughput.rate_bps().unwrap() > 400_000.0);
    }

    #[test]
    fn a_jump_of_the_clock_begins_anew() {
        let mut throughput = filled(1_000, 625);
        throughput.record(1 << 60, 625);
        assert_eq!(throughput.rate_bps(), None);
        throughput.record(-(1 << 60), 625);
        assert_eq!(throughput.rate_bps(), None);
    }
}
