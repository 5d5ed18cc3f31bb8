//! What one stream sent lately, to be sent again where it was lost.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::packet::Packet;

/// How long a packet is kept. Longer serves slower paths and more attempts.
const KEPT: Duration = Duration::from_millis(1_000);

/// Most packets kept: a second of a fast camera, and a keyframe.
const MAX_KEPT: usize = 1_024;

/// A packet that was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) packet: Packet,
    at: Instant,
    /// When it was last sent again.
    pub(crate) resent_at: Option<Instant>,
}

/// Packets in order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct History {
    kept: VecDeque<Sent>,
}

impl History {
    /// Keeps a packet that leaves now, and forgets what is old.
    pub(crate) fn push(&mut self, packet: Packet, now: Instant) {
        while self.kept.front().is_some_and(|oldest| {
            self.kept.len() >= MAX_KEPT || now.saturating_duration_since(oldest.at) > KEPT
        }) {
            self.kept.pop_front();
        }
        let number = packet.number;
        let sent = Sent {
            packet,
            at: now,
            resent_at: None,
        };
        match self.kept.back() {
            Some(last) if last.packet.number >= number => {
                // Late ones keep their place among the others.
                if let Err(at) = self.place(number) {
                    self.kept.insert(at, sent);
                }
            }
            _ => self.kept.push_back(sent),
        }
    }

    fn place(&self, number: u64) -> Result<usize, usize> {
        self.kept
            .binary_search_by_key(&number, |sent| sent.packet.number)
    }

    /// Finds a packet by its extended number.
    pub(crate) fn find(&mut self, number: u64) -> Option<&mut Sent> {
        let at = self.place(number).ok()?;
        self.kept.get_mut(at)
    }

    /// Extends a 16-bit number to that of a packet which may be here.
    pub(crate) fn extend(&self, sequence: u16) -> Option<u64> {
        let last = self.kept.back()?.packet.number;
        last.checked_sub(u64::from((last as u16).wrapping_sub(sequence)))
    }

    /// The largest of the latest packets whose payload has `most` bytes or fewer: what padding may
    /// be made of.
    pub(crate) fn filler(&self, most: usize) -> Option<u64> {
        const LATEST: usize = 16;
        self.kept
            .iter()
            .rev()
            .take(LATEST)
            .filter(|sent| sent.packet.payload.len() <= most)
            .max_by_key(|sent| sent.packet.payload.len())
            .map(|sent| sent.packet.number)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.kept = VecDeque::new();
    }
}

// A test is where time comes from.
#[allow(clippy::disallowed_methods)]
#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    pub(crate) fn packet(number: u64, size: usize) -> Packet {
        Packet {
            payload_type: 96,
            resend_type: Some(97),
            number,
            time: number as u32,
            is_marked: false,
            is_begin: false,
            payload: Arc::from(vec![1; size]),
            vp8: None,
            descriptor: None,
            frame_number: None,
            audio_level: None,
            orientation: None,
            is_padding: false,
        }
    }

    #[test]
    fn packets_are_found_by_their_numbers_also_late_ones() {
        let now = Instant::now();
        let mut history = History::default();
        for number in [65_534, 65_535, 65_538, 65_536, 65_536] {
            history.push(packet(number, 10), now);
        }
        for number in [65_534, 65_535, 65_536, 65_538] {
            let extended = history.extend(number as u16).unwrap();
            assert_eq!(extended, number);
            assert_eq!(history.find(extended).unwrap().packet.number, number);
        }
        assert!(history.find(65_537).is_none());
        assert_eq!(history.kept.len(), 4);
    }

    #[test]
    fn what_is_old_or_too_much_is_forgotten() {
        let now = Instant::now();
        let mut history = History::default();
        history.push(packet(1, 10), now);
        history.push(packet(2, 10), now + KEPT);
        assert!(history.find(1).is_some());
        history.push(packet(3, 10), now + KEPT * 2);
        assert!(history.find(1).is_none());
        for number in 4..5_000 {
            history.push(packet(number, 10), now + KEPT * 2);
        }
        assert_eq!(history.kept.len(), MAX_KEPT);
        history.clear();
        assert_eq!(history.extend(4_999), None);
    }

    #[test]
    fn padding_is_made_of_the_largest_that_fits() {
        let now = Instant::now();
        let mut history = History::default();
        for (number, size) in [(1, 300), (2, 900), (3, 1_100)] {
            history.push(packet(number, size), now);
        }
        assert_eq!(history.filler(1_200), Some(3));
        assert_eq!(history.filler(1_000), Some(2));
        assert_eq!(history.filler(100), None);
    }
}
