//! Codecs and the two ways in which one publication carries several layers.

/// A codec the forwarder can read the headers of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RFC 7587; DTX and in-band FEC pass through untouched.
    Opus,
    /// RFC 2198 redundancy around Opus; passes through untouched.
    Red,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184.
    H264,
    /// The AV1 RTP specification of the Alliance for Open Media.
    Av1,
}

impl Codec {
    /// Returns whether this codec carries audio.
    pub fn is_audio(self) -> bool {
        matches!(self, Codec::Opus | Codec::Red)
    }

    /// Returns the rate of the RTP clock in Hz.
    pub fn clock_rate_hz(self) -> u32 {
        if self.is_audio() { 48_000 } else { 90_000 }
    }
}

/// How the layers of a publication travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layering {
    /// One encoding, or several encodings each with its own SSRC (RFC 8853); every encoding may
    /// have temporal layers.
    Simulcast,
    /// One SSRC with dependent spatial and temporal layers.
    Svc,
}
