//! Sources shaped like a camera's and a microphone's.
//!
//! Each packet carries a label that says which frame it is of and which frames that one depends
//! on, so that a receiver can tell whether a real decoder could go on.

use std::sync::Arc;
use std::time::Duration;

/// The first two bytes of a label.
const MAGIC: [u8; 2] = [0x6d, 0x74];
const LABEL_BYTES: usize = 2 + 1 + 4 + 2 + 2 + 8;
/// Bytes of a payload descriptor with a 15-bit picture id, TL0PICIDX, TID and KEYIDX.
const DESCRIPTOR_BYTES: usize = 6;
/// A keyframe is this many times a usual frame, as with an encoder for conversation.
const KEYFRAME_FACTOR: usize = 4;
const NO_FRAME: u32 = u32::MAX;

/// One encoding of a camera.
#[derive(Clone, Copy, Debug)]
pub struct CameraShape {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Bits per second of RTP payload without keyframes.
    pub bitrate_bps: u64,
    /// Frames per second, 1 to 60.
    pub frame_rate: u32,
    /// 1 to 3.
    pub temporal_layers: u8,
    /// Longest RTP payload in bytes; at least 100.
    pub payload_bytes: usize,
}

impl CameraShape {
    /// The three encodings of a 720p camera as browsers send them, 2 Mbit/s the largest.
    pub fn simulcast_720p() -> [CameraShape; 3] {
        let largest = CameraShape::single_720p();
        [
            CameraShape {
                width: 320,
                height: 180,
                bitrate_bps: 150_000,
                ..largest
            },
            CameraShape {
                width: 640,
                height: 360,
                bitrate_bps: 500_000,
                ..largest
            },
            largest,
        ]
    }

    /// One encoding of a 720p camera: 2 Mbit/s, 30 frames per second.
    pub fn single_720p() -> CameraShape {
        CameraShape {
            width: 1280,
            height: 720,
            bitrate_bps: 2_000_000,
            frame_rate: 30,
            temporal_layers: 1,
            payload_bytes: 1042,
        }
    }
}

/// What a packet says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The encoding's place, 0 the smallest.
    pub encoding: u8,
    /// The frame's number in its encoding.
    pub frame: u32,
    /// The packet's place in the frame.
    pub piece: u16,
    /// The frame's packets.
    pub pieces: u16,
    /// The frames this one depends on.
    pub needs: [Option<u32>; 2],
}

fn write_label(label: &Label, out: &mut Vec<u8>) {
    out.extend_from_slice(&MAGIC);
    out.push(label.encoding);
    out.extend_from_slice(&label.frame.to_be_bytes());
    out.extend_from_slice(&label.piece.to_be_bytes());
    out.extend_from_slice(&label.pieces.to_be_bytes());
    for need in label.needs {
        out.extend_from_slice(&need.unwrap_or(NO_FRAME).to_be_bytes());
    }
}

/// Reads the label of a payload whose descriptor takes `descriptor_bytes`; `None` where it has
/// none.
pub fn read_label(payload: &[u8], descriptor_bytes: usize) -> Option<Label> {
    let body = payload.get(descriptor_bytes..)?;
    let header = frame_header_bytes(payload, body)?;
    let label = body.get(header..header + LABEL_BYTES)?;
    if label[..2] != MAGIC {
        return None;
    }
    let word =
        |at: usize| u32::from_be_bytes([label[at], label[at + 1], label[at + 2], label[at + 3]]);
    let half = |at: usize| u16::from_be_bytes([label[at], label[at + 1]]);
    let need = |at: usize| Some(word(at)).filter(|need| *need != NO_FRAME);
    Some(Label {
        encoding: label[2],
        frame: word(3),
        piece: half(7),
        pieces: half(9),
        needs: [need(11), need(15)],
    })
}

/// Bytes of the VP8 frame header at the start of a body (RFC 6386 §9.1), 0 in later packets.
fn frame_header_bytes(payload: &[u8], body: &[u8]) -> Option<usize> {
    let is_first = payload.first()? & 0x10 != 0;
    Some(match (is_first, body.first()? & 1) {
        (false, _) => 0,
        (true, 0) => 10,
        (true, _) => 3,
    })
}

/// A frame in packets.
#[derive(Clone, Debug)]
pub struct Frame {
    /// RTP timestamp.
    pub time: u32,
    /// Whether it depends on no other.
    pub is_keyframe: bool,
    /// RTP payloads; the last goes with the marker bit.
    pub payloads: Vec<Arc<[u8]>>,
}

/// One VP8-shaped encoding.
#[derive(Clone, Debug)]
pub struct Vp8Source {
    place: u8,
    shape: CameraShape,
    first_time: u32,
    frames: u32,
    since_keyframe: u32,
    wants_keyframe: bool,
    picture_id: u16,
    tl0: u8,
    key: u8,
    last_of_layer: [Option<u32>; 3],
}

impl Vp8Source {
    /// Makes a source; `salt` makes its timestamps and picture ids begin elsewhere.
    pub fn new(place: u8, shape: CameraShape, salt: u32) -> Self {
        Self {
            place,
            shape,
            first_time: salt.wrapping_mul(0x9e37_79b9),
            frames: 0,
            since_keyframe: 0,
            wants_keyframe: true,
            picture_id: (salt.wrapping_mul(0x85eb_ca6b) >> 17) as u16,
            tl0: salt as u8,
            key: 0,
            last_of_layer: [None; 3],
        }
    }

    /// Makes the next frame a keyframe.
    pub fn request_keyframe(&mut self) {
        self.wants_keyframe = true;
    }

    /// Returns the time between two frames.
    pub fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.shape.frame_rate
    }

    /// Makes a frame captured at `elapsed` since the start.
    pub fn capture(&mut self, elapsed: Duration) -> Frame {
        let is_keyframe = std::mem::take(&mut self.wants_keyframe);
        if is_keyframe {
            self.since_keyframe = 0;
            self.key = (self.key + 1) & 0x1f;
            self.last_of_layer = [None; 3];
        }
        let temporal = match self.shape.temporal_layers {
            0 | 1 => 0,
            2 => [0, 1][self.since_keyframe as usize % 2],
            _ => [0, 2, 1, 2][self.since_keyframe as usize % 4],
        };
        if temporal == 0 {
            self.tl0 = self.tl0.wrapping_add(1);
        }
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        let base = self.last_of_layer[0];
        let own = self.last_of_layer[temporal].filter(|own| temporal > 0 && base < Some(*own));
        // Every eighth frame of an upper layer, and its first after a base frame, begins it anew.
        let needs = match (temporal, own) {
            _ if is_keyframe => [None, None],
            (0, _) => [base, None],
            (_, Some(own)) if !self.frames.is_multiple_of(8) => [base, Some(own)],
            _ => [base, None],
        };
        let is_sync = temporal > 0 && needs[1].is_none();
        let usual = self.shape.bitrate_bps as usize / 8 / self.shape.frame_rate as usize;
        let size = if is_keyframe {
            usual * KEYFRAME_FACTOR
        } else {
            usual
        };
        let least = DESCRIPTOR_BYTES + 10 + LABEL_BYTES;
        let pieces = size.div_ceil(self.shape.payload_bytes).max(1);
        let each = size.div_ceil(pieces).max(least);
        let payloads = (0..pieces)
            .map(|piece| {
                let mut payload = Vec::with_capacity(each);
                let start = if piece == 0 { 0x10 } else { 0x00 };
                payload.push(0x80 | start);
                payload.push(0xf0);
                payload.push(0x80 | (self.picture_id >> 8) as u8);
                payload.push(self.picture_id as u8);
                payload.push(self.tl0);
                payload.push((temporal as u8) << 6 | u8::from(is_sync) << 5 | self.key);
                if piece == 0 {
                    self.write_frame_header(is_keyframe, &mut payload);
                }
                let label = Label {
                    encoding: self.place,
                    frame: self.frames,
                    piece: piece as u16,
                    pieces: pieces as u16,
                    needs,
                };
                write_label(&label, &mut payload);
                payload.resize(each, 0x5a);
                Arc::from(payload)
            })
            .collect();
        let units = elapsed.as_micros() as u64 * 90 / 1000;
        let time = self.first_time.wrapping_add(units as u32);
        self.last_of_layer[temporal] = Some(self.frames);
        self.frames += 1;
        self.since_keyframe += 1;
        Frame {
            time,
            is_keyframe,
            payloads,
        }
    }

    /// Writes the uncompressed part of a VP8 frame (RFC 6386 §9.1).
    fn write_frame_header(&self, is_keyframe: bool, out: &mut Vec<u8>) {
        if !is_keyframe {
            out.extend_from_slice(&[0x11, 0x02, 0x00]);
            return;
        }
        out.extend_from_slice(&[0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a]);
        out.extend_from_slice(&self.shape.width.to_le_bytes());
        out.extend_from_slice(&self.shape.height.to_le_bytes());
    }
}

/// An Opus-shaped source: 20 ms a packet.
#[derive(Clone, Debug)]
pub struct OpusSource {
    payload: Arc<[u8]>,
    first_time: u32,
}

impl OpusSource {
    /// Makes a source of `bitrate_bps`, at least 8,000; `salt` makes its timestamps begin elsewhere.
    pub fn new(bitrate_bps: u64, salt: u32) -> Self {
        let size = (bitrate_bps / 8 / 50).max(20) as usize;
        let mut payload = vec![0x5a; size];
        // Configuration 11, mono, one frame of 20 ms (RFC 6716 §3.1).
        payload[0] = 0x58;
        Self {
            payload: Arc::from(payload),
            first_time: salt.wrapping_mul(0x9e37_79b9),
        }
    }

    /// Returns the time between two packets.
    pub fn interval(&self) -> Duration {
        Duration::from_millis(20)
    }

    /// Makes the packet captured at `elapsed` since the start.
    pub fn capture(&mut self, elapsed: Duration) -> Frame {
        let units = elapsed.as_micros() as u64 * 48 / 1000;
        Frame {
            time: self.first_time.wrapping_add(units as u32),
            is_keyframe: true,
            payloads: vec![self.payload.clone()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moot_forward::vp8::Descriptor;

    #[test]
    fn a_frame_is_labelled_packet_by_packet_and_has_the_shape_asked_for() {
        let mut source = Vp8Source::new(2, CameraShape::single_720p(), 5);
        let key = source.capture(Duration::ZERO);
        assert!(key.is_keyframe);
        let next = source.capture(source.interval());
        assert_eq!(next.payloads.len(), 8);
        assert_eq!(next.time.wrapping_sub(key.time), 2999);
        for (place, payload) in next.payloads.iter().enumerate() {
            assert_eq!(payload.len(), 1042);
            let descriptor = Descriptor::read(payload).unwrap();
            assert_eq!(descriptor.is_frame_start, place == 0);
            let label = read_label(payload, descriptor.length).unwrap();
            assert_eq!((label.frame, usize::from(label.piece)), (1, place));
            assert_eq!(label.needs, [Some(0), None]);
        }
        let first = Descriptor::read(&key.payloads[0]).unwrap();
        assert!(first.is_keyframe);
        assert_eq!(read_label(&key.payloads[0], 6).unwrap().needs, [None, None]);
    }

    #[test]
    fn upper_temporal_layers_say_when_they_begin_anew() {
        let shape = CameraShape {
            temporal_layers: 3,
            ..CameraShape::single_720p()
        };
        let mut source = Vp8Source::new(0, shape, 0);
        let mut temporals = Vec::new();
        for number in 0..8 {
            let frame = source.capture(source.interval() * number);
            let descriptor = Descriptor::read(&frame.payloads[0]).unwrap();
            let label = read_label(&frame.payloads[0], descriptor.length).unwrap();
            temporals.push(descriptor.temporal);
            assert_eq!(
                descriptor.is_layer_sync,
                descriptor.temporal > 0 && label.needs[1].is_none()
            );
        }
        assert_eq!(temporals, [0, 2, 1, 2, 0, 2, 1, 2]);
    }
}
