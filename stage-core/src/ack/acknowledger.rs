//! The source's handler of verdicts.

use std::future::{Future, ready};
use std::time::Duration;

use super::reason::Reason;
use crate::base::backoff::Backoff;
use crate::base::error::BoxError;

/// Reports verdicts to a source. It runs in a collector task of its own, which ends once the source is
/// dropped and all of its deliveries have been judged.
///
/// ```
/// use stage_core::BoxError;
/// use stage_core::ack::{Acknowledger, Reason, RejectedDelivery};
///
/// /// Jobs that a server has leased to this process.
/// #[derive(Default)]
/// struct Leases {
///     extended: usize,
///     done: Vec<u64>,
///     returned: Vec<u64>,
///     dead: u64,
/// }
///
/// impl Acknowledger for Leases {
///     type Receipt = u64;
///
///     async fn settle(&mut self, done: &[u64], rejected: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
///         self.done.extend(done);
///         for job in rejected {
///             match job.reason {
///                 Reason::Hopeless(_) => self.dead += 1,
///                 _ => self.returned.push(job.receipt),
///             }
///         }
///         Ok(())
///     }
///
///     fn dead(&self) -> u64 {
///         self.dead
///     }
///
///     async fn keep(&mut self, open: &[u64]) -> Result<(), BoxError> {
///         self.extended += open.len();
///         Ok(())
///     }
///
///     async fn finish(&mut self) -> Result<(), BoxError> {
///         println!("{} done, {} returned", self.done.len(), self.returned.len());
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// // A collector calls it in this way.
/// let mut leases = Leases::default();
/// leases.keep(&[1, 2]).await?;
/// let wrong = RejectedDelivery { receipt: 3, reason: Reason::hopeless("no such customer") };
/// leases.settle(&[1], &[RejectedDelivery { receipt: 2, reason: Reason::Untried }, wrong]).await?;
/// leases.finish().await?;
/// assert_eq!((leases.extended, leases.dead(), leases.done, leases.returned), (2, 1, vec![1], vec![2]));
/// # Ok(())
/// # }
/// ```
pub trait Acknowledger: Send + 'static {
    /// Identifies an event to the source.
    type Receipt: Clone + Send + Sync + 'static;

    /// Reports the handled and the rejected events, each list in the order of the verdicts; every receipt
    /// appears once.
    ///
    /// An error is counted, logged and reported. If the options set a [`retry`](AckOptions::retry), the same
    /// verdicts are reported again, so the source may already know some of them. A [`Fatal`](crate::Fatal) error is not
    /// retried.
    fn settle(
        &mut self,
        acknowledged: &[Self::Receipt],
        rejected: &[RejectedDelivery<Self::Receipt>],
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Returns how many of the rejected events the source has set aside for good, over all successful calls of
    /// [`settle`](Self::settle). Read after each, for [`Settlement::dead`](super::Settlement::dead). Default: 0.
    fn dead(&self) -> u64 {
        0
    }

    /// Called every [`heartbeat`](AckOptions::heartbeat) while the collector runs: the deliveries in `open` are
    /// still in hand, or their verdicts are not reported yet. They are in no particular order; the list is empty if
    /// nothing is in hand.
    fn keep(&mut self, open: &[Self::Receipt]) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = open;
        ready(Ok(()))
    }

    /// Called once, after the last verdict was reported or given up: the place to return what the source held, such as
    /// a lease. `join` and `drain` wait for it, at most 5 seconds together with the verdicts. Not called after a panic
    /// of another method, nor if the runtime ends first.
    fn finish(&mut self) -> impl Future<Output = Result<(), BoxError>> + Send {
        ready(Ok(()))
    }
}

/// An event that was not handled.
#[derive(Clone, Debug)]
pub struct RejectedDelivery<R> {
    /// Identifies the event to the source.
    pub receipt: R,
    /// The reason for the rejection.
    pub reason: Reason,
}

/// Options for reporting verdicts.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::Backoff;
/// use stage_core::ack::AckOptions;
///
/// let again = Backoff::new(Duration::from_millis(10), Duration::from_secs(5)).attempts(8);
/// let options = AckOptions::new().linger(Duration::from_millis(20)).retry(again);
/// assert_ne!(options.heartbeat(Duration::from_secs(10)), options);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct AckOptions {
    pub(super) linger: Duration,
    pub(super) retry: Backoff,
    pub(super) heartbeat: Option<Duration>,
}

impl AckOptions {
    /// Returns the defaults: verdicts are reported after 5 ms, without retries and without a heartbeat.
    pub const fn new() -> Self {
        Self {
            linger: Duration::from_millis(5),
            retry: Backoff::new(Duration::ZERO, Duration::ZERO).attempts(0),
            heartbeat: None,
        }
    }

    /// Sets how long the first verdict waits for others, to be reported in one call. Default: 5 ms.
    pub const fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Reports verdicts again, after these delays, if reporting failed. Default: no retries.
    pub const fn retry(mut self, retry: Backoff) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the interval of [`Acknowledger::keep`]; zero counts as one millisecond. Default: no heartbeat.
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
