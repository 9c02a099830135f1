//! What a stage says of itself when it is asked why it does not get on.

use std::time::Duration;

use crate::base::options::DemandMode;
use crate::sync::Arc;

/// How a stage stands, told between two callbacks or while one waits. Nobody asks a stage that gets on.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    pub(crate) callback: Callback,
    /// Events in the hands of a callback.
    pub(crate) in_hand: usize,
    /// Batches that were received and not handled.
    pub(crate) queued: usize,
    /// Events that were emitted and not handed out.
    pub(crate) buffered: usize,
    /// Events that its subscribers want.
    pub(crate) wanted: usize,
    /// Who takes its events.
    pub(crate) consumers: Vec<Arc<str>>,
    /// The producers of subscriptions that are paused and have something to be received.
    pub(crate) paused: Vec<Arc<str>>,
    pub(crate) mode: DemandMode,
    /// What keeps it from ending.
    pub(crate) holds: usize,
    /// When it wakes by itself.
    pub(crate) timer: Option<Duration>,
}

/// Whether a callback has begun and not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    None,
    Waits,
}
