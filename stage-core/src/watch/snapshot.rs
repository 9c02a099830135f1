//! The statistics of a pipeline at one moment.

use std::time::Duration;

use super::activity::Activity;
use crate::ack::Settlement;
use crate::base::stats::{LinkNumbers, StageState, StageStats, StateTimes};
use crate::pipeline::StepInfo;
use crate::supervise::Exit;

/// A pipeline at one moment, or at its end; taken by [`Monitor::snapshot`](crate::pipeline::Monitor::snapshot).
///
/// The numbers of different stages belong to slightly different moments.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// The name of the pipeline.
    pub pipeline: String,
    /// The time since the start of the pipeline, by the clock of the runtime.
    pub at: Duration,
    /// The steps with their effective options.
    pub steps: Vec<StepInfo>,
    /// Each stage, in the order of the pipeline.
    pub stages: Vec<StageSnapshot>,
    /// The links between steps, including those to streams and other outside consumers.
    pub links: Vec<LinkSnapshot>,
    /// The verdicts on the deliveries of acknowledged sources so far.
    pub settlement: Settlement,
    /// The age of the oldest delivery that is neither acknowledged nor rejected, if there is one.
    pub oldest_open: Option<Duration>,
    /// The last 16 exits of stages whose work was not done, oldest first.
    pub exits: Vec<Exit>,
}

/// One stage at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StageSnapshot {
    /// Its counters.
    pub stats: StageStats,
    /// The current state; `None` while the stage is not running.
    pub state: Option<StageState>,
    /// The time since it entered the current state; zero while the stage is not running. A stage that works
    /// is polled without a pause for this long.
    pub state_age: Duration,
    /// The time it spent in each state.
    pub times: StateTimes,
    /// The server outside of the pipeline that it waits for, if it has named one.
    pub waiting_for: Option<String>,
    /// Whether it has no producers in its pipeline.
    pub is_source: bool,
    /// Whether it is a source that usually begins with its first events again after a restart.
    pub starts_over: bool,
}

/// All links from the copies of one step to those of another.
///
/// The counts `asked`, `sent` and `handled` only grow, across all restarts of the stages. The other numbers
/// describe the links that exist now.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LinkSnapshot {
    /// The step that emits.
    pub from: String,
    /// The step that takes, or the name of a consumer from outside.
    pub to: String,
    /// The number of links that exist now.
    pub links: u64,
    /// Events that the consumers asked for.
    pub asked: u64,
    /// Events that the producers sent.
    pub sent: u64,
    /// Events that the consumers handled.
    pub handled: u64,
    /// Events asked for and not sent.
    pub unmet: u64,
    /// Events sent and not handled.
    pub in_flight: u64,
    /// The sum of the links' `min_demand`.
    pub min_demand: u64,
    /// The sum of the links' `max_demand`: the maximum number of events in flight.
    pub max_demand: u64,
    /// The fill of the fullest link, events in flight divided by `max_demand`: 0 to 1.
    pub fullest: f64,
}

impl LinkSnapshot {
    #[inline]
    pub(crate) fn new(from: String, to: String, numbers: LinkNumbers) -> Self {
        let LinkNumbers { links, asked, sent, handled, unmet, in_flight, min, max, fullest } = numbers;
        Self {
            from,
            to,
            links,
            asked,
            sent,
            handled,
            unmet,
            in_flight,
            min_demand: min,
            max_demand: max,
            fullest,
        }
    }

    #[inline]
    pub(crate) fn is_between(&self, from: &str, to: &str) -> bool {
        self.from == from && self.to == to
    }
}

impl Snapshot {
    /// Returns the activity of the pipeline since `earlier`, a snapshot of the same pipeline.
    #[inline]
    pub fn since(&self, earlier: &Self) -> Activity {
        Activity::between(earlier, self)
    }
}
