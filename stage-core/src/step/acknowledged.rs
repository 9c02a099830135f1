//! The steps that change the type of events, for acknowledged pipelines: they take and emit deliveries, and their
//! functions see the events.
//!
//! Steps that emit the events that they take, such as [`debounce`](super::debounce), need no variant: a chain tells
//! them how to let go of an event. Wired by hand with `spawn`, they drop deliveries, which rejects them, unless they
//! are [`leaving`].
//!
//! ```
//! use stage_core::Pipeline;
//! use stage_core::ack::Delivery;
//! use stage_core::step::{Side, acknowledged};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! let (sent, sums) = std::sync::mpsc::channel();
//! let pipeline = Pipeline::builder("sums")
//!     .start_fn("numbers", || Ok([2, 4, 6].map(Delivery::untracked)))
//!     .acknowledged()
//!     // The first number is the unit of the others.
//!     .step("scale", || {
//!         Ok(acknowledged::prefix_and_rest(1, |first: Vec<u32>| {
//!             let unit = first.first().copied().unwrap_or(1);
//!             move |number: u32| number / unit
//!         }))
//!     })
//!     .step("sum", || Ok(acknowledged::conflate(|number: u32| number, |sum: &mut u32, number| *sum += number)))
//!     .finish_fn("send", move |sum| sent.send(sum).expect("the receiver is alive"));
//! pipeline.start().await?.join().await?;
//! assert_eq!(sums.iter().sum::<u32>(), 2 + 3);
//!
//! for latest in [false, true] {
//!     let chain = Pipeline::builder("pairs")
//!         .start_fn("left", || Ok([1, 2].map(|number| Delivery::untracked(Side::<u32, &str>::Left(number)))))
//!         .and_start_fn("right", || Ok(["one", "two"].map(|name| Delivery::untracked(Side::Right(name)))))
//!         .acknowledged();
//!     let chain = match latest {
//!         false => chain.step("zip", || Ok(acknowledged::zip())),
//!         true => chain.step("zip", || Ok(acknowledged::zip_latest())),
//!     };
//!     let pipeline = chain.finish_fn("print", |(number, name): (u32, &str)| println!("{number}: {name}"));
//!     let report = pipeline.start().await?.join().await?;
//!     assert!(report.stages.last().is_some_and(|print| print.events_in >= 2));
//! }
//!
//! let pipeline = Pipeline::builder("numbers")
//!     .start_fn("numbers", || Ok([Delivery::untracked(1_u32)]))
//!     .acknowledged()
//!     .step("expand", || Ok(acknowledged::expand(|number: &u32| (*number < 3).then(|| number + 1))))
//!     .finish_fn("print", |number| println!("{number}"));
//! let report = pipeline.start().await?.join().await?;
//! assert!((1..=3).contains(&report.stages[2].events_in));
//! # Ok(())
//! # }
//! ```

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
