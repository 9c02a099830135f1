//! The step that folds events into one while nothing is asked for.

use std::marker::PhantomData;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::held_tokens::HeldTokens;
use super::lines::Line;
use crate::policy::{Carry, Plain};
use crate::stage::ProducerConsumer;

/// Folds the events that come while nothing is asked for into one: `seed` makes the first of them the result, and
/// `fold` adds each other one.
///
/// ```
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, sums) = sink::collect::<Vec<u64>, _>();
/// let pipeline = Pipeline::builder("amounts")
///     .start_fn("amounts", || Ok([1, 20, 300]))
///     .step("sum", || Ok(step::conflate(|amount: u64| amount, |sum, amount| *sum += amount)))
///     .finish("store", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(sums.await?.iter().sum::<u64>(), 321);
/// # Ok(())
/// # }
/// ```
///
/// # Demand
///
/// It takes every event that comes, whether or not something is asked for, and holds one result. A batch becomes one
/// result, also if more is asked for.
///
/// # End
///
/// The result that is held leaves when the last producer has ended. A stage that is stopped discards it and counts it as
/// one event. For deliveries, see [`acknowledged::conflate`](super::acknowledged::conflate).
pub fn conflate<T, A, S, F>(seed: S, fold: F) -> impl ProducerConsumer<In = T, Out = A>
where
    T: Send + 'static,
    A: Send + 'static,
    S: FnMut(T) -> A + Send + 'static,
    F: FnMut(&mut A, T) + Send + 'static,
{
    conflating::<Plain, _, _, _, _>(seed, fold)
}

pub(super) fn conflating<C, T, A, S, F>(
    seed: S,
    fold: F,
) -> impl ProducerConsumer<In = C::Of<T>, Out = C::Of<A>>
where
    C: Carry,
    T: Send + 'static,
    A: Send + 'static,
    S: FnMut(T) -> A + Send + 'static,
    F: FnMut(&mut A, T) + Send + 'static,
{
    Deciding::new(Conflate::<C, _, _, _, _>::new(seed, fold))
}

pub(super) struct Conflate<C, T, A, S, F> {
    seed: S,
    fold: F,
    result: Option<A>,
    tokens: HeldTokens,
    types: PhantomData<fn(T) -> C>,
}

impl<C: Carry, T, A: Send + 'static, S, F> Conflate<C, T, A, S, F> {
    pub(super) fn new(seed: S, fold: F) -> Self {
        Self { seed, fold, result: None, tokens: HeldTokens::default(), types: PhantomData }
    }

    fn take_result(&mut self) -> Option<C::Of<A>> {
        let result = self.result.take()?;
        Some(C::close(result, self.tokens.join()))
    }
}

impl<C, T, A, S, F> Decide for Conflate<C, T, A, S, F>
where
    C: Carry,
    T: Send + 'static,
    A: Send + 'static,
    S: FnMut(T) -> A + Send + 'static,
    F: FnMut(&mut A, T) + Send + 'static,
{
    type In = C::Of<T>;
    type Out = C::Of<A>;

    const AHEAD: bool = true;

    fn take(&mut self, event: C::Of<T>, _line: Line, _now: Instant, _out: &mut Output<Self>) {
        let (event, token) = C::open(event);
        match &mut self.result {
            Some(result) => (self.fold)(result, event),
            None => self.result = Some((self.seed)(event)),
        }
        self.tokens.add(token);
    }

    fn serve(&mut self, _now: Instant, room: usize, out: &mut Output<Self>) {
        if room > 0
            && let Some(result) = self.take_result()
        {
            out.emit(result);
        }
    }

    fn end(&mut self, out: &mut Output<Self>) {
        if let Some(result) = self.take_result() {
            out.emit(result);
        }
    }

    fn held(&self) -> usize {
        usize::from(self.result.is_some())
    }
}
