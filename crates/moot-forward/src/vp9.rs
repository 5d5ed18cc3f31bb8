//! The VP9 payload descriptor (RFC 9628 §4.2), as far as forwarding needs it.

/// The fields of a VP9 payload descriptor that forwarding needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// SID: the spatial layer, 0 where the descriptor has no layer indices.
    pub spatial: u8,
    /// TID: the temporal layer, 0 where the descriptor has no layer indices.
    pub temporal: u8,
    /// U: from this picture on no higher temporal layer depends on an earlier one of its own.
    pub is_switching_up_point: bool,
    /// P: the layer frame depends on an earlier picture.
    pub is_inter_predicted: bool,
    /// B: the first packet of a layer frame.
    pub is_frame_start: bool,
    /// E: the last packet of a layer frame.
    pub is_frame_end: bool,
}

impl Descriptor {
    /// Reads the descriptor at the start of an RTP payload; `None` where it is truncated.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let flags = *payload.first()?;
        let mut at = 1;
        if flags & 0x80 != 0 {
            at += if *payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        let layers = if flags & 0x20 != 0 {
            *payload.get(at)?
        } else {
            0
        };
        Some(Self {
            spatial: (layers >> 1) & 0x07,
            temporal: layers >> 5,
            is_switching_up_point: layers & 0x10 != 0,
            is_inter_predicted: flags & 0x40 != 0,
            is_frame_start: flags & 0x08 != 0,
            is_frame_end: flags & 0x04 != 0,
        })
    }

    /// Returns whether decoding can begin at this packet: the first of the lowest spatial layer
    /// of a picture that depends on no other.
    pub fn is_keyframe(&self) -> bool {
        !self.is_inter_predicted && self.is_frame_start && self.spatial == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_indices_are_read_behind_a_picture_id_of_either_width() {
        // I L B E; TID 2, U, SID 1
        let long = Descriptor::read(&[0xac, 0x81, 0x23, 0x52, 0x00]).unwrap();
        let short = Descriptor::read(&[0xac, 0x23, 0x52, 0x00]).unwrap();
        assert_eq!(long, short);
        assert_eq!((long.spatial, long.temporal), (1, 2));
        assert!(long.is_switching_up_point && long.is_frame_start && long.is_frame_end);
    }

    #[test]
    fn a_keyframe_begins_at_the_lowest_spatial_layer_only() {
        assert!(Descriptor::read(&[0x08]).unwrap().is_keyframe());
        assert!(!Descriptor::read(&[0x48]).unwrap().is_keyframe());
        assert!(!Descriptor::read(&[0x28, 0x02]).unwrap().is_keyframe());
        assert!(!Descriptor::read(&[0x00]).unwrap().is_keyframe());
    }

    #[test]
    fn a_truncated_descriptor_is_none() {
        assert_eq!(Descriptor::read(&[]), None);
        assert_eq!(Descriptor::read(&[0x80]), None);
        assert_eq!(Descriptor::read(&[0xa0, 0x01]), None);
    }
}
