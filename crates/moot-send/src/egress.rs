//! Everything that one subscriber is sent: what is written is numbered, paced, protected and kept;
//! what the subscriber reports is answered and estimated from.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::estimator::{Estimator, Reported};
use crate::header::{Extensions, Fixed, Header};
use crate::ledger::Ledger;
use crate::pacer::Pacer;
use crate::packet::Packet;
use crate::rtcp::{self, Part, SenderReport};
use crate::srtp::{Keys, Opener, Sealer};
use crate::stream::{Stream, StreamFigures, StreamSpec};

/// Most packets that wait to leave; a subscriber so far behind is served anew by a keyframe.
const MAX_WAITING: usize = 2_048;

/// Most packets that wait to be sent again.
const MAX_RESENDS: usize = 1_024;

/// Largest share of what is sent again, percent: a path that loses more is helped by a smaller
/// layer.
const MAX_RESENT_PERCENT: u64 = 50;

/// A packet is not sent again twice within this share of the round trip, percent: the answer to
/// the second request is under way.
const PATIENCE_PERCENT: u32 = 80;

/// Largest padding packet: its payload's length stands in one byte (RFC 3550 §5.1).
const MAX_BLANK: usize = 240;

/// Least padding that an old packet is sent for; less is left to blank ones.
const MIN_FILLER: usize = 300;

/// Over how long the shares of what is sent are looked at, twice.
const SHARE_INTERVAL: Duration = Duration::from_millis(500);

/// What the clock of sender reports shows when an egress begins: any moment would do, as only
/// differences count between the streams of one CNAME (RFC 3550 §4).
const NTP_ORIGIN: u64 = 0xec00_0000_0000_0000;

/// What shapes an egress.
#[derive(Clone, Copy, Debug)]
pub struct EgressConfig {
    /// Assumed rate before the first report, bit/s.
    pub initial_bps: u64,
    /// Highest estimate, bit/s.
    pub max_bps: u64,
}

/// Whom a report concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// Nobody: it is forged, a repetition, or came before the keys.
    Nobody,
    /// What is sent here, and nothing else.
    Egress,
    /// What the peer sends, too: the receiving side must see the datagram.
    Both,
}

/// The bytes sent in the last and the present interval.
#[derive(Debug, Default)]
struct Share {
    first: [u64; 2],
    again: [u64; 2],
    turned_at: Option<Instant>,
}

impl Share {
    fn turn(&mut self, now: Instant) {
        let turned_at = *self.turned_at.get_or_insert(now);
        if now.saturating_duration_since(turned_at) >= SHARE_INTERVAL {
            self.turned_at = Some(now);
            self.first = [self.first[1], 0];
            self.again = [self.again[1], 0];
        }
    }

    fn is_spent(&self) -> bool {
        let first: u64 = self.first.iter().sum();
        let again: u64 = self.again.iter().sum();
        again * 100 > (first + again) * MAX_RESENT_PERCENT
    }
}

/// How a packet leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    First,
    /// As its stream's resend SSRC has it (RFC 4588 §4).
    Again,
}

/// A packet that may not have left yet.
struct Waiting {
    ssrc: u32,
    packet: Packet,
    came_at: Instant,
}

/// What one subscriber is sent.
pub struct Egress {
    began_at: Instant,
    keys: Option<(Sealer, Opener)>,
    streams: Vec<Stream>,
    sound: VecDeque<Waiting>,
    pictures: VecDeque<Waiting>,
    /// Bytes of the pictures that wait.
    waiting: usize,
    resends: VecDeque<(u32, u64)>,
    share: Share,
    ledger: Ledger,
    estimator: Estimator,
    pacer: Pacer,
    header: Header,
    /// The subscriber's reports have matched what left, or named a rate.
    has_reports: bool,
    round_trip: Option<Duration>,
    /// Packets that should have arrived, and that did not, since last asked.
    expected: u64,
    missed: u64,
    /// Room for reading reports.
    plain: Vec<u8>,
    reported: Vec<Reported>,
}

impl Egress {
    /// Makes an egress without streams or keys.
    pub fn new(config: EgressConfig, now: Instant) -> Self {
        Self {
            began_at: now,
            keys: None,
            streams: Vec::new(),
            sound: VecDeque::new(),
            pictures: VecDeque::new(),
            waiting: 0,
            resends: VecDeque::new(),
            share: Share::default(),
            ledger: Ledger::new(now),
            estimator: Estimator::new(config.initial_bps, config.max_bps, now),
            pacer: Pacer::new(config.initial_bps, now),
            header: Header::new(),
            has_reports: false,
            round_trip: None,
            expected: 0,
            missed: 0,
            plain: Vec::new(),
            reported: Vec::new(),
        }
    }

    /// Takes the keys of the handshake; nothing leaves before.
    pub fn set_keys(&mut self, keys: &Keys) {
        self.keys = Some((keys.sealer(), keys.opener()));
    }

    /// Adds a stream, or replaces the one of the same SSRC.
    pub fn add_stream(&mut self, spec: StreamSpec) {
        self.remove_stream(spec.ssrc);
        self.streams.push(Stream::new(spec));
    }

    /// Removes a stream with all that waits on it.
    pub fn remove_stream(&mut self, ssrc: u32) {
        self.forget_waiting(ssrc);
        self.streams.retain(|stream| stream.spec.ssrc != ssrc);
    }

    /// Forgets what was sent on a stream and what waits there, so that nothing of it can leave.
    pub fn forget_sent(&mut self, ssrc: u32) {
        self.forget_waiting(ssrc);
        if let Some(stream) = self.stream_mut(ssrc) {
            stream.history.clear();
        }
    }

    fn forget_waiting(&mut self, ssrc: u32) {
        self.sound.retain(|waiting| waiting.ssrc != ssrc);
        self.resends.retain(|(of, _)| *of != ssrc);
        self.pictures.retain(|waiting| waiting.ssrc != ssrc);
        self.waiting = self
            .pictures
            .iter()
            .map(|waiting| waiting.packet.payload.len())
            .sum();
    }

    /// The stream of a section.
    pub fn section(&self, mid: &str) -> Option<&StreamSpec> {
        self.streams
            .iter()
            .map(|stream| &stream.spec)
            .find(|spec| spec.mid == mid)
    }

    /// What is known of a stream.
    pub fn figures(&self, ssrc: u32) -> Option<StreamFigures> {
        self.streams
            .iter()
            .find(|stream| stream.spec.ssrc == ssrc)
            .map(|stream| stream.figures)
    }

    fn stream_mut(&mut self, ssrc: u32) -> Option<&mut Stream> {
        self.streams
            .iter_mut()
            .find(|stream| stream.spec.ssrc == ssrc)
    }

    fn place_of(&self, ssrc: u32) -> Option<usize> {
        self.streams
            .iter()
            .position(|stream| stream.spec.ssrc == ssrc)
    }

    /// What the path carries, bit/s, once a report told something about it.
    pub fn estimate_bps(&self) -> Option<u64> {
        self.has_reports.then(|| self.estimator.estimate_bps())
    }

    /// How long a packet and the answer to it travel, as last reported (RFC 3550 §6.4.1).
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The share of what left that was lost on the way lately, 0 to 1.
    pub fn loss(&self) -> f32 {
        self.estimator.loss()
    }

    /// How many packets should have arrived since this was last asked, and how many did not.
    pub fn take_losses(&mut self) -> (u64, u64) {
        (
            std::mem::take(&mut self.expected),
            std::mem::take(&mut self.missed),
        )
    }

    /// Says how much would be sent if the path carried it, bit/s: probes look no further.
    pub fn set_desired(&mut self, desired_bps: u64) {
        self.estimator.set_desired(desired_bps);
    }

    /// Begins the estimate anew: what was learnt of another path says nothing about this one.
    pub fn reset_estimate(&mut self, initial_bps: u64, now: Instant) {
        self.estimator.reset(initial_bps, now);
        self.pacer.set_estimate(initial_bps, false);
        self.has_reports = false;
    }

    /// Returns whether this much more payload, in bytes, would leave before a picture is late.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        !self.pacer.is_behind(self.waiting + bytes)
    }

    /// Queues a packet of a stream, which came at `came_at`, for the next flush; one of an unknown
    /// stream is dropped.
    pub fn write(&mut self, ssrc: u32, packet: Packet, came_at: Instant) {
        let Some(at) = self.place_of(ssrc) else {
            return;
        };
        let is_begin = packet.is_begin;
        let waiting = Waiting {
            ssrc,
            packet,
            came_at,
        };
        if self.streams[at].spec.is_audio {
            if self.sound.len() < MAX_WAITING {
                self.sound.push_back(waiting);
            }
            return;
        }
        if is_begin && self.pacer.is_behind(self.waiting) {
            self.forget_sent(ssrc);
        }
        if self.pictures.len() < MAX_WAITING {
            self.waiting += waiting.packet.payload.len();
            self.pictures.push_back(waiting);
        }
    }

    /// Lets leave what may: sound at once, then what is sent again, then pictures, then padding.
    pub fn flush(&mut self, now: Instant, batch: &mut Batch) {
        if self.keys.is_none() {
            return;
        }
        self.share.turn(now);
        // Reports change the estimate, and so does their absence.
        self.renew_pace();
        self.pacer.advance(self.waiting, now);
        while let Some(waiting) = self.sound.pop_front() {
            self.send(waiting, now, batch);
        }
        if let Some(probe) = self.estimator.poll_probe(now) {
            self.pacer.begin(probe, now);
            // Its first packet is small: the rate at which a train arrives leaves the first out.
            self.pad(now, batch);
        }
        while self.pacer.is_open() && self.send_next(now, batch) {}
        self.pad(now, batch);
        self.report(now, batch);
    }

    fn send_next(&mut self, now: Instant, batch: &mut Batch) -> bool {
        if let Some((ssrc, number)) = self.resends.pop_front() {
            self.resend(ssrc, number, now, batch);
            return true;
        }
        let Some(waiting) = self.pictures.pop_front() else {
            return false;
        };
        self.waiting = self.waiting.saturating_sub(waiting.packet.payload.len());
        self.send(waiting, now, batch);
        true
    }

    fn send(&mut self, waiting: Waiting, now: Instant, batch: &mut Batch) {
        let Some(at) = self.place_of(waiting.ssrc) else {
            return;
        };
        let packet = waiting.packet;
        let bytes = self.emit(at, &packet, Form::First, now, batch);
        self.share.first[1] += bytes as u64;
        // Padding has no place in time, which sender reports would tell.
        if packet.is_padding {
            return;
        }
        let stream = &mut self.streams[at];
        stream.record(&packet, waiting.came_at);
        if packet.resend_type.is_some() && stream.spec.resend_ssrc.is_some() {
            stream.history.push(packet, self.round_trip, now);
        }
    }

    fn resend(&mut self, ssrc: u32, number: u64, now: Instant, batch: &mut Batch) {
        let Some(at) = self.place_of(ssrc) else {
            return;
        };
        let Some(packet) = self.streams[at].history.find_to_resend(number, now) else {
            return;
        };
        let packet = packet.clone();
        let bytes = self.emit(at, &packet, Form::Again, now, batch);
        self.share.again[1] += bytes as u64;
        self.streams[at].figures.resent += 1;
    }

    /// Sends padding where a probe needs it: old packets, which nobody misses, or blank ones.
    fn pad(&mut self, now: Instant, batch: &mut Batch) {
        let mut missing = self.pacer.padding(now);
        if missing == 0 {
            return;
        }
        let Some(at) = self.padding_stream() else {
            return;
        };
        while missing > 0 {
            let filler = (missing >= MIN_FILLER)
                .then(|| self.streams[at].history.filler(missing.saturating_mul(2)))
                .flatten();
            let sent = match filler.and_then(|number| self.streams[at].history.find(number)) {
                Some(old) => {
                    let packet = old.clone();
                    self.emit(at, &packet, Form::Again, now, batch)
                }
                None => self.emit_blank(at, missing.clamp(1, MAX_BLANK), now, batch),
            };
            if sent == 0 {
                return;
            }
            missing = missing.saturating_sub(sent);
        }
    }

    fn padding_stream(&self) -> Option<usize> {
        self.streams.iter().position(|stream| {
            stream.spec.resend_ssrc.is_some()
                && stream.padding_type.is_some()
                && stream.spec.extensions.transport_sequence.is_some()
        })
    }

    fn emit(
        &mut self,
        at: usize,
        packet: &Packet,
        form: Form,
        now: Instant,
        batch: &mut Batch,
    ) -> usize {
        let Some((sealer, _)) = &mut self.keys else {
            return 0;
        };
        let stream = &mut self.streams[at];
        let (ssrc, payload_type, number, is_known) = match form {
            Form::First => (
                stream.spec.ssrc,
                packet.payload_type,
                packet.number,
                stream.is_known,
            ),
            Form::Again => {
                let (Some(ssrc), Some(payload_type)) =
                    (stream.spec.resend_ssrc, packet.resend_type)
                else {
                    return 0;
                };
                let number = stream.resend_number;
                stream.resend_number += 1;
                (ssrc, payload_type, number, stream.is_resend_known)
            }
        };
        let ids = &stream.spec.extensions;
        let fixed = Fixed {
            payload_type,
            is_marked: packet.is_marked,
            has_padding: packet.is_padding,
            sequence: number as u16,
            time: packet.time,
            ssrc,
        };
        let extensions = Extensions {
            mid: (!is_known).then_some(stream.spec.mid.as_bytes()),
            transport_sequence: Some(self.ledger.next()),
            absolute_send_time: absolute_send_time(self.began_at, now),
            audio_level: packet.audio_level,
            orientation: packet.orientation,
            descriptor: packet.descriptor.as_deref(),
            frame_number: packet.frame_number,
        };
        self.header.write(&fixed, ids, &extensions);
        let header = self.header.bytes();
        let original = (packet.number as u16).to_be_bytes();
        // RFC 4588 §4: what is sent again begins with its first number.
        let prefix: &[u8] = match form {
            Form::First => &[],
            Form::Again => &original,
        };
        let plain = header.len() + prefix.len() + packet.payload.len();
        let slot = batch.slot(plain + sealer.overhead());
        let start = slot.len();
        slot.extend_from_slice(header);
        slot.extend_from_slice(prefix);
        let payload = slot.len();
        slot.extend_from_slice(&packet.payload);
        if let Some(ids) = packet.vp8 {
            // A payload without a descriptor was refused when it came.
            let _unreadable = moot_forward::vp8::patch(&mut slot[payload..], ids);
        }
        sealer.seal_rtp(slot, start, header.len(), number);
        self.record(at, plain, now);
        plain
    }

    fn emit_blank(&mut self, at: usize, length: usize, now: Instant, batch: &mut Batch) -> usize {
        let Some((sealer, _)) = &mut self.keys else {
            return 0;
        };
        let stream = &mut self.streams[at];
        let (Some(ssrc), Some(payload_type)) = (stream.spec.resend_ssrc, stream.padding_type)
        else {
            return 0;
        };
        let number = stream.resend_number;
        stream.resend_number += 1;
        let fixed = Fixed {
            payload_type,
            is_marked: false,
            has_padding: true,
            sequence: number as u16,
            time: stream.clock.map_or(0, |(time, _)| time),
            ssrc,
        };
        let extensions = Extensions {
            mid: (!stream.is_resend_known).then_some(stream.spec.mid.as_bytes()),
            transport_sequence: Some(self.ledger.next()),
            ..Extensions::default()
        };
        self.header
            .write(&fixed, &stream.spec.extensions, &extensions);
        let header = self.header.bytes();
        let plain = header.len() + length;
        let slot = batch.slot(plain + sealer.overhead());
        let start = slot.len();
        slot.extend_from_slice(header);
        slot.resize(start + plain, 0);
        slot[start + plain - 1] = length as u8;
        sealer.seal_rtp(slot, start, header.len(), number);
        self.record(at, plain, now);
        plain
    }

    fn record(&mut self, at: usize, bytes: usize, now: Instant) {
        let probe = self.pacer.record(bytes);
        let size = bytes.min(usize::from(u16::MAX)) as u16;
        if self.streams[at]
            .spec
            .extensions
            .transport_sequence
            .is_some()
        {
            self.ledger.record(size, probe, now);
            self.estimator.record_sent(now);
        }
    }

    /// Writes the sender reports that are due (RFC 3550 §6.4.1).
    fn report(&mut self, now: Instant, batch: &mut Batch) {
        let ntp = self.ntp(now);
        let Some((sealer, _)) = &mut self.keys else {
            return;
        };
        for stream in &mut self.streams {
            let Some(rtp_time) = stream.report_time(now) else {
                continue;
            };
            let report = SenderReport {
                ssrc: stream.spec.ssrc,
                ntp,
                rtp_time,
                packets: stream.figures.packets as u32,
                octets: stream.figures.bytes as u32,
            };
            let mut contents = Vec::with_capacity(128);
            rtcp::write_sender_report(&report, &stream.spec.cname, &mut contents);
            if sealer.seal_rtcp(&mut contents, 0) {
                batch.slot(contents.len()).extend_from_slice(&contents);
            }
        }
    }

    /// The moment on the clock of sender reports: seconds since 1900 as 32.32 bits.
    fn ntp(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began_at);
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        NTP_ORIGIN + (since.as_secs() << 32) + fraction
    }

    /// Reads a report of the subscriber's. The SSRCs of streams whose picture is lost are added to
    /// `pictures`.
    pub fn read_report(
        &mut self,
        datagram: &[u8],
        now: Instant,
        pictures: &mut Vec<u32>,
    ) -> Concerns {
        let Some((_, opener)) = &mut self.keys else {
            return Concerns::Nobody;
        };
        let mut plain = std::mem::take(&mut self.plain);
        let concerns = if opener.open_rtcp(datagram, &mut plain) {
            self.take_report(&plain, now, pictures)
        } else {
            Concerns::Nobody
        };
        self.plain = plain;
        concerns
    }

    /// Takes a report that is the subscriber's for sure, as [`Egress::read_report`] does.
    pub fn take_report(&mut self, plain: &[u8], now: Instant, pictures: &mut Vec<u32>) -> Concerns {
        for part in rtcp::parts(plain) {
            self.take_part(&part, now, pictures);
        }
        if rtcp::is_about_received(plain) {
            Concerns::Egress
        } else {
            Concerns::Both
        }
    }

    fn take_part(&mut self, part: &Part<'_>, now: Instant, pictures: &mut Vec<u32>) {
        match part {
            Part::Feedback(feedback) => {
                self.reported.clear();
                self.ledger.read(feedback, &mut self.reported);
                if !self.reported.is_empty() {
                    self.has_reports = true;
                    self.estimator.record_report(&self.reported, now);
                }
            }
            Part::Nack { ssrc, lost } => self.take_nack(*ssrc, lost.clone(), now),
            Part::Block(block) => self.take_block(block, now),
            Part::PictureLost { ssrc } => {
                if self.place_of(*ssrc).is_some() && !pictures.contains(ssrc) {
                    pictures.push(*ssrc);
                }
            }
            Part::Remb { bitrate_bps } => {
                self.has_reports = true;
                self.estimator.record_remb(*bitrate_bps);
            }
            Part::Foreign => {}
        }
    }

    fn renew_pace(&mut self) {
        let is_congested = self.estimator.is_congested();
        self.pacer
            .set_estimate(self.estimator.estimate_bps(), is_congested);
    }

    fn take_nack(&mut self, ssrc: u32, lost: impl Iterator<Item = u16>, now: Instant) {
        let patience = self.round_trip.unwrap_or_default() * PATIENCE_PERCENT / 100;
        let is_spent = self.share.is_spent();
        let Some(at) = self.place_of(ssrc) else {
            return;
        };
        let stream = &mut self.streams[at];
        stream.figures.nacks += 1;
        if is_spent {
            return;
        }
        for sequence in lost {
            if self.resends.len() >= MAX_RESENDS {
                return;
            }
            let Some(number) = stream.history.extend(sequence) else {
                return;
            };
            if stream.history.ask(number, patience, now) {
                self.resends.push_back((ssrc, number));
            }
        }
    }

    fn take_block(&mut self, block: &rtcp::ReportBlock, now: Instant) {
        if let Some(round_trip) = self.round_trip_of(block, now) {
            self.round_trip = Some(round_trip);
            self.estimator.record_round_trip(round_trip);
        }
        for stream in &mut self.streams {
            if stream.spec.ssrc == block.ssrc {
                let (expected, missed) = stream.take_block(block);
                self.expected += expected;
                self.missed += missed;
            } else if stream.spec.resend_ssrc == Some(block.ssrc) {
                stream.is_resend_known = true;
            }
        }
    }

    fn round_trip_of(&self, block: &rtcp::ReportBlock, now: Instant) -> Option<Duration> {
        if block.last_sender_report == 0 {
            return None;
        }
        let arrived = (self.ntp(now) >> 16) as u32;
        let units = arrived
            .wrapping_sub(block.last_sender_report)
            .wrapping_sub(block.delay_since);
        // In units of 1/65,536 s. A minute is nonsense, and so is a delay longer than the way.
        (units < 60 << 16).then(|| Duration::from_micros(u64::from(units) * 1_000_000 / 65_536))
    }

    /// When [`Egress::flush`] is wanted for something else than new packets.
    pub fn due_at(&self) -> Option<Instant> {
        self.keys.as_ref()?;
        let is_waiting = !self.pictures.is_empty() || !self.resends.is_empty();
        self.pacer
            .due_at(is_waiting, self.padding_stream().is_some())
    }
}

/// Seconds as 6.18 bits (draft-alvestrand-rmcat-remb-03 §4).
fn absolute_send_time(began_at: Instant, now: Instant) -> Option<u32> {
    let us = now.saturating_duration_since(began_at).as_micros() as u64;
    Some(((us << 18) / 1_000_000) as u32 & 0x00ff_ffff)
}

// A test is where time comes from.
#[allow(clippy::disallowed_methods)]
#[cfg(test)]
mod tests;
