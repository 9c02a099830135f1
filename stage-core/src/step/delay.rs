//! The step that passes every event on later.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::lines::Line;
use crate::base::moment;
use crate::stage::ProducerConsumer;

/// Passes every event on `time` after it came, in order.
///
/// ```
/// # use std::time::Duration;
/// use stage_core::{Pipeline, step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("later")
///     .start_fn("numbers", || Ok(0..10))
///     .step("later", || Ok(step::delay(Duration::from_secs(2))))
///     .finish_fn("print", |number| println!("{number}"));
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.stages[2].events_in, 10);
/// assert!(report.elapsed >= Duration::from_secs(2));
/// # Ok(())
/// # }
/// ```
///
/// # Demand
///
/// At most `max_demand` events of each producer are on their way, so the step passes at most `max_demand` events in
/// each `time`. An event that is due waits until it is asked for.
///
/// # End
///
/// When the producers have ended, the events that are held still leave in their time. A stage that is stopped discards
/// them, or gives their deliveries back untried.
pub fn delay<E: Send + 'static>(time: Duration) -> impl ProducerConsumer<In = E, Out = E> {
    Deciding::new(Delay { time, waiting: VecDeque::new() })
}

pub(super) struct Delay<E> {
    pub(super) time: Duration,
    pub(super) waiting: VecDeque<(Line, Option<Instant>, E)>,
}

impl<E: Send + 'static> Decide for Delay<E> {
    type In = E;
    type Out = E;

    const QUEUES: bool = true;

    fn take(&mut self, event: E, line: Line, now: Instant, _out: &mut Output<Self>) {
        self.waiting.push_back((line, moment::after(now, self.time), event));
    }

    fn serve(&mut self, now: Instant, room: usize, out: &mut Output<Self>) {
        out.emit_from(room, || {
            let due = self.waiting.front().and_then(|(_, due, _)| *due);
            let (line, _, event) = due.filter(|due| *due <= now).and_then(|_| self.waiting.pop_front())?;
            Some((line, event))
        });
    }

    fn next(&self, _room: usize) -> Option<Instant> {
        self.waiting.front()?.1
    }

    fn held(&self) -> usize {
        self.waiting.len()
    }
}
