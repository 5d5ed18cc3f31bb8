//! Waking a thread, or an event loop, through a descriptor.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A descriptor that is readable from [`Wake::set`] until [`Wake::clear`] (eventfd(2)).
#[derive(Debug)]
pub(crate) struct Wake(OwnedFd);

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: eventfd takes no pointers; the descriptor it returns is ours alone.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: fd is open and owned by nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Makes the descriptor readable. It cannot fail in a way that matters: a counter that is full
    /// is readable already.
    pub(crate) fn set(&self) {
        let one = 1u64;
        // SAFETY: the buffer is 8 bytes, as eventfd(2) asks, and lives through the call.
        unsafe { libc::write(self.fd(), (&raw const one).cast(), 8) };
    }

    /// Makes the descriptor unreadable.
    pub(crate) fn clear(&self) {
        let mut count = 0u64;
        // SAFETY: the buffer is 8 bytes, as eventfd(2) asks, and lives through the call.
        unsafe { libc::read(self.fd(), (&raw mut count).cast(), 8) };
    }
}
