//! Positions that are settled out of order, and the run of settled positions at their beginning.

use std::collections::VecDeque;

/// The positions of a source that takes everything up to one of them as handled: the offsets of a log, the lines of a file. They
/// are handed out in order and settled in any order; the *watermark* is the first position that is not taken out as settled.
///
/// ```
/// use stage_core::ack::Offsets;
///
/// let mut lines = Offsets::new();
/// let [first, second, third] = std::array::from_fn(|_| lines.open());
/// lines.settle(third, "byte 60");
/// lines.settle(first, "byte 20");
/// assert_eq!(lines.advance(), Some("byte 20"));
/// // The second line is still in hand, so the third one is not behind the watermark.
/// assert_eq!((lines.advance(), lines.watermark(), lines.outstanding()), (None, second, 1));
/// lines.settle(second, "byte 40");
/// assert_eq!((lines.advance(), lines.advance()), (Some("byte 40"), Some("byte 60")));
/// ```
///
/// 1. Outcomes leave in the order of positions, each once, and none before those of all earlier positions.
/// 2. The outcome that was reported first for a position counts; further ones are ignored, so a report may be repeated.
/// 3. Memory grows with the distance between the watermark and the last open position: [`window`](Self::window).
///
/// A source that continues at a known position begins there:
///
/// ```
/// use stage_core::ack::Offsets;
///
/// let mut lines = Offsets::starting_at(100);
/// let line = lines.open();
/// assert_eq!((line, lines.window(), lines.first()), (100, 1, None));
/// lines.settle(line, "byte 2000");
/// assert_eq!(lines.first(), Some(&"byte 2000"));
/// ```
#[derive(Clone, Debug)]
pub struct Offsets<T> {
    watermark: u64,
    /// The outcomes of the positions from the watermark on.
    open: VecDeque<Option<T>>,
    settled: usize,
}

impl<T> Offsets<T> {
    /// Creates positions that begin at 0.
    pub const fn new() -> Self {
        Self::starting_at(0)
    }

    /// Creates positions that begin at `position`.
    pub const fn starting_at(position: u64) -> Self {
        Self { watermark: position, open: VecDeque::new(), settled: 0 }
    }

    /// Hands out the next position.
    pub fn open(&mut self) -> u64 {
        self.open.push_back(None);
        self.end() - 1
    }

    /// Stores the outcome of a position; returns whether it is the first one. A position that was not handed out yet is opened
    /// together with all positions before it.
    pub fn settle(&mut self, position: u64, outcome: T) -> bool {
        let Some(place) = position.checked_sub(self.watermark) else { return false };
        while self.end() <= position {
            self.open.push_back(None);
        }
        let slot = usize::try_from(place).ok().and_then(|place| self.open.get_mut(place));
        match slot {
            Some(slot @ None) => {
                *slot = Some(outcome);
                self.settled += 1;
                true
            }
            Some(Some(_)) | None => false,
        }
    }

    /// Returns the outcome at the watermark, if it is known.
    pub fn first(&self) -> Option<&T> {
        self.open.front()?.as_ref()
    }

    /// Takes the outcome at the watermark, if it is known, and moves the watermark behind it.
    pub fn advance(&mut self) -> Option<T> {
        let outcome = self.open.front_mut()?.take()?;
        self.open.pop_front();
        self.settled -= 1;
        self.watermark += 1;
        Some(outcome)
    }

    /// Returns the first position whose outcome was not taken by [`advance`](Self::advance).
    pub const fn watermark(&self) -> u64 {
        self.watermark
    }

    /// Returns the number of positions that are handed out and not settled.
    pub fn outstanding(&self) -> usize {
        self.open.len() - self.settled
    }

    /// Returns the number of positions that are handed out and not behind the watermark.
    pub fn window(&self) -> usize {
        self.open.len()
    }

    /// Returns the next position to be handed out.
    fn end(&self) -> u64 {
        self.watermark + self.open.len() as u64
    }
}

impl<T> Default for Offsets<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn outcomes_leave_in_order_and_the_watermark_is_the_length_of_the_settled_prefix(
            order in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle(),
            opened in 0..41_usize,
            start in 0..1000_u64,
        ) {
            let mut offsets = Offsets::starting_at(start);
            for expected in 0..opened {
                prop_assert_eq!(offsets.open(), start + expected as u64);
            }
            let (mut known, mut left) = (std::collections::BTreeSet::new(), Vec::new());
            for position in order {
                prop_assert!(offsets.settle(start + position, position));
                prop_assert!(!offsets.settle(start + position, 99), "settled twice");
                known.insert(position);
                prop_assert_eq!(offsets.first().is_some(), known.contains(&(left.len() as u64)));
                left.extend(std::iter::from_fn(|| offsets.advance()));
                let prefix: Vec<_> = (0..40).take_while(|position| known.contains(position)).collect();
                prop_assert_eq!(&left, &prefix);
                prop_assert_eq!(offsets.watermark(), start + prefix.len() as u64);
                let end = (opened as u64).max(known.last().map_or(0, |last| last + 1));
                prop_assert_eq!(offsets.window() as u64, end - prefix.len() as u64);
                prop_assert_eq!(offsets.outstanding() as u64, end - known.len() as u64);
            }
        }
    }

    #[test]
    fn a_position_behind_the_watermark_is_settled_already() {
        let mut offsets = Offsets::new();
        let first = offsets.open();
        assert!(offsets.settle(first, 'a'));
        assert_eq!(offsets.advance(), Some('a'));
        assert!(!offsets.settle(first, 'b'));
        assert_eq!((offsets.first(), offsets.window(), offsets.outstanding()), (None, 0, 0));
        assert_eq!(offsets.advance(), None);
    }
}
