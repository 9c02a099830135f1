//! The step that answers demand without input.

use std::marker::PhantomData;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output, Settles};
use super::lines::Line;
use crate::ack::Token;
use crate::policy::{Carry, Plain};
use crate::stage::ProducerConsumer;

/// Passes events on, and continues the latest one while more is asked for than comes: `next` makes each further event of
/// the one before, or `None` if there is none.
///
/// ```
/// use stage_core::{Pipeline, sink, source, step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (sender, positions) = tokio::sync::mpsc::channel(8);
/// let positions = source::from_channel(positions);
/// let (all, drawn) = sink::collect::<Vec<u32>, _>();
/// let pipeline = Pipeline::builder("animation")
///     .start("positions", move || Ok(positions.clone()))
///     .step("moving", || Ok(step::expand(|position: &u32| Some(position + 10))))
///     .step("frames", || Ok(step::take(4)))
///     .finish("draw", move || Ok(all.clone()));
/// sender.send(5).await?;
/// pipeline.start().await?.join().await?;
/// assert_eq!(drawn.await?, [5, 15, 25, 35]);
/// # drop(sender);
/// # Ok(())
/// # }
/// ```
///
/// Every event leaves once, before those that continue it, and events that wait in the step go first.
///
/// # Demand
///
/// It answers all demand at once, as fast as the steps behind it ask: set their `max_demand` low, or put a
/// [limit](crate::rate) behind it. When the last producer has ended, it ends.
///
/// The step keeps a clone of the latest event. For deliveries, see
/// [`acknowledged::expand`](super::acknowledged::expand).
pub fn expand<T, F>(next: F) -> impl ProducerConsumer<In = T, Out = T>
where
    T: Clone + Send + 'static,
    F: FnMut(&T) -> Option<T> + Send + 'static,
{
    expanding::<Plain, _, _>(next)
}

pub(super) fn expanding<C, T, F>(next: F) -> impl ProducerConsumer<In = C::Of<T>, Out = C::Of<T>>
where
    C: Carry,
    T: Clone + Send + 'static,
    F: FnMut(&T) -> Option<T> + Send + 'static,
{
    Deciding::new(Expand::<C, _, _>::new(next))
}

pub(super) struct Expand<C, T, F> {
    next: F,
    latest: Option<T>,
    carry: PhantomData<fn() -> C>,
}

impl<C, T, F> Expand<C, T, F> {
    pub(super) fn new(next: F) -> Self {
        Self { next, latest: None, carry: PhantomData }
    }
}

impl<C, T, F> Decide for Expand<C, T, F>
where
    C: Carry,
    T: Clone + Send + 'static,
    F: FnMut(&T) -> Option<T> + Send + 'static,
{
    type In = C::Of<T>;
    type Out = C::Of<T>;

    const SETTLES: Settles = Settles::OnDemand;

    fn take(&mut self, event: C::Of<T>, _line: Line, _now: Instant, out: &mut Output<Self>) {
        self.latest = Some(C::peek(&event).clone());
        out.emit(event);
    }

    fn settle(&mut self, _now: Instant, room: usize, out: &mut Output<Self>) {
        for _ in 0..room {
            self.latest = self.latest.take().and_then(|latest| (self.next)(&latest));
            let Some(next) = &self.latest else { return };
            out.emit(C::close(next.clone(), Token::untracked()));
        }
    }

    fn end(&mut self, _out: &mut Output<Self>) {
        self.latest = None;
    }
}
