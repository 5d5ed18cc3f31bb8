//! The names that the control plane gives to things, and the keys the core uses for them inside.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Longest id, bytes.
pub const MAX_ID_LENGTH: usize = 128;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the id as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns whether the length is within 1 to [`MAX_ID_LENGTH`] bytes.
            pub fn is_valid(&self) -> bool {
                (1..=MAX_ID_LENGTH).contains(&self.0.len())
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A meeting, as the control plane calls it.
    MeetingId
}
id! {
    /// One connection: a browser tab or a program in a meeting.
    ConnectionId
}
id! {
    /// One track: the flow of one source.
    TrackId
}

/// Number that a command carries and that its events repeat; 0 asks for no answer where there is
/// a choice.
pub type RequestId = u32;
