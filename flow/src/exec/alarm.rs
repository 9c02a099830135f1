//! The timer of a stage: schedules the next time at which its operator checks the clock.

use std::time::Duration;

use tokio::time::Instant;

/// A message to check the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring;

/// The time at which a stage is to be woken, if any.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    at: Option<Instant>,
}

impl Alarm {
    /// Returns after which time a [`Ring`] must be sent, so that the stage checks the clock at the `wanted`
    /// time.
    pub(crate) fn set(&mut self, wanted: Option<Instant>) -> Option<Duration> {
        let at = wanted.filter(|at| self.at.is_none_or(|alarm| *at < alarm))?;
        self.at = Some(at);
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// Records that the [`Ring`] has arrived.
    pub(crate) fn rang(&mut self) {
        self.at = None;
    }
}
