//! The number of events that a step has in progress at a time, and the order of their results.

use std::fmt;
use std::hash::Hash;
use std::ops::RangeInclusive;

use crate::dispatch::stable_hash;
use crate::sync::Arc;

/// How many events a step of single events handles at a time: see
/// [`step_each_at_once`](crate::Chain::step_each_at_once).
///
/// ```
/// use stage_core::policy::{AtOnce, AtOncePer, Order};
///
/// let at_once = AtOnce::auto().order(Order::Any);
/// assert_ne!(at_once, AtOnce::auto(), "results keep the order of their events by default");
/// let per_tenant: AtOncePer<u32> = at_once.at_most(4, |tenant| *tenant);
/// assert!(format!("{per_tenant:?}").contains("at_most: Some(4)"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct AtOnce {
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) order: Order,
}

/// The upper bound of [`AtOnce::auto`].
const AUTO: usize = 256;

/// The order in which results leave a step that handles several events at a time.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::Pipeline;
/// use stage_core::policy::{AtOnce, FailurePolicy, Order, each};
///
/// async fn wait(millis: u64) -> Result<u64, stage_core::BoxError> {
///     tokio::time::sleep(Duration::from_millis(millis)).await;
///     Ok(millis)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// for (order, expected) in [(Order::Kept, [30, 20, 10]), (Order::Any, [10, 20, 30])] {
///     let (sent, received) = std::sync::mpsc::channel();
///     let pipeline = Pipeline::builder("wait")
///         .start_fn("times", || Ok([30, 20, 10]))
///         .step_each_at_once("wait", AtOnce::new(3).order(order), FailurePolicy::skip(), || Ok(each(wait)))
///         .finish_fn("send", move |millis| sent.send(millis).expect("the receiver is alive"));
///     pipeline.start().await?.join().await?;
///     assert_eq!(received.iter().collect::<Vec<_>>(), expected);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// In the order of their events: a result waits for those of earlier events.
    #[default]
    Kept,
    /// As the events complete.
    Any,
}

/// A number of events at once that is out of range.
///
/// ```
/// use stage_core::policy::{AtOnce, AtOnceError, FailurePolicy, each};
/// use stage_core::{ExitReason, Pipeline, StartError};
///
/// async fn same(number: u32) -> Result<u32, stage_core::BoxError> {
///     Ok(number)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..10_u32))
///     .step_each_at_once("same", AtOnce::new(4).at_most(0, |n: &u32| *n), FailurePolicy::skip(), || Ok(each(same)))
///     .finish_fn("print", drop);
/// let Err(StartError::Stage { reason: ExitReason::Error(error), .. }) = pipeline.start().await else { panic!() };
/// assert_eq!(error.downcast_ref(), Some(&AtOnceError::PerKey));
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum AtOnceError {
    /// The step could handle no event.
    #[error("at_once must be at least 1, got 0")]
    InAll,
    /// The step could handle no event of any key.
    #[error("at_most must be at least 1, got 0")]
    PerKey,
    /// The range is empty.
    #[error("at_once needs a range from the smaller to the larger number, got {least}..={most}")]
    Range {
        /// The lower bound.
        least: usize,
        /// The upper bound.
        most: usize,
    },
}

impl AtOnce {
    /// Allows `events` events in progress at a time, at least 1; their results leave in the order of the events.
    pub const fn new(events: usize) -> Self {
        Self { least: events, most: events, order: Order::Kept }
    }

    /// Allows as many events in progress as the target that the handlers call bears, within these bounds; results leave
    /// in the order of the events. The lower bound is at least 1.
    ///
    /// The limit begins at the lower bound and doubles until calls take longer than they did, which shows a queue at the
    /// target; from then on it stays a little above the number at which the queue begins. A handler that returns an
    /// [`Overloaded`](super::Overloaded) error, or exceeds the [deadline](super::FailurePolicy::deadline), halves it, once
    /// for all calls in progress. Other failures do not change it. It does not grow while fewer events come than it allows.
    ///
    /// Each copy of the step has the limit, and all copies learn together; a restart keeps what was learnt.
    /// [`StageStats::at_once`](crate::stats::StageStats::at_once) is the limit now. `docs/design/adaptive.md` describes the
    /// rule and its sources.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use stage_core::Pipeline;
    /// # use stage_core::policy::{AtOnce, FailurePolicy, Overloaded, each};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// # async fn status(_: u64) -> u16 { 200 }
    /// async fn look_up(number: u64) -> Result<u64, stage_core::BoxError> {
    ///     match status(number).await {
    ///         429 | 503 => Err(Overloaded::new("the service is busy").into()),
    ///         _ => Ok(number * 2),
    ///     }
    /// }
    ///
    /// let pipeline = Pipeline::builder("look up")
    ///     .start_fn("numbers", || Ok(0..100))
    ///     .step_each_at_once("look_up", AtOnce::adaptive(4..=64), FailurePolicy::skip(), || Ok(each(look_up)))
    ///     .finish_fn("print", |number| println!("{number}"));
    /// let report = pipeline.start().await?.join().await?;
    /// assert!((4..=64).contains(&report.stages[1].at_once.ok_or("it has a limit")?));
    /// # Ok(())
    /// # }
    /// ```
    pub const fn adaptive(bounds: RangeInclusive<usize>) -> Self {
        Self { least: *bounds.start(), most: *bounds.end(), order: Order::Kept }
    }

    /// The same as [`adaptive`](Self::adaptive) with the bounds 1 and 256.
    pub const fn auto() -> Self {
        Self::adaptive(1..=AUTO)
    }

    pub(crate) const fn bounds(self) -> RangeInclusive<usize> {
        self.least..=self.most
    }

    /// # Errors
    ///
    /// [`AtOnceError`] if no event could be handled, or the range is empty.
    pub(crate) const fn checked(self) -> Result<(), AtOnceError> {
        let Self { least, most, .. } = self;
        if least == 0 {
            return Err(AtOnceError::InAll);
        }
        if least > most {
            return Err(AtOnceError::Range { least, most });
        }
        Ok(())
    }

    /// Sets the order in which results leave. Default: [`Order::Kept`].
    pub const fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Handles at most `events` events with equal keys at a time, at least 1: a bulkhead for each key. If the target of one
    /// key hangs, its events wait, and the others are handled. They all count towards the `max_demand` of the step, so
    /// set that above the number of events that may wait.
    ///
    /// With `1`, the events of a key are handled one after the other, in order.
    ///
    /// ```
    /// use stage_core::policy::AtOnce;
    ///
    /// struct Order {
    ///     tenant: u32,
    /// }
    ///
    /// let at_once = AtOnce::new(64).at_most(4, |order: &Order| order.tenant);
    /// # let _ = at_once;
    /// ```
    pub fn at_most<E, K: Hash>(
        self,
        events: usize,
        per: impl Fn(&E) -> K + Send + Sync + 'static,
    ) -> AtOncePer<E> {
        let key = Arc::new(move |event: &E| stable_hash(&per(event)));
        AtOncePer { at_once: self, bulkheads: Some(PerKey { most: events, key }) }
    }
}

/// How many events a step handles at a time, in all and with equal keys: see [`AtOnce::at_most`].
///
/// ```
/// use stage_core::policy::{AtOnce, AtOncePer};
///
/// /// One request at a time to each host, and 16 in all.
/// fn politely() -> AtOncePer<(String, u32)> {
///     AtOnce::new(16).at_most(1, |request: &(String, u32)| request.0.clone())
/// }
/// assert!(format!("{:?}", politely()).contains("at_most: Some(1)"));
/// ```
#[must_use]
pub struct AtOncePer<E> {
    pub(crate) at_once: AtOnce,
    pub(crate) bulkheads: Option<PerKey<E>>,
}

/// The most events with equal keys in progress at a time.
pub(crate) struct PerKey<E> {
    pub(crate) most: usize,
    pub(crate) key: Arc<dyn Fn(&E) -> u64 + Send + Sync>,
}

impl<E> AtOncePer<E> {
    /// # Errors
    ///
    /// If no event could be handled.
    pub(crate) fn checked(&self) -> Result<(), AtOnceError> {
        self.at_once.checked()?;
        if self.bulkheads.as_ref().is_some_and(|bulkheads| bulkheads.most == 0) {
            return Err(AtOnceError::PerKey);
        }
        Ok(())
    }
}

impl<E> From<AtOnce> for AtOncePer<E> {
    fn from(at_once: AtOnce) -> Self {
        Self { at_once, bulkheads: None }
    }
}

impl<E> Clone for AtOncePer<E> {
    fn clone(&self) -> Self {
        Self { at_once: self.at_once, bulkheads: self.bulkheads.clone() }
    }
}

impl<E> Clone for PerKey<E> {
    fn clone(&self) -> Self {
        Self { most: self.most, key: Arc::clone(&self.key) }
    }
}

impl<E> fmt::Debug for AtOncePer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_most = self.bulkheads.as_ref().map(|bulkheads| bulkheads.most);
        f.debug_struct("AtOncePer").field("at_once", &self.at_once).field("at_most", &at_most).finish()
    }
}
