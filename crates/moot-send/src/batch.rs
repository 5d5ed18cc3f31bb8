//! Datagrams for one destination, gathered so that the kernel may cut them apart.

/// Most datagrams of one run (`UDP_MAX_SEGMENTS` of older kernels).
const MAX_SEGMENTS: usize = 64;

/// Most bytes of one run: what an IPv4 packet can hold.
const MAX_RUN: usize = 65_000;

/// Largest datagram that shares a run; what is longer is left to fragmentation.
const MAX_SEGMENT: usize = 1_400;

/// Datagrams that room is made for in a new run: a frame of a camera.
const RUN_CAPACITY: usize = 8;

/// Datagrams of one size, one after the other; the last may be shorter (udp(7), `UDP_SEGMENT`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The bytes of all.
    pub contents: Vec<u8>,
    /// The size of each but the last, bytes.
    pub segment_size: usize,
}

impl Run {
    /// A run of one datagram.
    pub fn single(contents: Vec<u8>) -> Self {
        Self {
            segment_size: contents.len(),
            contents,
        }
    }

    /// How many datagrams it holds.
    pub fn len(&self) -> usize {
        self.contents.len().div_ceil(self.segment_size.max(1))
    }

    /// Returns whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// The datagrams, in order.
    pub fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.contents.chunks(self.segment_size.max(1))
    }

    fn takes(&self, size: usize) -> bool {
        size <= self.segment_size
            && self.segment_size <= MAX_SEGMENT
            && self.contents.len().is_multiple_of(self.segment_size)
            && self.contents.len() + size <= MAX_RUN
            && self.contents.len() / self.segment_size < MAX_SEGMENTS
    }
}

/// What one visit to a transport yields.
#[derive(Debug, Default)]
pub struct Batch {
    runs: Vec<Run>,
}

impl Batch {
    /// Makes room for a datagram of `size` bytes: the caller appends exactly so many.
    pub(crate) fn slot(&mut self, size: usize) -> &mut Vec<u8> {
        let fits = self.runs.last().is_some_and(|run| run.takes(size));
        if !fits {
            self.runs.push(Run {
                contents: Vec::with_capacity(RUN_CAPACITY * size),
                segment_size: size,
            });
        }
        let last = self.runs.len() - 1;
        &mut self.runs[last].contents
    }

    /// Hands out the runs, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Run> {
        self.runs.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(batch: &mut Batch) -> Vec<Vec<usize>> {
        batch
            .drain()
            .map(|run| run.datagrams().map(<[u8]>::len).collect())
            .collect()
    }

    fn fill(batch: &mut Batch, lengths: &[usize]) {
        for &length in lengths {
            let slot = batch.slot(length);
            slot.resize(slot.len() + length, 7);
        }
    }

    #[test]
    fn datagrams_of_one_size_share_a_run_and_a_shorter_one_ends_it() {
        let mut batch = Batch::default();
        fill(&mut batch, &[100, 100, 80, 100, 120, 120]);
        assert_eq!(
            sizes(&mut batch),
            [vec![100, 100, 80], vec![100], vec![120, 120]]
        );
        assert_eq!(sizes(&mut batch), [[0; 0]; 0]);
    }

    #[test]
    fn a_run_stays_within_what_kernels_cut_apart() {
        let mut batch = Batch::default();
        fill(&mut batch, &[1_000; 70]);
        fill(&mut batch, &[1_401, 1_401]);
        let runs = sizes(&mut batch);
        assert_eq!(runs[0].len(), MAX_SEGMENTS);
        assert_eq!(runs[1].len(), 6);
        assert_eq!(runs[2..], [[1_401], [1_401]]);
    }
}
