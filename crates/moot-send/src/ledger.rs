//! What left under which transport-wide sequence number, until the subscriber has told of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::estimator::Reported;
use crate::rtcp::Feedback;

/// Most packets that wait to be told about: some seconds of a fast stream. What is older is
/// forgotten, as if no report had come.
const MAX_WAITING: usize = 4_096;

/// How far behind a report's first packet entries are kept: reports may come out of order.
const REORDERING: u64 = 256;

struct Entry {
    /// Since the ledger was begun.
    sent_us: u64,
    size: u16,
    probe: Option<u8>,
    /// It has arrived, as far as told.
    has_arrived: bool,
}

/// Numbers packets and matches reports with them
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
pub(crate) struct Ledger {
    began_at: Instant,
    /// The extended number of the first entry.
    first: u64,
    entries: VecDeque<Entry>,
    /// The last reference time, extended, in steps of 64 ms.
    reference: Option<i64>,
}

impl Ledger {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            began_at: now,
            first: 0,
            entries: VecDeque::new(),
            reference: None,
        }
    }

    /// The number that the next packet will have.
    pub(crate) fn next(&self) -> u16 {
        (self.first + self.entries.len() as u64) as u16
    }

    /// Notes that the packet with the [next](Self::next) number leaves.
    pub(crate) fn record(&mut self, size: u16, probe: Option<u8>, now: Instant) {
        if self.entries.len() == MAX_WAITING {
            self.entries.pop_front();
            self.first += 1;
        }
        let since = now.saturating_duration_since(self.began_at);
        self.entries.push_back(Entry {
            sent_us: since.as_micros() as u64,
            size,
            probe,
            has_arrived: false,
        });
    }

    /// Matches a report with what left, in order of numbers; what the report says of packets that
    /// never left, or that were told about before, is passed over.
    pub(crate) fn read(&mut self, feedback: &Feedback<'_>, into: &mut Vec<Reported>) {
        let end = self.first + self.entries.len() as u64;
        let Some(base) = near(feedback.base, end) else {
            return;
        };
        // A report of a thousand things of long ago costs time and tells nothing.
        if base + MAX_WAITING as u64 <= self.first {
            return;
        }
        let shift_us = self.shift_us(feedback.reference_time);
        for (sequence, arrived_us) in feedback.packets() {
            let number = base + u64::from(sequence.wrapping_sub(feedback.base));
            if number >= end {
                break;
            }
            let Some(at) = number.checked_sub(self.first) else {
                continue;
            };
            let Some(entry) = self.entries.get_mut(at as usize) else {
                continue;
            };
            if entry.has_arrived {
                continue;
            }
            entry.has_arrived = arrived_us.is_some();
            into.push(Reported {
                seq_no: number,
                sent_at: self.began_at + Duration::from_micros(entry.sent_us),
                size: entry.size,
                arrived_us: arrived_us.map(|us| us + shift_us),
                probe: entry.probe,
            });
        }
        while self.first + REORDERING < base && self.entries.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// What to add to a report's arrival times, µs: its reference time counts 24 bits of 64 ms and
    /// then starts again.
    fn shift_us(&mut self, reference: i32) -> i64 {
        const WRAP: i64 = 1 << 24;
        const STEP_US: i64 = 64_000;
        let reference = i64::from(reference);
        let last = self.reference.unwrap_or(reference);
        let turns = (last - reference + WRAP / 2).div_euclid(WRAP);
        self.reference = Some(reference + turns * WRAP);
        turns * WRAP * STEP_US
    }
}

/// The extended number below `end` whose low bits are `sequence`.
fn near(sequence: u16, end: u64) -> Option<u64> {
    let last = end.checked_sub(1)?;
    let back = (last as u16).wrapping_sub(sequence);
    // A base ahead of everything sent is nonsense, or so old that nothing of it is left.
    (back < u16::MAX / 2).then(|| last.checked_sub(u64::from(back)))?
}

// A test is where time comes from.
#[allow(clippy::disallowed_methods)]
#[cfg(test)]
mod tests {
    use super::*;

    /// A report of `arrived` packets after `base`, one each 250 µs.
    fn report(base: u16, arrived: &[bool], reference: i32) -> Vec<u8> {
        let mut bytes = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        bytes.extend(base.to_be_bytes());
        bytes.extend((arrived.len() as u16).to_be_bytes());
        bytes.extend(&reference.to_be_bytes()[1..]);
        bytes.push(0);
        for chunk in arrived.chunks(14) {
            let mut word = 0x8000u16;
            for (at, &has_arrived) in chunk.iter().enumerate() {
                word |= u16::from(has_arrived) << (13 - at);
            }
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(arrived.iter().filter(|&&has| has).map(|_| 1));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let words = (bytes.len() / 4 - 1) as u16;
        bytes[2..4].copy_from_slice(&words.to_be_bytes());
        bytes
    }

    fn read(ledger: &mut Ledger, bytes: &[u8]) -> Vec<Reported> {
        let mut all = Vec::new();
        for part in crate::rtcp::parts(bytes) {
            if let crate::rtcp::Part::Feedback(feedback) = part {
                ledger.read(&feedback, &mut all);
            }
        }
        all
    }

    fn ledger(packets: u16) -> Ledger {
        let now = Instant::now();
        let mut ledger = Ledger::new(now);
        for at in 0..packets {
            assert_eq!(ledger.next(), at);
            ledger.record(100 + at % 7, None, now + Duration::from_millis(at.into()));
        }
        ledger
    }

    #[test]
    fn a_report_is_matched_with_what_left_and_each_arrival_told_once() {
        let mut ledger = ledger(10);
        let told = read(&mut ledger, &report(2, &[true, false, true], 5));
        let arrivals: Vec<_> = told.iter().map(|told| told.arrived_us).collect();
        assert_eq!(arrivals, [Some(320_250), None, Some(320_500)]);
        assert_eq!(told[0].size, 102);
        // Told again, with the lost one arrived after all.
        let again = read(&mut ledger, &report(2, &[true, true, true], 5));
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].size, 103);
    }

    #[test]
    fn reports_of_what_never_left_are_passed_over() {
        let mut ledger = ledger(3);
        assert!(read(&mut ledger, &report(3, &[true; 4], 0)).is_empty());
        assert_eq!(read(&mut ledger, &report(1, &[true; 40], 0)).len(), 2);
        assert!(read(&mut ledger, &report(40_000, &[true], 0)).is_empty());
        assert!(read(&mut Ledger::new(Instant::now()), &report(0, &[true], 0)).is_empty());
    }

    #[test]
    fn numbers_and_times_go_on_beyond_their_widths() {
        let now = Instant::now();
        let mut ledger = Ledger::new(now);
        let mut reference = (1 << 23) - 100;
        let mut last_us = i64::MIN;
        for _ in 0..7_000 {
            let base = ledger.next();
            for _ in 0..10 {
                ledger.record(100, Some(3), now);
            }
            let told = read(&mut ledger, &report(base, &[true; 10], reference));
            assert_eq!(told.len(), 10);
            assert_eq!(told[0].probe, Some(3));
            assert!(told[0].arrived_us.unwrap() > last_us);
            last_us = told[9].arrived_us.unwrap();
            reference = ((reference + 1) << 8) >> 8;
        }
        assert!(ledger.entries.len() <= REORDERING as usize + 10);
    }

    #[test]
    fn what_is_never_told_about_is_forgotten() {
        let mut ledger = ledger(30_000);
        assert_eq!(ledger.entries.len(), MAX_WAITING);
        assert_eq!(read(&mut ledger, &report(29_998, &[true; 2], 0)).len(), 2);
    }
}
