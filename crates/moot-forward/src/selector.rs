//! Which packets of a publication a subscription is given.

use crate::codec::Layering;
use crate::ids::{Layer, RtpTime, SpatialLayer, Ssrc};
use crate::layer::MAX_SPATIAL_LAYERS;
use crate::packet::Packet;

/// What to do with one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Send it as the first of its source: after a switch of encoding, or after a pause.
    Begin {
        /// Whether it leaves with the marker set.
        is_marked: bool,
    },
    /// Send it.
    Forward {
        /// Whether it leaves with the marker set.
        is_marked: bool,
    },
    /// Of the source that is given, but left out: its numbers close up.
    Skip,
    /// Of another encoding than the one given.
    Other,
    /// Nothing to give: paused, or padding of another encoding.
    Withhold,
}

/// The decision taken with the first packet of a frame, for all its packets.
#[derive(Clone, Copy, Debug)]
struct Frame {
    time: RtpTime,
    is_given: bool,
}

/// The newest packet that has been met of one encoding.
#[derive(Clone, Copy, Debug)]
struct Newest {
    ssrc: Ssrc,
    seq_no: u64,
}

/// Picks the layer of one publication that one subscription is given.
///
/// A simulcast encoding is changed for another, up or down, only on the first packet of a keyframe
/// of the one it goes to (VP8: RFC 7741 §4.3, P bit; H.264: RFC 6184 §5; VP9: RFC 9628 §4.2); until
/// then the old one goes on. On the way to a distant target a nearer encoding's keyframe is taken
/// too. SVC layers go up where the frame says that one may, and down with the next picture; so do
/// temporal layers. Audio is given from any packet on.
///
/// A keyframe whose first packet comes after later ones of the same encoding is not switched to:
/// those are gone.
#[derive(Clone, Debug)]
pub struct Selector {
    layering: Layering,
    is_audio: bool,
    target: Option<Layer>,
    is_muted: bool,
    current: Option<Layer>,
    source: Option<Ssrc>,
    frame: Option<Frame>,
    newest: [Option<Newest>; MAX_SPATIAL_LAYERS],
    /// The source that the publisher replaced by another, whose late packets change nothing.
    retired: Option<Ssrc>,
}

impl Selector {
    /// Makes a selector of an audio publication, which gives everything at once.
    pub fn audio() -> Self {
        Self {
            is_audio: true,
            target: Some(Layer::default()),
            ..Self::video(Layering::Simulcast)
        }
    }

    /// Makes a selector of a video publication, which gives nothing until it has a target.
    pub fn video(layering: Layering) -> Self {
        Self {
            layering,
            is_audio: false,
            target: None,
            is_muted: false,
            current: None,
            source: None,
            frame: None,
            newest: [None; MAX_SPATIAL_LAYERS],
            retired: None,
        }
    }

    /// Says what to aim at; `None` pauses at once. Coming back from a pause takes a keyframe.
    ///
    /// A layer beyond the highest that a codec has ([`MAX_SPATIAL_LAYERS`],
    /// [`MAX_TEMPORAL_LAYERS`](crate::MAX_TEMPORAL_LAYERS)) means the highest.
    pub fn set_target(&mut self, target: Option<Layer>) {
        self.target = target.map(Layer::within_bounds);
        self.withhold_if_paused();
    }

    /// Withholds everything while `is_muted`, at once and whatever the target is.
    pub fn set_muted(&mut self, is_muted: bool) {
        self.is_muted = is_muted;
        self.withhold_if_paused();
    }

    fn withhold_if_paused(&mut self) {
        if self.aim().is_none() {
            self.current = None;
            self.source = None;
            self.frame = None;
        }
    }

    fn aim(&self) -> Option<Layer> {
        self.target.filter(|_| !self.is_muted)
    }

    /// Returns what is aimed at, muted or not.
    pub fn target(&self) -> Option<Layer> {
        self.target
    }

    /// Returns the layer that is given now; `None` before the first keyframe and while paused.
    pub fn current(&self) -> Option<Layer> {
        self.current
    }

    /// Returns what is aimed at before any packet was met; `None` from the first on, and while
    /// nothing is to be given.
    pub fn begins(&self) -> Option<Layer> {
        let has_met = self.current.is_some() || self.newest.iter().any(Option::is_some);
        self.aim().filter(|_| !has_met)
    }

    /// Returns the encoding whose keyframe this subscription waits for, if it waits: for SVC
    /// always 0, the publication's only one.
    pub fn wanted_keyframe(&self) -> Option<SpatialLayer> {
        let target = self.aim().filter(|_| !self.is_audio)?;
        let is_reached = match (self.current, self.layering) {
            (None, _) => false,
            (Some(current), Layering::Simulcast) => current.spatial == target.spatial,
            (Some(current), Layering::Svc) => current.spatial >= target.spatial,
        };
        match self.layering {
            _ if is_reached => None,
            Layering::Simulcast => Some(target.spatial),
            Layering::Svc => Some(SpatialLayer(0)),
        }
    }

    /// Decides about one packet, in the order of arrival.
    pub fn choose(&mut self, packet: &Packet) -> Choice {
        let is_late = self.note_arrival(packet);
        let Some(target) = self.aim() else {
            return Choice::Withhold;
        };
        if packet.is_padding {
            return if self.source == Some(packet.header.ssrc) {
                Choice::Skip
            } else {
                Choice::Withhold
            };
        }
        if self.is_audio {
            return self.choose_audio(packet);
        }
        if packet.is_keyframe && !is_late && self.is_begin(packet, target) {
            let begun = match self.layering {
                Layering::Simulcast => packet.layer.spatial,
                Layering::Svc => SpatialLayer(0),
            };
            self.source = Some(packet.header.ssrc);
            self.current = Some(packet.raised(
                Layer {
                    spatial: begun,
                    temporal: target.temporal,
                },
                self.reachable(begun, target),
            ));
            self.frame = Some(Frame {
                time: packet.header.time,
                is_given: true,
            });
            return Choice::Begin {
                is_marked: self.is_marked(packet),
            };
        }
        if self.source != Some(packet.header.ssrc) {
            return Choice::Other;
        }
        self.choose_frame(packet, target, is_late)
    }

    /// Notes the arrival of a packet; returns whether a later one of its source has come before.
    fn note_arrival(&mut self, packet: &Packet) -> bool {
        let place = usize::from(packet.header.encoding.0);
        let Some(newest) = self.newest.get_mut(place) else {
            return false;
        };
        let header = &packet.header;
        if Some(header.ssrc) == self.retired {
            return true;
        }
        match newest {
            Some(newest) if newest.ssrc == header.ssrc && newest.seq_no > header.seq_no.0 => {
                return true;
            }
            // The publisher has begun anew; what it sends cannot follow what it sent.
            Some(newest) if newest.ssrc != header.ssrc && self.source == Some(newest.ssrc) => {
                self.retired = self.source.take();
                self.current = None;
                self.frame = None;
            }
            _ => {}
        }
        *newest = Some(Newest {
            ssrc: header.ssrc,
            seq_no: header.seq_no.0,
        });
        false
    }

    fn choose_audio(&mut self, packet: &Packet) -> Choice {
        let is_marked = packet.header.is_marked;
        let ssrc = packet.header.ssrc;
        if self.source == Some(ssrc) {
            return Choice::Forward { is_marked };
        }
        if self.retired == Some(ssrc) {
            return Choice::Other;
        }
        self.source = Some(ssrc);
        self.current = Some(Layer::default());
        Choice::Begin { is_marked }
    }

    /// Returns whether to go over to the source of this keyframe.
    fn is_begin(&self, packet: &Packet, target: Layer) -> bool {
        let Some(current) = self.current else {
            return self.layering == Layering::Svc || packet.layer.spatial <= target.spatial;
        };
        if self.source == Some(packet.header.ssrc) {
            return false;
        }
        if self.layering == Layering::Svc {
            return true;
        }
        let (from, to, new) = (current.spatial, target.spatial, packet.layer.spatial);
        new == from || (from < new && new <= to) || (to <= new && new < from)
    }

    /// What may be reached within the source that is given.
    fn reachable(&self, spatial: SpatialLayer, target: Layer) -> Layer {
        match self.layering {
            Layering::Simulcast => Layer { spatial, ..target },
            Layering::Svc => target,
        }
    }

    fn choose_frame(&mut self, packet: &Packet, target: Layer, is_late: bool) -> Choice {
        let Some(mut current) = self.current else {
            return Choice::Other;
        };
        let aim = self.reachable(current.spatial, target);
        let is_same_frame = self
            .frame
            .is_some_and(|frame| frame.time == packet.header.time);
        if !is_late {
            if !is_same_frame {
                current.spatial = current.spatial.min(aim.spatial);
                current.temporal = current.temporal.min(aim.temporal);
            }
            current = packet.raised(current, aim);
            self.current = Some(current);
        }
        let is_given = match self.frame {
            Some(frame) if is_same_frame => frame.is_given,
            _ => packet.layer.temporal <= current.temporal,
        };
        if !is_late && !is_same_frame {
            self.frame = Some(Frame {
                time: packet.header.time,
                is_given,
            });
        }
        if is_given && packet.layer.spatial <= current.spatial {
            Choice::Forward {
                is_marked: self.is_marked(packet),
            }
        } else {
            Choice::Skip
        }
    }

    /// With upper SVC layers left out the marker belongs on the last packet of the highest layer
    /// given (RFC 9628 §4.1).
    fn is_marked(&self, packet: &Packet) -> bool {
        let is_top = self
            .current
            .is_some_and(|current| packet.layer.spatial == current.spatial);
        packet.header.is_marked || (self.layering == Layering::Svc && is_top && packet.is_frame_end)
    }
}
