//! The reports of one who receives media (RFC 3550 §6, RFC 4585, RFC 5104), read in place, and the
//! report of one who sends it.

/// Bytes of the header common to all RTCP packets (RFC 3550 §6.4.1).
const HEADER: usize = 4;
/// Bytes of a report block (RFC 3550 §6.4.1).
const BLOCK: usize = 24;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// What a receiver says of one source (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReportBlock {
    pub(crate) ssrc: u32,
    /// Lost since the last report, in 256ths of what was expected.
    pub(crate) fraction_lost: u8,
    /// Expected less received; less than 0 where packets came twice.
    pub(crate) cumulative_lost: i32,
    /// Extended highest sequence number received.
    pub(crate) highest_sequence: u32,
    /// In units of the RTP clock.
    pub(crate) jitter: u32,
    /// The middle of the NTP timestamp of the last sender report, 0 if none came.
    pub(crate) last_sender_report: u32,
    /// Since that came, in units of 1/65,536 s.
    pub(crate) delay_since: u32,
}

/// One thing that a compound packet says.
#[derive(Clone, Debug)]
pub(crate) enum Part<'a> {
    /// How a source is received.
    Block(ReportBlock),
    /// Packets are missing and may be sent again (RFC 4585 §6.2.1).
    Nack { ssrc: u32, lost: Lost<'a> },
    /// A picture is lost (RFC 4585 §6.3.1), or wanted anew (RFC 5104 §4.3.1).
    PictureLost { ssrc: u32 },
    /// What the receiver thinks that its path carries (draft-alvestrand-rmcat-remb-03 §2.2).
    Remb { bitrate_bps: u64 },
    /// When packets arrived.
    Feedback(Feedback<'a>),
    /// What concerns others than who sends: what the peer sends itself, or extensions.
    Foreign,
}

/// Reads a compound packet; it ends at the first part that is not well-formed.
pub(crate) fn parts(compound: &[u8]) -> impl Iterator<Item = Part<'_>> {
    packets(compound).flat_map(|packet| packet.parts())
}

/// Returns whether a compound packet is well-formed to its end and says nothing but what is
/// understood here: nobody else needs to see it.
pub(crate) fn is_about_received(compound: &[u8]) -> bool {
    let mut length = 0;
    let is_all = packets(compound).all(|packet| {
        length += packet.length;
        match (packet.kind, packet.count) {
            (RECEIVER_REPORT | SOURCE_DESCRIPTION, _) => true,
            (TRANSPORT_FEEDBACK, 1 | 15) | (PAYLOAD_FEEDBACK, 1 | 4) => true,
            // Application layer feedback other than REMB is whoever's.
            (PAYLOAD_FEEDBACK, 15) => remb(packet.body).is_some(),
            _ => false,
        }
    });
    is_all && length == compound.len() && length > 0
}

/// One RTCP packet of a compound.
#[derive(Clone, Copy)]
struct Packet<'a> {
    kind: u8,
    /// Report count or feedback message type.
    count: u8,
    /// What follows the common header, without padding.
    body: &'a [u8],
    /// Bytes of all.
    length: usize,
}

fn packets(mut rest: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    std::iter::from_fn(move || {
        let (&[first, kind, high, low], _) = rest.split_first_chunk::<HEADER>()?;
        let length = HEADER + 4 * usize::from(u16::from_be_bytes([high, low]));
        if first >> 6 != 2 || rest.len() < length {
            return None;
        }
        let (packet, following) = rest.split_at(length);
        rest = following;
        let mut body = &packet[HEADER..];
        if first & 0x20 != 0 {
            let padding = usize::from(*body.last()?);
            body = body.get(..body.len().checked_sub(padding)?)?;
        }
        Some(Packet {
            kind,
            count: first & 0x1f,
            body,
            length,
        })
    })
}

impl<'a> Packet<'a> {
    fn parts(self) -> Parts<'a> {
        match self.kind {
            SENDER_REPORT => Parts {
                one: Some(Part::Foreign),
                ..Parts::blocks(self.body.get(24..), self.count)
            },
            RECEIVER_REPORT => Parts::blocks(self.body.get(4..), self.count),
            TRANSPORT_FEEDBACK => Parts::one(self.transport_feedback()),
            PAYLOAD_FEEDBACK if self.count == 4 => Parts {
                requests: self.body.get(8..).unwrap_or_default(),
                ..Parts::default()
            },
            PAYLOAD_FEEDBACK => Parts::one(self.payload_feedback()),
            SOURCE_DESCRIPTION => Parts::default(),
            _ => Parts::one(Some(Part::Foreign)),
        }
    }

    fn transport_feedback(self) -> Option<Part<'a>> {
        match self.count {
            1 => Some(Part::Nack {
                ssrc: word(self.body, 4)?,
                lost: Lost {
                    entries: self.body.get(8..)?,
                    first: 0,
                    following: 0,
                    is_first_told: true,
                },
            }),
            15 => Feedback::read(self.body).map(Part::Feedback),
            _ => None,
        }
    }

    fn payload_feedback(self) -> Option<Part<'a>> {
        match self.count {
            1 => Some(Part::PictureLost {
                ssrc: word(self.body, 4)?,
            }),
            15 => Some(
                remb(self.body).map_or(Part::Foreign, |bitrate_bps| Part::Remb { bitrate_bps }),
            ),
            _ => None,
        }
    }
}

/// The parts of one packet, of whichever kind.
#[derive(Default)]
struct Parts<'a> {
    one: Option<Part<'a>>,
    blocks: &'a [u8],
    /// Entries of full intra requests (RFC 5104 §4.3.1.1).
    requests: &'a [u8],
}

impl<'a> Parts<'a> {
    fn one(one: Option<Part<'a>>) -> Self {
        Self {
            one,
            ..Self::default()
        }
    }

    fn blocks(bytes: Option<&'a [u8]>, count: u8) -> Self {
        let bytes = bytes.unwrap_or_default();
        let length = bytes.len().min(BLOCK * usize::from(count));
        Self {
            blocks: &bytes[..length],
            ..Self::default()
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if let Some(one) = self.one.take() {
            return Some(one);
        }
        if let Some((block, rest)) = self.blocks.split_first_chunk::<BLOCK>() {
            self.blocks = rest;
            return block_of(block).map(Part::Block);
        }
        let (entry, rest) = self.requests.split_first_chunk::<8>()?;
        self.requests = rest;
        Some(Part::PictureLost {
            ssrc: word(entry, 0)?,
        })
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

fn block_of(bytes: &[u8; BLOCK]) -> Option<ReportBlock> {
    let lost = word(bytes, 4)?;
    Some(ReportBlock {
        ssrc: word(bytes, 0)?,
        fraction_lost: (lost >> 24) as u8,
        // 24 bits with a sign.
        cumulative_lost: (lost << 8) as i32 >> 8,
        highest_sequence: word(bytes, 8)?,
        jitter: word(bytes, 12)?,
        last_sender_report: word(bytes, 16)?,
        delay_since: word(bytes, 20)?,
    })
}

fn remb(body: &[u8]) -> Option<u64> {
    if body.get(8..12)? != b"REMB" {
        return None;
    }
    let rate = word(body, 12)? & 0x00ff_ffff;
    let (exponent, mantissa) = (rate >> 18, u64::from(rate & 0x3_ffff));
    Some(if mantissa.leading_zeros() < exponent {
        u64::MAX
    } else {
        mantissa << exponent
    })
}

/// The 16-bit numbers of packets that are missing.
#[derive(Clone, Debug)]
pub(crate) struct Lost<'a> {
    entries: &'a [u8],
    first: u16,
    /// Bit `n`: the one `n + 1` after the first is missing, too.
    following: u16,
    is_first_told: bool,
}

impl Iterator for Lost<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.is_first_told && self.following == 0 {
            let (&[a, b, c, d], rest) = self.entries.split_first_chunk::<4>()?;
            self.entries = rest;
            self.first = u16::from_be_bytes([a, b]);
            self.following = u16::from_be_bytes([c, d]);
            self.is_first_told = false;
        }
        if !self.is_first_told {
            self.is_first_told = true;
            return Some(self.first);
        }
        let after = self.following.trailing_zeros() as u16;
        self.following &= self.following - 1;
        Some(self.first.wrapping_add(after + 1))
    }
}

/// When packets arrived, by their transport-wide numbers
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feedback<'a> {
    /// The number of the first packet told about.
    pub(crate) base: u16,
    /// On the receiver's clock, in units of 64 ms, 24 bits with a sign.
    pub(crate) reference_time: i32,
    count: u16,
    chunks: &'a [u8],
}

impl<'a> Feedback<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        Some(Self {
            base: half(body, 8)?,
            count: half(body, 10)?,
            reference_time: word(body, 12)? as i32 >> 8,
            chunks: body.get(16..)?,
        })
    }

    /// The packets told about, by number; the instants of arrival are µs on the receiver's clock.
    /// Ends where the report does, whatever it promised.
    pub(crate) fn packets(&self) -> impl Iterator<Item = (u16, Option<i64>)> + use<'a> {
        let deltas = self.chunks.get(self.deltas_at()..).unwrap_or_default();
        Packets {
            next: self.base,
            left: self.count,
            chunks: self.chunks,
            chunk: Chunk::default(),
            deltas,
            arrived_us: i64::from(self.reference_time) * 64_000,
        }
    }

    /// Where the deltas begin: after as many chunks as tell of all packets.
    fn deltas_at(&self) -> usize {
        let mut told = 0;
        let mut at = 0;
        while told < usize::from(self.count)
            && let Some(chunk) = half(self.chunks, at)
        {
            told += usize::from(Chunk::read(chunk).left);
            at += 2;
        }
        at
    }
}

/// What one chunk says of the packets that it tells of (§3.1.3, §3.1.4).
#[derive(Clone, Copy, Debug, Default)]
struct Chunk {
    /// Run length: the symbol of all. Vector: symbols, the next one in the highest bits.
    symbols: u16,
    /// Bits of a symbol in a vector; 0 in a run.
    width: u16,
    left: u16,
}

impl Chunk {
    fn read(chunk: u16) -> Self {
        match chunk >> 14 {
            0b10 => Self {
                symbols: chunk << 2,
                width: 1,
                left: 14,
            },
            0b11 => Self {
                symbols: chunk << 2,
                width: 2,
                left: 7,
            },
            _ => Self {
                symbols: chunk >> 13 & 0b11,
                width: 0,
                left: chunk & 0x1fff,
            },
        }
    }

    fn next(&mut self) -> Option<u16> {
        self.left = self.left.checked_sub(1)?;
        if self.width == 0 {
            return Some(self.symbols);
        }
        let symbol = self.symbols >> (16 - self.width);
        self.symbols <<= self.width;
        Some(symbol)
    }
}

struct Packets<'a> {
    next: u16,
    left: u16,
    chunks: &'a [u8],
    chunk: Chunk,
    deltas: &'a [u8],
    arrived_us: i64,
}

impl Iterator for Packets<'_> {
    type Item = (u16, Option<i64>);

    fn next(&mut self) -> Option<Self::Item> {
        const STEP_US: i64 = 250;
        self.left = self.left.checked_sub(1)?;
        let symbol = loop {
            if let Some(symbol) = self.chunk.next() {
                break symbol;
            }
            let (&[high, low], rest) = self.chunks.split_first_chunk::<2>()?;
            self.chunks = rest;
            self.chunk = Chunk::read(u16::from_be_bytes([high, low]));
        };
        // §3.1.1: not received, small delta, large or negative delta. The fourth is reserved, and
        // nobody knows whether a delta belongs to it.
        let steps = match symbol {
            1 => {
                let (&delta, rest) = self.deltas.split_first()?;
                self.deltas = rest;
                Some(i64::from(delta))
            }
            2 => {
                let (&delta, rest) = self.deltas.split_first_chunk::<2>()?;
                self.deltas = rest;
                Some(i64::from(i16::from_be_bytes(delta)))
            }
            0 => None,
            _ => {
                self.left = 0;
                return None;
            }
        };
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        let arrived_us = steps.map(|steps| {
            self.arrived_us += steps * STEP_US;
            self.arrived_us
        });
        Some((number, arrived_us))
    }
}

/// What a sender says of one of its streams (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderReport {
    pub(crate) ssrc: u32,
    /// Seconds since 1900 as 32.32 bits.
    pub(crate) ntp: u64,
    /// The same moment on the stream's RTP clock.
    pub(crate) rtp_time: u32,
    pub(crate) packets: u32,
    pub(crate) octets: u32,
}

/// Writes a sender report without blocks and the sender's name (RFC 3550 §6.1, §6.5.1); of a name
/// longer than 255 bytes the first 255.
pub(crate) fn write_sender_report(report: &SenderReport, cname: &str, into: &mut Vec<u8>) {
    into.extend([0x80, SENDER_REPORT, 0, 6]);
    into.extend(report.ssrc.to_be_bytes());
    into.extend(report.ntp.to_be_bytes());
    into.extend(report.rtp_time.to_be_bytes());
    into.extend(report.packets.to_be_bytes());
    into.extend(report.octets.to_be_bytes());
    let name = &cname.as_bytes()[..cname.len().min(255)];
    // RFC 3550 §6.5: the list of items ends with at least one zero, and at a word.
    let items = (2 + name.len() + 1).next_multiple_of(4);
    into.extend([0x81, SOURCE_DESCRIPTION]);
    into.extend((((4 + items) / 4) as u16).to_be_bytes());
    into.extend(report.ssrc.to_be_bytes());
    let end = into.len() + items;
    into.extend([1, name.len() as u8]);
    into.extend(name);
    into.resize(end, 0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A packet of `kind` with `count` and a body of whole words.
    fn packet(kind: u8, count: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x80 | count, kind];
        bytes.extend(((body.len() / 4) as u16).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    const BLOCK_WORDS: [u32; 6] = [7, 0x40ff_fffe, 70_000, 33, 44, 55];

    #[test]
    fn a_report_block_is_read_from_both_kinds_of_reports() {
        let expected = ReportBlock {
            ssrc: 7,
            fraction_lost: 0x40,
            cumulative_lost: -2,
            highest_sequence: 70_000,
            jitter: 33,
            last_sender_report: 44,
            delay_since: 55,
        };
        let receiver = packet(201, 1, &words(&[&[1][..], &BLOCK_WORDS].concat()));
        let found: Vec<_> = parts(&receiver).collect();
        assert!(matches!(found[..], [Part::Block(block)] if block == expected));
        assert!(is_about_received(&receiver));
        let sender = packet(
            200,
            1,
            &words(&[&[1, 2, 3, 4, 5, 6][..], &BLOCK_WORDS].concat()),
        );
        let found: Vec<_> = parts(&sender).collect();
        assert!(matches!(found[..], [Part::Foreign, Part::Block(block)] if block == expected));
        assert!(!is_about_received(&sender));
    }

    #[test]
    fn missing_packets_are_told_in_order() {
        let nack = packet(205, 1, &words(&[1, 9, 0xffff_8005, 0x0010_0000]));
        let Some(Part::Nack { ssrc, lost }) = parts(&nack).next() else {
            panic!("a NACK");
        };
        assert_eq!(ssrc, 9);
        assert_eq!(lost.collect::<Vec<_>>(), [0xffff, 0, 2, 15, 16]);
    }

    #[test]
    fn a_lost_picture_is_told_by_either_message() {
        let mut compound = packet(206, 1, &words(&[1, 5]));
        compound.extend(packet(
            206,
            4,
            &words(&[1, 0, 6, 0x0100_0000, 7, 0x0200_0000]),
        ));
        let told: Vec<_> = parts(&compound)
            .map(|part| match part {
                Part::PictureLost { ssrc } => ssrc,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [5, 6, 7]);
        assert!(is_about_received(&compound));
    }

    #[test]
    fn a_rate_is_read_also_one_too_large() {
        let named = u32::from_be_bytes(*b"REMB");
        let rate = |exponent: u32, mantissa: u32| {
            let remb = packet(
                206,
                15,
                &words(&[1, 0, named, 1 << 24 | exponent << 18 | mantissa]),
            );
            assert!(is_about_received(&remb));
            match parts(&remb).next() {
                Some(Part::Remb { bitrate_bps }) => bitrate_bps,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(rate(3, 100_000), 800_000);
        assert_eq!(rate(63, 0x3_ffff), u64::MAX);
        assert_eq!(rate(63, 0), 0);
        let other = packet(206, 15, &words(&[1, 0, 0, 0]));
        assert!(!is_about_received(&other));
    }

    #[test]
    fn arrivals_are_read_from_runs_and_vectors() {
        // 2 small, 3 lost (run); 1 large, 1 lost, 1 small (two-bit vector).
        let mut body = words(&[1, 2]);
        body.extend(10u16.to_be_bytes());
        body.extend(8u16.to_be_bytes());
        body.extend([0xff, 0xff, 0xff, 1]);
        body.extend((0x2000u16 | 2).to_be_bytes());
        body.extend(3u16.to_be_bytes());
        body.extend((0xc000u16 | 0b10 << 12 | 0b01 << 8).to_be_bytes());
        body.extend([4, 8]);
        body.extend((-2i16).to_be_bytes());
        body.extend([1]);
        body.resize(body.len().next_multiple_of(4), 0);
        let report = packet(205, 15, &body);
        let Some(Part::Feedback(feedback)) = parts(&report).next() else {
            panic!("feedback");
        };
        assert_eq!((feedback.base, feedback.reference_time), (10, -1));
        let told: Vec<_> = feedback.packets().collect();
        let expected = [
            (10, Some(-64_000 + 1_000)),
            (11, Some(-64_000 + 3_000)),
            (12, None),
            (13, None),
            (14, None),
            (15, Some(-64_000 + 2_500)),
            (16, None),
            (17, Some(-64_000 + 2_750)),
        ];
        assert_eq!(told, expected);
        assert!(is_about_received(&report));
    }

    #[test]
    fn a_report_cut_short_says_less_and_nothing_wrong() {
        let mut body = words(&[1, 2]);
        body.extend(5u16.to_be_bytes());
        body.extend(20u16.to_be_bytes());
        body.extend([0, 0, 1, 1]);
        body.extend((0x2000u16 | 20).to_be_bytes());
        body.extend([4; 20]);
        body.extend([0, 0]);
        for words in 4..=body.len() / 4 {
            let report = packet(205, 15, &body[..4 * words]);
            for part in parts(&report) {
                let Part::Feedback(feedback) = part else {
                    panic!("{part:?}");
                };
                for (at, (number, arrived)) in feedback.packets().enumerate() {
                    assert_eq!(number, 5 + at as u16);
                    assert_eq!(arrived, Some(64_000 + 1_000 * (at as i64 + 1)));
                }
            }
        }
    }

    #[test]
    fn goodbyes_extensions_and_what_is_unknown_are_for_others() {
        for kind in [203, 204, 207, 250] {
            let bytes = packet(kind, 1, &words(&[1]));
            assert!(matches!(parts(&bytes).next(), Some(Part::Foreign)));
            assert!(!is_about_received(&bytes));
        }
    }

    #[test]
    fn padding_is_left_out_and_nonsense_ends_the_compound() {
        let mut padded = packet(205, 1, &words(&[1, 9, 0x0001_0000, 4]));
        padded[0] |= 0x20;
        let Some(Part::Nack { lost, .. }) = parts(&padded).next() else {
            panic!("a NACK");
        };
        assert_eq!(lost.collect::<Vec<_>>(), [1]);
        *padded.last_mut().unwrap() = 200;
        assert_eq!(parts(&padded).count(), 0);
        let mut wrong = packet(201, 0, &words(&[1]));
        wrong.extend([0x00, 205, 0, 0]);
        assert_eq!(parts(&wrong).count(), 0);
        assert!(!is_about_received(&wrong));
        assert!(!is_about_received(&[]));
    }

    #[test]
    fn our_report_is_a_compound_of_whole_words() {
        let report = SenderReport {
            ssrc: 7,
            ntp: 0x0102_0304_0506_0708,
            rtp_time: 9,
            packets: 10,
            octets: 11,
        };
        for cname in ["", "a", "moot", "a name of thirteen"] {
            let mut bytes = Vec::new();
            write_sender_report(&report, cname, &mut bytes);
            let kinds: Vec<_> = packets(&bytes).map(|packet| packet.kind).collect();
            assert_eq!(kinds, [SENDER_REPORT, SOURCE_DESCRIPTION]);
            let total: usize = packets(&bytes)
                .map(|packet| HEADER + packet.body.len())
                .sum();
            assert_eq!(total, bytes.len());
            let name = packets(&bytes).nth(1).unwrap().body;
            assert_eq!(&name[6..6 + usize::from(name[5])], cname.as_bytes());
            assert_eq!(*name.last().unwrap(), 0);
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_reading_it_ends(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            kind in 199u8..208,
            count in 0u8..32,
        ) {
            let mut bytes = bytes;
            bytes.truncate(bytes.len() / 4 * 4);
            let compound = [packet(kind, count, &bytes), bytes].concat();
            let mut told = 0;
            for part in parts(&compound) {
                told += match part {
                    Part::Nack { lost, .. } => lost.count(),
                    Part::Feedback(feedback) => feedback.packets().count(),
                    _ => 1,
                };
            }
            prop_assert!(told <= 65_536 * 40);
            is_about_received(&compound);
        }
    }
}
