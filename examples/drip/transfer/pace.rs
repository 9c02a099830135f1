//! Decides when transfers may restart: each after its own delay, all after an outage.

use tokio::time::Instant;

use super::delayed::Delayed;
use super::outage::{Gate, Outage};

/// The timers of a run's queue: delayed transfers and the outage.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) delayed: Delayed,
    pub(super) outage: Outage,
    /// The run has ended, so delays no longer apply.
    pub(super) is_over: bool,
    /// The outage that ended the run.
    pub(super) gave_up: Option<String>,
}

impl Pace {
    /// The time of the next action if nothing else happens first.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let reopens = match self.outage.gate(now) {
            Gate::Closed(time) => Some(time),
            Gate::Open | Gate::One => None,
        };
        self.delayed.next().into_iter().chain(reopens).min()
    }
}
