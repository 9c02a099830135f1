//! Creates a queue and its handle.

use super::error::PushQueueError;
use super::line::Line;
use super::push::Push;
use super::stage::PushQueue;
use crate::credit::limits::MOST_EVENTS;
use crate::sync::{Arc, Mutex};

/// Creates a source that emits the events pushed into it, and the handle that pushes them.
///
/// At most `capacity` events (1 to 1,000,000,000) are queued; they leave the queue only on demand. After
/// [`close`](Push::close), or once all handles are dropped, the source emits the queued events and finishes.
///
/// ```
/// use stage_core::{Keep, Pipeline, sink, source};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (push, queue) = source::queue(10_000)?;
/// let (all, collected) = sink::collect::<Vec<_>, _>();
/// let running = Pipeline::builder("push")
///     .start("queue", move || Ok(queue.clone()))
///     .finish("all", move || Ok(all.clone()))
///     .start()
///     .await?;
///
/// push.push("waits for room").await?;
/// push.try_push("comes back when there is none")?;
/// push.push_overflow("makes room by discarding the oldest", Keep::Last)?;
///
/// push.close();
/// running.join().await?;
/// assert_eq!(collected.await?.len(), 3);
/// assert!(push.try_push("late").is_err());
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// Events are emitted in the order in which they were queued. Waiting pushes are queued in the order in which
/// they began to wait.
///
/// # Restart
///
/// Every clone of the [`PushQueue`] is the same source: a rebuilt stage continues where the old one stopped, and
/// no queued event is lost. Pushes keep working during the restart.
///
/// # Drain and stop
///
/// Both leave events without demand in the queue. Pushes are refused once the pipeline has ended, and
/// [`take_rest`](Push::take_rest) returns the remaining events. To have every queued event handled, close the
/// queue first and then join the pipeline.
///
/// # Errors
///
/// [`PushQueueError`] if `capacity` is zero or above 1,000,000,000.
pub fn queue<E: Send + 'static>(capacity: usize) -> Result<(Push<E>, PushQueue<E>), PushQueueError> {
    if capacity == 0 {
        return Err(PushQueueError::Capacity);
    }
    if capacity > MOST_EVENTS {
        return Err(PushQueueError::TooLarge { capacity });
    }
    let line = Arc::new(Mutex::new(Line::new(capacity)));
    Ok((Push::new(Arc::clone(&line)), PushQueue::new(line)))
}
