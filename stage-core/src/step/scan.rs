//! The step that maps events with a state.

use std::marker::PhantomData;

use super::passing::{Pass, Passing, Verdict};
use crate::policy::{Carry, Plain};
use crate::stage::ProducerConsumer;

/// Maps each event with a function that also has a state: running totals, differences, numbering.
///
/// ```
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, totals) = sink::collect::<Vec<u32>, _>();
/// let pipeline = Pipeline::builder("totals")
///     .start_fn("numbers", || Ok(1..=4))
///     .step("total", || {
///         Ok(step::scan(0, |total, number: u32| {
///             *total += number;
///             *total
///         }))
///     })
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(totals.await?, [1, 3, 6, 10]);
/// # Ok(())
/// # }
/// ```
///
/// Each copy of the step has a state of its own; a restart begins with the initial state. For deliveries, see
/// [`acknowledged::scan`](super::acknowledged::scan).
pub fn scan<S, T, U, F>(state: S, function: F) -> impl ProducerConsumer<In = T, Out = U>
where
    S: Send + 'static,
    T: Send + 'static,
    U: Send + 'static,
    F: FnMut(&mut S, T) -> U + Send + 'static,
{
    scanning::<Plain, _, _, _, _>(state, function)
}

pub(super) fn scanning<C, S, T, U, F>(
    state: S,
    function: F,
) -> impl ProducerConsumer<In = C::Of<T>, Out = C::Of<U>>
where
    C: Carry,
    S: Send + 'static,
    T: Send + 'static,
    U: Send + 'static,
    F: FnMut(&mut S, T) -> U + Send + 'static,
{
    Passing::new(Scan::<C, _, _, _, _>::new(state, function))
}

pub(super) struct Scan<C, S, T, U, F> {
    state: S,
    function: F,
    types: PhantomData<fn(T) -> (U, C)>,
}

impl<C, S, T, U, F> Scan<C, S, T, U, F> {
    pub(super) fn new(state: S, function: F) -> Self {
        Self { state, function, types: PhantomData }
    }
}

impl<C, S, T, U, F> Pass for Scan<C, S, T, U, F>
where
    C: Carry,
    S: Send + 'static,
    T: Send + 'static,
    U: Send + 'static,
    F: FnMut(&mut S, T) -> U + Send + 'static,
{
    type In = C::Of<T>;
    type Out = C::Of<U>;

    fn judge(&mut self, event: C::Of<T>) -> Verdict<C::Of<T>, C::Of<U>> {
        let Self { state, function, .. } = self;
        Verdict::Emit(C::map(event, |event| function(state, event)))
    }
}
