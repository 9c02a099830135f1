//! The statistics of one stage, as users read them.

use std::time::Duration;

use super::gauges::Gauge;
use super::outcomes::{Discards, EventFailures};

/// Statistics of one stage: work done, and events held.
///
/// Each number is exact, but the numbers of a running pipeline are read at slightly different moments.
/// [`Monitor::snapshot`](crate::pipeline::Monitor::snapshot) also reports the time spent in each state.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::stats::StageStats;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("print")
///     .start_fn("numbers", || Ok(0..10))
///     .finish_fn("print", |number| println!("{number}"));
/// let stages: Vec<StageStats> = pipeline.start().await?.join().await?.stages;
/// assert_eq!((stages[0].events_out, stages[1].events_in), (10, 10));
/// assert_eq!((&*stages[1].step, stages[1].copy, stages[1].discarded), ("print", 0, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StageStats {
    /// The name of the step.
    pub step: String,
    /// The number of the copy within the step, from 0.
    pub copy: usize,
    /// Events handled.
    pub events_in: u64,
    /// Events sent to subscribers.
    pub events_out: u64,
    /// Batches handled; for a producer, demands handled.
    pub batches: u64,
    /// Events that the subscribers asked for and the stage has not yet sent.
    pub demand: u64,
    /// Events emitted for which there is no demand yet.
    pub buffered: u64,
    /// Events taken in and held: in open batches, or waiting for a rate limit.
    pub held: u64,
    /// Events taken and left out on purpose: by a filter, or by a step such as
    /// [`debounce`](crate::step::debounce). They are not discarded: an acknowledged pipeline acknowledges them.
    pub left_out: u64,
    /// The number of events that it may have in progress now, which an [adaptive](crate::policy::AtOnce::adaptive) step
    /// changes; `None` if it handles one at a time.
    pub at_once: Option<usize>,
    /// Held events that wait for their next attempt.
    pub retries: u64,
    /// The time until the earliest of these attempts is due; zero if it is overdue.
    pub next_retry: Option<Duration>,
    /// Events discarded, for any reason.
    pub discarded: u64,
    /// Events discarded, by reason.
    pub discards: Discards,
    /// Events on which the handler failed, by outcome.
    pub failures: EventFailures,
    /// Time spent working or waiting in callbacks, including the running callback up to now. For a source,
    /// only the time spent working counts, not the time it waits for its input.
    pub busy: Duration,
    /// Number of restarts.
    pub restarts: u64,
    /// The values that its code shows, by name and part.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub gauges: Vec<Gauge>,
}

impl StageStats {
    /// Adds the numbers of the next run of the same stage; gauges, such as the demand, take the value of that
    /// run.
    #[inline]
    pub(crate) fn add(&mut self, next: &Self) {
        self.events_in += next.events_in;
        self.events_out += next.events_out;
        self.batches += next.batches;
        self.demand = next.demand;
        self.buffered = next.buffered;
        self.held = next.held;
        self.left_out += next.left_out;
        self.at_once = next.at_once;
        self.retries = next.retries;
        self.next_retry = next.next_retry;
        self.discarded += next.discarded;
        self.discards.add(&next.discards);
        self.failures.add(&next.failures);
        self.busy += next.busy;
        self.restarts += next.restarts;
        self.gauges.clone_from(&next.gauges);
    }
}
