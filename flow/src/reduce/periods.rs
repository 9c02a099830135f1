//! The periods of a layer's windows, each with its next end. They do not depend on the events, so that their code is
//! compiled once.

use std::time::Duration;

use tokio::time::Instant;

/// The periods, each with its next end, if it is representable.
#[derive(Debug, Default)]
pub(super) struct Periods(Vec<(Duration, Option<Instant>)>);

impl Periods {
    /// Begins all periods `now`.
    pub(super) fn begin(periods: &[Duration], now: Instant) -> Self {
        Self(periods.iter().map(|period| (*period, now.checked_add(*period))).collect())
    }

    /// Returns the periods that have ended, and begins them again.
    pub(super) fn take_over(&mut self, now: Instant) -> Vec<Duration> {
        let mut over = Vec::new();
        for (period, end) in &mut self.0 {
            if end.is_some_and(|end| end <= now) {
                over.push(*period);
            }
            while let Some(at) = end.filter(|end| *end <= now) {
                *end = at.checked_add(*period);
            }
        }
        over
    }

    /// Returns the earliest end.
    #[inline]
    pub(super) fn next(&self) -> Option<Instant> {
        if self.0.is_empty() { None } else { self.0.iter().filter_map(|(_, end)| *end).min() }
    }
}

/// Returns the earlier of two times, if there are any.
#[inline]
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
