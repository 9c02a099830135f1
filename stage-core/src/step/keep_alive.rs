//! The step that emits something while no event comes.

use std::marker::PhantomData;
use std::time::Duration;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output};
use super::lines::Line;
use crate::base::moment;
use crate::stage::ProducerConsumer;

/// Passes events on, and emits what `make` returns whenever none came for `idle` although one is asked for: a heartbeat
/// that keeps a connection open.
///
/// ```
/// # use std::time::Duration;
/// use stage_core::{Pipeline, sink, source, step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (sender, lines) = tokio::sync::mpsc::channel(8);
/// let lines = source::from_channel(lines);
/// let (all, sent) = sink::collect::<Vec<&str>, _>();
/// let pipeline = Pipeline::builder("connection")
///     .start("lines", move || Ok(lines.clone()))
///     .step("alive", || Ok(step::keep_alive(Duration::from_secs(15), || "ping")))
///     .step("three", || Ok(step::take(3)))
///     .finish("send", move || Ok(all.clone()));
/// sender.send("hello").await?;
/// pipeline.start().await?.join().await?;
/// assert_eq!(sent.await?, ["hello", "ping", "ping"]);
/// # drop(sender);
/// # Ok(())
/// # }
/// ```
///
/// In an acknowledged pipeline, `make` returns a delivery, such as
/// [`Delivery::untracked`](crate::ack::Delivery::untracked). Nothing is emitted while there is no producer, and an
/// `idle` of less than a millisecond counts as one.
pub fn keep_alive<E, F>(idle: Duration, make: F) -> impl ProducerConsumer<In = E, Out = E>
where
    E: Send + 'static,
    F: FnMut() -> E + Send + 'static,
{
    Deciding::new(KeepAlive::new(idle, make))
}

/// The shortest idle time, so that the step does not fill all demand at once.
const SHORTEST: Duration = Duration::from_millis(1);

pub(super) struct KeepAlive<E, F> {
    idle: Duration,
    make: F,
    /// Since when it waits for an event that is asked for.
    since: Option<Instant>,
    ended: bool,
    event: PhantomData<fn() -> E>,
}

impl<E, F> KeepAlive<E, F> {
    pub(super) fn new(idle: Duration, make: F) -> Self {
        Self { idle: idle.max(SHORTEST), make, since: None, ended: false, event: PhantomData }
    }

    fn due(&self) -> Option<Instant> {
        moment::after(self.since?, self.idle)
    }
}

impl<E, F> Decide for KeepAlive<E, F>
where
    E: Send + 'static,
    F: FnMut() -> E + Send + 'static,
{
    type In = E;
    type Out = E;

    fn take(&mut self, event: E, _line: Line, _now: Instant, out: &mut Output<Self>) {
        self.since = None;
        out.emit(event);
    }

    fn serve(&mut self, now: Instant, room: usize, out: &mut Output<Self>) {
        if room == 0 || self.ended {
            self.since = None;
            return;
        }
        if self.due().is_some_and(|due| due <= now) {
            out.emit((self.make)());
            self.since = None;
        }
        if self.since.is_none() {
            self.since = Some(now);
        }
    }

    fn next(&self, _room: usize) -> Option<Instant> {
        self.due()
    }

    fn joined(&mut self, _line: Line) {
        self.ended = false;
    }

    fn end(&mut self, _out: &mut Output<Self>) {
        self.ended = true;
    }
}
