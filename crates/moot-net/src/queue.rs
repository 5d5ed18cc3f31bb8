//! Events on their way up.

use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use moot_sfu::{Event, MeetingId};

use crate::wake::Wake;

/// What an engine tells.
#[derive(Clone, Debug)]
pub enum EngineEvent {
    /// What a shard's SFU tells.
    Sfu(Event),
    /// A media thread has died with its meetings.
    ShardFailed {
        /// Which one.
        shard: usize,
        /// The meetings that are gone.
        meetings: Vec<MeetingId>,
        /// A sentence for the log.
        reason: String,
    },
}

impl EngineEvent {
    fn may_be_dropped(&self) -> bool {
        matches!(self, EngineEvent::Sfu(event) if event.may_be_dropped())
    }
}

/// Events of all shards, behind a descriptor that is readable while there are any.
#[derive(Debug)]
pub(crate) struct EventQueue {
    events: Mutex<VecDeque<EngineEvent>>,
    wake: Wake,
    capacity: usize,
    dropped: AtomicU64,
}

impl EventQueue {
    pub(crate) fn new(capacity: usize) -> io::Result<Self> {
        Ok(Self {
            events: Mutex::new(VecDeque::new()),
            wake: Wake::new()?,
            capacity,
            dropped: AtomicU64::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<EngineEvent>> {
        // A panic elsewhere cannot leave a queue of values half changed.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends events; of those that may be dropped only as many as fit.
    pub(crate) fn push(&self, fresh: impl IntoIterator<Item = EngineEvent>) {
        let mut events = self.lock();
        let was_empty = events.is_empty();
        for event in fresh {
            if events.len() >= self.capacity && event.may_be_dropped() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            } else {
                events.push_back(event);
            }
        }
        if was_empty && !events.is_empty() {
            self.wake.set();
        }
    }

    /// Takes the oldest events; the descriptor stays readable while some remain.
    pub(crate) fn drain(&self, most: usize) -> Vec<EngineEvent> {
        let mut events = self.lock();
        let count = most.min(events.len());
        let drained = events.drain(..count).collect();
        if events.is_empty() {
            self.wake.clear();
        }
        drained
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.wake.fd()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use moot_sfu::{DataKind, RequestId};

    use super::*;

    fn done(request: RequestId) -> EngineEvent {
        EngineEvent::Sfu(Event::RequestDone { request })
    }

    fn lossy() -> EngineEvent {
        EngineEvent::Sfu(Event::DataReceived {
            meeting: "m".into(),
            connection: "c".into(),
            kind: DataKind::Lossy,
            payload: [].into(),
        })
    }

    fn is_readable(fd: RawFd) -> bool {
        let mut poll = libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one pollfd that lives through the call.
        unsafe { libc::poll(&raw mut poll, 1, 0) == 1 }
    }

    #[test]
    fn the_descriptor_is_readable_while_events_wait() {
        let queue = EventQueue::new(10).unwrap();
        assert!(!is_readable(queue.fd()));
        queue.push([done(1), done(2)]);
        assert!(is_readable(queue.fd()));
        assert_eq!(queue.drain(1).len(), 1);
        assert!(is_readable(queue.fd()));
        assert_eq!(queue.drain(9).len(), 1);
        assert!(!is_readable(queue.fd()));
    }

    #[test]
    fn only_what_may_be_lost_is_dropped_when_full() {
        let queue = EventQueue::new(2).unwrap();
        queue.push([done(1), lossy(), lossy(), done(2)]);
        assert_eq!(queue.drain(9).len(), 3);
        assert_eq!(queue.dropped(), 1);
    }
}
