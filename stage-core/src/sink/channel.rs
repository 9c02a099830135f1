//! A sink that sends into a tokio channel.

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::refused::{finish_refused, leave_stopped};
use crate::base::error::StageResult;
use crate::stage::{Consumer, Context, Events};

/// Creates a sink that sends every event into a tokio channel.
///
/// It waits for room, so a slow receiver holds the pipeline back; this requires a bounded channel. Once the
/// receiver is gone, the stage finishes, and with it the stages before it.
///
/// ```
/// use stage_core::{Pipeline, sink};
/// use tokio::sync::mpsc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, mut receiver) = mpsc::channel(4);
/// let running = Pipeline::builder("channel")
///     .start_fn("numbers", || Ok(0..))
///     .finish("send", move || Ok(sink::into_channel(sender.clone())))
///     .start()
///     .await?;
/// for number in 0..100 {
///     assert_eq!(receiver.recv().await, Some(number));
/// }
/// drop(receiver);
/// running.join().await?;
/// # Ok(())
/// # }
/// ```
///
/// The channel closes when the last sender is dropped; the sender in the recipe is dropped when the pipeline
/// has ended.
///
/// # Ordering
///
/// Events are sent in order.
///
/// # Restart
///
/// A recipe that clones the sender continues with the same channel.
///
/// # Errors
///
/// None: a closed channel is a normal end, not a failure. The unsent events of the batch that found it closed
/// are counted as discarded, as are events sent to the stage but not handled.
///
/// # Drain and stop
///
/// A drain waits for room; a stop does not: the waiting event and the rest of its batch are discarded and
/// counted.
pub fn into_channel<E: Send + 'static>(sender: Sender<E>) -> IntoChannel<E> {
    IntoChannel { sender }
}

/// The sink made by [`into_channel`]. Its clones send into the same channel.
#[derive(Debug)]
pub struct IntoChannel<E> {
    sender: Sender<E>,
}

impl<E: Send + 'static> Consumer for IntoChannel<E> {
    type Event = E;

    async fn handle_events(&mut self, events: Events<'_, E>, cx: &mut Context<'_>) -> StageResult {
        let mut events = events.into_iter();
        while let Some(event) = events.next() {
            let sent = match self.sender.try_send(event) {
                Ok(()) => continue,
                Err(TrySendError::Closed(_)) => false,
                Err(TrySendError::Full(event)) => tokio::select! {
                    biased;
                    sent = self.sender.send(event) => sent.is_ok(),
                    () = cx.draining() => {
                        leave_stopped(events.len() + 1, cx);
                        break;
                    }
                },
            };
            if !sent {
                finish_refused(&events, cx);
                break;
            }
        }
        Ok(())
    }
}

impl<E> Clone for IntoChannel<E> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}
