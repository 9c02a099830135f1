//! When a session ends, how many are kept, and what one is.

use std::time::Duration;

use crate::refused::Refused;
use crate::stats::Tally;

/// When a session ends.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// In milliseconds.
    pub(super) gap: i128,
    pub(super) lateness: i128,
    pub(super) late: Tally,
    /// How many are open in a stage at most.
    pub(super) most: usize,
    pub(super) evicted: Tally,
    /// The first invalid option.
    pub(super) refused: Option<Refused>,
}

impl Sessions {
    /// A session ends when its key has no event for longer than `gap`: whole milliseconds, at least 1. With
    /// [`Duration::MAX`] it ends with the input.
    #[track_caller]
    pub fn new(gap: Duration) -> Self {
        let (gap, refused) = match Refused::millis("Sessions::new", gap, 1) {
            Ok(gap) => (gap, None),
            Err(refused) => (1, Some(refused)),
        };
        let (late, evicted) = (Tally::new(), Tally::new());
        Self { gap, lateness: 0, late, most: usize::MAX, evicted, refused }
    }

    /// Keeps sessions open for late events until the watermark is `lateness` past their end: whole milliseconds.
    /// With [`Duration::MAX`], no event is late.
    #[must_use]
    #[track_caller]
    pub fn allowed_lateness(mut self, lateness: Duration) -> Self {
        match Refused::millis("allowed_lateness", lateness, 0) {
            Ok(lateness) => self.lateness = lateness,
            Err(refused) => self.refuse(Some(refused)),
        }
        self
    }

    /// Counts the late events: the session of such an event alone would have ended, and no open session of its key
    /// is within the gap.
    #[must_use]
    pub fn count_late(mut self, late: &Tally) -> Self {
        self.late = late.clone();
        self
    }

    /// Keeps at most so many sessions open in each stage, at least 1. When there would be more, the one
    /// whose last event happened first is handed out before its end, and counted: what comes of it later
    /// begins another. Default: all that have not ended.
    #[must_use]
    #[track_caller]
    pub fn keep_at_most(mut self, sessions: usize, evicted: &Tally) -> Self {
        self.refuse(Refused::zero("keep_at_most", sessions));
        (self.most, self.evicted) = (sessions, evicted.clone());
        self
    }

    /// Whether a session whose last event happened at `end` has ended by a watermark.
    pub(super) fn is_over(&self, end: i64, watermark: i64) -> bool {
        i128::from(end) + self.gap < i128::from(watermark) - self.lateness
    }

    fn refuse(&mut self, refused: Option<Refused>) {
        self.refused = self.refused.take().or(refused);
    }
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
