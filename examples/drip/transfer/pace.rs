//! When transfers may begin again: each after its own wait, all after an outage.

use tokio::time::Instant;

use super::delayed::Delayed;
use super::outage::{Gate, Outage};

/// What the queue of a run waits for, beside its stages.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) delayed: Delayed,
    pub(super) outage: Outage,
    /// Nobody waits any more: the run is over.
    pub(super) is_over: bool,
    /// The outage that ended the run.
    pub(super) gave_up: Option<String>,
}

impl Pace {
    /// When there is something to do if nothing happens before.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let reopens = match self.outage.gate(now) {
            Gate::Closed(time) => Some(time),
            Gate::Open | Gate::One => None,
        };
        self.delayed.next().into_iter().chain(reopens).min()
    }
}
