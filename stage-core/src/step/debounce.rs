//! The step that waits until events stop coming.

use std::time::Duration;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::held::Held;
use super::lines::Line;
use crate::base::moment;
use crate::stage::ProducerConsumer;

/// Passes on an event once no other one came for `quiet`, and leaves out those that were followed sooner: the last
/// state of something that changes in bursts.
///
/// ```
/// # use std::time::Duration;
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, settled) = sink::collect::<Vec<&str>, _>();
/// let pipeline = Pipeline::builder("search")
///     .start_fn("typed", || Ok(["s", "st", "sta", "stage"]))
///     .step("debounce", || Ok(step::debounce(Duration::from_millis(300))))
///     .finish("search", move || Ok(all.clone()));
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(settled.await?, ["stage"]);
/// assert_eq!(report.stages[1].left_out, 3);
/// # Ok(())
/// # }
/// ```
///
/// # Demand
///
/// It takes every event that comes, whether or not something is asked for, and holds one. If that is due and
/// nothing is asked for, it waits, and a later event replaces it.
///
/// # End
///
/// The event that is held leaves when the last producer has ended. A stage that is stopped discards it, or gives its
/// delivery back untried.
pub fn debounce<E: Send + 'static>(quiet: Duration) -> impl ProducerConsumer<In = E, Out = E> {
    Deciding::new(Debounce { quiet, held: Held::default() })
}

pub(super) struct Debounce<E> {
    pub(super) quiet: Duration,
    /// The latest event, and when it is due.
    pub(super) held: Held<E>,
}

impl<E: Send + 'static> Decide for Debounce<E> {
    type In = E;
    type Out = E;

    const AHEAD: bool = true;

    fn take(&mut self, event: E, _line: Line, now: Instant, out: &mut Output<Self>) {
        let due = moment::after(now, self.quiet);
        if let Some((earlier, _)) = self.held.replace(event, due) {
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
