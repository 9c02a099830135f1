//! A source of what is sent into a crossbeam channel: the way in from threads without a runtime.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crossbeam_channel::{Receiver, TryRecvError};

use super::feed::{Fed, Feed, serve};
use super::watch::Watch;
use crate::base::error::{BoxError, StageResult};
use crate::credit::demand::Demand;
use crate::stage::{Emitter, Producer};

/// A source of what is sent into a crossbeam channel, each event handed on as soon as it is there.
///
/// It runs on any [`Placement`](crate::Placement) and never blocks a worker of the runtime: what is there
/// is received without waiting, and while nothing is there a blocking thread of the runtime waits until
/// there is, without receiving it. Events are received only while some are wanted, so a bounded channel
/// holds its senders back. When all senders are gone and everything they sent was received, the stage
/// finishes.
///
/// Several copies share one channel, each event going to one of them.
///
/// ```
/// use stage_core::{Pipeline, sink, source};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, receiver) = crossbeam_channel::bounded(8);
/// let thread = std::thread::spawn(move || (1..=100).try_for_each(|number| sender.send(number)));
/// let numbers = source::from_crossbeam(receiver);
/// let (all, collected) = sink::collect::<Vec<_>, _>();
/// let pipeline = Pipeline::builder("crossbeam")
///     .start("numbers", move || Ok(numbers.clone()))
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert!(collected.await?.into_iter().eq(1..=100));
/// thread.join().expect("no panic")?;
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// A single copy emits events in the order of the channel.
///
/// # Restart
///
/// Every clone is a receiver of the same channel: a rebuilt stage goes on where the old one stopped, and
/// nothing that is in the channel is lost.
///
/// # Errors
///
/// The stage fails if it is polled while its runtime shuts down.
///
/// # Panics
///
/// Outside of a tokio runtime, which no stage is.
///
/// # Cancel safety
///
/// A drain ends the wait for the next event, and the waiting thread with it; what was not received stays
/// in the channel.
///
/// A channel without room (`bounded(0)`) hands over only to a thread that blocks in `send`; it does not
/// work with [`into_crossbeam`](crate::sink::into_crossbeam) on its other side.
pub fn from_crossbeam<E: Send + 'static>(receiver: Receiver<E>) -> FromCrossbeam<E> {
    FromCrossbeam { receiver, watch: None }
}

/// The source that [`from_crossbeam`] makes. Its clones receive from the same channel.
pub struct FromCrossbeam<E> {
    receiver: Receiver<E>,
    /// Set while nothing was there.
    watch: Option<Watch>,
}

impl<E: Send + 'static> Feed for FromCrossbeam<E> {
    type Item = E;

    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
        into: &mut Vec<E>,
    ) -> Poll<Result<Fed, BoxError>> {
        let mut taken = 0;
        while taken < room {
            match self.receiver.try_recv() {
                Ok(event) => {
                    into.push(event);
                    taken += 1;
                }
                Err(TryRecvError::Disconnected) => return Poll::Ready(Ok(Fed::End)),
                Err(TryRecvError::Empty) if taken > 0 => break,
                Err(TryRecvError::Empty) => {
                    let watch = self.watch.get_or_insert_with(|| Watch::receiver(&self.receiver));
                    let waited = ready!(Pin::new(watch).poll(cx));
                    self.watch = None;
                    waited?;
                }
            }
        }
        Poll::Ready(Ok(Fed::Events))
    }
}

impl<E: Send + 'static> Producer for FromCrossbeam<E> {
    type Event = E;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, E>) -> StageResult {
        let served = serve(self, demand, out).await;
        self.watch = None;
        served
    }
}

impl<E> Clone for FromCrossbeam<E> {
    fn clone(&self) -> Self {
        Self { receiver: self.receiver.clone(), watch: None }
    }
}

impl<E> fmt::Debug for FromCrossbeam<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromCrossbeam").field("waits", &self.watch.is_some()).finish_non_exhaustive()
    }
}
