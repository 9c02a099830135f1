//! A sink that sends into a crossbeam channel: the way out to threads without a runtime.

use std::fmt;

use crossbeam_channel::{Sender, TrySendError};

use super::refused::{finish_refused, leave_stopped};
use crate::base::error::StageResult;
use crate::source::Watch;
use crate::stage::{Consumer, Context, Events};

/// Creates a sink that sends every event into a crossbeam channel.
///
/// It waits for room, so a slow receiver holds the pipeline back. It runs on any
/// [`Placement`](crate::Placement) and never blocks a worker of the runtime: while the channel is full, a
/// blocking thread of the runtime waits for room. Once all receivers are gone, the stage finishes, and with
/// it the stages before it.
///
/// ```
/// use stage_core::{Pipeline, sink};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, receiver) = crossbeam_channel::bounded(4);
/// let thread = std::thread::spawn(move || receiver.iter().sum::<u64>());
/// let pipeline = Pipeline::builder("crossbeam")
///     .start_fn("numbers", || Ok(0..100))
///     .finish("send", move || Ok(sink::into_crossbeam(sender.clone())));
/// pipeline.start().await?.join().await?;
/// assert_eq!(thread.join().expect("no panic"), 4950);
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// A single copy sends events in order.
///
/// # Restart
///
/// A recipe that clones the sender continues with the same channel.
///
/// # Errors
///
/// A closed channel is a normal end, not a failure. The unsent events of the batch that found it closed are
/// counted as discarded, as are events sent to the stage but not handled. The stage fails if it is polled
/// while its runtime shuts down.
///
/// # Panics
///
/// Panics outside of a tokio runtime; stages always run inside one.
///
/// # Drain and stop
///
/// A drain waits for room; a stop does not: the waiting event and the rest of its batch are discarded and
/// counted.
///
/// # Channels without capacity
///
/// A channel without capacity (`bounded(0)`) accepts events only while a thread blocks in `recv`; it does not
/// work with [`from_crossbeam`](crate::source::from_crossbeam) on its other side.
pub fn into_crossbeam<E: Send + 'static>(sender: Sender<E>) -> IntoCrossbeam<E> {
    IntoCrossbeam { sender }
}

/// The sink made by [`into_crossbeam`]. Its clones send into the same channel.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::sink::{self, IntoCrossbeam};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (sender, receiver) = crossbeam_channel::bounded(10);
/// let send: IntoCrossbeam<u32> = sink::into_crossbeam(sender);
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..3_u32))
///     .finish("send", move || Ok(send.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
/// # Ok(())
/// # }
/// ```
pub struct IntoCrossbeam<E> {
    sender: Sender<E>,
}

impl<E: Send + 'static> Consumer for IntoCrossbeam<E> {
    type Event = E;

    async fn handle_events(&mut self, events: Events<'_, E>, cx: &mut Context<'_>) -> StageResult {
        let mut events = events.into_iter();
        while let Some(mut event) = events.next() {
            loop {
                match self.sender.try_send(event) {
                    Ok(()) => break,
                    Err(TrySendError::Full(back)) => {
                        event = back;
                        tokio::select! {
                            biased;
                            ready = Watch::sender(&self.sender) => ready?,
                            () = cx.draining() => {
                                leave_stopped(events.len() + 1, cx);
                                return Ok(());
                            }
                        }
                    }
                    Err(TrySendError::Disconnected(_)) => {
                        finish_refused(&events, cx);
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

impl<E> Clone for IntoCrossbeam<E> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<E> fmt::Debug for IntoCrossbeam<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoCrossbeam").finish_non_exhaustive()
    }
}
