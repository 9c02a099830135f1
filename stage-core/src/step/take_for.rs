//! The step that finishes after a time.

use std::marker::PhantomData;
use std::time::Duration;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::lines::Line;
use crate::base::moment;
use crate::stage::ProducerConsumer;

/// Passes events on for `time` after the start of the step, and finishes. Events that come later return to their source
/// untried in an acknowledged pipeline, and are discarded and counted otherwise.
///
/// ```
/// # use std::time::Duration;
/// use stage_core::{Pipeline, source, step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("minute")
///     .start("ticks", || Ok(source::interval(Duration::from_secs(1))?))
///     .step("minute", || Ok(step::take_for(Duration::from_secs(60))))
///     .finish_fn("print", |tick| println!("{tick:?}"));
/// let report = pipeline.start().await?.join().await?;
/// assert!((59..=61).contains(&report.stages[2].events_in));
/// # Ok(())
/// # }
/// ```
///
/// After a restart of the step, the time starts again.
pub fn take_for<E: Send + 'static>(time: Duration) -> impl ProducerConsumer<In = E, Out = E> {
    Deciding::new(TakeFor::new(time))
}

pub(super) struct TakeFor<E> {
    time: Duration,
    end: Option<Instant>,
    event: PhantomData<fn(E)>,
}

impl<E> TakeFor<E> {
    pub(super) fn new(time: Duration) -> Self {
        Self { time, end: None, event: PhantomData }
    }
}

impl<E: Send + 'static> Decide for TakeFor<E> {
    type In = E;
    type Out = E;

    fn begin(&mut self, now: Instant) {
        self.end = moment::after(now, self.time);
    }

    fn take(&mut self, event: E, _line: Line, now: Instant, out: &mut Output<Self>) {
        if self.end.is_none_or(|end| now < end) {
            out.emit(event);
        } else {
            out.give_back(event);
            out.finish();
        }
    }

    fn serve(&mut self, now: Instant, _room: usize, out: &mut Output<Self>) {
        if self.end.is_some_and(|end| end <= now) {
            out.finish();
        }
    }

    fn next(&self, _room: usize) -> Option<Instant> {
        self.end
    }
}
