//! How a flow that was started has ended.

use std::fmt;

use stage_core::Outcome;

use crate::profile::Profile;

/// What a flow did that ended without a failure.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FlowReport {
    /// How it ended. What came of a flow that was stopped is not the whole.
    pub outcome: Outcome,
    /// What each of its layers did. What was left, its stages tell: events that are still buffered, or were
    /// discarded.
    pub profile: Profile,
    /// The stages that did not end in time and were cut off, as `layer/number`.
    pub cut_off: Vec<String>,
}

impl FlowReport {
    /// The events that came out of the flow.
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
