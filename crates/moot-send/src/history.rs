//! What one stream sent lately, to be sent again where it was lost.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use crate::packet::Packet;

/// How long a packet is kept, in round trips. Longer serves more attempts: receivers make up to ten.
const KEPT_ROUND_TRIPS: u32 = 10;

/// How long it is kept at least: what a short outage took away is asked for at once after it.
const LEAST_KEPT: Duration = Duration::from_millis(500);

/// How long it is kept at most, and where the round trip is not known.
const MOST_KEPT: Duration = Duration::from_millis(1_000);

/// Most packets kept: a second of a fast camera, and a keyframe.
const MAX_KEPT: usize = 1_024;

/// How much a full history grows. It does not double: a person who sees many has hundreds of packets
/// of each, and those are most of the memory it takes.
const GROWTH: usize = 32;

/// Room that is given back once so much of it is not needed any more.
const SPARE: usize = 128;

/// A packet that was sent; moments are as [`History::moment`] has them.
#[derive(Debug)]
struct Sent {
    packet: Packet,
    at: u32,
    /// When it was last asked for or sent again.
    resent_at: Option<NonZeroU32>,
}

/// Packets in order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct History {
    began_at: Option<Instant>,
    kept: VecDeque<Sent>,
}

impl History {
    /// Keeps a packet that leaves now, and forgets what is old. `round_trip` is how long a request
    /// and its answer take, as far as known.
    pub(crate) fn push(&mut self, packet: Packet, round_trip: Option<Duration>, now: Instant) {
        self.began_at.get_or_insert(now);
        let at = self.moment(now);
        let kept = round_trip.map_or(MOST_KEPT, |round_trip| {
            (round_trip * KEPT_ROUND_TRIPS).clamp(LEAST_KEPT, MOST_KEPT)
        });
        while self
            .kept
            .front()
            .is_some_and(|oldest| self.kept.len() >= MAX_KEPT || between(oldest.at, at) > kept)
        {
            self.kept.pop_front();
        }
        let spare = self.kept.capacity() - self.kept.len();
        if spare == 0 {
            self.kept.reserve_exact(GROWTH);
        } else if spare > SPARE {
            self.kept.shrink_to(self.kept.len() + GROWTH);
        }
        let number = packet.number;
        let sent = Sent {
            packet,
            at,
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

    /// A point in time, µs since the first packet, modulo 2³²: far more than a packet is kept.
    fn moment(&self, now: Instant) -> u32 {
        let began_at = self.began_at.unwrap_or(now);
        now.saturating_duration_since(began_at).as_micros() as u32
    }

    fn place(&self, number: u64) -> Result<usize, usize> {
        self.kept
            .binary_search_by_key(&number, |sent| sent.packet.number)
    }

    /// Finds a packet by its extended number.
    pub(crate) fn find(&self, number: u64) -> Option<&Packet> {
        let at = self.place(number).ok()?;
        self.kept.get(at).map(|sent| &sent.packet)
    }

    /// Finds a packet that is to be sent again now.
    pub(crate) fn find_to_resend(&mut self, number: u64, now: Instant) -> Option<&Packet> {
        let moment = self.moment(now);
        let at = self.place(number).ok()?;
        let sent = self.kept.get_mut(at)?;
        sent.resent_at = NonZeroU32::new(moment.max(1));
        Some(&sent.packet)
    }

    /// Notes that a packet was asked for; `false` where it is not here, or was sent again so lately
    /// that it may be on its way, less than `patience` ago.
    pub(crate) fn ask(&mut self, number: u64, patience: Duration, now: Instant) -> bool {
        let moment = self.moment(now);
        let Some(sent) = self.place(number).ok().and_then(|at| self.kept.get_mut(at)) else {
            return false;
        };
        let is_under_way = sent
            .resent_at
            .is_some_and(|resent_at| between(resent_at.get(), moment) < patience);
        if !is_under_way {
            sent.resent_at = NonZeroU32::new(moment.max(1));
        }
        !is_under_way
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
        *self = Self::default();
    }
}

/// The time from one moment to a later one.
fn between(earlier: u32, later: u32) -> Duration {
    Duration::from_micros(later.wrapping_sub(earlier).into())
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
            history.push(packet(number, 10), None, now);
        }
        for number in [65_534, 65_535, 65_536, 65_538] {
            let extended = history.extend(number as u16).unwrap();
            assert_eq!(extended, number);
            assert_eq!(history.find(extended).unwrap().number, number);
        }
        assert!(history.find(65_537).is_none());
        assert_eq!(history.kept.len(), 4);
    }

    #[test]
    fn what_is_old_or_too_much_is_forgotten() {
        let now = Instant::now();
        let mut history = History::default();
        history.push(packet(1, 10), None, now);
        history.push(packet(2, 10), None, now + MOST_KEPT);
        assert!(history.find(1).is_some());
        history.push(packet(3, 10), None, now + MOST_KEPT * 2);
        assert!(history.find(1).is_none());
        for number in 4..5_000 {
            history.push(packet(number, 10), None, now + MOST_KEPT * 2);
        }
        assert_eq!(history.kept.len(), MAX_KEPT);
        history.clear();
        assert_eq!(history.extend(4_999), None);
    }

    #[test]
    fn a_packet_is_asked_for_again_once_the_answer_had_time_to_come() {
        let start = Instant::now();
        let patience = Duration::from_millis(20);
        // Also where moments begin anew, after 2³² µs.
        for later in [
            Duration::from_millis(5),
            Duration::from_micros((1 << 32) - 10_000),
        ] {
            let mut history = History::default();
            history.push(packet(1, 10), None, start);
            let now = start + later;
            history.push(packet(2, 10), None, now);
            assert!(!history.ask(3, patience, now));
            assert!(history.ask(2, patience, now));
            assert!(!history.ask(2, patience, now + Duration::from_millis(19)));
            assert!(history.ask(2, patience, now + Duration::from_millis(20)));
            let sent_at = now + Duration::from_millis(30);
            assert_eq!(history.find_to_resend(2, sent_at).unwrap().number, 2);
            assert!(!history.ask(2, patience, sent_at + Duration::from_millis(19)));
            assert!(history.ask(2, patience, sent_at + Duration::from_millis(20)));
        }
    }

    #[test]
    fn where_answers_come_fast_packets_are_kept_for_half_as_long_and_their_room_given_back() {
        for (round_trip_ms, kept) in [(2, 501), (70, 701), (400, 1_001)] {
            let start = Instant::now();
            let mut history = History::default();
            for number in 0..2_000 {
                let round_trip = (number > 999).then_some(Duration::from_millis(round_trip_ms));
                let now = start + Duration::from_millis(number);
                history.push(packet(number, 10), round_trip, now);
            }
            assert_eq!(history.kept.len(), kept);
            assert!(history.kept.capacity() <= kept + SPARE);
        }
    }

    #[test]
    fn hundreds_of_packets_take_little_more_room_than_they_need() {
        assert!(size_of::<Sent>() <= 80, "{}", size_of::<Sent>());
        let now = Instant::now();
        let mut history = History::default();
        for number in 0..260 {
            history.push(packet(number, 10), None, now);
        }
        assert!(
            history.kept.capacity() <= 300,
            "{}",
            history.kept.capacity()
        );
    }

    #[test]
    fn padding_is_made_of_the_largest_that_fits() {
        let now = Instant::now();
        let mut history = History::default();
        for (number, size) in [(1, 300), (2, 900), (3, 1_100)] {
            history.push(packet(number, size), None, now);
        }
        assert_eq!(history.filler(1_200), Some(3));
        assert_eq!(history.filler(1_000), Some(2));
        assert_eq!(history.filler(100), None);
    }
}
