//! The report of a stage to the stall detector.

use std::time::Duration;

use crate::base::options::DemandMode;
use crate::sync::Arc;

/// The state of a stalled stage, reported between two callbacks or while one waits. Only stalled stages are
/// queried.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    pub(crate) callback: Callback,
    /// Events being handled by a callback.
    pub(crate) in_hand: usize,
    /// Batches received and not yet handled.
    pub(crate) queued: usize,
    /// Events emitted and not yet sent.
    pub(crate) buffered: usize,
    /// The unmet demand of its subscribers.
    pub(crate) wanted: usize,
    /// The names of its consumers.
    pub(crate) consumers: Vec<Arc<str>>,
    /// The producers of paused subscriptions that have something to receive.
    pub(crate) paused: Vec<Arc<str>>,
    pub(crate) mode: DemandMode,
    /// The number of holds that keep it from ending.
    pub(crate) holds: usize,
    /// The time until it wakes by itself.
    pub(crate) timer: Option<Duration>,
}

/// Whether a callback is running: it began and has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    None,
    Waits,
}
