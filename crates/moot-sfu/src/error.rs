//! Why a command was refused.

use std::fmt;

/// The kind of a refusal: stable, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No such meeting.
    UnknownMeeting,
    /// No such connection, or not that transport.
    UnknownConnection,
    /// No such track.
    UnknownTrack,
    /// The id is taken.
    AlreadyOpen,
    /// The description cannot be used.
    BadSdp,
    /// Not now: no offer is outstanding, or this side does not offer.
    BadState,
    /// A value is out of range.
    BadValue,
    /// A limit is reached.
    TooMany,
}

impl Code {
    /// The code's name on the seam to Python.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::UnknownMeeting => "unknown_meeting",
            Code::UnknownConnection => "unknown_connection",
            Code::UnknownTrack => "unknown_track",
            Code::AlreadyOpen => "already_open",
            Code::BadSdp => "bad_sdp",
            Code::BadState => "bad_state",
            Code::BadValue => "bad_value",
            Code::TooMany => "too_many",
        }
    }
}

/// A refused command: it changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind.
    pub code: Code,
    /// A sentence for the log, without addresses or names.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(code: Code, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.reason)
    }
}

impl std::error::Error for Refusal {}
