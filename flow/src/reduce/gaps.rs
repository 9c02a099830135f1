//! Positions up to which the empty windows have been emitted.
//!
//! Empty windows are not stored: a gap of any length takes two numbers.

/// Positions in the sequence of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gaps {
    /// The first window without a [`Watermark`](crate::TriggerName::Watermark) trigger.
    passed: i64,
    /// The first window without its last trigger; at most `passed`.
    done: i64,
}

impl Gaps {
    /// Starts at this window.
    pub(super) fn from(first: i64) -> Self {
        Self { passed: first, done: first }
    }

    /// Returns the next window to emit for the last time, if it is before `end`.
    pub(super) fn next_done(&self, end: i64) -> Option<i64> {
        (self.done < end).then_some(self.done)
    }

    /// Returns the next window for a watermark trigger, if it is before `end`.
    pub(super) fn next_passed(&self, end: i64) -> Option<i64> {
        (self.passed < end).then_some(self.passed)
    }

    /// Returns whether this window had its watermark trigger while it was empty.
    pub(super) fn was_passed(&self, number: i64) -> bool {
        (self.done..self.passed).contains(&number)
    }

    /// Records that all windows up to this one had their last trigger.
    pub(super) fn done(&mut self, number: i64) {
        self.done = self.done.max(number.saturating_add(1));
        self.passed = self.passed.max(self.done);
    }

    /// Records that all windows up to this one had their watermark trigger.
    pub(super) fn passed(&mut self, number: i64) {
        self.passed = self.passed.max(number.saturating_add(1));
    }
}
