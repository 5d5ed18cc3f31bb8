//! When each transport wants to be visited.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::arena::Key;

/// The deadlines of many things of one kind, each with at most one that counts.
///
/// A deadline that moves away costs nothing: the earlier one fires and finds nothing to do. The
/// caller keeps, per thing, the instant it last armed, and hands it back to [`Timers::arm`].
pub(crate) struct Timers<T> {
    heap: BinaryHeap<Reverse<(Instant, Key<T>)>>,
}

impl<T> Timers<T> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
        }
    }

    /// Makes sure that `key` comes up at `deadline` or before, if there is one; `armed` is what already
    /// waits.
    pub(crate) fn arm(
        &mut self,
        key: Key<T>,
        deadline: Option<Instant>,
        armed: &mut Option<Instant>,
    ) {
        let Some(deadline) = deadline else { return };
        if armed.is_none_or(|earlier| deadline < earlier) {
            self.heap.push(Reverse((deadline, key)));
            *armed = Some(deadline);
        }
    }

    /// Takes the earliest that is due at `now`, with the instant it was armed for.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Instant, Key<T>)> {
        let Reverse((deadline, _)) = self.heap.peek()?;
        if *deadline > now {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| due)
    }

    /// When the next one comes up.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((deadline, _))| *deadline)
    }
}
