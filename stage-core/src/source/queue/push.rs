//! The handle that pushes events into a running pipeline.

use std::fmt;
use std::future::poll_fn;
use std::task::Waker;

use super::error::{PushError, TryPushError};
use super::line::{Entered, Line};
use crate::base::options::Keep;
use crate::sync::{Arc, Mutex, lock};

/// Pushes events into a [`Queue`](super::Queue). Cheap to clone; may be used from any thread.
///
/// When the last one is dropped, the queue is closed.
pub struct Push<E> {
    end: Arc<End<E>>,
}

/// What all clones of a handle share.
struct End<E> {
    line: Arc<Mutex<Line<E>>>,
}

impl<E> Push<E> {
    pub(super) fn new(line: Arc<Mutex<Line<E>>>) -> Self {
        Self { end: Arc::new(End { line }) }
    }

    /// Queues `event`, waiting for room if there is none.
    ///
    /// # Errors
    ///
    /// [`PushError`] gives the event back if the queue is closed or its source gone, also if that happens
    /// while it waits.
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, the event is dropped, unless it was queued at that moment.
    pub async fn push(&self, event: E) -> Result<(), PushError<E>> {
        let entered = lock(&self.end.line).enter(event)?;
        match entered {
            Entered::Queued(source) => {
                wake(source);
                Ok(())
            }
            Entered::Waits(ticket) => {
                let ticket = Ticket { line: &self.end.line, ticket };
                poll_fn(|cx| lock(ticket.line).poll(ticket.ticket, cx)).await
            }
        }
    }

    /// Queues `event` if there is room now.
    ///
    /// # Errors
    ///
    /// [`TryPushError`] gives the event back if there is no room, the queue is closed, or its source gone.
    pub fn try_push(&self, event: E) -> Result<(), TryPushError<E>> {
        let source = lock(&self.end.line).try_push(event)?;
        wake(source);
        Ok(())
    }

    /// Queues `event`; if there is no room, discards the oldest queued event ([`Keep::Last`]) or `event`
    /// ([`Keep::First`]).
    ///
    /// What is discarded is counted in [`discarded`](Self::discarded), and with the stage's statistics.
    ///
    /// # Errors
    ///
    /// [`PushError`] gives the event back if the queue is closed or its source gone.
    pub fn push_overflow(&self, event: E, keep: Keep) -> Result<(), PushError<E>> {
        let (discarded, source) = lock(&self.end.line).push_overflow(event, keep)?;
        wake(source);
        drop(discarded);
        Ok(())
    }

    /// Ends the source after what is queued. Pushes that wait get their events back.
    pub fn close(&self) {
        let wakers = lock(&self.end.line).close();
        wake(wakers);
    }

    /// Whether events are refused, because the queue was closed or its source is gone.
    pub fn is_closed(&self) -> bool {
        lock(&self.end.line).is_closed()
    }

    /// How many events are queued.
    pub fn len(&self) -> usize {
        lock(&self.end.line).len()
    }

    /// Whether no event is queued.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events may be queued.
    pub fn capacity(&self) -> usize {
        lock(&self.end.line).capacity()
    }

    /// How many events [`push_overflow`](Self::push_overflow) discarded so far.
    pub fn discarded(&self) -> u64 {
        lock(&self.end.line).discarded()
    }

    /// What is queued, in order, once the source is gone: events that a drain or a stop left. Nothing
    /// before, and nothing the second time.
    pub fn take_rest(&self) -> Vec<E> {
        lock(&self.end.line).take_rest()
    }
}

fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

/// A place in the waiting line, given up when dropped.
struct Ticket<'a, E> {
    line: &'a Mutex<Line<E>>,
    ticket: u64,
}

impl<E> Drop for Ticket<'_, E> {
    fn drop(&mut self) {
        // Dropped behind the lock: the event's own drop may do anything.
        let event = lock(self.line).leave(self.ticket);
        drop(event);
    }
}

impl<E> Drop for End<E> {
    fn drop(&mut self) {
        let wakers = lock(&self.line).close();
        wake(wakers);
    }
}

impl<E> Clone for Push<E> {
    fn clone(&self) -> Self {
        Self { end: Arc::clone(&self.end) }
    }
}

impl<E> fmt::Debug for Push<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, capacity) = (self.len(), self.capacity());
        f.debug_struct("Push").field("len", &len).field("capacity", &capacity).finish_non_exhaustive()
    }
}
