//! What one stage did and holds, as users read it.

use std::time::Duration;

use super::outcomes::{Discards, EventFailures};

/// What one stage did and holds.
///
/// Each number is exact; numbers read while a pipeline runs belong to slightly different moments.
/// [`Monitor::snapshot`](crate::Monitor::snapshot) also has how the time of the stage is divided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StageStats {
    /// The name of its step.
    pub step: String,
    /// Which copy of the step it is, from 0.
    pub copy: usize,
    /// Events it handled.
    pub events_in: u64,
    /// Events it handed to its subscribers.
    pub events_out: u64,
    /// Batches it handled, or for a producer demands.
    pub batches: u64,
    /// Events its subscribers want now and it has not got.
    pub demand: u64,
    /// Events it emitted that nobody asked for yet.
    pub buffered: u64,
    /// Events it took in and keeps inside: open batches, what waits for a rate.
    pub held: u64,
    /// Events that were lost, whatever for.
    pub discarded: u64,
    /// The same, by reason.
    pub discards: Discards,
    /// Counts of the events that its handler failed for, by outcome.
    pub failures: EventFailures,
    /// Time for which it worked or waited in its callbacks; the callback that runs now counts up to now. A source that
    /// waits for its input is not busy: only its work counts.
    pub busy: Duration,
    /// How often it was restarted.
    pub restarts: u64,
}

impl StageStats {
    /// Adds the numbers of another run of the same stage; what is held now is what that one holds.
    pub(crate) fn add(&mut self, next: &Self) {
        self.events_in += next.events_in;
        self.events_out += next.events_out;
        self.batches += next.batches;
        self.demand = next.demand;
        self.buffered = next.buffered;
        self.held = next.held;
        self.discarded += next.discarded;
        self.discards.add(&next.discards);
        self.failures.add(&next.failures);
        self.busy += next.busy;
        self.restarts += next.restarts;
    }
}
