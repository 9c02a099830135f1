//! A source that receives from a crossbeam channel: the way in for threads without a runtime.

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

/// Creates a source that receives from a crossbeam channel and hands on each event as soon as it arrives.
///
/// It runs on any [`Placement`](crate::Placement) and never blocks a worker of the runtime: available events
/// are received without waiting; while the channel is empty, a blocking thread of the runtime waits for the
/// next event without receiving it. Events are received only while there is demand, so a bounded channel
/// holds its senders back. Once all senders are dropped and everything they sent is received, the stage
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
/// Every clone receives from the same channel: a rebuilt stage continues where the old one stopped, and
/// nothing in the channel is lost.
///
/// # Errors
///
/// The stage fails if it is polled while its runtime shuts down.
///
/// # Panics
///
/// Panics outside of a tokio runtime; stages always run inside one.
///
/// # Cancel safety
///
/// A drain ends the wait for the next event, and with it the waiting thread; events not yet received stay in
/// the channel.
///
/// # Channels without capacity
///
/// A channel without capacity (`bounded(0)`) hands over events only to a thread that blocks in `send`; it
/// does not work with [`into_crossbeam`](crate::sink::into_crossbeam) on its other side.
pub fn from_crossbeam<E: Send + 'static>(receiver: Receiver<E>) -> FromCrossbeam<E> {
    FromCrossbeam { receiver, watch: None }
}

/// The source made by [`from_crossbeam`]. Its clones receive from the same channel.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::source::{self, FromCrossbeam};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (sender, receiver) = crossbeam_channel::bounded(10);
/// let numbers: FromCrossbeam<u32> = source::from_crossbeam(receiver);
/// let pipeline = Pipeline::builder("numbers")
///     .start("numbers", move || Ok(numbers.clone()))
///     .finish_fn("print", |number| println!("{number}"));
/// std::thread::spawn(move || (0..3).for_each(|number| sender.send(number).expect("the pipeline runs")));
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.stages[1].events_in, 3);
/// # Ok(())
/// # }
/// ```
pub struct FromCrossbeam<E> {
    receiver: Receiver<E>,
    /// Present while the stage waits on an empty channel.
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
