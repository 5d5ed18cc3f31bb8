//! How much was lost of late.

/// Width and number of the slots: together a second. More slots smooth, and are late.
const SLOT_US: i64 = 100_000;
const SLOTS: usize = 10;

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    arrived: u16,
    lost: u16,
}

/// Counts of the packets reported in the last second.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    slots: [Slot; SLOTS],
    newest: i64,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            slots: [Slot::default(); SLOTS],
            newest: 0,
        }
    }

    /// Counts a packet.
    pub(super) fn note(&mut self, is_lost: bool, now_us: i64) {
        let slot = now_us / SLOT_US;
        if slot > self.newest {
            for back in 0..(slot - self.newest).min(SLOTS as i64) {
                self.slots[(slot - back) as usize % SLOTS] = Slot::default();
            }
            self.newest = slot;
        }
        let slot = &mut self.slots[self.newest as usize % SLOTS];
        let count = if is_lost {
            &mut slot.lost
        } else {
            &mut slot.arrived
        };
        *count = count.saturating_add(1);
    }

    /// Takes back a loss: the newest, since what arrives late was lost of late.
    pub(super) fn take_back(&mut self) {
        for back in 0..SLOTS {
            let slot = &mut self.slots[(self.newest as usize + SLOTS - back) % SLOTS];
            if slot.lost > 0 {
                slot.lost -= 1;
                slot.arrived = slot.arrived.saturating_add(1);
                return;
            }
        }
    }

    /// Returns the share that was lost, 0 to 1.
    pub(super) fn share(&self) -> f64 {
        let (mut arrived, mut lost) = (0u32, 0u32);
        for slot in &self.slots {
            arrived += u32::from(slot.arrived);
            lost += u32::from(slot.lost);
        }
        f64::from(lost) / f64::from((arrived + lost).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_the_last_second_and_takes_back_what_arrives() {
        let mut tally = Tally::new();
        for number in 0..100 {
            tally.note(number % 2 == 0, number * 10_000);
        }
        assert_eq!(tally.share(), 0.5);
        for _ in 0..25 {
            tally.take_back();
        }
        assert_eq!(tally.share(), 0.25);
        for _ in 0..25 {
            tally.take_back();
        }
        tally.take_back();
        assert_eq!(tally.share(), 0.0);
        tally.note(true, 1_000_000);
        tally.note(false, 9_000_000);
        assert_eq!(tally.share(), 0.0);
    }
}
