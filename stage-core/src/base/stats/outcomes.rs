//! Counts of events that failed or were lost.

/// Counts of failed events, by the outcome that the failure policy of their step gave them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EventFailures {
    /// Attempts that were made after a failed one.
    pub retried: u64,
    /// Events that were skipped: not handled, and not tried again.
    pub skipped: u64,
    /// Events that were set aside as dead letters.
    pub dead_lettered: u64,
    /// Attempts that took longer than the deadline of the step; each is retried, skipped or set aside as well.
    pub past_deadline: u64,
    /// Handlers that were made anew after a panic. The stage itself is not restarted.
    pub remade_handlers: u64,
}

/// Events that were lost, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Discards {
    /// Nobody had asked for them, and the buffer was full.
    pub overflow: u64,
    /// No subscriber takes them.
    pub unroutable: u64,
    /// A callback or the handler of a step failed with them.
    pub failed: u64,
    /// The stage, or the one that they were for, had ended.
    pub ended: u64,
}

/// Why an event is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discard {
    Overflow,
    Unroutable,
    Failed,
    Ended,
}

impl Discard {
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Overflow => 0,
            Self::Unroutable => 1,
            Self::Failed => 2,
            Self::Ended => 3,
        }
    }
}

impl Discards {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.overflow + self.unroutable + self.failed + self.ended
    }

    pub(super) const fn of([overflow, unroutable, failed, ended]: [u64; 4]) -> Self {
        Self { overflow, unroutable, failed, ended }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.overflow += other.overflow;
        self.unroutable += other.unroutable;
        self.failed += other.failed;
        self.ended += other.ended;
    }
}

impl EventFailures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.retried += other.retried;
        self.skipped += other.skipped;
        self.dead_lettered += other.dead_lettered;
        self.past_deadline += other.past_deadline;
        self.remade_handlers += other.remade_handlers;
    }
}
