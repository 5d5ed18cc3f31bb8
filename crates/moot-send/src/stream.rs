//! One stream of a transport: an SSRC, the one under which it is sent again, and its figures.

use std::time::{Duration, Instant};

use crate::header::ExtensionIds;
use crate::history::History;
use crate::packet::Packet;
use crate::rtcp::ReportBlock;

/// How often a sender report is due.
const PICTURE_REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Sound drifts slowly, and there may be many voices.
const SOUND_REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// A timestamp this much before the newest, seconds, is of a stream that began anew, not late.
const JUMP_S: i32 = 10;

/// What was agreed on about a stream.
#[derive(Clone, Debug)]
pub struct StreamSpec {
    /// The source of what is sent first.
    pub ssrc: u32,
    /// The source of what is sent again (RFC 4588 §4); `None` if nothing is.
    pub resend_ssrc: Option<u32>,
    /// The name of its section (RFC 9143).
    pub mid: String,
    /// Common to all streams of an endpoint (RFC 3550 §6.5.1).
    pub cname: String,
    /// Sound is never held back.
    pub is_audio: bool,
    /// The RTP clock, Hz.
    pub clock_rate_hz: u32,
    /// The header extensions of its section.
    pub extensions: ExtensionIds,
    /// A payload type for padding until something was sent.
    pub padding_type: Option<u8>,
}

/// What is known of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StreamFigures {
    /// Packets sent for the first time.
    pub packets: u64,
    /// Their payloads, bytes.
    pub bytes: u64,
    /// Packets sent again because they were asked for.
    pub resent: u64,
    /// Requests to send again, as messages.
    pub nacks: u64,
    /// Packets lost on the way, as the subscriber counts (RFC 3550 §6.4.1), resent ones excluded.
    pub lost: u64,
    /// The share lost in the last report's interval, 0 to 1.
    pub loss: f32,
    /// Variation of arrival times, in units of the RTP clock.
    pub jitter: u32,
}

/// A stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) spec: StreamSpec,
    pub(crate) history: History,
    pub(crate) figures: StreamFigures,
    /// The subscriber has heard of the SSRC, so the section's name need not be repeated (RFC 9143
    /// §9.2: the association is kept).
    pub(crate) is_known: bool,
    pub(crate) is_resend_known: bool,
    /// Extended number of the next packet on the resend SSRC.
    pub(crate) resend_number: u64,
    /// The newest timestamp that was sent, and when its first packet had come.
    pub(crate) clock: Option<(u32, Instant)>,
    pub(crate) padding_type: Option<u8>,
    reported_at: Option<Instant>,
    /// The last report block's highest number and loss.
    heard: Option<(u32, i32)>,
}

impl Stream {
    pub(crate) fn new(spec: StreamSpec) -> Self {
        // Under 32,768 the receiver's roll-over counter begins at 0 even if the first ones are
        // lost (RFC 3711 §3.3.1).
        let resend_number = u64::from(spec.resend_ssrc.unwrap_or(0).rotate_left(7) & 0x7fff);
        Self {
            padding_type: spec.padding_type,
            spec,
            history: History::default(),
            figures: StreamFigures::default(),
            is_known: false,
            is_resend_known: false,
            resend_number,
            clock: None,
            reported_at: None,
            heard: None,
        }
    }

    /// Notes that a packet which came at `came_at` leaves for the first time.
    pub(crate) fn record(&mut self, packet: &Packet, came_at: Instant) {
        self.figures.packets += 1;
        self.figures.bytes += packet.payload.len() as u64;
        // What came late, or waited here, would tell a wrong time.
        let clock_rate = self.spec.clock_rate_hz as i32;
        let is_newest = self.clock.is_none_or(|(newest, _)| {
            let ahead = packet.time.wrapping_sub(newest) as i32;
            ahead > 0 || ahead < -(JUMP_S * clock_rate)
        });
        if is_newest {
            self.clock = Some((packet.time, came_at));
        }
        if packet.resend_type.is_some() {
            self.padding_type = packet.resend_type;
        }
    }

    /// The RTP timestamp of a moment, if a sender report is due then.
    pub(crate) fn report_time(&mut self, now: Instant) -> Option<u32> {
        let interval = if self.spec.is_audio {
            SOUND_REPORT_INTERVAL
        } else {
            PICTURE_REPORT_INTERVAL
        };
        let (time, at) = self.clock?;
        if self
            .reported_at
            .is_some_and(|reported_at| now < reported_at + interval)
        {
            return None;
        }
        self.reported_at = Some(now);
        let since = now.saturating_duration_since(at).as_micros() as u64;
        let units = since * u64::from(self.spec.clock_rate_hz) / 1_000_000;
        Some(time.wrapping_add(units as u32))
    }

    /// Takes a report about this stream; returns how many packets the subscriber expected since
    /// the last one, and how many of them it missed.
    pub(crate) fn take_block(&mut self, block: &ReportBlock) -> (u64, u64) {
        self.is_known = true;
        let before = self
            .heard
            .replace((block.highest_sequence, block.cumulative_lost));
        self.figures.jitter = block.jitter;
        self.figures.loss = f32::from(block.fraction_lost) / 256.0;
        self.figures.lost = u64::try_from(block.cumulative_lost).unwrap_or(0);
        let Some((highest, lost)) = before else {
            return (0, 0);
        };
        let expected = block.highest_sequence.wrapping_sub(highest);
        // A report that came late, or nonsense.
        if expected > u32::from(u16::MAX) {
            return (0, 0);
        }
        let missed = block.cumulative_lost.saturating_sub(lost).max(0) as u64;
        (expected.into(), missed.min(expected.into()))
    }
}
