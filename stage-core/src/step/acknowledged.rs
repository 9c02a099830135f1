//! The steps that change the type of events, for acknowledged pipelines: they take and emit deliveries, and their
//! functions see the events.
//!
//! Steps that emit the events that they take, such as [`debounce`](super::debounce), need no variant: a chain tells
//! them how to let go of an event. Wired by hand with `spawn`, they drop deliveries, which rejects them, unless they
//! are [`leaving`].

use super::side::Side;
use crate::ack::Delivery;
use crate::policy::{Acknowledged, Carry};
use crate::stage::ProducerConsumer;

/// Makes a step that is wired by hand acknowledge the deliveries that it leaves out. In a pipeline, the chain does
/// that.
///
/// ```
/// use stage_core::ack::Delivery;
/// use stage_core::spawn::{self, StageOptions};
/// use stage_core::step::{self, acknowledged};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let skip = acknowledged::leaving(step::skip::<Delivery<u64>>(3));
/// let stage = spawn::producer_consumer(skip, StageOptions::named("skip")).await?;
/// # drop(stage);
/// # Ok(())
/// # }
/// ```
pub fn leaving<T, S>(mut step: S) -> S
where
    T: Send + 'static,
    S: ProducerConsumer<In = Delivery<T>>,
{
    step.let_go_by(Acknowledged::let_go::<T>());
    step
}

/// [`scan`](super::scan) for deliveries: the output of an event has the event's token.
///
/// ```
/// # use stage_core::{pipeline, step::acknowledged};
/// pipeline! {
///     Totals(): u32 => u32 {
///         acknowledged,
///
///         step acknowledged::scan(0, |total, number: u32| { *total += number; *total });
///     }
/// }
/// ```
pub fn scan<S, T, U, F>(state: S, function: F) -> impl ProducerConsumer<In = Delivery<T>, Out = Delivery<U>>
where
    S: Send + 'static,
    T: Send + 'static,
    U: Send + 'static,
    F: FnMut(&mut S, T) -> U + Send + 'static,
{
    super::scan::scanning::<Acknowledged, _, _, _, _>(state, function)
}

/// [`prefix_and_rest`](super::prefix_and_rest) for deliveries: those of the prefix are acknowledged once the function
/// has taken them.
pub fn prefix_and_rest<T, U, M, F>(
    events: usize,
    make: M,
) -> impl ProducerConsumer<In = Delivery<T>, Out = Delivery<U>>
where
    T: Send + 'static,
    U: Send + 'static,
    M: FnOnce(Vec<T>) -> F + Send + 'static,
    F: FnMut(T) -> U + Send + 'static,
{
    super::prefix::prefixed::<Acknowledged, _, _, _, _>(events, make)
}

/// [`conflate`](super::conflate) for deliveries: a result has the tokens of all events folded into it.
///
/// The step takes events as fast as they come, so the number of open deliveries is limited by the source alone.
pub fn conflate<T, A, S, F>(seed: S, fold: F) -> impl ProducerConsumer<In = Delivery<T>, Out = Delivery<A>>
where
    T: Send + 'static,
    A: Send + 'static,
    S: FnMut(T) -> A + Send + 'static,
    F: FnMut(&mut A, T) + Send + 'static,
{
    super::conflate::conflating::<Acknowledged, _, _, _, _>(seed, fold)
}

/// [`expand`](super::expand) for deliveries: an event that continues another is not tracked.
pub fn expand<T, F>(next: F) -> impl ProducerConsumer<In = Delivery<T>, Out = Delivery<T>>
where
    T: Clone + Send + 'static,
    F: FnMut(&T) -> Option<T> + Send + 'static,
{
    super::expand::expanding::<Acknowledged, _, _>(next)
}

/// [`zip`](super::zip) for deliveries: a pair has the tokens of both events.
pub fn zip<L, R>() -> impl ProducerConsumer<In = Delivery<Side<L, R>>, Out = Delivery<(L, R)>>
where
    L: Send + 'static,
    R: Send + 'static,
{
    super::zip::zipping::<Acknowledged, L, R>()
}

/// [`zip_latest`](super::zip_latest) for deliveries: an event is acknowledged with the first pair that has it.
pub fn zip_latest<L, R>() -> impl ProducerConsumer<In = Delivery<Side<L, R>>, Out = Delivery<(L, R)>>
where
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
{
    super::zip_latest::zipping_latest::<Acknowledged, L, R>()
}
