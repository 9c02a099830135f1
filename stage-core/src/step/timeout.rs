//! Steps that fail if no event comes in time.

use std::marker::PhantomData;
use std::time::Duration;

use tokio::time::Instant;

use super::deciding::{Decide, Deciding, Output, Settles, timed_out};
use super::lines::Line;
use crate::base::moment;
use crate::stage::ProducerConsumer;

/// The input of a step did not come in time.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::step::TimeoutError;
///
/// let error = TimeoutError::Initial(Duration::from_secs(30));
/// assert_eq!(error.to_string(), "no first event came within 30s after one was asked for");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum TimeoutError {
    /// No event came after the one before, see [`idle_timeout`].
    #[error("no event came for {0:?} although one was asked for")]
    Idle(Duration),
    /// No first event came, see [`initial_timeout`].
    #[error("no first event came within {0:?} after one was asked for")]
    Initial(Duration),
}

/// Passes events on, and ends the pipeline with a [`TimeoutError`] if none comes for `limit` although one is asked for.
///
/// ```
/// # use std::time::Duration;
/// use stage_core::{Pipeline, source, step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (sender, events) = tokio::sync::mpsc::channel::<u32>(8);
/// let events = source::from_channel(events);
/// let pipeline = Pipeline::builder("live")
///     .start("events", move || Ok(events.clone()))
///     .step("watchdog", || Ok(step::idle_timeout(Duration::from_secs(30))))
///     .finish_fn("print", |event| println!("{event}"));
/// let error = pipeline.start().await?.join().await.unwrap_err();
/// assert!(error.to_string().contains("no event came for 30s"), "{error}");
/// # drop(sender);
/// # Ok(())
/// # }
/// ```
///
/// The time counts while the step behind asks for events: a slow consumer is not taken for a silent producer. An event
/// that waits in the step when the time is over counts as one that came. The error is [`Fatal`](crate::Fatal), because
/// a restart of this step does not make its producers send.
pub fn idle_timeout<E: Send + 'static>(limit: Duration) -> impl ProducerConsumer<In = E, Out = E> {
    Deciding::new(Timeout::new(limit, TimeoutError::Idle(limit)))
}

/// Passes events on, and ends the pipeline with a [`TimeoutError`] if the first one does not come within `limit` after
/// it was asked for.
///
/// ```
/// # use std::time::Duration;
/// use stage_core::{Pipeline, source, step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (sender, events) = tokio::sync::mpsc::channel::<u32>(8);
/// let events = source::from_channel(events);
/// let pipeline = Pipeline::builder("live")
///     .start("events", move || Ok(events.clone()))
///     .step("first", || Ok(step::initial_timeout(Duration::from_secs(5))))
///     .finish_fn("print", |event| println!("{event}"));
/// let error = pipeline.start().await?.join().await.unwrap_err();
/// assert!(error.to_string().contains("no first event came within 5s"), "{error}");
/// # drop(sender);
/// # Ok(())
/// # }
/// ```
///
/// The rules of [`idle_timeout`] apply until the first event.
pub fn initial_timeout<E: Send + 'static>(limit: Duration) -> impl ProducerConsumer<In = E, Out = E> {
    Deciding::new(Timeout::new(limit, TimeoutError::Initial(limit)))
}

pub(super) struct Timeout<E> {
    limit: Duration,
    error: TimeoutError,
    /// Since when it waits for an event that is asked for.
    since: Option<Instant>,
    /// Whether the event that it watches for has come.
    over: bool,
    /// Whether there is no producer.
    ended: bool,
    event: PhantomData<fn(E)>,
}

impl<E> Timeout<E> {
    pub(super) fn new(limit: Duration, error: TimeoutError) -> Self {
        Self { limit, error, since: None, over: false, ended: false, event: PhantomData }
    }

    fn due(&self) -> Option<Instant> {
        moment::after(self.since?, self.limit)
    }
}

impl<E: Send + 'static> Decide for Timeout<E> {
    type In = E;
    type Out = E;

    const SETTLES: Settles = Settles::InTime;

    fn take(&mut self, event: E, _line: Line, _now: Instant, out: &mut Output<Self>) {
        self.since = None;
        self.over |= matches!(self.error, TimeoutError::Initial(_));
        out.emit(event);
    }

    fn serve(&mut self, now: Instant, room: usize, _out: &mut Output<Self>) {
        self.since = match self.since {
            _ if room == 0 || self.over || self.ended => None,
            Some(since) => Some(since),
            None => Some(now),
        };
    }

    fn settle(&mut self, now: Instant, room: usize, out: &mut Output<Self>) {
        if room > 0 && self.due().is_some_and(|due| due <= now) {
            out.fail(timed_out(self.error));
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
