//! A packet on its way to one subscriber.

use std::sync::Arc;

use moot_forward::vp8;

/// What one subscriber is sent: the payload is shared with everybody else's, the numbers are its
/// own.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The subscriber's payload type.
    pub payload_type: u8,
    /// Under which payload type it is sent again (RFC 4588 §8.1); `None` for what is not.
    pub resend_type: Option<u8>,
    /// Extended sequence number. What is above 16 bits is SRTP's roll-over counter (RFC 3711
    /// §3.3.1).
    pub number: u64,
    /// RTP timestamp.
    pub time: u32,
    /// The marker bit.
    pub is_marked: bool,
    /// Decoding can begin here: what came before on the stream is not needed any more.
    pub is_begin: bool,
    /// The payload, as its publisher sent it.
    pub payload: Arc<[u8]>,
    /// Numbers to write over those of a VP8 payload descriptor (RFC 7741 §4.2).
    pub vp8: Option<vp8::Ids>,
    /// The dependency descriptor, as its publisher sent it.
    pub descriptor: Option<Arc<[u8]>>,
    /// The frame number to write into the descriptor.
    pub frame_number: Option<u16>,
    /// The value of the audio level extension (RFC 6464 §3).
    pub audio_level: Option<u8>,
    /// The value of the video orientation extension (3GPP TS 26.114 §7.4.5).
    pub orientation: Option<u8>,
    /// The payload is padding alone (RFC 3550 §5.1).
    pub is_padding: bool,
}

impl Packet {
    /// Makes a packet of padding, which tells a receiver of the stream and nothing else.
    pub fn padding(payload_type: u8, number: u64, time: u32) -> Self {
        Self {
            payload_type,
            resend_type: None,
            number,
            time,
            is_marked: false,
            is_begin: false,
            // The last octet counts the padding, itself included.
            payload: Arc::new([1]),
            vp8: None,
            descriptor: None,
            frame_number: None,
            audio_level: None,
            orientation: None,
            is_padding: true,
        }
    }
}
