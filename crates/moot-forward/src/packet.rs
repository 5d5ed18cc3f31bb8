//! The facts of one received packet that deciding about it needs.

use crate::codec::{Codec, Layering};
use crate::dependency::{FrameDependency, LayerSet};
use crate::ids::{Layer, RtpTime, SeqNo, SpatialLayer, Ssrc, TemporalLayer};
use crate::layer::{MAX_SPATIAL_LAYERS, MAX_TEMPORAL_LAYERS};
use crate::{av1, h264, vp8, vp9};

/// The payload contradicts its codec's packet format; nobody could decode it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedPacket;

/// The moment that a sender report ties to an RTP timestamp (RFC 3550 §6.4.1). The encodings of
/// one publication share the wallclock, so two of these align their timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderClock {
    /// The sender's wallclock, microseconds since any instant common to its encodings.
    pub wallclock_us: u64,
    /// The RTP timestamp at that moment.
    pub time: RtpTime,
}

/// The RTP header of a received packet, and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Source of the encoding, never that of its retransmissions.
    pub ssrc: Ssrc,
    /// Place of the encoding among those of its publication, 0 the smallest; 0 for audio and SVC.
    pub encoding: SpatialLayer,
    /// Extended sequence number.
    pub seq_no: SeqNo,
    /// RTP timestamp.
    pub time: RtpTime,
    /// The marker bit.
    pub is_marked: bool,
    /// The encoding's latest sender report.
    pub clock: Option<SenderClock>,
}

/// To which layers one may go up at a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpSwitch {
    /// None.
    No,
    /// The frame's own temporal layer, for one who is given the one below (VP8's Y bit).
    OwnTemporal,
    /// Every higher temporal layer, for one who is given the frame's (VP9's U bit).
    HigherTemporal,
    /// These, for anyone (a dependency descriptor's indication "switch").
    Layers(LayerSet),
}

/// One received packet, read once and then judged by every subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The RTP header.
    pub header: Header,
    /// The layer of its frame.
    pub layer: Layer,
    /// It carries no media; it was sent to measure the path.
    pub is_padding: bool,
    /// It is the last of its layer frame.
    pub is_frame_end: bool,
    /// It is the first of a keyframe: decoding can begin here.
    pub is_keyframe: bool,
    /// SVC: its layer frame depends on no earlier picture, only on lower layers of its own.
    pub is_intra_picture: bool,
    /// Where one may go up at this frame.
    pub up_switch: UpSwitch,
    /// The numbers in a VP8 descriptor.
    pub vp8: Option<vp8::Ids>,
    /// The frame number in a dependency descriptor.
    pub frame_number: Option<u16>,
}

impl Packet {
    /// Reads what forwarding needs of a packet.
    ///
    /// `dependency` is what the encoding's [`crate::dependency::DependencyReader`] said of its
    /// descriptor, `None` where there is none or it could not be read: an AV1 frame then counts as
    /// of the lowest layer, which forwards too much rather than too little.
    ///
    /// # Errors
    ///
    /// [`MalformedPacket`] where the payload descriptor is truncated or names more layers than
    /// there can be.
    pub fn read(
        codec: Codec,
        layering: Layering,
        header: Header,
        payload: &[u8],
        dependency: Option<&FrameDependency>,
    ) -> Result<Self, MalformedPacket> {
        let mut packet = Packet {
            header,
            layer: Layer {
                spatial: header.encoding,
                temporal: TemporalLayer(0),
            },
            is_padding: payload.is_empty(),
            is_frame_end: header.is_marked,
            is_keyframe: false,
            is_intra_picture: false,
            up_switch: UpSwitch::No,
            vp8: None,
            frame_number: dependency.map(|dependency| dependency.frame_number),
        };
        if packet.is_padding {
            return Ok(packet);
        }
        let mut spatial = 0;
        match codec {
            Codec::Opus | Codec::Red => {}
            Codec::H264 => packet.is_keyframe = h264::is_keyframe(payload),
            Codec::Vp8 => {
                let descriptor = vp8::Descriptor::read(payload).map_err(|_| MalformedPacket)?;
                packet.layer.temporal = TemporalLayer(descriptor.temporal);
                packet.is_keyframe = descriptor.is_keyframe;
                packet.vp8 = Some(descriptor.ids);
                if descriptor.is_layer_sync {
                    packet.up_switch = UpSwitch::OwnTemporal;
                }
            }
            Codec::Vp9 => {
                let descriptor = vp9::Descriptor::read(payload).ok_or(MalformedPacket)?;
                spatial = descriptor.spatial;
                packet.layer.temporal = TemporalLayer(descriptor.temporal);
                packet.is_keyframe = descriptor.is_keyframe();
                packet.is_frame_end = descriptor.is_frame_end;
                packet.is_intra_picture =
                    descriptor.is_frame_start && !descriptor.is_inter_predicted;
                if descriptor.is_switching_up_point {
                    packet.up_switch = UpSwitch::HigherTemporal;
                }
            }
            Codec::Av1 => match dependency {
                Some(dependency) => {
                    spatial = dependency.layer.spatial.0;
                    packet.layer.temporal = dependency.layer.temporal;
                    packet.is_keyframe = dependency.is_keyframe;
                    packet.is_frame_end = dependency.is_frame_end;
                    packet.up_switch = UpSwitch::Layers(match layering {
                        Layering::Simulcast => dependency.switchable.raised(header.encoding.0),
                        Layering::Svc => dependency.switchable,
                    });
                }
                None => {
                    packet.is_keyframe =
                        av1::is_keyframe(payload) && !av1::is_continuation(payload);
                }
            },
        }
        if layering == Layering::Svc {
            packet.layer.spatial = SpatialLayer(spatial);
        }
        let is_within = usize::from(packet.layer.spatial.0) < MAX_SPATIAL_LAYERS
            && usize::from(packet.layer.temporal.0) < MAX_TEMPORAL_LAYERS;
        if is_within {
            Ok(packet)
        } else {
            Err(MalformedPacket)
        }
    }

    /// Returns the layer that one who is given `current` and wants `target` may be given from this
    /// packet's frame on. Never lower than `current`, never higher than `target` where that is
    /// higher.
    pub(crate) fn raised(&self, current: Layer, target: Layer) -> Layer {
        let mut raised = current;
        if self.is_keyframe {
            raised.temporal = target.temporal;
        }
        match self.up_switch {
            UpSwitch::No => {}
            UpSwitch::OwnTemporal => {
                let own = self.layer.temporal;
                if own.0 == current.temporal.0 + 1 && own <= target.temporal {
                    raised.temporal = own;
                }
            }
            UpSwitch::HigherTemporal => {
                if self.layer.temporal <= current.temporal && target.temporal > current.temporal {
                    raised.temporal = target.temporal;
                }
            }
            UpSwitch::Layers(switchable) => {
                for spatial in (current.spatial.0..=target.spatial.0).rev() {
                    let whole = Layer::new(spatial, target.temporal.0);
                    let wider = Layer::new(spatial, current.temporal.0);
                    if target.temporal >= current.temporal && switchable.contains(whole) {
                        return whole;
                    }
                    if spatial > current.spatial.0 && switchable.contains(wider) {
                        return wider;
                    }
                }
            }
        }
        let is_next = self.layer.spatial.0 == current.spatial.0 + 1;
        if self.is_intra_picture && is_next && self.layer.spatial <= target.spatial {
            raised.spatial = self.layer.spatial;
        }
        raised
    }
}
