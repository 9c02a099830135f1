//! A log in memory, of which a position is committed.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::server::at;
use super::switch::{Connection, Switch};
use crate::acks::Acks;
use crate::disposition::Disposition;
use crate::error::ConnectError;
use crate::laws::Counts;
use crate::pull::{Pull, Pulled};
use crate::settle::Settle;

const SERVER: &str = "memory log";

/// A log in memory with one consumer, which commits positions. Clones are handles to the same log.
#[derive(Debug)]
pub struct MemoryLog<M> {
    inner: Arc<Inner<M>>,
}

#[derive(Debug)]
struct Inner<M> {
    state: Mutex<State<M>>,
    switch: Switch,
}

#[derive(Debug)]
struct State<M> {
    messages: Vec<M>,
    /// The first position that is not committed.
    committed: usize,
    /// The first position that the consumer has not pulled.
    pulled: usize,
    dead: Vec<(M, String)>,
}

/// A client that pulls from a [`MemoryLog`].
#[derive(Debug)]
pub struct LogPull<M> {
    inner: Arc<Inner<M>>,
    connection: Option<Connection>,
    next: usize,
}

/// The reporting half of a [`LogPull`].
#[derive(Debug)]
pub struct LogSettle<M> {
    inner: Arc<Inner<M>>,
}

impl<M> Inner<M> {
    fn state(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Clone + Send + Sync + 'static> MemoryLog<M> {
    /// Creates an empty log.
    pub fn new() -> Self {
        let state = State { messages: Vec::new(), committed: 0, pulled: 0, dead: Vec::new() };
        Self { inner: Arc::new(Inner { state: Mutex::new(state), switch: Switch::default() }) }
    }

    /// Appends messages.
    pub fn publish(&self, messages: impl IntoIterator<Item = M>) {
        self.inner.state().messages.extend(messages);
        self.inner.switch.notify();
    }

    /// Returns a client that pulls.
    pub fn partition(&self) -> LogPull<M> {
        LogPull { inner: Arc::clone(&self.inner), connection: None, next: 0 }
    }

    /// Returns the numbers of messages; those that were pulled and are not committed are in flight.
    pub fn counts(&self) -> Counts {
        let state = self.inner.state();
        let pulled = state.pulled.max(state.committed);
        Counts {
            ready: (state.messages.len() - pulled) as u64,
            in_flight: (pulled - state.committed) as u64,
            dead: state.dead.len() as u64,
        }
    }

    /// Returns the dead messages with their causes.
    pub fn dead(&self) -> Vec<(M, String)> {
        self.inner.state().dead.clone()
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

impl<M: Clone + Send + Sync + 'static> Default for MemoryLog<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> Clone for MemoryLog<M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<M: Clone + Send + Sync + 'static> Pull for LogPull<M> {
    type Message = M;
    type Receipt = usize;
    type Settle = LogSettle<M>;

    const ACKS: Acks = Acks::Prefix;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.connection = Some(self.inner.switch.connect(SERVER)?);
        let mut state = self.inner.state();
        self.next = state.committed;
        state.pulled = state.committed;
        Ok(())
    }

    fn settle_half(&mut self) -> LogSettle<M> {
        LogSettle { inner: Arc::clone(&self.inner) }
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<M, usize>>, ConnectError> {
        let until = Instant::now().checked_add(wait);
        let inner = Arc::clone(&self.inner);
        loop {
            let mut changed = std::pin::pin!(inner.switch.changed().notified());
            changed.as_mut().enable();
            inner.switch.check(SERVER, self.connection)?;
            {
                let mut state = inner.state();
                let end = state.messages.len().min(self.next + at_most.get());
                if end > self.next {
                    let messages = (self.next..).zip(&state.messages[self.next..end]);
                    let pulled = messages
                        .map(|(receipt, message)| Pulled { message: message.clone(), receipt, attempt: 1 })
                        .collect();
                    self.next = end;
                    state.pulled = end;
                    return Ok(pulled);
                }
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Ok(Vec::new());
            }
            tokio::select! {
                () = changed => {}
                () = at(until) => {}
            }
        }
    }

    fn describe(&self) -> String {
        SERVER.to_owned()
    }
}

impl<M: Clone + Send + Sync + 'static> Settle for LogSettle<M> {
    type Receipt = usize;

    async fn settle(&mut self, settled: &[(usize, Disposition)]) -> Result<(), ConnectError> {
        self.inner.switch.connect(SERVER)?;
        let mut state = self.inner.state();
        for (position, disposition) in settled {
            if *position > state.committed {
                let what = format!("position {position} is settled before {}", state.committed);
                return Err(ConnectError::fatal(SERVER, what, "settle positions in order"));
            }
            let message = state.messages[*position].clone();
            match disposition {
                Disposition::Accept => {}
                Disposition::Dead { cause } => state.dead.push((message, cause.clone())),
                Disposition::Release | Disposition::Retry { .. } => {
                    let what = format!("position {position} cannot be delivered again alone");
                    return Err(ConnectError::fatal(SERVER, what, "pull it again"));
                }
            }
            state.committed = state.committed.max(position + 1);
        }
        Ok(())
    }
}
