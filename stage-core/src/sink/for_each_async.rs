//! A sink that calls an async function with each event.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use super::refused::leave_stopped;
use crate::base::error::StageResult;
use crate::stage::{Consumer, Context, Events};

/// Creates a sink that calls `function` with each event and awaits the returned future, one event after the
/// other.
///
/// ```
/// use stage_core::{Pipeline, sink};
///
/// async fn store(line: &str) -> std::io::Result<()> {
///     // For example an insert into a database.
///     # tokio::task::yield_now().await;
///     # let _ = line;
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pipeline = Pipeline::builder("store").start_fn("lines", || Ok(["one", "two"])).finish("store", || {
///     Ok(sink::for_each_async(|line| async move { Ok(store(line).await?) }))
/// });
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.stages[1].events_in, 2);
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// An event is handled only after the previous one is done. To handle several at a time, give the step
/// several copies.
///
/// # Errors
///
/// An error ends the stage, which is then restarted; the whole current batch is counted as discarded,
/// including its events that were already handled.
///
/// # Panics
///
/// A panic has the same effect as an error.
///
/// # Drain and stop
///
/// A drain waits for all events in flight. A stop waits for the current event; the rest of its batch is
/// discarded and counted.
///
/// # Cancel safety
///
/// The future of an event is dropped unfinished only when the stage is aborted because it did not stop or
/// drain in time.
pub fn for_each_async<F, Fut, E>(function: F) -> ForEachAsync<F, E>
where
    F: FnMut(E) -> Fut + Send + 'static,
    Fut: Future<Output = StageResult> + Send,
    E: Send + 'static,
{
    ForEachAsync { function, event: PhantomData }
}

/// The sink made by [`for_each_async`].
pub struct ForEachAsync<F, E> {
    function: F,
    event: PhantomData<fn(E)>,
}

impl<F, Fut, E> Consumer for ForEachAsync<F, E>
where
    F: FnMut(E) -> Fut + Send + 'static,
    Fut: Future<Output = StageResult> + Send,
    E: Send + 'static,
{
    type Event = E;

    async fn handle_events(&mut self, events: Events<'_, E>, cx: &mut Context<'_>) -> StageResult {
        let mut events = events.into_iter();
        while let Some(event) = events.next() {
            (self.function)(event).await?;
            if cx.state.drain.is_cancelled() {
                leave_stopped(events.len(), cx);
                break;
            }
        }
        Ok(())
    }
}

impl<F, E> fmt::Debug for ForEachAsync<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForEachAsync").finish_non_exhaustive()
    }
}
