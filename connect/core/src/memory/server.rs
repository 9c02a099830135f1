//! A queue in memory.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::fault::Fault;
use super::queue::MemoryQueue;
use super::state::State;
use super::store::MemoryPush;
use super::switch::Switch;
use crate::laws::Counts;
use crate::message_id::MessageId;

/// A queue in memory, with leases, retries and dead messages. Clones are handles to the same server.
#[derive(Debug)]
pub struct MemoryServer<M> {
    pub(super) inner: Arc<Inner<M>>,
    lease: Duration,
    fault: Option<Fault>,
}

#[derive(Debug)]
pub(super) struct Inner<M> {
    state: Mutex<State<M>>,
    pub(super) switch: Switch,
    /// The ids of messages that were pushed.
    pub(super) ids: Mutex<HashSet<MessageId>>,
    /// The number of waiting messages at which the server is full.
    pub(super) room: Mutex<usize>,
}

impl<M> Inner<M> {
    pub(super) fn state(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Clone + Send + Sync + 'static> MemoryServer<M> {
    /// Creates an empty server whose leases last 10 s.
    pub fn new() -> Self {
        let inner = Inner {
            state: Mutex::new(State::new()),
            switch: Switch::default(),
            ids: Mutex::default(),
            room: Mutex::new(usize::MAX),
        };
        Self { inner: Arc::new(inner), lease: Duration::from_secs(10), fault: None }
    }

    /// Sets the lease time of the clients that this handle makes.
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Gives the clients that this handle makes a fault.
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Adds messages.
    pub fn publish(&self, messages: impl IntoIterator<Item = M>) {
        self.inner.state().publish(messages, Instant::now());
        self.inner.switch.notify();
    }

    /// Returns a client that pulls.
    pub fn queue(&self) -> MemoryQueue<M> {
        MemoryQueue::new(Arc::clone(&self.inner), self.lease, self.fault)
    }

    /// Returns a client that stores messages in this queue.
    pub fn push(&self) -> MemoryPush<M> {
        MemoryPush::new(Arc::clone(&self.inner))
    }

    /// Returns the numbers of messages.
    pub fn counts(&self) -> Counts {
        self.inner.state().counts(Instant::now())
    }

    /// Returns the messages that are not leased, in order.
    pub fn ready(&self) -> Vec<M> {
        self.inner.state().ready()
    }

    /// Returns the dead messages with their causes.
    pub fn dead(&self) -> Vec<(M, String)> {
        self.inner.state().dead()
    }

    /// Waits until the numbers of messages are so.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn until(&self, mut is_so: impl FnMut(Counts) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.inner.switch.changed().notified());
            changed.as_mut().enable();
            if is_so(self.counts()) {
                return;
            }
            let next = self.inner.state().next_change().filter(|next| *next > Instant::now());
            tokio::select! {
                () = changed => {}
                () = at(next) => {}
            }
        }
    }

    /// Sets the number of messages at which the server is full. Default: no limit.
    pub fn set_room(&self, messages: usize) {
        *self.inner.room.lock().unwrap_or_else(PoisonError::into_inner) = messages;
    }

    /// Takes the server away: connections break, and new ones are refused.
    pub fn stop(&self) {
        self.inner.switch.set_away(true);
    }

    /// Brings the server back.
    pub fn restart(&self) {
        self.inner.switch.set_away(false);
    }

    /// Breaks all connections; clients can connect again.
    pub fn break_connections(&self) {
        self.inner.switch.cut();
    }
}

impl<M: Clone + Send + Sync + 'static> Default for MemoryServer<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> Clone for MemoryServer<M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), lease: self.lease, fault: self.fault }
    }
}

/// Waits until `time`, or forever.
pub(super) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
