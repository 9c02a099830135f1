//! The step that keeps only the latest event while nothing is asked for.

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::lines::Line;
use crate::stage::ProducerConsumer;

/// Passes events on while they are asked for, and keeps only the latest one otherwise: a slow step behind it always
/// works on the newest state.
///
/// ```
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, shown) = sink::collect::<Vec<u32>, _>();
/// let pipeline = Pipeline::builder("prices")
///     .start_fn("prices", || Ok([101, 102, 103]))
///     .step("latest", || Ok(step::latest()))
///     .finish("show", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(shown.await?, [103]);
/// # Ok(())
/// # }
/// ```
///
/// # Demand
///
/// It takes every event that comes, whether or not something is asked for, and holds one. Of a batch that comes while
/// several events are asked for, only the latest one leaves.
///
/// # End
///
/// The event that is held leaves when the last producer has ended. A stage that is stopped discards it, or gives its
/// delivery back untried.
pub fn latest<E: Send + 'static>() -> impl ProducerConsumer<In = E, Out = E> {
    Deciding::new(Latest { held: None })
}

pub(super) struct Latest<E> {
    pub(super) held: Option<E>,
}

impl<E: Send + 'static> Decide for Latest<E> {
    type In = E;
    type Out = E;

    const AHEAD: bool = true;

    fn take(&mut self, event: E, _line: Line, _now: Instant, out: &mut Output<Self>) {
        if let Some(earlier) = self.held.replace(event) {
            out.leave_out(earlier);
        }
    }

    fn serve(&mut self, _now: Instant, room: usize, out: &mut Output<Self>) {
        if room > 0
            && let Some(event) = self.held.take()
        {
            out.emit(event);
        }
    }

    fn end(&mut self, out: &mut Output<Self>) {
        if let Some(event) = self.held.take() {
            out.emit(event);
        }
    }

    fn held(&self) -> usize {
        usize::from(self.held.is_some())
    }
}
