//! A source that receives from a tokio channel.

use std::collections::VecDeque;
use std::fmt;
use std::task::{Context, Poll};

use tokio::sync::mpsc::{Receiver, UnboundedReceiver};

use super::feed::{Fed, Feed, serve};
use crate::base::error::{BoxError, StageResult};
use crate::credit::demand::Demand;
use crate::stage::{Emitter, Producer};
use crate::sync::{Arc, Mutex, PoisonError, lock};

/// Creates a source that receives from a tokio channel and hands on each event as soon as it arrives.
///
/// Takes a `Receiver` or an `UnboundedReceiver`. Events are received only while there is demand, so a bounded
/// channel holds its senders back. Once all senders are dropped and everything they sent is received, the
/// stage finishes.
///
/// ```
/// use stage_core::{Pipeline, sink, source};
/// use tokio::sync::mpsc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, receiver) = mpsc::channel(8);
/// let numbers = source::from_channel(receiver);
/// let (all, collected) = sink::collect::<Vec<_>, _>();
/// let running = Pipeline::builder("channel")
///     .start("numbers", move || Ok(numbers.clone()))
///     .finish("all", move || Ok(all.clone()))
///     .start()
///     .await?;
/// for number in 1..=100 {
///     sender.send(number).await?;
/// }
/// drop(sender);
/// running.join().await?;
/// assert!(collected.await?.into_iter().eq(1..=100));
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// Events are emitted in the order of the channel.
///
/// # Restart
///
/// Every clone is the same source: a rebuilt stage continues to receive where the old one stopped, and
/// nothing in the channel is lost. Events that the old stage emitted but no consumer received come back and
/// are emitted first.
///
/// # Errors
///
/// None. Senders see a closed channel when the last clone is dropped, which is when the pipeline has ended;
/// [`FromChannel::into_receiver`] gives access to the events left in the channel.
///
/// # Cancel safety
///
/// A drain ends the wait for the next event; events not yet received stay in the channel.
pub fn from_channel<E: Send + 'static>(receiver: impl Into<ChannelReceiver<E>>) -> FromChannel<E> {
    FromChannel { shared: Arc::new(Mutex::new(Shared { back: VecDeque::new(), receiver: receiver.into() })) }
}

/// The source made by [`from_channel`]. Its clones share one receiver.
pub struct FromChannel<E> {
    /// Only one stage receives at a time; the lock is never held across a wait.
    shared: Arc<Mutex<Shared<E>>>,
}

struct Shared<E> {
    /// Events that were received and came back; they are emitted before any others.
    back: VecDeque<E>,
    receiver: ChannelReceiver<E>,
}

/// The receiving half of a tokio channel.
#[derive(Debug)]
pub enum ChannelReceiver<E> {
    /// The receiver of a bounded channel, which holds its senders back.
    Bounded(Receiver<E>),
    /// The receiver of an unbounded channel, which does not hold its senders back.
    Unbounded(UnboundedReceiver<E>),
}

impl<E> From<Receiver<E>> for ChannelReceiver<E> {
    fn from(receiver: Receiver<E>) -> Self {
        Self::Bounded(receiver)
    }
}

impl<E> From<UnboundedReceiver<E>> for ChannelReceiver<E> {
    fn from(receiver: UnboundedReceiver<E>) -> Self {
        Self::Unbounded(receiver)
    }
}

impl<E> ChannelReceiver<E> {
    /// Resolves to the number of events received; 0 when the channel is closed and empty.
    fn poll_recv_many(&mut self, cx: &mut Context<'_>, into: &mut Vec<E>, room: usize) -> Poll<usize> {
        match self {
            Self::Bounded(receiver) => receiver.poll_recv_many(cx, into, room),
            Self::Unbounded(receiver) => receiver.poll_recv_many(cx, into, room),
        }
    }
}

impl<E> FromChannel<E> {
    /// Returns the receiver, with all events a drain or a stop left in the channel, if this is the last
    /// clone. Events that were received and came back are dropped; take them [before](Self::take_rest).
    ///
    /// # Errors
    ///
    /// Returns the source itself while there are other clones, for example in a recipe of a running pipeline.
    pub fn into_receiver(self) -> Result<ChannelReceiver<E>, Self> {
        let Shared { back, receiver } = Arc::try_unwrap(self.shared)
            .map_err(|shared| Self { shared })?
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if !back.is_empty() {
            tracing::warn!(discarded = back.len(), "events discarded: received but not handled");
        }
        Ok(receiver)
    }

    /// Takes the events that were received but not handled when the stage ended, in order; they precede the
    /// events in the channel. A rebuilt stage emits them first.
    pub fn take_rest(&self) -> Vec<E> {
        std::mem::take(&mut lock(&self.shared).back).into()
    }
}

impl<E> Feed for FromChannel<E> {
    type Item = E;

    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
        into: &mut Vec<E>,
    ) -> Poll<Result<Fed, BoxError>> {
        let Shared { back, receiver } = &mut *lock(&self.shared);
        if !back.is_empty() {
            into.extend(back.drain(..room.min(back.len())));
            return Poll::Ready(Ok(Fed::Events));
        }
        receiver
            .poll_recv_many(cx, into, room)
            .map(|received| Ok(if received == 0 { Fed::End } else { Fed::Events }))
    }
}

impl<E: Send + 'static> Producer for FromChannel<E> {
    type Event = E;

    /// A channel wakes a single receiver only.
    const SINGLE: bool = true;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, E>) -> StageResult {
        serve(self, demand, out).await
    }

    fn take_back(&mut self, events: Vec<E>) -> Vec<E> {
        let back = &mut lock(&self.shared).back;
        events.into_iter().rev().for_each(|event| back.push_front(event));
        Vec::new()
    }
}

impl<E> Clone for FromChannel<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<E> fmt::Debug for FromChannel<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromChannel").finish_non_exhaustive()
    }
}
