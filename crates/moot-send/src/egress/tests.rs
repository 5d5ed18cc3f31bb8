//! What leaves and what reports do to it, seen from the subscriber.

use std::sync::Arc;

use super::*;
use crate::header::ExtensionIds;
use crate::srtp::Profile;

const SSRC: u32 = 0x1111_1111;
const RESEND_SSRC: u32 = 0x2222_2222;
const VOICE: u32 = 0x3333_3333;
const MS: Duration = Duration::from_millis(1);

/// What a subscriber finds in a datagram.
#[derive(Debug)]
struct Seen {
    ssrc: u32,
    sequence: u16,
    transport_sequence: u16,
    has_mid: bool,
    is_padding: bool,
    payload: Vec<u8>,
}

/// An egress and what its subscriber has of it.
struct Line {
    egress: Egress,
    opener: Opener,
    sealer: Sealer,
    now: Instant,
    next: u64,
}

fn spec(ssrc: u32, is_audio: bool) -> StreamSpec {
    StreamSpec {
        ssrc,
        resend_ssrc: (!is_audio).then_some(RESEND_SSRC),
        mid: "7".to_owned(),
        cname: "moot".to_owned(),
        is_audio,
        clock_rate_hz: if is_audio { 48_000 } else { 90_000 },
        extensions: ExtensionIds {
            mid: Some(4),
            transport_sequence: Some(3),
            ..ExtensionIds::default()
        },
        padding_type: (!is_audio).then_some(97),
    }
}

impl Line {
    fn new() -> Self {
        let now = Instant::now();
        let material: Vec<u8> = (0..56).collect();
        let ours = Keys::new(Profile::AeadAes128Gcm, &material, false).unwrap();
        let theirs = Keys::new(Profile::AeadAes128Gcm, &material, true).unwrap();
        let config = EgressConfig {
            initial_bps: 2_000_000,
            max_bps: 10_000_000,
        };
        let mut egress = Egress::new(config, now);
        egress.set_keys(&ours);
        egress.add_stream(spec(SSRC, false));
        egress.add_stream(spec(VOICE, true));
        Self {
            egress,
            opener: theirs.opener(),
            sealer: theirs.sealer(),
            now,
            next: 100,
        }
    }

    fn write(&mut self, ssrc: u32, size: usize) -> u64 {
        let packet = self.packet(ssrc, size);
        let number = packet.number;
        self.egress.write(ssrc, packet, self.now);
        number
    }

    fn begin(&mut self, size: usize) {
        let packet = Packet {
            is_begin: true,
            ..self.packet(SSRC, size)
        };
        self.egress.write(SSRC, packet, self.now);
    }

    fn packet(&mut self, ssrc: u32, size: usize) -> Packet {
        let number = self.next;
        self.next += 1;
        Packet {
            payload_type: 96,
            resend_type: (ssrc == SSRC).then_some(97),
            number,
            time: 3_000,
            is_marked: false,
            is_begin: false,
            payload: Arc::from(vec![number as u8; size]),
            vp8: None,
            descriptor: None,
            frame_number: None,
            audio_level: None,
            orientation: None,
            is_padding: false,
        }
    }

    /// The media that leaves now; reports are left out.
    fn flush(&mut self) -> Vec<Seen> {
        let mut batch = Batch::default();
        self.egress.flush(self.now, &mut batch);
        let runs: Vec<_> = batch.drain().collect();
        runs.iter()
            .flat_map(|run| run.datagrams())
            .filter(|datagram| !(200..=207).contains(&datagram[1]))
            .map(|datagram| see(&mut self.opener, datagram))
            .collect()
    }

    /// The timestamp in the sender report that leaves now (RFC 3550 §6.4.1).
    fn reported_time(&mut self) -> u32 {
        let mut batch = Batch::default();
        self.egress.flush(self.now, &mut batch);
        let runs: Vec<_> = batch.drain().collect();
        let mut datagrams = runs.iter().flat_map(|run| run.datagrams());
        let report = datagrams.find(|datagram| datagram[1] == 200).unwrap();
        let mut plain = Vec::new();
        assert!(self.opener.open_rtcp(report, &mut plain));
        u32::from_be_bytes(plain[16..20].try_into().unwrap())
    }

    fn report(&mut self, plain: &[u8]) -> (Concerns, Vec<u32>) {
        let mut datagram = plain.to_vec();
        assert!(self.sealer.seal_rtcp(&mut datagram, 0));
        let mut pictures = Vec::new();
        let concerns = self.egress.read_report(&datagram, self.now, &mut pictures);
        (concerns, pictures)
    }

    fn nack(&mut self, sequence: u16) {
        let mut plain = vec![0x81, 205, 0, 3, 0, 0, 0, 9];
        plain.extend(SSRC.to_be_bytes());
        plain.extend(sequence.to_be_bytes());
        plain.extend([0, 0]);
        assert_eq!(self.report(&plain).0, Concerns::Egress);
    }
}

fn see(opener: &mut Opener, datagram: &[u8]) -> Seen {
    let words = usize::from(u16::from_be_bytes([datagram[14], datagram[15]]));
    let header_len = 16 + 4 * words;
    let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
    let mut plain = datagram.to_vec();
    assert!(opener.open_rtp(&mut plain, header_len, sequence.into()));
    // The transport-wide number comes first, then the section's name.
    assert_eq!(plain[16], 0x31);
    let is_padding = plain[0] & 0x20 != 0;
    Seen {
        ssrc: u32::from_be_bytes(plain[8..12].try_into().unwrap()),
        sequence,
        transport_sequence: u16::from_be_bytes([plain[17], plain[18]]),
        has_mid: plain[19] == 0x40,
        is_padding,
        payload: plain[header_len..].to_vec(),
    }
}

#[test]
fn what_is_written_leaves_once_under_its_number_and_sound_goes_first() {
    let mut line = Line::new();
    let picture = line.write(SSRC, 900);
    let sound = line.write(VOICE, 80);
    let seen = line.flush();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].ssrc, u64::from(seen[0].sequence)), (VOICE, sound));
    assert_eq!((seen[1].ssrc, u64::from(seen[1].sequence)), (SSRC, picture));
    assert_eq!(seen[1].payload, vec![picture as u8; 900]);
    assert_eq!(
        [seen[0].transport_sequence, seen[1].transport_sequence],
        [0, 1]
    );
    assert!(line.flush().is_empty());
}

#[test]
fn padding_makes_a_stream_known_and_is_neither_counted_nor_sent_again() {
    let mut line = Line::new();
    line.egress
        .write(SSRC, Packet::padding(96, 99, 3_000), line.now);
    let seen = line.flush();
    assert_eq!((seen[0].ssrc, seen[0].sequence), (SSRC, 99));
    assert!(seen[0].is_padding && seen[0].has_mid);
    assert_eq!(seen[0].payload, [1]);
    assert_eq!(line.egress.figures(SSRC).unwrap().packets, 0);
    line.nack(99);
    assert!(line.flush().is_empty());
    assert_eq!(line.write(SSRC, 10), 100);
    assert_eq!(line.flush()[0].sequence, 100);
}

#[test]
fn a_lost_packet_is_sent_again_with_its_number_and_not_twice_within_a_round_trip() {
    let mut line = Line::new();
    let number = line.write(SSRC, 900);
    line.write(SSRC, 900);
    line.flush();
    line.nack(number as u16);
    let seen = line.flush();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].ssrc, RESEND_SSRC);
    assert_eq!(seen[0].payload[..2], (number as u16).to_be_bytes());
    assert_eq!(seen[0].payload[2..], vec![number as u8; 900]);
    line.egress.round_trip = Some(MS * 100);
    line.now += MS * 50;
    line.nack(number as u16);
    assert!(line.flush().is_empty());
    line.now += MS * 50;
    line.nack(number as u16);
    assert_eq!(line.flush().len(), 1);
    assert_eq!(line.egress.figures(SSRC).unwrap().resent, 2);
    assert_eq!(line.egress.figures(SSRC).unwrap().nacks, 3);
}

#[test]
fn what_was_never_sent_or_is_forgotten_is_not_sent_again() {
    let mut line = Line::new();
    let number = line.write(SSRC, 900);
    line.flush();
    line.nack(number as u16 + 5);
    assert!(line.flush().is_empty());
    line.nack(number as u16);
    line.write(SSRC, 900);
    line.egress.forget_sent(SSRC);
    assert!(line.flush().is_empty());
    line.nack(number as u16);
    assert!(line.flush().is_empty());
}

#[test]
fn no_more_than_half_of_what_leaves_is_repetition() {
    let mut line = Line::new();
    let number = line.write(SSRC, 1_000);
    line.flush();
    let mut again = 0;
    for _ in 0..20 {
        line.now += MS;
        line.nack(number as u16);
        again += line.flush().len();
    }
    assert!((1..=2).contains(&again), "{again}");
}

#[test]
fn the_name_of_the_section_is_left_out_once_the_subscriber_knows_the_source() {
    let mut line = Line::new();
    line.write(SSRC, 100);
    assert!(line.flush()[0].has_mid);
    let mut plain = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
    plain.extend(SSRC.to_be_bytes());
    plain.extend([0; 20]);
    assert_eq!(line.report(&plain).0, Concerns::Egress);
    line.write(SSRC, 100);
    assert!(!line.flush()[0].has_mid);
}

#[test]
fn a_lost_picture_is_told_once_and_only_of_streams_there_are() {
    let mut line = Line::new();
    let mut plain = Vec::new();
    for ssrc in [SSRC, SSRC, 5] {
        plain.extend([0x81, 206, 0, 2, 0, 0, 0, 9]);
        plain.extend(ssrc.to_be_bytes());
    }
    assert_eq!(line.report(&plain), (Concerns::Egress, vec![SSRC]));
}

#[test]
fn a_forged_report_or_one_repeated_concerns_nobody() {
    let mut line = Line::new();
    let plain = [0x80, 201, 0, 1, 0, 0, 0, 9];
    let mut datagram = plain.to_vec();
    assert!(line.sealer.seal_rtcp(&mut datagram, 0));
    let mut pictures = Vec::new();
    let mut read = |datagram: &[u8]| line.egress.read_report(datagram, line.now, &mut pictures);
    assert_eq!(read(&plain), Concerns::Nobody);
    assert_eq!(read(&datagram), Concerns::Egress);
    assert_eq!(read(&datagram), Concerns::Nobody);
    datagram[9] ^= 1;
    assert_eq!(read(&datagram), Concerns::Nobody);
    // A sender report says something about what the subscriber sends.
    let mut plain = vec![0x80, 200, 0, 6, 0, 0, 0, 9];
    plain.extend([0; 20]);
    assert_eq!(line.report(&plain).0, Concerns::Both);
}

#[test]
fn a_sender_report_goes_by_when_a_packet_came_not_by_when_it_left() {
    let mut line = Line::new();
    let write = |line: &mut Line, time: u32, ago: Duration| {
        let packet = Packet {
            time,
            ..line.packet(SSRC, 100)
        };
        line.egress.write(SSRC, packet, line.now - ago);
    };
    write(&mut line, 900_000, MS * 700);
    assert_eq!(line.reported_time(), 900_000 + 700 * 90);
    line.now += MS * 1_100;
    write(&mut line, 890_000, Duration::ZERO);
    assert_eq!(
        line.reported_time(),
        900_000 + 1_800 * 90,
        "one that is late says nothing"
    );
    line.now += MS * 1_100;
    write(&mut line, 0u32.wrapping_sub(5_000_000), Duration::ZERO);
    assert_eq!(
        line.reported_time(),
        0u32.wrapping_sub(5_000_000),
        "a stream that began anew does"
    );
}

#[test]
fn a_large_frame_leaves_over_time_and_whole() {
    let mut line = Line::new();
    for _ in 0..100 {
        line.write(SSRC, 1_000);
    }
    let mut seen = line.flush().len();
    assert!((20..40).contains(&seen), "{seen}");
    let began_at = line.now;
    while let Some(due_at) = line.egress.due_at() {
        line.now = due_at;
        seen += line.flush().iter().filter(|seen| !seen.is_padding).count();
    }
    assert_eq!(seen, 100);
    assert!(line.now - began_at < MS * 200);
}

#[test]
fn a_picture_that_begins_anew_takes_the_place_of_a_long_queue() {
    let mut line = Line::new();
    for _ in 0..400 {
        line.write(SSRC, 1_000);
    }
    line.flush();
    let begin = line.next;
    line.begin(1_000);
    line.now += MS * 100;
    let seen = line.flush();
    assert_eq!(seen.len(), 1);
    assert_eq!(u64::from(seen[0].sequence), begin);
    // What was given up is not sent again either.
    line.nack(100);
    assert!(line.flush().is_empty());
}

#[test]
fn a_picture_that_begins_anew_leaves_a_short_queue_as_it_is() {
    let mut line = Line::new();
    for _ in 0..60 {
        line.write(SSRC, 1_000);
    }
    let mut seen = line.flush().len();
    line.begin(1_000);
    while let Some(due_at) = line.egress.due_at() {
        line.now = due_at;
        seen += line.flush().len();
    }
    assert_eq!(seen, 61);
}

#[test]
fn nothing_leaves_before_the_keys() {
    let config = EgressConfig {
        initial_bps: 1_000_000,
        max_bps: 1_000_000,
    };
    let now = Instant::now();
    let mut egress = Egress::new(config, now);
    egress.add_stream(spec(SSRC, false));
    let mut batch = Batch::default();
    egress.flush(now, &mut batch);
    assert_eq!(batch.drain().count(), 0);
    assert_eq!(egress.due_at(), None);
    let mut pictures = Vec::new();
    let concerns = egress.read_report(&[0x80, 201, 0, 1, 0, 0, 0, 9], now, &mut pictures);
    assert_eq!(concerns, Concerns::Nobody);
}
