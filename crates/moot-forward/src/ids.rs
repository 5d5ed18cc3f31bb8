//! The numbers of RTP and of layers, as types that cannot be mixed up.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use crate::layer::{MAX_SPATIAL_LAYERS, MAX_TEMPORAL_LAYERS};

/// A synchronisation source (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ssrc(pub u32);

/// A sequence number extended over its roll-overs (RFC 3711 §3.3.1); the low 16 bits travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeqNo(pub u64);

impl SeqNo {
    /// Returns the 16 bits that travel in the RTP header.
    pub fn wire(self) -> u16 {
        self.0 as u16
    }
}

/// An RTP timestamp as on the wire, in units of the codec's clock; wraps at 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RtpTime(pub u32);

impl RtpTime {
    /// Returns whether this instant is after `other`, each taken as within 2³¹ units of the other.
    pub fn is_after(self, other: RtpTime) -> bool {
        self.since(other) > 0
    }

    /// Returns the signed distance from `other` to this instant in clock units.
    pub fn since(self, other: RtpTime) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }

    /// Returns the instant `units` later (earlier where negative).
    pub fn shifted(self, units: i64) -> RtpTime {
        RtpTime(self.0.wrapping_add(units as u32))
    }
}

/// A spatial layer: the place of a simulcast encoding or of an SVC layer, 0 the smallest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpatialLayer(pub u8);

/// A temporal layer: 0 is the base rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TemporalLayer(pub u8);

/// A spatial and a temporal layer: everything up to both is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Layer {
    /// Size.
    pub spatial: SpatialLayer,
    /// Rate.
    pub temporal: TemporalLayer,
}

impl Layer {
    /// Names a layer by its two numbers.
    pub fn new(spatial: u8, temporal: u8) -> Self {
        Self {
            spatial: SpatialLayer(spatial),
            temporal: TemporalLayer(temporal),
        }
    }

    /// Returns this layer, or the highest there is where a number is beyond it.
    pub fn within_bounds(self) -> Self {
        Self::new(
            self.spatial.0.min(MAX_SPATIAL_LAYERS as u8 - 1),
            self.temporal.0.min(MAX_TEMPORAL_LAYERS as u8 - 1),
        )
    }
}

/// Bits per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bitrate(pub u64);

impl Bitrate {
    /// Nothing at all.
    pub const ZERO: Bitrate = Bitrate(0);

    /// Makes a bitrate of kilobits (1,000 bits) per second.
    pub const fn kbps(kbps: u64) -> Self {
        Self(kbps * 1_000)
    }

    /// Returns what is left after `other`, or zero.
    pub fn saturating_sub(self, other: Bitrate) -> Bitrate {
        Bitrate(self.0.saturating_sub(other.0))
    }

    /// Returns this bitrate times `percent` / 100.
    pub fn percent(self, percent: u64) -> Bitrate {
        Bitrate(self.0.saturating_mul(percent) / 100)
    }
}

impl Add for Bitrate {
    type Output = Bitrate;
    fn add(self, other: Bitrate) -> Bitrate {
        Bitrate(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bitrate {
    fn add_assign(&mut self, other: Bitrate) {
        *self = *self + other;
    }
}

impl Sub for Bitrate {
    type Output = Bitrate;
    fn sub(self, other: Bitrate) -> Bitrate {
        self.saturating_sub(other)
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bit/s", self.0)
    }
}
