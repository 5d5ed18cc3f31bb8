//! A receiver that judges as strictly as a browser's decoder, and also looks behind it.
//!
//! From the RTP numbers alone it puts frames together and decides, as libwebrtc's VP8 reference
//! finder does (`modules/video_coding/rtp_vp8_ref_finder.cc`), when one may be decoded. The labels
//! in the packets then tell whether a decoder would have had what the frame depends on: if not, the
//! numbers were wrong, and that is an error.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};

use moot_forward::vp8::Descriptor;

use crate::source::{Label, read_label};

/// How long a frame may be awaited before a keyframe is asked for.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long a frame, unless it is a keyframe, waits for an earlier one that it does not need: a
/// jitter buffer's time for a retransmission.
const HOLD: Duration = Duration::from_millis(100);
/// Packets and frames that are kept.
const KEPT: usize = 2048;

/// What a receiver has seen.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Packets that came.
    pub packets: u64,
    /// Frames that were decoded.
    pub frames: u64,
    /// Of these, keyframes.
    pub keyframes: u64,
    /// Frames decoded of each encoding.
    pub frames_of: [u64; 3],
    /// Times that the encoding changed from one decoded frame to the next.
    pub switches: u64,
    /// The encoding of the last decoded frame.
    pub encoding: Option<u8>,
    /// Temporal layers from which frames were decoded.
    pub temporal_layers: BTreeSet<u8>,
    /// When the first frame was decoded.
    pub first_frame_at: Option<Instant>,
    /// When the last frame was decoded.
    pub last_frame_at: Option<Instant>,
    /// The longest time between two decoded frames.
    pub longest_freeze: Duration,
    /// How much sooner, by their timestamps, later frames came than the first: a player that
    /// starts with the first is behind by this until it notices.
    pub head_start: Duration,
    /// What a decoder would have choked on. Empty, or the forwarder is wrong.
    pub errors: Vec<String>,
}

#[derive(Clone, Debug)]
struct Piece {
    time: u32,
    is_marked: bool,
    descriptor: Descriptor,
    label: Label,
    is_used: bool,
}

#[derive(Clone, Debug)]
struct Whole {
    whole_at: Instant,
    time: u32,
    descriptor: Descriptor,
    label: Label,
}

/// Receives one VP8 flow.
#[derive(Clone, Debug, Default)]
pub struct Vp8Receiver {
    pieces: BTreeMap<u64, Piece>,
    /// Frames put together and not decoded, by extended picture id.
    waiting: BTreeMap<u64, Whole>,
    highest_picture: Option<u64>,
    last_decoded_picture: Option<u64>,
    last_time: Option<u32>,
    /// The first frame's timestamp, and when it was decoded.
    first: Option<(u32, Instant)>,
    /// Extended TL0PICIDX of the base frame that was decoded last.
    last_base: Option<u64>,
    /// Decoded pictures since that base frame, it included.
    since_base: BTreeSet<u64>,
    decoded: HashSet<(u8, u32)>,
    waits_since: Option<Instant>,
    report: Report,
}

fn unwrap(near: u64, wrapped: u64, modulus: u64) -> u64 {
    let forward = (wrapped + modulus - near % modulus) % modulus;
    if forward <= modulus / 2 || near + forward < modulus {
        near + forward
    } else {
        near + forward - modulus
    }
}

impl Vp8Receiver {
    /// Makes a receiver that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what has been seen.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Starts counting anew, as after a phase of a scenario; what is needed to go on is kept.
    pub fn take_report(&mut self) -> Report {
        let fresh = Report {
            last_frame_at: self.report.last_frame_at,
            encoding: self.report.encoding,
            ..Report::default()
        };
        std::mem::replace(&mut self.report, fresh)
    }

    fn error(&mut self, text: String) {
        if self.report.errors.len() < 20 {
            self.report.errors.push(text);
        }
    }

    /// Takes a packet under its extended sequence number.
    pub fn handle_packet(
        &mut self,
        seq_no: u64,
        time: u32,
        is_marked: bool,
        payload: &[u8],
        now: Instant,
    ) {
        self.report.packets += 1;
        if payload.is_empty() {
            return;
        }
        let Ok(descriptor) = Descriptor::read(payload) else {
            return self.error(format!("sequence number {seq_no}: unreadable descriptor"));
        };
        let Some(label) = read_label(payload, descriptor.length) else {
            return self.error(format!("sequence number {seq_no}: payload was changed"));
        };
        let piece = Piece {
            time,
            is_marked,
            descriptor,
            label,
            is_used: false,
        };
        if let Some(old) = self.pieces.get(&seq_no) {
            if old.label != piece.label {
                self.error(format!(
                    "sequence number {seq_no} carries {:?} and {label:?}",
                    old.label
                ));
            }
            return;
        }
        self.pieces.insert(seq_no, piece);
        if self.pieces.len() > KEPT {
            self.pieces.pop_first();
        }
        self.assemble(seq_no, now);
        self.decode(now);
    }

    /// Puts the frame around `seq_no` together if all of it is there.
    fn assemble(&mut self, seq_no: u64, now: Instant) {
        let mut first = seq_no;
        while !self.pieces[&first].descriptor.is_frame_start {
            first = match first.checked_sub(1) {
                Some(before) if self.pieces.contains_key(&before) => before,
                _ => return,
            };
        }
        let head = self.pieces[&first].clone();
        let mut last = first;
        while !self.pieces[&last].is_marked {
            last += 1;
            match self.pieces.get(&last) {
                Some(piece) if piece.time == head.time => {}
                _ => return,
            }
        }
        for (place, at) in (first..=last).enumerate() {
            let Some(piece) = self.pieces.get_mut(&at) else {
                return;
            };
            let is_repeated = std::mem::replace(&mut piece.is_used, true);
            let label = piece.label;
            let is_whole = (label.encoding, label.frame) == (head.label.encoding, head.label.frame)
                && usize::from(label.piece) == place
                && u64::from(label.pieces) == last - first + 1;
            let is_same = piece.descriptor.ids == head.descriptor.ids;
            if is_repeated || !is_whole || !is_same {
                let text = format!("frame at {first}..={last} is a mixture: {label:?} at {at}");
                return self.error(text);
            }
        }
        let Some(id) = head.descriptor.ids.picture_id else {
            return self.error(format!("sequence number {first}: no picture id"));
        };
        let near = self
            .highest_picture
            .unwrap_or(u64::from(id.modulus()) + u64::from(id.number));
        let picture = unwrap(near, u64::from(id.number), u64::from(id.modulus()));
        self.highest_picture = Some(near.max(picture));
        if self
            .last_decoded_picture
            .is_some_and(|last| picture <= last)
        {
            // It came too late, or its number is used twice: then it is a frame never decoded
            // that claims the number of one that was.
            if Some(picture) == self.last_decoded_picture {
                self.error(format!("picture {picture} comes twice: {:?}", head.label));
            }
            return;
        }
        self.waiting.insert(
            picture,
            Whole {
                whole_at: now,
                time: head.time,
                descriptor: head.descriptor,
                label: head.label,
            },
        );
    }

    /// Decodes what may be, oldest first.
    fn decode(&mut self, now: Instant) {
        while let Some(picture) = self.next_decodable(now) {
            let Some(whole) = self.waiting.remove(&picture) else {
                return;
            };
            self.waiting = self.waiting.split_off(&picture);
            self.waits_since = None;
            self.show(picture, &whole, now);
        }
        if self.waiting.len() > KEPT {
            self.waiting.pop_first();
        }
        self.waits_since = match (self.waiting.is_empty(), self.waits_since) {
            (true, _) => None,
            (false, since) => since.or(Some(now)),
        };
    }

    fn base_of(&self, whole: &Whole) -> Option<u64> {
        let tl0 = u64::from(whole.descriptor.ids.tl0_pic_idx?);
        Some(unwrap(self.last_base?, tl0, 256))
    }

    fn next_decodable(&self, now: Instant) -> Option<u64> {
        let found = self.waiting.iter().find(|(picture, whole)| {
            // A keyframe waits for nothing. Where the forwarder switched to it in the middle of
            // another encoding's frame, that frame never becomes whole.
            if whole.descriptor.is_keyframe {
                return true;
            }
            let is_next = self
                .last_decoded_picture
                .is_none_or(|last| **picture == last + 1);
            if !is_next && now.saturating_duration_since(whole.whole_at) < HOLD {
                return false;
            }
            let (Some(base), Some(last_base)) = (self.base_of(whole), self.last_base) else {
                return false;
            };
            if whole.descriptor.temporal == 0 {
                return base == last_base + 1;
            }
            let first = self.since_base.first().copied().unwrap_or(u64::MAX);
            let has_all = (first..**picture).all(|needed| self.since_base.contains(&needed));
            base == last_base && (whole.descriptor.is_layer_sync || has_all)
        });
        found.map(|(picture, _)| *picture)
    }

    fn show(&mut self, picture: u64, whole: &Whole, now: Instant) {
        let label = whole.label;
        let is_keyframe = whole.descriptor.is_keyframe;
        if is_keyframe {
            self.decoded.clear();
            self.report.keyframes += 1;
        }
        for need in label.needs.into_iter().flatten() {
            if !self.decoded.contains(&(label.encoding, need)) {
                self.error(format!(
                    "picture {picture} was decoded without frame {need}: {label:?}"
                ));
            }
        }
        if let Some(last) = self.last_time
            && (whole.time.wrapping_sub(last) as i32) <= 0
        {
            self.error(format!("picture {picture}: time {last} -> {}", whole.time));
        }
        if self.decoded.len() > KEPT {
            let oldest = label.frame.saturating_sub(KEPT as u32 / 2);
            self.decoded.retain(|(_, frame)| *frame >= oldest);
        }
        self.decoded.insert((label.encoding, label.frame));
        if whole.descriptor.temporal == 0 {
            let tl0 = u64::from(whole.descriptor.ids.tl0_pic_idx.unwrap_or(0));
            let near = self.last_base.unwrap_or(256 + tl0);
            self.last_base = Some(unwrap(near, tl0, 256));
            self.since_base.clear();
        }
        self.since_base.insert(picture);
        self.last_decoded_picture = Some(picture);
        self.last_time = Some(whole.time);
        let (first_time, first_at) = *self.first.get_or_insert((whole.time, now));
        let ticks = u64::from(whole.time.wrapping_sub(first_time));
        let due_at = first_at + Duration::from_micros(ticks * 1_000 / 90);
        let report = &mut self.report;
        let sooner = due_at.saturating_duration_since(now);
        report.head_start = report.head_start.max(sooner);
        if let Some(last) = report.last_frame_at {
            report.longest_freeze = report.longest_freeze.max(now - last);
        }
        report.switches += u64::from(report.encoding.is_some_and(|old| old != label.encoding));
        report.encoding = Some(label.encoding);
        report.frames += 1;
        if let Some(count) = report.frames_of.get_mut(usize::from(label.encoding)) {
            *count += 1;
        }
        report.temporal_layers.insert(whole.descriptor.temporal);
        report.first_frame_at.get_or_insert(now);
        report.last_frame_at = Some(now);
    }

    /// Returns whether to ask for a keyframe now: a frame has waited for another for 300 ms, or
    /// packets come and nothing can be decoded. Asks again every 300 ms.
    pub fn wants_keyframe(&mut self, now: Instant) -> bool {
        let is_blind = self.report.packets > 0 && self.last_decoded_picture.is_none();
        if is_blind && self.waits_since.is_none() {
            self.waits_since = Some(now);
        }
        match self.waits_since {
            Some(since) if now.saturating_duration_since(since) >= PATIENCE => {
                self.waits_since = Some(now);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{CameraShape, Frame, Vp8Source};

    fn source() -> Vp8Source {
        let shape = CameraShape {
            temporal_layers: 3,
            ..CameraShape::single_720p()
        };
        Vp8Source::new(1, shape, 9)
    }

    fn feed(receiver: &mut Vp8Receiver, frame: &Frame, seq_no: &mut u64, lost: Option<usize>) {
        for (place, payload) in frame.payloads.iter().enumerate() {
            *seq_no += 1;
            if Some(place) != lost {
                let is_marked = place + 1 == frame.payloads.len();
                receiver.handle_packet(*seq_no, frame.time, is_marked, payload, now());
            }
        }
        receiver.decode(now() + HOLD);
    }

    fn now() -> Instant {
        static NOW: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        *NOW.get_or_init(Instant::now)
    }

    #[test]
    fn a_whole_flow_is_decoded_without_error() {
        let (mut source, mut receiver, mut seq_no) = (source(), Vp8Receiver::new(), 0);
        for number in 0..300 {
            let frame = source.capture(source.interval() * number);
            feed(&mut receiver, &frame, &mut seq_no, None);
        }
        let report = receiver.report();
        assert_eq!((report.frames, report.keyframes), (300, 1));
        assert_eq!(report.errors, [""; 0]);
    }

    #[test]
    fn a_lost_packet_stops_decoding_until_a_keyframe_and_is_no_error() {
        let (mut source, mut receiver, mut seq_no) = (source(), Vp8Receiver::new(), 0);
        for number in 0..40 {
            if number == 30 {
                source.request_keyframe();
            }
            let frame = source.capture(source.interval() * number);
            feed(
                &mut receiver,
                &frame,
                &mut seq_no,
                (number == 8).then_some(3),
            );
        }
        let report = receiver.report();
        assert_eq!(report.frames, 8 + 10);
        assert_eq!(report.errors, [""; 0]);
        assert!(!receiver.wants_keyframe(now() + PATIENCE));
    }

    #[test]
    fn a_frame_without_what_it_needs_under_unbroken_numbers_is_an_error() {
        let (mut source, mut receiver, mut seq_no) = (source(), Vp8Receiver::new(), 0);
        for number in 0..4 {
            let frame = source.capture(source.interval() * number);
            feed(&mut receiver, &frame, &mut seq_no, None);
        }
        // Two base frames vanish, and a forwarder closes the numbers up as if they had not been.
        let mut hidden = source.clone();
        for number in 4..8 {
            hidden.capture(source.interval() * number);
        }
        let mut next = hidden.capture(source.interval() * 8);
        for payload in &mut next.payloads {
            let mut bytes = payload.to_vec();
            let honest = source.clone().capture(source.interval() * 4);
            bytes[2..5].copy_from_slice(&honest.payloads[0][2..5]);
            *payload = bytes.into();
        }
        feed(&mut receiver, &next, &mut seq_no, None);
        assert_eq!(receiver.report().errors.len(), 1);
    }

    #[test]
    fn a_splice_without_a_keyframe_is_an_error() {
        let (mut source, mut receiver, mut seq_no) = (source(), Vp8Receiver::new(), 0);
        let mut other = Vp8Source::new(0, CameraShape::single_720p(), 9);
        let first = source.capture(Duration::ZERO);
        feed(&mut receiver, &first, &mut seq_no, None);
        other.capture(Duration::ZERO);
        let spliced = other.capture(source.interval());
        feed(&mut receiver, &spliced, &mut seq_no, None);
        assert!(!receiver.report().errors.is_empty());
    }
}
