//! What becomes of each packet of one publication for one subscription.

use std::time::Instant;

use crate::codec::{Codec, Layering};
use crate::ids::{Layer, RtpTime, SeqNo, SpatialLayer};
use crate::packet::Packet;
use crate::rewriter::{Origin, Rewriter};
use crate::selector::{Choice, Selector};
use crate::vp8;

/// How a packet leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Extended sequence number, continuous for the subscription.
    pub seq_no: SeqNo,
    /// RTP timestamp, continuous for the subscription.
    pub time: RtpTime,
    /// The marker bit.
    pub is_marked: bool,
    /// Numbers to write into the VP8 descriptor ([`vp8::patch`]); a dependency descriptor of a VP8
    /// packet is best left out, for it would contradict them.
    pub vp8: Option<vp8::Ids>,
    /// Frame number to write into the dependency descriptor
    /// ([`crate::dependency::patch_frame_number`]).
    pub frame_number: Option<u16>,
    /// It is the first after a switch of encoding or a pause.
    pub is_begin: bool,
}

/// The fate of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not sent.
    Drop,
    /// It is sent.
    Forward(Forwarded),
}

/// Forwards one publication to one subscription: a [`Selector`] and a [`Rewriter`].
#[derive(Clone, Debug)]
pub struct Forwarder {
    selector: Selector,
    rewriter: Rewriter,
}

impl Forwarder {
    /// Makes a forwarder. Audio flows at once; video after [`set_target`](Self::set_target), from
    /// the next keyframe on.
    pub fn new(codec: Codec, layering: Layering, origin: Origin) -> Self {
        let selector = if codec.is_audio() {
            Selector::audio()
        } else {
            Selector::video(layering)
        };
        Self {
            selector,
            rewriter: Rewriter::new(origin, codec.clock_rate_hz()),
        }
    }

    /// Says what to aim at; `None` pauses at once.
    pub fn set_target(&mut self, target: Option<Layer>) {
        self.selector.set_target(target);
    }

    /// Withholds everything while `is_muted`, at once and whatever the target is.
    pub fn set_muted(&mut self, is_muted: bool) {
        self.selector.set_muted(is_muted);
    }

    /// Returns what is aimed at.
    pub fn target(&self) -> Option<Layer> {
        self.selector.target()
    }

    /// Returns the layer that is given now.
    pub fn current(&self) -> Option<Layer> {
        self.selector.current()
    }

    /// Returns what a subscription aims at that has met no packet yet, and so may begin with what
    /// came before; `None` for every other.
    pub fn begins(&self) -> Option<Layer> {
        self.selector.begins()
    }

    /// Returns the encoding whose keyframe this subscription waits for, if it waits.
    pub fn wanted_keyframe(&self) -> Option<SpatialLayer> {
        self.selector.wanted_keyframe()
    }

    /// Decides about one packet of the publication, of whichever encoding, in order of arrival.
    pub fn handle_packet(&mut self, packet: &Packet, now: Instant) -> Verdict {
        let mut is_begin = false;
        let (is_marked, rewritten) = match self.selector.choose(packet) {
            Choice::Withhold => return Verdict::Drop,
            Choice::Skip => {
                self.rewriter.skip(packet);
                return Verdict::Drop;
            }
            // A late packet of the encoding before the switch may still have a place.
            Choice::Other => (packet.header.is_marked, self.rewriter.forward_late(packet)),
            Choice::Begin { is_marked } => {
                is_begin = true;
                self.rewriter.begin(packet, now);
                (is_marked, self.rewriter.forward(packet, now))
            }
            Choice::Forward { is_marked } => (is_marked, self.rewriter.forward(packet, now)),
        };
        match rewritten {
            Some(rewritten) => Verdict::Forward(Forwarded {
                seq_no: rewritten.seq_no,
                time: rewritten.time,
                is_marked,
                vp8: rewritten.vp8,
                frame_number: rewritten.frame_number,
                is_begin,
            }),
            None => Verdict::Drop,
        }
    }
}
