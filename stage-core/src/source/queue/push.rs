//! The handle that pushes events into a running pipeline.

use std::fmt;
use std::future::poll_fn;
use std::task::Waker;

use super::error::{PushError, TryPushError};
use super::line::{Entered, Line};
use crate::base::options::Keep;
use crate::sync::{Arc, Mutex, lock};

/// Pushes events into a [`PushQueue`](super::PushQueue). Cheap to clone; usable from any thread.
///
/// Dropping the last clone closes the queue.
pub struct Push<E> {
    end: Arc<End<E>>,
}

/// State shared by all clones of a handle.
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
    /// [`PushError`] returns the event if the queue is closed or its source is gone, even if that happens
    /// while the push waits.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it completes drops the event, unless it has just been queued.
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
    /// [`TryPushError`] returns the event if there is no room, the queue is closed, or its source is gone.
    pub fn try_push(&self, event: E) -> Result<(), TryPushError<E>> {
        let source = lock(&self.end.line).try_push(event)?;
        wake(source);
        Ok(())
    }

    /// Queues `event`; if there is no room, discards the oldest queued event ([`Keep::Last`]) or `event`
    /// ([`Keep::First`]).
    ///
    /// Discarded events are counted in [`discarded`](Self::discarded) and in the stage's statistics.
    ///
    /// # Errors
    ///
    /// [`PushError`] returns the event if the queue is closed or its source is gone.
    pub fn push_overflow(&self, event: E, keep: Keep) -> Result<(), PushError<E>> {
        let (discarded, source) = lock(&self.end.line).push_overflow(event, keep)?;
        wake(source);
        drop(discarded);
        Ok(())
    }

    /// Closes the queue: the source emits the queued events and finishes. Waiting pushes get their events
    /// back.
    pub fn close(&self) {
        let wakers = lock(&self.end.line).close();
        wake(wakers);
    }

    /// Returns whether events are refused, because the queue is closed or its source is gone.
    pub fn is_closed(&self) -> bool {
        lock(&self.end.line).is_closed()
    }

    /// Returns the number of queued events.
    pub fn len(&self) -> usize {
        lock(&self.end.line).len()
    }

    /// Returns whether no event is queued.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of events that may be queued.
    pub fn capacity(&self) -> usize {
        lock(&self.end.line).capacity()
    }

    /// Returns the number of events that [`push_overflow`](Self::push_overflow) has discarded so far.
    pub fn discarded(&self) -> u64 {
        lock(&self.end.line).discarded()
    }

    /// Takes the queued events, in order, once the source is gone: the events that a drain or a stop left
    /// behind. Returns nothing before that, and nothing on a second call.
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
        // Dropped after the lock is released: the event's `Drop` may run arbitrary code.
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
