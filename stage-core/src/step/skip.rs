//! Steps that leave the first events out.

use std::marker::PhantomData;
use std::time::Duration;

use tokio::time::Instant;

use super::passing::{Pass, Passing, Verdict};
use crate::base::moment;
use crate::stage::ProducerConsumer;

/// Leaves the first `events` events out, and passes all others on.
///
/// ```
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, rest) = sink::collect::<Vec<u64>, _>();
/// let pipeline = Pipeline::builder("rest")
///     .start_fn("numbers", || Ok(0..5))
///     .step("skip", || Ok(step::skip(3)))
///     .finish("all", move || Ok(all.clone()));
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(rest.await?, [3, 4]);
/// assert_eq!(report.stages[1].left_out, 3);
/// # Ok(())
/// # }
/// ```
///
/// Each copy of the step counts for itself, and again from the start after a restart.
pub fn skip<E: Send + 'static>(events: u64) -> impl ProducerConsumer<In = E, Out = E> {
    Passing::new(Skip { left: events, event: PhantomData })
}

/// Leaves events out until the first one for which `unwanted` returns `false`, and passes on that event and all
/// others.
///
/// ```
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, rest) = sink::collect::<Vec<&str>, _>();
/// let pipeline = Pipeline::builder("text")
///     .start_fn("lines", || Ok(["# note", "# note", "text", "# text"]))
///     .step("skip_while", || Ok(step::skip_while(|line: &&str| line.starts_with('#'))))
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(rest.await?, ["text", "# text"]);
/// # Ok(())
/// # }
/// ```
pub fn skip_while<E, F>(unwanted: F) -> impl ProducerConsumer<In = E, Out = E>
where
    E: Send + 'static,
    F: FnMut(&E) -> bool + Send + 'static,
{
    Passing::new(SkipWhile { unwanted, over: false, event: PhantomData })
}

/// Leaves the events of the first `time` after the start of the step out, and passes all others on.
///
/// ```
/// # use std::time::Duration;
/// use stage_core::{Pipeline, sink, step};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (all, rest) = sink::collect::<Vec<u64>, _>();
/// let pipeline = Pipeline::builder("warm")
///     .start_fn("numbers", || Ok(0..5))
///     .step("warm_up", || Ok(step::skip_for(Duration::from_secs(60))))
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert!(rest.await?.is_empty());
/// # Ok(())
/// # }
/// ```
pub fn skip_for<E: Send + 'static>(time: Duration) -> impl ProducerConsumer<In = E, Out = E> {
    Passing::new(SkipFor::new(time))
}

pub(super) struct Skip<E> {
    pub(super) left: u64,
    pub(super) event: PhantomData<fn(E)>,
}

impl<E: Send + 'static> Pass for Skip<E> {
    type In = E;
    type Out = E;

    fn judge(&mut self, event: E) -> Verdict<E, E> {
        if self.left == 0 {
            return Verdict::Emit(event);
        }
        self.left -= 1;
        Verdict::LeaveOut(event)
    }
}

pub(super) struct SkipWhile<E, F> {
    pub(super) unwanted: F,
    pub(super) over: bool,
    pub(super) event: PhantomData<fn(E)>,
}

impl<E, F> Pass for SkipWhile<E, F>
where
    E: Send + 'static,
    F: FnMut(&E) -> bool + Send + 'static,
{
    type In = E;
    type Out = E;

    fn judge(&mut self, event: E) -> Verdict<E, E> {
        self.over = self.over || !(self.unwanted)(&event);
        if self.over { Verdict::Emit(event) } else { Verdict::LeaveOut(event) }
    }
}

/// The end of a time in which events are left out.
enum Until {
    Over,
    At(Instant),
    Never,
}

pub(super) struct SkipFor<E> {
    time: Duration,
    until: Until,
    event: PhantomData<fn(E)>,
}

impl<E> SkipFor<E> {
    pub(super) fn new(time: Duration) -> Self {
        Self { time, until: Until::Never, event: PhantomData }
    }
}

impl<E: Send + 'static> Pass for SkipFor<E> {
    type In = E;
    type Out = E;

    const TIMED: bool = true;

    fn begin(&mut self, now: Instant) {
        self.until = moment::after(now, self.time).map_or(Until::Never, Until::At);
    }

    fn set_time(&mut self, now: Instant) {
        if let Until::At(end) = self.until
            && end <= now
        {
            self.until = Until::Over;
        }
    }

    fn judge(&mut self, event: E) -> Verdict<E, E> {
        match self.until {
            Until::Over => Verdict::Emit(event),
            Until::At(_) | Until::Never => Verdict::LeaveOut(event),
        }
    }
}
