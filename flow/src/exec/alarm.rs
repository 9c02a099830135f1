//! When does a stage look at the clock next?

use std::time::Duration;

use tokio::time::Instant;

/// Look at the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring;

/// When a stage is to be woken, if it is.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    at: Option<Instant>,
}

impl Alarm {
    /// After which time a [`Ring`] has to be sent, so that the stage looks at the clock when it is `wanted`.
    pub(crate) fn set(&mut self, wanted: Option<Instant>) -> Option<Duration> {
        let at = wanted.filter(|at| self.at.is_none_or(|alarm| *at < alarm))?;
        self.at = Some(at);
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// It rang.
    pub(crate) fn rang(&mut self) {
        self.at = None;
    }
}
