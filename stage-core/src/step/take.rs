//! Steps that pass on the first events and then finish.

use std::marker::PhantomData;

use super::passing::{Pass, Passing, Verdict};
use crate::stage::ProducerConsumer;

/// Passes on the first `events` events, and finishes: its producers see the end of their consumer, and the steps
/// behind it the end of their input. `take(0)` finishes at once.
///
/// ```
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, taken) = sink::collect::<Vec<u64>, _>();
/// let pipeline = Pipeline::builder("first")
///     .start_fn("numbers", || Ok(0..))
///     .step("take", || Ok(step::take(3)))
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(taken.await?, [0, 1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// Each copy of the step counts for itself, and again from the start after a restart. Events beyond the last one
/// may be on their way, at most `max_demand` of the step: deliveries return to their source untried, plain events
/// are discarded and counted.
pub fn take<E: Send + 'static>(events: u64) -> impl ProducerConsumer<In = E, Out = E> {
    Passing::new(Take { left: events, event: PhantomData })
}

/// Passes on events until the first one for which `wanted` returns `false`, and finishes. That event returns to
/// its source untried in an acknowledged pipeline, as those behind it do, unless `wanted` looked at a delivery
/// other than by [`peek`](crate::ack::Delivery::peek).
///
/// ```
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, taken) = sink::collect::<Vec<u64>, _>();
/// let pipeline = Pipeline::builder("small")
///     .start_fn("numbers", || Ok(0..))
///     .step("take_while", || Ok(step::take_while(|number| *number < 3)))
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(taken.await?, [0, 1, 2]);
/// # Ok(())
/// # }
/// ```
pub fn take_while<E, F>(wanted: F) -> impl ProducerConsumer<In = E, Out = E>
where
    E: Send + 'static,
    F: FnMut(&E) -> bool + Send + 'static,
{
    Passing::new(TakeWhile { wanted, event: PhantomData })
}

pub(super) struct Take<E> {
    pub(super) left: u64,
    pub(super) event: PhantomData<fn(E)>,
}

impl<E: Send + 'static> Pass for Take<E> {
    type In = E;
    type Out = E;

    fn wants_nothing(&self) -> bool {
        self.left == 0
    }

    fn judge(&mut self, event: E) -> Verdict<E, E> {
        match self.left {
            0 => Verdict::Finish(event),
            1 => {
                self.left = 0;
                Verdict::Last(event)
            }
            _ => {
                self.left -= 1;
                Verdict::Emit(event)
            }
        }
    }
}

pub(super) struct TakeWhile<E, F> {
    pub(super) wanted: F,
    pub(super) event: PhantomData<fn(E)>,
}

impl<E, F> Pass for TakeWhile<E, F>
where
    E: Send + 'static,
    F: FnMut(&E) -> bool + Send + 'static,
{
    type In = E;
    type Out = E;

    fn judge(&mut self, event: E) -> Verdict<E, E> {
        if (self.wanted)(&event) { Verdict::Emit(event) } else { Verdict::Finish(event) }
    }
}
