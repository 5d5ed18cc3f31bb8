//! The RTP header of what leaves (RFC 3550 §5.1), with its extensions (RFC 8285).

/// Longest header that is written, bytes: fixed part, extensions in the two-byte form, padding.
pub(crate) const MAX_HEADER: usize = 12 + 4 + 4 * (2 + MAX_ELEMENT);

/// Longest value of an extension, bytes (RFC 8285 §4.3).
const MAX_ELEMENT: usize = 255;

/// Longest value of an extension in the one-byte form (RFC 8285 §4.2).
const MAX_SHORT_ELEMENT: usize = 16;

/// Largest id of the one-byte form; 15 is reserved (RFC 8285 §4.2).
const MAX_SHORT_ID: u8 = 14;

/// Under which numbers a subscriber knows the header extensions of a section (RFC 8285 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtensionIds {
    /// The section's name (RFC 9143 §15).
    pub mid: Option<u8>,
    /// Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).
    pub transport_sequence: Option<u8>,
    /// The moment of sending (draft-alvestrand-rmcat-remb-03 §4), for who has no transport-wide
    /// sequence numbers.
    pub absolute_send_time: Option<u8>,
    /// Loudness (RFC 6464).
    pub audio_level: Option<u8>,
    /// Rotation of the picture (3GPP TS 26.114 §7.4.5).
    pub orientation: Option<u8>,
    /// Dependency descriptor (AV1 RTP specification, appendix A).
    pub descriptor: Option<u8>,
}

/// The values of one packet's extensions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extensions<'a> {
    pub(crate) mid: Option<&'a [u8]>,
    pub(crate) transport_sequence: Option<u16>,
    /// Seconds as 6.18 bits, fixed point.
    pub(crate) absolute_send_time: Option<u32>,
    pub(crate) audio_level: Option<u8>,
    pub(crate) orientation: Option<u8>,
    pub(crate) descriptor: Option<&'a [u8]>,
    pub(crate) frame_number: Option<u16>,
}

/// The fixed part of a header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixed {
    pub(crate) payload_type: u8,
    pub(crate) is_marked: bool,
    pub(crate) has_padding: bool,
    pub(crate) sequence: u16,
    pub(crate) time: u32,
    pub(crate) ssrc: u32,
}

/// A header being written.
pub(crate) struct Header {
    bytes: [u8; MAX_HEADER],
    length: usize,
}

impl Header {
    /// Room for one; written over by each [`Header::write`].
    pub(crate) fn new() -> Self {
        Self {
            bytes: [0; MAX_HEADER],
            length: 0,
        }
    }

    /// The bytes of the last header written.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Writes a header. Extensions without an id at the subscriber are left out, and so are values
    /// that no extension can hold.
    pub(crate) fn write(&mut self, fixed: &Fixed, ids: &ExtensionIds, values: &Extensions<'_>) {
        self.bytes[1] = fixed.payload_type & 0x7f | u8::from(fixed.is_marked) << 7;
        self.bytes[2..4].copy_from_slice(&fixed.sequence.to_be_bytes());
        self.bytes[4..8].copy_from_slice(&fixed.time.to_be_bytes());
        self.bytes[8..12].copy_from_slice(&fixed.ssrc.to_be_bytes());
        self.length = 16;
        let is_long = needs_long_form(ids, values);
        if let (Some(id), Some(number)) = (ids.transport_sequence, values.transport_sequence) {
            self.push(is_long, id, &number.to_be_bytes());
        }
        if let (Some(id), Some(time)) = (ids.absolute_send_time, values.absolute_send_time) {
            self.push(is_long, id, &time.to_be_bytes()[1..]);
        }
        if let (Some(id), Some(level)) = (ids.audio_level, values.audio_level) {
            self.push(is_long, id, &[level]);
        }
        if let (Some(id), Some(orientation)) = (ids.orientation, values.orientation) {
            self.push(is_long, id, &[orientation]);
        }
        if let (Some(id), Some(mid)) = (ids.mid, values.mid) {
            self.push(is_long, id, mid);
        }
        if let (Some(id), Some(descriptor)) = (ids.descriptor, values.descriptor) {
            let at = self.length + if is_long { 2 } else { 1 };
            self.push(is_long, id, descriptor);
            if let Some(number) = values.frame_number
                && let Some(written) = self.bytes.get_mut(at..self.length)
            {
                moot_forward::dependency::patch_frame_number(written, number);
            }
        }
        let has_extension = self.length > 16;
        self.bytes[0] = 0x80 | u8::from(fixed.has_padding) << 5 | u8::from(has_extension) << 4;
        if !has_extension {
            self.length = 12;
            return;
        }
        let padded = self.length.next_multiple_of(4);
        self.bytes[self.length..padded].fill(0);
        self.length = padded;
        // RFC 8285 §4.2 and §4.3: the profile tells the form.
        let profile: u16 = if is_long { 0x1000 } else { 0xbede };
        self.bytes[12..14].copy_from_slice(&profile.to_be_bytes());
        self.bytes[14..16].copy_from_slice(&((padded - 16) as u16 / 4).to_be_bytes());
    }

    fn push(&mut self, is_long: bool, id: u8, value: &[u8]) {
        let size = value.len();
        let prefix = if is_long { 2 } else { 1 };
        if size == 0 || size > MAX_ELEMENT || self.length + prefix + size > MAX_HEADER - 4 {
            return;
        }
        if is_long {
            self.bytes[self.length] = id;
            self.bytes[self.length + 1] = size as u8;
        } else {
            self.bytes[self.length] = id << 4 | (size - 1) as u8;
        }
        let start = self.length + prefix;
        self.bytes[start..start + size].copy_from_slice(value);
        self.length = start + size;
    }
}

fn needs_long_form(ids: &ExtensionIds, values: &Extensions<'_>) -> bool {
    let is_long = |id: Option<u8>, value: Option<&[u8]>| {
        id.is_some() && value.is_some_and(|value| value.len() > MAX_SHORT_ELEMENT)
    };
    let largest = [
        ids.mid.filter(|_| values.mid.is_some()),
        ids.transport_sequence,
        ids.absolute_send_time,
        ids.audio_level,
        ids.orientation,
        ids.descriptor.filter(|_| values.descriptor.is_some()),
    ]
    .into_iter()
    .flatten()
    .max();
    largest > Some(MAX_SHORT_ID)
        || is_long(ids.mid, values.mid)
        || is_long(ids.descriptor, values.descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: ExtensionIds = ExtensionIds {
        mid: Some(4),
        transport_sequence: Some(3),
        absolute_send_time: None,
        audio_level: Some(1),
        orientation: Some(13),
        descriptor: Some(12),
    };

    const FIXED: Fixed = Fixed {
        payload_type: 96,
        is_marked: true,
        has_padding: false,
        sequence: 0x0102,
        time: 0x0304_0506,
        ssrc: 0x0708_090a,
    };

    fn written(ids: &ExtensionIds, values: &Extensions<'_>) -> Vec<u8> {
        let mut header = Header::new();
        header.write(&FIXED, ids, values);
        header.bytes().to_vec()
    }

    #[test]
    fn a_header_without_extensions_is_twelve_bytes() {
        let bytes = written(&ExtensionIds::default(), &Extensions::default());
        assert_eq!(bytes, [0x80, 0xe0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn short_values_take_the_one_byte_form_padded_to_words() {
        let values = Extensions {
            mid: Some(b"a1"),
            transport_sequence: Some(0x1122),
            audio_level: Some(0x85),
            ..Extensions::default()
        };
        let bytes = written(&IDS, &values);
        assert_eq!(bytes[0], 0x90);
        assert_eq!(bytes[12..16], [0xbe, 0xde, 0, 2]);
        assert_eq!(
            bytes[16..],
            [0x31, 0x11, 0x22, 0x10, 0x85, 0x41, b'a', b'1']
        );
    }

    #[test]
    fn a_long_descriptor_takes_the_two_byte_form_and_its_own_frame_number() {
        let descriptor = [9; 20];
        let values = Extensions {
            transport_sequence: Some(1),
            descriptor: Some(&descriptor),
            frame_number: Some(0x0a0b),
            ..Extensions::default()
        };
        let bytes = written(&IDS, &values);
        assert_eq!(bytes[12..14], [0x10, 0x00]);
        assert_eq!(bytes[16..20], [3, 2, 0, 1]);
        assert_eq!(bytes[20..26], [12, 20, 9, 0x0a, 0x0b, 9]);
        assert!(bytes.len().is_multiple_of(4));
    }

    #[test]
    fn a_value_that_nothing_can_hold_is_left_out() {
        let descriptor = [1; 256];
        let values = Extensions {
            descriptor: Some(&descriptor),
            ..Extensions::default()
        };
        assert_eq!(written(&IDS, &values).len(), 12);
        let all = [1; 255];
        let values = Extensions {
            mid: Some(&all),
            descriptor: Some(&all),
            transport_sequence: Some(1),
            absolute_send_time: Some(2),
            audio_level: Some(1),
            orientation: Some(1),
            frame_number: Some(1),
        };
        assert!(written(&IDS, &values).len() <= MAX_HEADER);
    }
}
