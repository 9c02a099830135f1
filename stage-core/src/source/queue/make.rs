//! How a queue and its handle are made.

use super::error::QueueError;
use super::line::Line;
use super::push::Push;
use super::stage::Queue;
use crate::credit::limits::MOST_EVENTS;
use crate::sync::{Arc, Mutex};

/// A source that emits what is pushed into it, and the handle that pushes.
///
/// At most `capacity` events (1 to 1,000,000,000) are queued; they leave the queue only when they are asked for.
/// When [`close`](Push::close) was called, or all handles are gone, the source emits what is queued and
/// finishes.
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
/// Events are emitted in the order in which they were queued; pushes that wait are queued in the order in
/// which they began to wait.
///
/// # Restart
///
/// Every clone of the [`Queue`] is the same source: a rebuilt stage goes on where the old one stopped, and
/// nothing that is queued is lost. Pushing goes on meanwhile.
///
/// # Drain and stop
///
/// Both leave in the queue what was not asked for yet; pushes are refused once the pipeline has ended,
/// and [`take_rest`](Push::take_rest) gives back what is left. To have everything handled that was
/// queued, close the queue first and join the pipeline.
///
/// # Errors
///
/// [`QueueError`] if `capacity` is zero or above 1,000,000,000.
pub fn queue<E: Send + 'static>(capacity: usize) -> Result<(Push<E>, Queue<E>), QueueError> {
    if capacity == 0 {
        return Err(QueueError::Capacity);
    }
    if capacity > MOST_EVENTS {
        return Err(QueueError::TooLarge { capacity });
    }
    let line = Arc::new(Mutex::new(Line::new(capacity)));
    Ok((Push::new(Arc::clone(&line)), Queue::new(line)))
}
