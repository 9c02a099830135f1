//! What a source does with verdicts.

use std::future::{Future, ready};
use std::time::Duration;

use super::reason::Reason;
use crate::base::backoff::Backoff;
use crate::base::error::BoxError;

/// Tells a source what became of its events. Its collector is a task of its own, which runs until the source is
/// gone and everything it delivered was judged.
pub trait Acknowledger: Send + 'static {
    /// By what the source knows an event again.
    type Receipt: Clone + Send + Sync + 'static;

    /// These were handled, those were not; each in the order in which they were judged, each receipt once.
    ///
    /// An error is counted, logged and reported; the same verdicts are told again if the options ask for
    /// [`retry`](AckOptions::retry), so a part of them may be known already.
    fn settle(
        &mut self,
        acknowledged: &[Self::Receipt],
        rejected: &[Rejected<Self::Receipt>],
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Called every [`heartbeat`](AckOptions::heartbeat) as long as the collector runs: what was delivered is
    /// still in hand.
    fn keep(&mut self) -> impl Future<Output = Result<(), BoxError>> + Send {
        ready(Ok(()))
    }
}

/// An event that was not handled.
#[derive(Clone, Debug)]
pub struct Rejected<R> {
    /// By what the source knows it again.
    pub receipt: R,
    /// Why.
    pub reason: Reason,
}

/// How verdicts are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct AckOptions {
    pub(super) linger: Duration,
    pub(super) retry: Backoff,
    pub(super) heartbeat: Option<Duration>,
}

impl AckOptions {
    /// Verdicts are told after 5 ms, once, and there is no heartbeat.
    pub const fn new() -> Self {
        Self {
            linger: Duration::from_millis(5),
            retry: Backoff::new(Duration::ZERO, Duration::ZERO).attempts(0),
            heartbeat: None,
        }
    }

    /// How long the first verdict waits for others, to be told in one call. Default: 5 ms.
    pub const fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Verdicts that could not be told are told again after these waits. Default: not at all.
    pub const fn retry(mut self, retry: Backoff) -> Self {
        self.retry = retry;
        self
    }

    /// How often [`Acknowledger::keep`] is called; a zero counts as one millisecond. Default: never.
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = Some(every.max(Duration::from_millis(1)));
        self
    }
}

impl Default for AckOptions {
    fn default() -> Self {
        Self::new()
    }
}
