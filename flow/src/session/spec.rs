//! When a session ends, how many are kept, and what one is.

use std::time::Duration;

use crate::stats::Tally;

/// When a session ends.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// In milliseconds.
    pub(super) gap: i64,
    pub(super) lateness: i64,
    pub(super) late: Tally,
    /// How many are open in a stage at most.
    pub(super) most: usize,
    pub(super) evicted: Tally,
}

impl Sessions {
    /// A session ends when its key has no event for `gap`, at least a millisecond.
    pub fn new(gap: Duration) -> Self {
        Self {
            gap: millis(gap).max(1),
            lateness: 0,
            late: Tally::new(),
            most: usize::MAX,
            evicted: Tally::new(),
        }
    }

    /// Waits for late events for so much event time more.
    #[must_use]
    pub fn allowed_lateness(mut self, lateness: Duration) -> Self {
        self.lateness = millis(lateness);
        self
    }

    /// Counts the events that come too late for any session.
    #[must_use]
    pub fn count_late(mut self, late: &Tally) -> Self {
        self.late = late.clone();
        self
    }

    /// Keeps at most so many sessions open in each stage, at least 1. When there would be more, the one
    /// whose last event happened first is handed out before its end, and counted: what comes of it later
    /// begins another. Default: all that have not ended.
    #[must_use]
    pub fn keep_at_most(mut self, sessions: usize, evicted: &Tally) -> Self {
        (self.most, self.evicted) = (sessions.max(1), evicted.clone());
        self
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// One session that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<Q, A> {
    /// Whose it was.
    pub key: Q,
    /// When its first event happened.
    pub start: i64,
    /// When its last event happened.
    pub end: i64,
    /// What was made of its events.
    pub value: A,
}
