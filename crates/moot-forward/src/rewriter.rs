//! The numbers under which one subscription's packets leave: sequence number, timestamp, VP8
//! picture id, TL0PICIDX and KEYIDX, and a dependency descriptor's frame number, each continuous
//! over switches of layer, pauses and what is left out.

use std::time::Instant;

use crate::ids::{RtpTime, SeqNo, Ssrc};
use crate::numbering::{Numbering, unwrap_near};
use crate::packet::{Packet, SenderClock};
use crate::vp8;

/// Words of the window in which packets that have left are remembered: 1,024 packets, over a
/// second of the fastest encoding.
const SEEN_WORDS: usize = 16;
const SEEN_BITS: u64 = SEEN_WORDS as u64 * 64;
/// A longer gap in the input is no loss that a retransmission could mend; the numbers then go on
/// without it.
const MAX_GAP: u64 = 512;
/// How far an aligned timestamp may be from the one that the time of arrival tells. Sender reports
/// of a publisher that slept or set its clock are wrong by more.
const MAX_MISALIGNMENT_S: i64 = 2;

/// The first numbers to leave. Random ones are better where the publisher is not trusted (RFC 3550
/// §5.1); a sequence number of 16 bits keeps the SRTP roll-over counter of a fresh receiver at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// First sequence number.
    pub seq_no: u16,
    /// First timestamp.
    pub time: RtpTime,
    /// First picture id, taken modulo its width.
    pub picture_id: u16,
}

/// The numbers under which a packet leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Extended sequence number; grows from under 65,536.
    pub seq_no: SeqNo,
    /// RTP timestamp.
    pub time: RtpTime,
    /// VP8 numbers, where the packet carries any.
    pub vp8: Option<vp8::Ids>,
    /// The frame number for a dependency descriptor, where the packet carries one.
    pub frame_number: Option<u16>,
}

/// Remembers which of the last 1,024 input numbers have left.
#[derive(Clone, Debug)]
struct Seen {
    words: [u64; SEEN_WORDS],
    highest: u64,
}

impl Seen {
    fn begin(input: u64) -> Self {
        Self {
            words: [0; SEEN_WORDS],
            highest: input,
        }
    }

    /// Marks a number; `false` where it was marked before or is too old to tell.
    fn insert(&mut self, input: u64) -> bool {
        if input > self.highest {
            if input - self.highest >= SEEN_BITS {
                self.words = [0; SEEN_WORDS];
            } else {
                for skipped in self.highest + 1..=input {
                    let (word, bit) = Self::place(skipped);
                    self.words[word] &= !bit;
                }
            }
            self.highest = input;
        } else if self.highest - input >= SEEN_BITS {
            return false;
        }
        let (word, bit) = Self::place(input);
        let is_fresh = self.words[word] & bit == 0;
        self.words[word] |= bit;
        is_fresh
    }

    fn place(input: u64) -> (usize, u64) {
        let place = input % SEEN_BITS;
        ((place / 64) as usize, 1 << (place % 64))
    }
}

/// The picture ids of one source.
#[derive(Clone, Debug)]
struct Pictures {
    numbering: Numbering,
    modulus: u16,
}

/// One encoding as it is forwarded: how its numbers become the output's.
#[derive(Clone, Debug)]
struct Source {
    ssrc: Ssrc,
    /// The sequence number it began with; what came before belongs to the source before.
    first: u64,
    sequence: Numbering,
    seen: Seen,
    pictures: Option<Pictures>,
    time_offset: u32,
    tl0_offset: u8,
    key_offset: u8,
    frame_offset: u16,
    clock: Option<SenderClock>,
    /// The timestamp of the last packet left out, whose frame's lost packets are left out too.
    skipped_time: Option<RtpTime>,
    /// Once another source has begun: what that one leaves with, and so this one may not.
    end: Option<End>,
}

/// The first output numbers of the source after one.
#[derive(Clone, Copy, Debug)]
struct End {
    seq_no: u64,
    picture: u64,
}

/// The newest numbers that have left.
#[derive(Clone, Copy, Debug)]
struct Newest {
    seq_no: u64,
    time: RtpTime,
    left_at: Instant,
    picture: u64,
    tl0: u8,
    key: u8,
    frame_number: u16,
}

/// Gives the packets of one subscription their numbers.
///
/// Call [`begin`](Self::begin) with the first packet of a source (after a switch or a pause: of a
/// keyframe, where there are any), then [`forward`](Self::forward) or [`skip`](Self::skip) for
/// each of its packets, that first one included.
#[derive(Clone, Debug)]
pub struct Rewriter {
    origin: Origin,
    clock_rate_hz: u32,
    current: Option<Source>,
    previous: Option<Source>,
    newest: Option<Newest>,
}

impl Rewriter {
    /// Makes a rewriter whose first packet leaves as `origin` says.
    pub fn new(origin: Origin, clock_rate_hz: u32) -> Self {
        Self {
            origin,
            clock_rate_hz,
            current: None,
            previous: None,
            newest: None,
        }
    }

    /// Goes over to the source of `packet`, which will leave as the next after all that have left.
    ///
    /// The timestamp goes on as the time of capture does, as far as both sources' sender reports
    /// tell it, else as the time of arrival; it always grows.
    pub fn begin(&mut self, packet: &Packet, now: Instant) {
        let header = &packet.header;
        let input = header.seq_no.0;
        let output = match &self.newest {
            Some(newest) => newest.seq_no + 1,
            None => u64::from(self.origin.seq_no),
        };
        let time = self.time_of(packet, now);
        let mut source = Source {
            ssrc: header.ssrc,
            first: input,
            sequence: Numbering::begin(input, output),
            seen: Seen::begin(input),
            pictures: None,
            time_offset: header.time.0.wrapping_sub(time.0),
            tl0_offset: 0,
            key_offset: 0,
            frame_offset: 0,
            clock: header.clock,
            skipped_time: None,
            end: None,
        };
        if let Some(ids) = packet.vp8 {
            let next_tl0 = self.newest.map_or(0, |newest| newest.tl0.wrapping_add(1));
            let next_key = self.newest.map_or(0, |newest| newest.key.wrapping_add(1));
            source.tl0_offset = ids.tl0_pic_idx.unwrap_or(0).wrapping_sub(next_tl0);
            source.key_offset = ids.key_idx.unwrap_or(0).wrapping_sub(next_key);
        }
        if let Some(number) = packet.frame_number {
            let next = self
                .newest
                .map_or(0, |newest| newest.frame_number.wrapping_add(1));
            source.frame_offset = number.wrapping_sub(next);
        }
        self.previous = self.current.take();
        if let (Some(previous), Some(newest)) = (&mut self.previous, self.newest) {
            previous.end = Some(End {
                seq_no: output,
                picture: newest.picture + 1,
            });
        }
        self.current = Some(source);
    }

    fn time_of(&self, packet: &Packet, now: Instant) -> RtpTime {
        let header = &packet.header;
        let Some(newest) = self.newest else {
            return self.origin.time;
        };
        let rate = i64::from(self.clock_rate_hz);
        let elapsed = now.saturating_duration_since(newest.left_at);
        let elapsed_units = (elapsed.as_micros() as i64).saturating_mul(rate) / 1_000_000;
        let expected = newest.time.shifted(elapsed_units);
        let aligned = self.current.as_ref().and_then(|current| {
            if current.ssrc == header.ssrc {
                return Some(header.time.shifted(-i64::from(current.time_offset)));
            }
            let (old, new) = (current.clock?, header.clock?);
            let between_us = new.wallclock_us.wrapping_sub(old.wallclock_us) as i64;
            let between_units = between_us.saturating_mul(rate) / 1_000_000;
            let since_report = i64::from(header.time.since(new.time));
            let in_old_units = old.time.shifted(between_units.saturating_add(since_report));
            Some(in_old_units.shifted(-i64::from(current.time_offset)))
        });
        let chosen = aligned
            .filter(|aligned| i64::from(aligned.since(expected)).abs() <= MAX_MISALIGNMENT_S * rate)
            .unwrap_or(expected);
        if chosen.is_after(newest.time) {
            chosen
        } else {
            newest.time.shifted(1)
        }
    }

    /// Returns the numbers under which a packet of the source before the current one leaves:
    /// `None` unless a place was kept for it.
    pub fn forward_late(&mut self, packet: &Packet) -> Option<Rewritten> {
        let previous = self.previous.as_mut()?;
        if previous.ssrc != packet.header.ssrc
            || packet.header.seq_no.0 > previous.sequence.highest()
        {
            return None;
        }
        previous.rewrite_late(packet)
    }

    /// Returns the numbers under which a packet of the current source leaves, or `None` where it
    /// must not leave: it has left before, or comes too late to have a place.
    pub fn forward(&mut self, packet: &Packet, now: Instant) -> Option<Rewritten> {
        let header = &packet.header;
        let input = header.seq_no.0;
        let is_current = self
            .current
            .as_ref()
            .is_some_and(|source| source.ssrc == header.ssrc && input >= source.first);
        if !is_current {
            return self.forward_late(packet);
        }
        let newest = self.newest;
        let source = self.current.as_mut()?;
        if input > source.sequence.highest() + MAX_GAP {
            let next = newest.map_or(u64::from(self.origin.seq_no), |newest| newest.seq_no + 1);
            source.first = input;
            source.sequence = Numbering::begin(input, next);
            source.seen = Seen::begin(input);
        }
        let seq_no = source.sequence.forward(input)?;
        if !source.seen.insert(input) {
            return None;
        }
        let first_picture = newest.map_or(u64::from(self.origin.picture_id), |newest| {
            newest.picture + 1
        });
        let (vp8, picture) = match packet.vp8 {
            Some(ids) => {
                let (ids, picture) = source.rewrite_vp8(ids, Some(first_picture))?;
                (Some(ids), picture)
            }
            None => (None, None),
        };
        let time = RtpTime(header.time.0.wrapping_sub(source.time_offset));
        let frame_number = packet
            .frame_number
            .map(|number| number.wrapping_sub(source.frame_offset));
        if header.clock.is_some() {
            source.clock = header.clock;
        }
        if newest.is_none_or(|newest| seq_no > newest.seq_no) {
            let old = newest.unwrap_or(Newest {
                seq_no,
                time,
                left_at: now,
                picture: first_picture,
                tl0: 0,
                key: 0,
                frame_number: 0,
            });
            self.newest = Some(Newest {
                seq_no,
                time: if time.is_after(old.time) {
                    time
                } else {
                    old.time
                },
                left_at: now,
                picture: picture.unwrap_or(old.picture).max(old.picture),
                tl0: vp8.and_then(|ids| ids.tl0_pic_idx).unwrap_or(old.tl0),
                key: vp8.and_then(|ids| ids.key_idx).unwrap_or(old.key),
                frame_number: frame_number.unwrap_or(old.frame_number),
            });
        }
        Some(Rewritten {
            seq_no: SeqNo(seq_no),
            time,
            vp8,
            frame_number,
        })
    }

    /// Leaves a packet of the current source out, so that what follows closes up.
    ///
    /// Packets lost before it that must be of the same frame are left out with it.
    pub fn skip(&mut self, packet: &Packet) {
        let header = &packet.header;
        let Some(source) = self
            .current
            .as_mut()
            .filter(|source| source.ssrc == header.ssrc)
        else {
            return;
        };
        let input = header.seq_no.0;
        let next = source.sequence.highest() + 1;
        if input > next + MAX_GAP {
            return;
        }
        let is_same_frame = source.skipped_time == Some(header.time);
        let first = if is_same_frame { next } else { input };
        if input >= next {
            source.skipped_time = Some(header.time);
        }
        source.sequence.skip(first, input);
        if packet.is_padding {
            return;
        }
        if let (Some(pictures), Some(id)) = (
            &mut source.pictures,
            packet.vp8.and_then(|ids| ids.picture_id),
        ) && pictures.modulus == id.modulus()
        {
            let near = pictures.numbering.highest();
            let picture = unwrap_near(near, id.number, pictures.modulus);
            pictures.numbering.skip(picture, picture);
        }
    }
}

impl Source {
    fn rewrite_late(&mut self, packet: &Packet) -> Option<Rewritten> {
        let header = &packet.header;
        let end = self.end?;
        let seq_no = self.sequence.forward(header.seq_no.0)?;
        if seq_no >= end.seq_no || !self.seen.insert(header.seq_no.0) {
            return None;
        }
        let vp8 = match packet.vp8 {
            Some(ids) => {
                let (ids, picture) = self.rewrite_vp8(ids, None)?;
                if picture.is_some_and(|picture| picture >= end.picture) {
                    return None;
                }
                Some(ids)
            }
            None => None,
        };
        Some(Rewritten {
            seq_no: SeqNo(seq_no),
            time: RtpTime(header.time.0.wrapping_sub(self.time_offset)),
            vp8,
            frame_number: packet
                .frame_number
                .map(|number| number.wrapping_sub(self.frame_offset)),
        })
    }

    /// Returns the numbers a VP8 packet leaves with, and its picture's place in the output's count.
    /// `None` where its picture has been left out. `first_picture` is the place of the first
    /// picture, `None` where no new picture may begin.
    fn rewrite_vp8(
        &mut self,
        ids: vp8::Ids,
        first_picture: Option<u64>,
    ) -> Option<(vp8::Ids, Option<u64>)> {
        let mut rewritten = vp8::Ids {
            picture_id: None,
            tl0_pic_idx: ids.tl0_pic_idx.map(|tl0| tl0.wrapping_sub(self.tl0_offset)),
            key_idx: ids
                .key_idx
                .map(|key| key.wrapping_sub(self.key_offset) & 0x1f),
        };
        let Some(id) = ids.picture_id else {
            return Some((rewritten, None));
        };
        let modulus = id.modulus();
        let picture = match &mut self.pictures {
            Some(pictures) if pictures.modulus == modulus => {
                let near = pictures.numbering.highest();
                let input = unwrap_near(near, id.number, modulus);
                pictures.numbering.forward(input)?
            }
            _ => {
                let first = first_picture?;
                // One modulus up, so that a picture from before the first one has a number too.
                let input = u64::from(id.number) + u64::from(modulus);
                self.pictures = Some(Pictures {
                    numbering: Numbering::begin(input, first),
                    modulus,
                });
                first
            }
        };
        rewritten.picture_id = Some(vp8::PictureId {
            number: (picture % u64::from(modulus)) as u16,
            is_long: id.is_long,
        });
        Some((rewritten, Some(picture)))
    }
}
