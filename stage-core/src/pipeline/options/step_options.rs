//! The options of a step, as they are declared.

use crate::base::options::{CancelMode, Capacity, Keep, Placement, Restart};

/// The options of one step, or the defaults of a pipeline's steps. Options that are not set use the
/// pipeline's defaults, or else: one copy, `min_demand` 1, `max_demand` 10, placed on the runtime, restarted
/// after every failure.
///
/// If a step sets only `max_demand`, to a value at or below the default minimum, then
/// `min_demand = max_demand / 2`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct StepOptions {
    pub(crate) name: Option<String>,
    pub(crate) count: Option<usize>,
    pub(crate) min_demand: Option<usize>,
    pub(crate) max_demand: Option<usize>,
    pub(crate) placement: Option<Placement>,
    pub(crate) buffer: Option<Capacity>,
    pub(crate) keep: Option<Keep>,
    pub(crate) restart: Option<Restart>,
    pub(crate) cancel: Option<CancelMode>,
}

impl StepOptions {
    /// Creates options with nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates options with only the name set.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new().name(name)
    }

    /// Sets the name, unique in the pipeline. Default: made from the type of the stage.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the number of parallel copies of the step, 1 to 65,536. Default: 1.
    pub fn count(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }

    /// Sets the outstanding demand, in events, at or below which each copy asks again: 0 to `max_demand − 1`.
    /// Default: 1.
    pub fn min_demand(mut self, events: usize) -> Self {
        self.min_demand = Some(events);
        self
    }

    /// Sets the maximum number of events that each copy has outstanding at each producer, 1 to 1,000,000,000.
    /// Default: 10.
    ///
    /// A step that takes batches counts batches. Instead of the pipeline's number, it inherits the number of
    /// batches that hold that many events, at least one; or two, if the declaration does not set the batch
    /// size.
    pub fn max_demand(mut self, events: usize) -> Self {
        self.max_demand = Some(events);
        self
    }

    /// Sets where the callbacks run. Default: on the runtime.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = Some(placement);
        self
    }

    /// Sets how many events without demand each copy buffers. Default: 10,000 for a source, unlimited for a
    /// step. Has no effect on a last step.
    pub fn buffer(mut self, capacity: Capacity) -> Self {
        self.buffer = Some(capacity);
        self
    }

    /// Sets which events a full buffer keeps. Default: the last.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = Some(keep);
        self
    }

    /// Sets when a copy that has ended is restarted. Default: always, unless it has finished.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = Some(restart);
        self
    }

    /// Sets the reaction of a copy to the end of one of its producers. Default:
    /// [temporary](CancelMode::Temporary), it continues until all producers have ended; a failed producer is
    /// used again after its restart.
    ///
    /// [Transient](CancelMode::Transient): it fails when a producer fails, and restarts according to
    /// [`restart`](Self::restart). Useful with [`Strategy::OneForOne`](crate::Strategy::OneForOne); with
    /// other strategies it restarts together with the producers anyway. [Permanent](CancelMode::Permanent):
    /// it also finishes as soon as one producer has finished, and takes no more events from the others. Has
    /// no effect on a source.
    pub fn cancel(mut self, mode: CancelMode) -> Self {
        self.cancel = Some(mode);
        self
    }

    /// Returns these options, with unset ones taken from `others`. The name is not taken over.
    pub(crate) fn or(&self, others: &Self) -> Self {
        Self {
            name: self.name.clone(),
            count: self.count.or(others.count),
            min_demand: self.min_demand.or(others.min_demand),
            max_demand: self.max_demand.or(others.max_demand),
            placement: self.placement.or(others.placement),
            buffer: self.buffer.or(others.buffer),
            keep: self.keep.or(others.keep),
            restart: self.restart.or(others.restart),
            cancel: self.cancel.or(others.cancel),
        }
    }
}

impl From<&str> for StepOptions {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}
