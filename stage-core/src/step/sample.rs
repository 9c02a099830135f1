//! The step that passes on one event of each period.

use std::time::Duration;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::held::Held;
use super::lines::Line;
use crate::base::moment;
use crate::stage::ProducerConsumer;

/// Passes on the latest event at the end of each `period` in which one came, and leaves out the others. Periods are
/// counted from the start of the step; with a period of zero, it is [`latest`](super::latest).
///
/// ```
/// # use std::time::Duration;
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, shown) = sink::collect::<Vec<u32>, _>();
/// let pipeline = Pipeline::builder("display")
///     .start_fn("readings", || Ok([20, 21, 22]))
///     .step("sample", || Ok(step::sample(Duration::from_secs(1))))
///     .finish("show", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(shown.await?, [22]);
/// # Ok(())
/// # }
/// ```
///
/// # Demand
///
/// It takes every event that comes, whether or not something is asked for, and holds one. If nothing is asked for at
/// the end of the period, the event waits, and a later one replaces it.
///
/// # End
///
/// The event that is held leaves when the last producer has ended. A stage that is stopped discards it, or gives its
/// delivery back untried.
pub fn sample<E: Send + 'static>(period: Duration) -> impl ProducerConsumer<In = E, Out = E> {
    Deciding::new(Sample { period, began: None, held: Held::default() })
}

pub(super) struct Sample<E> {
    pub(super) period: Duration,
    pub(super) began: Option<Instant>,
    /// The latest event, and the end of the period in which the first of those that it replaced came.
    pub(super) held: Held<E>,
}

impl<E> Sample<E> {
    /// Returns the end of the period that contains `now`.
    fn period_end(&self, now: Instant) -> Option<Instant> {
        let began = self.began.unwrap_or(now);
        let Some(into) = (now - began).as_nanos().checked_rem(self.period.as_nanos()) else {
            return Some(now);
        };
        let into = Duration::from_nanos(u64::try_from(into).ok()?);
        moment::after(now, self.period.saturating_sub(into))
    }
}

impl<E: Send + 'static> Decide for Sample<E> {
    type In = E;
    type Out = E;

    const AHEAD: bool = true;

    fn begin(&mut self, now: Instant) {
        self.began = Some(now);
    }

    fn take(&mut self, event: E, _line: Line, now: Instant, out: &mut Output<Self>) {
        let end = self.held.due_or(|| self.period_end(now));
        if let Some((earlier, _)) = self.held.replace(event, end) {
            out.leave_out(earlier);
        }
    }

    fn serve(&mut self, now: Instant, room: usize, out: &mut Output<Self>) {
        self.held.serve(now, room, out);
    }

    fn next(&self, _room: usize) -> Option<Instant> {
        self.held.due_or(|| None)
    }

    fn end(&mut self, out: &mut Output<Self>) {
        self.held.end(out);
    }

    fn held(&self) -> usize {
        self.held.len()
    }
}
