//! Renumbering of one running number so that what is left out leaves no gap.

use std::collections::VecDeque;

/// Runs of left-out numbers that are remembered, for packets that come late. 64 runs are 4 seconds
/// of a 30 frames per second encoding of which every other frame is left out; a packet later than
/// that is of no use to a decoder.
const MAX_RANGES: usize = 64;

/// From `from` on, an input number leaves as itself less `offset` (both wrap at 2⁶⁴).
#[derive(Clone, Copy, Debug)]
struct Range {
    from: u64,
    offset: u64,
}

impl Range {
    fn apply(self, input: u64) -> u64 {
        input.wrapping_sub(self.offset)
    }
}

/// Maps input numbers to output numbers.
///
/// Input numbers that are passed over without being skipped are taken as lost on the way: their
/// output numbers stay reserved for them. Order is kept, and no two inputs share an output.
#[derive(Clone, Debug)]
pub(crate) struct Numbering {
    ranges: VecDeque<Range>,
    highest: u64,
}

impl Numbering {
    /// Begins with `input` leaving as `output`.
    pub fn begin(input: u64, output: u64) -> Self {
        let mut ranges = VecDeque::new();
        ranges.push_back(Range {
            from: input,
            offset: input.wrapping_sub(output),
        });
        Self {
            ranges,
            highest: input,
        }
    }

    /// Returns the highest input number met so far.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Returns what `input` leaves as, and remembers it as met. `None` where it was skipped or is
    /// too old to be known.
    pub fn forward(&mut self, input: u64) -> Option<u64> {
        self.highest = self.highest.max(input);
        self.output(input)
    }

    /// Leaves out every number from `first` to `last`. Those at or below the highest number met
    /// keep their place, for what came after them has left already.
    pub fn skip(&mut self, first: u64, last: u64) {
        let first = first.max(self.highest + 1);
        if last < first {
            return;
        }
        let skipped = last - first + 1;
        self.highest = last;
        let Some(open) = self.ranges.back_mut() else {
            return;
        };
        let next = Range {
            from: last + 1,
            offset: open.offset.wrapping_add(skipped),
        };
        if open.from == first {
            *open = next;
            return;
        }
        if self.ranges.len() == MAX_RANGES {
            self.ranges.pop_front();
        }
        self.ranges.push_back(next);
    }

    fn output(&self, input: u64) -> Option<u64> {
        let mut after: Option<Range> = None;
        for &range in self.ranges.iter().rev() {
            if range.from <= input {
                let output = range.apply(input);
                let is_skipped = after.is_some_and(|next| {
                    let limit = next.apply(next.from);
                    output.wrapping_sub(limit) as i64 >= 0
                });
                return (!is_skipped).then_some(output);
            }
            after = Some(range);
        }
        None
    }
}

/// The place of a wrapping counter of `modulus` values that is nearest to `near`.
pub(crate) fn unwrap_near(near: u64, wrapped: u16, modulus: u16) -> u64 {
    let modulus = u64::from(modulus);
    let forward = (u64::from(wrapped) + modulus - near % modulus) % modulus;
    if forward <= modulus / 2 || near + forward < modulus {
        near + forward
    } else {
        near + forward - modulus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped_leaves_no_gap_and_what_is_lost_keeps_its_place() {
        let mut numbering = Numbering::begin(100, 1);
        assert_eq!(numbering.forward(100), Some(1));
        numbering.skip(101, 103);
        assert_eq!(numbering.forward(104), Some(2));
        assert_eq!(numbering.forward(106), Some(4));
        assert_eq!(numbering.forward(105), Some(3));
        assert_eq!(numbering.forward(102), None);
        assert_eq!(numbering.forward(99), None);
    }

    #[test]
    fn adjoining_skips_are_one_run() {
        let mut numbering = Numbering::begin(0, 10);
        for input in 1..1000 {
            numbering.skip(input, input);
        }
        assert_eq!(numbering.ranges.len(), 2);
        assert_eq!(numbering.forward(1000), Some(11));
        assert_eq!(numbering.forward(500), None);
    }

    #[test]
    fn the_memory_of_runs_is_bounded() {
        let mut numbering = Numbering::begin(0, 0);
        for input in (1..10_000).step_by(2) {
            numbering.skip(input, input);
            numbering.forward(input + 1);
        }
        assert_eq!(numbering.ranges.len(), MAX_RANGES);
        assert_eq!(numbering.forward(0), None);
        assert_eq!(numbering.forward(10_000), Some(5_000));
    }

    #[test]
    fn a_wrapped_counter_unwraps_to_the_nearest_place() {
        assert_eq!(unwrap_near(127, 0, 128), 128);
        assert_eq!(unwrap_near(128, 127, 128), 127);
        assert_eq!(unwrap_near(3, 127, 128), 127);
        assert_eq!(
            unwrap_near(1_000_000, (1_000_005 % 32768) as u16, 32768),
            1_000_005
        );
    }
}
