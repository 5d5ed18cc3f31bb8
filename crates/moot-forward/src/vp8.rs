//! The VP8 payload descriptor (RFC 7741 §4.2).

/// The fields of a VP8 payload descriptor that forwarding needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The numbers that must stay continuous for the receiver.
    pub ids: Ids,
    /// TID: the temporal layer, 0 where the descriptor has none.
    pub temporal: u8,
    /// Y: the frame depends on no other frame than of temporal layer 0.
    pub is_layer_sync: bool,
    /// S with PID 0: the packet is the first of its frame.
    pub is_frame_start: bool,
    /// The packet is the first of a keyframe (inverse P bit of the payload header, §4.3).
    pub is_keyframe: bool,
    /// Bytes that the descriptor takes.
    pub length: usize,
}

/// The numbers in a VP8 payload descriptor that a switch of layer must keep continuous.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// PictureID.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX, the running number of frames of temporal layer 0.
    pub tl0_pic_idx: Option<u8>,
    /// KEYIDX, 5 bits.
    pub key_idx: Option<u8>,
}

/// A picture id with the width it travels in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureId {
    /// The number, less than 2⁷ or 2¹⁵.
    pub number: u16,
    /// Whether it takes 15 bits (M set) or 7.
    pub is_long: bool,
}

impl PictureId {
    /// Returns the count of distinct ids of this width.
    pub fn modulus(self) -> u16 {
        if self.is_long { 1 << 15 } else { 1 << 7 }
    }
}

/// The payload is too short for the descriptor it announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<u8, Truncated> {
        let byte = *self.bytes.get(self.at).ok_or(Truncated)?;
        self.at += 1;
        Ok(byte)
    }
}

/// Where the optional fields of a descriptor are, in bytes from its start.
#[derive(Clone, Copy, Default)]
struct Places {
    picture_id: usize,
    tl0_pic_idx: usize,
    key_idx: usize,
}

fn read(payload: &[u8]) -> Result<(Descriptor, Places), Truncated> {
    let mut reader = Reader {
        bytes: payload,
        at: 0,
    };
    let mut places = Places::default();
    let mut ids = Ids::default();
    let mut temporal = 0;
    let mut is_layer_sync = false;
    let required = reader.next()?;
    if required & 0x80 != 0 {
        let extension = reader.next()?;
        if extension & 0x80 != 0 {
            places.picture_id = reader.at;
            let first = reader.next()?;
            let is_long = first & 0x80 != 0;
            let high = u16::from(first & 0x7f);
            let number = if is_long {
                high << 8 | u16::from(reader.next()?)
            } else {
                high
            };
            ids.picture_id = Some(PictureId { number, is_long });
        }
        if extension & 0x40 != 0 {
            places.tl0_pic_idx = reader.at;
            ids.tl0_pic_idx = Some(reader.next()?);
        }
        if extension & 0x30 != 0 {
            places.key_idx = reader.at;
            let byte = reader.next()?;
            if extension & 0x20 != 0 {
                temporal = byte >> 6;
                is_layer_sync = byte & 0x20 != 0;
            }
            if extension & 0x10 != 0 {
                ids.key_idx = Some(byte & 0x1f);
            }
        }
    }
    let header = *payload.get(reader.at).ok_or(Truncated)?;
    let is_frame_start = required & 0x10 != 0 && required & 0x07 == 0;
    let descriptor = Descriptor {
        ids,
        temporal,
        is_layer_sync,
        is_frame_start,
        is_keyframe: is_frame_start && header & 0x01 == 0,
        length: reader.at,
    };
    Ok((descriptor, places))
}

impl Descriptor {
    /// Reads the descriptor at the start of an RTP payload.
    ///
    /// # Errors
    ///
    /// [`Truncated`] where the payload ends inside the descriptor or right after it.
    pub fn read(payload: &[u8]) -> Result<Self, Truncated> {
        read(payload).map(|(descriptor, _)| descriptor)
    }
}

/// Writes `ids` over those of the descriptor at the start of `payload`.
///
/// A number that the descriptor does not carry is left out, and each keeps the width it has there,
/// so the payload keeps its length.
///
/// # Errors
///
/// [`Truncated`] as for [`Descriptor::read`]; the payload is then untouched.
pub fn patch(payload: &mut [u8], ids: Ids) -> Result<(), Truncated> {
    let (old, places) = read(payload)?;
    if let (Some(old), Some(new)) = (old.ids.picture_id, ids.picture_id) {
        let number = new.number % old.modulus();
        if old.is_long {
            payload[places.picture_id] = 0x80 | (number >> 8) as u8;
            payload[places.picture_id + 1] = number as u8;
        } else {
            payload[places.picture_id] = number as u8;
        }
    }
    if let (Some(_), Some(new)) = (old.ids.tl0_pic_idx, ids.tl0_pic_idx) {
        payload[places.tl0_pic_idx] = new;
    }
    if let (Some(_), Some(new)) = (old.ids.key_idx, ids.key_idx) {
        let kept = payload[places.key_idx] & 0xe0;
        payload[places.key_idx] = kept | (new & 0x1f);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_descriptor_is_read_field_by_field() {
        // X S | I L T K | M + 15 bits | TL0PICIDX | TID 2, Y, KEYIDX 5 | payload header, P = 0
        let payload = [0x90, 0xf0, 0x92, 0x34, 0x55, 0xa5, 0x00];
        let descriptor = Descriptor::read(&payload).unwrap();
        assert_eq!(
            descriptor,
            Descriptor {
                ids: Ids {
                    picture_id: Some(PictureId {
                        number: 0x1234,
                        is_long: true
                    }),
                    tl0_pic_idx: Some(0x55),
                    key_idx: Some(5),
                },
                temporal: 2,
                is_layer_sync: true,
                is_frame_start: true,
                is_keyframe: true,
                length: 6,
            }
        );
    }

    #[test]
    fn a_continuation_packet_is_no_keyframe_whatever_its_bytes_say() {
        let descriptor = Descriptor::read(&[0x00, 0x00]).unwrap();
        assert!(!descriptor.is_frame_start && !descriptor.is_keyframe);
    }

    #[test]
    fn a_patch_keeps_width_length_and_neighbours() {
        let mut payload = [0x90, 0xf0, 0x42, 0x55, 0xa5, 0x01, 0xaa];
        let ids = Ids {
            picture_id: Some(PictureId {
                number: 0x1fff,
                is_long: true,
            }),
            tl0_pic_idx: Some(9),
            key_idx: Some(31),
        };
        patch(&mut payload, ids).unwrap();
        assert_eq!(payload, [0x90, 0xf0, 0x7f, 9, 0xbf, 0x01, 0xaa]);
    }

    #[test]
    fn every_truncation_is_an_error_and_never_a_panic() {
        let payload = [0x90, 0xf0, 0x92, 0x34, 0x55, 0xa5, 0x00];
        for end in 0..payload.len() {
            assert_eq!(Descriptor::read(&payload[..end]), Err(Truncated), "{end}");
        }
    }
}
