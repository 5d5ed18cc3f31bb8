//! Events on their way up.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use moot_sfu::{ConnectionId, DataKind, Event, MeetingId, TransportName};

use crate::wake::Wake;

/// Data messages of one connection that may wait. More lets one who floods hold up everybody's
/// events for longer; fewer puts out who sends a file while the reader pauses.
const DATA_WAITING: usize = 2_048;

/// Bytes of data of one connection that may wait.
const DATA_WAITING_BYTES: usize = 16 * 1024 * 1024;

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

/// What of one connection's data waits.
#[derive(Debug, Default)]
struct Waiting {
    messages: usize,
    bytes: usize,
    has_failed: bool,
}

#[derive(Debug, Default)]
struct Events {
    queue: VecDeque<EngineEvent>,
    data: HashMap<ConnectionId, Waiting>,
}

impl Events {
    /// Appends an event, in place of data beyond the bound the end of who sent it, once. False
    /// where it was dropped.
    fn push(&mut self, event: EngineEvent) -> bool {
        let EngineEvent::Sfu(Event::DataReceived {
            meeting,
            connection,
            kind,
            payload,
        }) = &event
        else {
            self.queue.push_back(event);
            return true;
        };
        let waiting = self.data.entry(connection.clone()).or_default();
        if waiting.has_failed {
            return false;
        }
        if waiting.messages < DATA_WAITING && waiting.bytes < DATA_WAITING_BYTES {
            waiting.messages += 1;
            waiting.bytes += payload.len();
            self.queue.push_back(event);
            return true;
        }
        if *kind == DataKind::Reliable {
            waiting.has_failed = true;
            self.queue
                .push_back(EngineEvent::Sfu(Event::ConnectionFailed {
                    meeting: meeting.clone(),
                    connection: connection.clone(),
                    transport: TransportName::Publisher,
                    reason: "more data came than could be handed on".to_owned(),
                }));
        }
        false
    }

    fn pop(&mut self) -> Option<EngineEvent> {
        let event = self.queue.pop_front()?;
        if let EngineEvent::Sfu(Event::DataReceived {
            connection,
            payload,
            ..
        }) = &event
            && let Some(waiting) = self.data.get_mut(connection)
        {
            waiting.messages -= 1;
            waiting.bytes -= payload.len();
            if waiting.messages == 0 {
                self.data.remove(connection);
            }
        }
        Some(event)
    }
}

/// Events of all shards, behind a descriptor that is readable while there are any.
#[derive(Debug)]
pub(crate) struct EventQueue {
    events: Mutex<Events>,
    wake: Wake,
    capacity: usize,
    dropped: AtomicU64,
}

impl EventQueue {
    pub(crate) fn new(capacity: usize) -> io::Result<Self> {
        Ok(Self {
            events: Mutex::new(Events::default()),
            wake: Wake::new()?,
            capacity,
            dropped: AtomicU64::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        // A panic elsewhere cannot leave a queue of values half changed.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends events; of those that may be dropped only as many as fit, and of each connection's
    /// data a bounded part.
    pub(crate) fn push(&self, fresh: impl IntoIterator<Item = EngineEvent>) {
        let mut events = self.lock();
        let was_empty = events.queue.is_empty();
        for event in fresh {
            let is_full = events.queue.len() >= self.capacity;
            if (is_full && event.may_be_dropped()) || !events.push(event) {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        if was_empty && !events.queue.is_empty() {
            self.wake.set();
        }
    }

    /// Takes the oldest events; the descriptor stays readable while some remain.
    pub(crate) fn drain(&self, most: usize) -> Vec<EngineEvent> {
        let mut events = self.lock();
        let count = most.min(events.queue.len());
        let drained = (0..count).map_while(|_| events.pop()).collect();
        if events.queue.is_empty() {
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

    fn data(connection: &str, kind: DataKind) -> EngineEvent {
        EngineEvent::Sfu(Event::DataReceived {
            meeting: "m".into(),
            connection: connection.into(),
            kind,
            payload: [0; 10].into(),
        })
    }

    #[test]
    fn who_floods_is_put_out_and_holds_up_nobody() {
        let queue = EventQueue::new(1_000_000).unwrap();
        let flood = || (0..3 * DATA_WAITING).map(|_| data("flood", DataKind::Reliable));
        queue.push(flood());
        queue.push([data("usual", DataKind::Reliable), done(1)]);
        queue.push(flood());
        let told = queue.drain(usize::MAX);
        assert_eq!(told.len(), DATA_WAITING + 3);
        let failed = told.iter().filter(|event| {
            matches!(event, EngineEvent::Sfu(Event::ConnectionFailed { connection, .. }) if *connection == "flood".into())
        });
        assert_eq!(failed.count(), 1);
        assert!(queue.lock().data.is_empty());
    }

    #[test]
    fn lossy_data_that_nobody_takes_is_lost_and_puts_out_nobody() {
        let queue = EventQueue::new(1_000_000).unwrap();
        queue.push((0..2 * DATA_WAITING).map(|_| data("c", DataKind::Lossy)));
        assert_eq!(queue.drain(usize::MAX).len(), DATA_WAITING);
        assert_eq!(queue.dropped(), DATA_WAITING as u64);
        queue.push([data("c", DataKind::Lossy)]);
        assert_eq!(queue.drain(9).len(), 1);
    }

    #[test]
    fn only_what_may_be_lost_is_dropped_when_full() {
        let queue = EventQueue::new(2).unwrap();
        queue.push([done(1), lossy(), lossy(), done(2)]);
        assert_eq!(queue.drain(9).len(), 3);
        assert_eq!(queue.dropped(), 1);
    }
}
