//! The clients of a queue in memory.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::fault::Fault;
use super::server::{Inner, at};
use super::state::Given;
use super::switch::Connection;
use crate::acks::Acks;
use crate::disposition::Disposition;
use crate::error::ConnectError;
use crate::pull::{Pull, Pulled};
use crate::settle::Settle;

pub(super) const SERVER: &str = "memory queue";

/// A client that pulls from a [`MemoryServer`](super::MemoryServer).
#[derive(Debug)]
pub struct MemoryQueue<M> {
    inner: Arc<Inner<M>>,
    lease: Duration,
    fault: Option<Fault>,
    connection: Option<Connection>,
    /// Messages that a faulty client pulled beyond demand.
    kept: Vec<Pulled<M, u64>>,
}

/// The reporting half of a [`MemoryQueue`].
#[derive(Debug)]
pub struct MemorySettle<M> {
    inner: Arc<Inner<M>>,
    lease: Duration,
    fault: Option<Fault>,
    connection: Option<Connection>,
}

impl<M> MemoryQueue<M> {
    pub(super) fn new(inner: Arc<Inner<M>>, lease: Duration, fault: Option<Fault>) -> Self {
        Self { inner, lease, fault, connection: None, kept: Vec::new() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

impl<M: Clone + Send + Sync + 'static> MemoryQueue<M> {
    fn take(&mut self, at_most: usize) -> Vec<Pulled<M, u64>> {
        let beyond = if self.has(Fault::PullsBeyondDemand) { 5 } else { 0 };
        let (first, keeps) = (self.fault, self.has(Fault::CountsNoAttempts));
        let mut state = self.inner.state();
        let given = state.lease(at_most + beyond, Instant::now(), self.lease);
        if matches!(first, Some(Fault::AcknowledgesOnPull | Fault::LosesOnCancel)) {
            state.remove(given.iter().map(|given| given.receipt));
        }
        let attempt = |attempt| if keeps { 1 } else { attempt };
        given
            .into_iter()
            .map(|Given { message, receipt, attempt: counted }| Pulled {
                message,
                receipt,
                attempt: attempt(counted),
            })
            .collect()
    }
}

impl<M: Clone + Send + Sync + 'static> Pull for MemoryQueue<M> {
    type Message = M;
    type Receipt = u64;
    type Settle = MemorySettle<M>;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        if self.has(Fault::GivesUp) && self.connection.is_some() {
            return Err(ConnectError::fatal(SERVER, "the connection was lost", "restart the program"));
        }
        self.connection = Some(self.inner.switch.connect(SERVER)?);
        Ok(())
    }

    fn settle_half(&mut self) -> MemorySettle<M> {
        MemorySettle {
            inner: Arc::clone(&self.inner),
            lease: self.lease,
            fault: self.fault,
            connection: None,
        }
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<M, u64>>, ConnectError> {
        let until = Instant::now().checked_add(wait);
        let inner = Arc::clone(&self.inner);
        loop {
            let mut changed = std::pin::pin!(inner.switch.changed().notified());
            changed.as_mut().enable();
            if let Err(error) = inner.switch.check(SERVER, self.connection) {
                if self.has(Fault::LosesWithConnection) {
                    let lost = self.take(1);
                    inner.state().remove(lost.into_iter().map(|lost| lost.receipt));
                }
                return Err(error);
            }
            let mut messages = std::mem::take(&mut self.kept);
            if messages.is_empty() {
                messages = self.take(at_most.get());
            }
            if self.has(Fault::LosesOnCancel) {
                yield_now().await;
            }
            if !messages.is_empty() {
                self.kept = messages.split_off(at_most.get().min(messages.len()));
                return Ok(messages);
            }
            let now = Instant::now();
            if until.is_some_and(|until| until <= now) {
                return Ok(Vec::new());
            }
            let next = inner.state().next_change().filter(|next| *next > now);
            tokio::select! {
                () = changed => {}
                () = at(next) => {}
                () = at(until) => {}
            }
        }
    }

    fn describe(&self) -> String {
        SERVER.to_owned()
    }
}

impl<M: Clone + Send + Sync + 'static> MemorySettle<M> {
    /// Connects if the connection is lost.
    fn connect(&mut self) -> Result<(), ConnectError> {
        if self.inner.switch.check(SERVER, self.connection).is_err() {
            self.connection = Some(self.inner.switch.connect(SERVER)?);
        }
        Ok(())
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

impl<M: Clone + Send + Sync + 'static> Settle for MemorySettle<M> {
    type Receipt = u64;

    async fn settle(&mut self, settled: &[(u64, Disposition)]) -> Result<(), ConnectError> {
        self.connect()?;
        let now = Instant::now();
        let mut state = self.inner.state();
        for (receipt, disposition) in settled {
            let disposition = match disposition {
                Disposition::Retry { .. } if self.has(Fault::DropsRetried) => &Disposition::Accept,
                Disposition::Dead { .. } if self.has(Fault::DropsDead) => &Disposition::Accept,
                Disposition::Release if self.has(Fault::CountsReleases) => {
                    &Disposition::Retry { after: Duration::ZERO }
                }
                disposition => disposition,
            };
            state.settle(*receipt, disposition, now);
        }
        drop(state);
        self.inner.switch.notify();
        Ok(())
    }

    async fn extend(&mut self, open: &[u64]) -> Result<(), ConnectError> {
        self.connect()?;
        if !self.has(Fault::KeepsNoLease) {
            self.inner.state().extend(open, Instant::now(), self.lease);
        }
        Ok(())
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.lease)
    }

    async fn finish(&mut self) -> Result<(), ConnectError> {
        if self.has(Fault::EndsSlowly) {
            sleep(Duration::from_secs(3600)).await;
        }
        Ok(())
    }
}
