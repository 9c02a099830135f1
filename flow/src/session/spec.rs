//! Session options: the gap, the lateness and the limit; and the session that a flow emits.

use std::time::Duration;

use crate::refused::Refused;
use crate::stats::Tally;
use crate::window::{lateness, millis};

/// The options of sessions.
///
/// ```
/// use std::time::Duration;
///
/// use flow::{Flow, Session, Sessions, Tally};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let (late, evicted) = (Tally::new(), Tally::new());
/// let sessions = Sessions::new(Duration::from_secs(10))
///     .allowed_lateness(Duration::from_secs(1))
///     .count_late(&late)
///     .keep_at_most(1_000, &evicted);
/// let visits = Flow::from_items([0_i64, 4_000, 60_000, 5_000])
///     .event_time(|at| *at, Duration::MAX)
///     .stages(1)
///     .sessions(sessions, |_| 'v', || 0, |count, _| *count += 1, |count, other| *count += other);
/// let first = Session { key: 'v', start: 0, end: 4_000, value: 2 };
/// assert_eq!(visits.collect::<Vec<_>>().await?[0], first);
/// assert_eq!((late.get(), evicted.get()), (1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sessions {
    /// In milliseconds. No two times differ by more than `u64::MAX`.
    pub(super) gap: u64,
    pub(super) lateness: u64,
    pub(super) late: Tally,
    /// The maximum number of open sessions in a stage.
    pub(super) most: usize,
    pub(super) evicted: Tally,
    /// The first invalid option.
    pub(super) refused: Option<Refused>,
}

impl Sessions {
    /// A session ends when its key has had no event for longer than `gap`: whole milliseconds, at least 1.
    /// With [`Duration::MAX`] it ends with the input.
    #[track_caller]
    pub fn new(gap: Duration) -> Self {
        let (gap, refused) = match Refused::millis("Sessions::new", gap, 1) {
            Ok(gap) => (saturated(gap), None),
            Err(refused) => (1, Some(refused)),
        };
        let (late, evicted) = (Tally::new(), Tally::new());
        Self { gap, lateness: 0, late, most: usize::MAX, evicted, refused }
    }

    /// Returns the sessions in words, for a plan.
    pub(super) fn words(&self) -> String {
        let sessions = format!("sessions with gaps of {}", millis(self.gap.into()));
        [sessions].into_iter().chain(lateness(self.lateness.into())).collect::<Vec<_>>().join(", ")
    }

    /// Keeps sessions open for late events until the watermark is `lateness` past their end: whole
    /// milliseconds. With [`Duration::MAX`], no event is late.
    #[must_use]
    #[track_caller]
    pub fn allowed_lateness(mut self, lateness: Duration) -> Self {
        match Refused::millis("allowed_lateness", lateness, 0) {
            Ok(lateness) => self.lateness = saturated(lateness),
            Err(refused) => self.refuse(Some(refused)),
        }
        self
    }

    /// Counts the late events: those for which a session of the event alone would have ended, and no open
    /// session of the key is within the gap.
    #[must_use]
    pub fn count_late(mut self, late: &Tally) -> Self {
        self.late = late.clone();
        self
    }

    /// Limits the number of open sessions in each stage to `sessions`, at least 1. Beyond the limit, the
    /// session whose last event happened first is emitted before its end, and counted: later events of it
    /// start another session. Default: all sessions that have not ended stay open.
    #[must_use]
    #[track_caller]
    pub fn keep_at_most(mut self, sessions: usize, evicted: &Tally) -> Self {
        self.refuse(Refused::zero("keep_at_most", sessions));
        (self.most, self.evicted) = (sessions, evicted.clone());
        self
    }

    /// Returns whether a session whose last event happened at `end` has ended by a watermark.
    #[inline]
    pub(super) fn is_over(&self, end: i64, watermark: i64) -> bool {
        watermark > end && watermark.abs_diff(end) > self.gap.saturating_add(self.lateness)
    }

    /// Returns whether an event that happened at `at` belongs to a session from `start` to `end`.
    #[inline]
    pub(super) fn reaches(&self, (start, end): (i64, i64), at: i64) -> bool {
        // Most events come after all others of their session.
        if at >= end { at.abs_diff(end) <= self.gap } else { at >= start || start.abs_diff(at) <= self.gap }
    }

    fn refuse(&mut self, refused: Option<Refused>) {
        self.refused = self.refused.take().or(refused);
    }
}

fn saturated(millis: i128) -> u64 {
    u64::try_from(millis).unwrap_or(u64::MAX)
}

/// One session that has ended.
///
/// ```
/// use flow::Session;
///
/// let session = Session { key: "visitor", start: 1_000, end: 61_000, value: 12 };
/// assert_eq!((session.end - session.start) / 1_000, 60);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<Q, A> {
    /// The key of the session.
    pub key: Q,
    /// The time of its first event.
    pub start: i64,
    /// The time of its last event.
    pub end: i64,
    /// The folded value of its events.
    pub value: A,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_described_with_their_lateness() {
        let second = Duration::from_secs(1);
        let sessions = Sessions::new(10 * second);
        assert_eq!(sessions.words(), "sessions with gaps of 10s");
        let late = sessions.clone().allowed_lateness(second);
        assert_eq!(late.words(), "sessions with gaps of 10s, open for 1s more");
        let endless = sessions.allowed_lateness(Duration::MAX);
        assert_eq!(endless.words(), "sessions with gaps of 10s, open until the end");
    }
}
