//! The report of a flow that has ended.

use std::fmt;

use stage_core::pipeline::Outcome;

use crate::profile::Profile;

/// The result of a flow that ended without a failure.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FlowReport {
    /// How the flow ended. The results of a stopped flow are incomplete.
    pub outcome: Outcome,
    /// The statistics of its layers. Those of the stages include remaining events: still buffered, or
    /// discarded.
    pub profile: Profile,
    /// The stages that did not end in time and were aborted, as `layer/number`.
    pub cut_off: Vec<String>,
}

impl FlowReport {
    /// Returns the number of events emitted by the flow.
    pub fn events(&self) -> u64 {
        self.profile.events
    }
}

impl fmt::Display for FlowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.outcome {
            Outcome::Finished => "finished",
            Outcome::Drained => "drained",
            Outcome::Stopped => "stopped",
        };
        write!(f, "{verb}: {}", self.profile)
    }
}
