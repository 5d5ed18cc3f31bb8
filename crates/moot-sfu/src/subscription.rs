//! A connection's receipt of one track.

use moot_forward::{Codec, Forwarder, Layer, Origin, RtpTime, Withheld};
use moot_send::Packet;
use str0m::format::PayloadParams;
use str0m::media::Pt;
use str0m::rtp::Ssrc;

use crate::arena::Key;
use crate::command::Wish;
use crate::track::{TakenCodec, Track};

/// How packets leave on one stream: under which payload types, with which numbers.
pub(crate) struct Sender {
    /// Which taking of a codec of the track this was made for.
    pub(crate) epoch: u32,
    pub(crate) forwarder: Forwarder,
    /// Where the forwarder's numbers begin.
    origin: Origin,
    /// Added to the forwarder's sequence numbers: where its predecessor on the stream left off.
    base_seq_no: u64,
    /// The next sequence number after all that have left.
    next_seq_no: u64,
    /// The payload types; `None` if the subscriber cannot decode the codec.
    pub(crate) payload_types: Option<PayloadTypes>,
}

/// The payload types of one codec at a subscriber.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PayloadTypes {
    pub(crate) plain: Pt,
    /// What was lost is sent again under this one (RFC 4588 §8.1).
    pub(crate) resent: Option<Pt>,
    /// RED, if its blocks can be passed on as they are (RFC 2198 §3 names payload types inside).
    pub(crate) red: Option<Pt>,
}

impl Sender {
    fn new(taken: &TakenCodec, ssrc: Ssrc, base_seq_no: u64) -> Self {
        // A stream that begins anew starts at an unpredictable place under 32,768, which leaves
        // the SRTP roll-over counter at 0 for as long as the first packets may be lost.
        let ssrc = *ssrc;
        let origin = Origin {
            seq_no: if base_seq_no == 0 {
                (ssrc & 0x7fff) as u16
            } else {
                0
            },
            time: RtpTime(ssrc.rotate_left(13)),
            picture_id: (ssrc >> 16) as u16 & 0x7fff,
        };
        Self {
            epoch: taken.epoch,
            forwarder: Forwarder::new(taken.codec, taken.layering, origin),
            origin,
            base_seq_no,
            next_seq_no: base_seq_no,
            payload_types: None,
        }
    }

    /// The sequence number on the stream for one of the forwarder's.
    pub(crate) fn number(&mut self, forwarded: u64) -> u64 {
        let number = self.base_seq_no + forwarded;
        self.next_seq_no = self.next_seq_no.max(number + 1);
        number
    }

    /// A packet without content, numbered before everything that is to come; only while nothing has
    /// left. `None` if the subscriber cannot decode the codec.
    pub(crate) fn greeting(&mut self) -> Option<Packet> {
        let payload_type = *self.payload_types?.plain;
        let number = self.number(self.origin.seq_no.into());
        self.base_seq_no += 1;
        Some(Packet::padding(payload_type, number, self.origin.time.0))
    }
}

/// A connection's receipt of one track.
pub(crate) struct Subscription {
    pub(crate) track: Key<Track>,
    pub(crate) wish: Wish,
    /// The stream, once a section is agreed on.
    pub(crate) ssrc: Option<Ssrc>,
    pub(crate) sender: Option<Sender>,
    /// What the last allocation gave.
    pub(crate) given: Option<Layer>,
    /// No allocation has been made for it yet.
    pub(crate) is_new: bool,
    pub(crate) withheld: Withheld,
    /// The client was told that it is paused.
    pub(crate) is_told_paused: bool,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    /// Bytes at the last renewal of figures.
    pub(crate) counted_bytes: u64,
    pub(crate) bitrate_bps: u64,
    pub(crate) keyframe_requests: u64,
}

impl Subscription {
    pub(crate) fn new(track: Key<Track>) -> Self {
        Self {
            track,
            wish: Wish::default(),
            ssrc: None,
            sender: None,
            given: None,
            is_new: true,
            withheld: Withheld::Nothing,
            is_told_paused: false,
            packets: 0,
            bytes: 0,
            counted_bytes: 0,
            bitrate_bps: 0,
            keyframe_requests: 0,
        }
    }

    /// Begins to send on a stream, or stops; a new stream starts with new numbers.
    pub(crate) fn set_stream(&mut self, ssrc: Option<Ssrc>) {
        if self.ssrc != ssrc {
            self.ssrc = ssrc;
            self.sender = None;
        }
    }

    /// Returns whether the sender must be made (anew) before a packet of this codec can leave.
    pub(crate) fn is_stale(&self, taken: &TakenCodec) -> bool {
        self.ssrc.is_some()
            && self
                .sender
                .as_ref()
                .is_none_or(|sender| sender.epoch != taken.epoch)
    }

    /// Returns whether the subscriber has no name for the codec that its track comes in.
    pub(crate) fn is_unsupported(&self, taken: &TakenCodec) -> bool {
        self.sender
            .as_ref()
            .is_some_and(|sender| sender.epoch == taken.epoch && sender.payload_types.is_none())
    }

    /// Makes the sender for a codec. `params` is what the subscriber calls it.
    pub(crate) fn renew(&mut self, taken: &TakenCodec, params: Option<PayloadParams>) {
        let Some(ssrc) = self.ssrc else { return };
        let base = self.sender.as_ref().map_or(0, |sender| sender.next_seq_no);
        let mut sender = Sender::new(taken, ssrc, base);
        sender.payload_types = params.map(|params| PayloadTypes {
            plain: params.pt(),
            resent: params.resend(),
            red: params.red().filter(|_| params.pt() == taken.params.pt()),
        });
        self.sender = Some(sender);
        self.aim(taken.codec.is_audio());
    }

    /// Aims at what was allocated, or at nothing while it is not wanted.
    pub(crate) fn aim(&mut self, is_audio: bool) {
        let target = match (self.wish.disabled, is_audio) {
            (true, _) => None,
            (false, true) => Some(Layer::default()),
            (false, false) => self.given,
        };
        if let Some(sender) = &mut self.sender
            && sender.forwarder.target() != target
        {
            sender.forwarder.set_target(target);
        }
    }
}

/// The short name of a codec.
pub(crate) fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Opus => "opus",
        Codec::Red => "red",
        Codec::Vp8 => "vp8",
        Codec::Vp9 => "vp9",
        Codec::H264 => "h264",
        Codec::Av1 => "av1",
    }
}
