//! Receives the frames of a partition or a pool.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{Acks, ConnectError, Disposition, Pull, Pulled, Settle};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::leftovers;
use super::owned::{self, Before};
use super::reader::{NatsReceipt, Reader, Role};
use super::settle::NatsInletSettle;
use crate::consumer;
use crate::link::Link;
use crate::options::ReadOptions;
use crate::read::{ConsumerName, Owner, Received, read};

/// Receives the frames of one partition under one epoch, or of a pool.
///
/// A partition has a consumer that is made for the epoch, with one frame in flight. The inlet is fenced when a later epoch
/// deletes it, and when a [lease](super::NatsLeases) of the same [`NatsEdge`](super::NatsEdge) is lost. While such a lease is
/// overdue, by the clock of this process, the inlet hands out nothing.
pub struct NatsInlet {
    reader: Arc<Reader>,
    before: Before,
    link: Option<Link>,
    /// The request that the last `pull` began and did not finish.
    reading: Option<Reading>,
    ready: VecDeque<Received>,
    /// Whether this connection has looked for frames that were left over.
    looked: bool,
}

/// The longest wait for the first frames of a connection, before it looks for frames that were left over.
const FIRST: Duration = Duration::from_millis(500);

type Reading = Pin<Box<dyn Future<Output = Result<Vec<Received>, ConnectError>> + Send>>;

impl NatsInlet {
    pub(super) fn new(reader: Reader) -> Self {
        let reader = Arc::new(reader);
        Self {
            reader,
            before: Before::First,
            link: None,
            reading: None,
            ready: VecDeque::new(),
            looked: false,
        }
    }

    async fn open_consumer(&mut self, link: &Link) -> Result<(), ConnectError> {
        match self.reader.role {
            Role::Partition(partition, epoch) => {
                // The new consumer delivers them again.
                self.ready.clear();
                owned::open(link, &self.reader, partition, epoch, self.before).await
            }
            Role::Pool => consumer::open(link, &self.reader.options, &self.reader.describe()).await,
        }
    }

    /// Asks once, or waits for the answer to what was asked before. Cancel safe.
    async fn read(&mut self, at_most: NonZeroUsize, wait: Duration) -> Result<Vec<Received>, ConnectError> {
        let reading = match &mut self.reading {
            Some(reading) => reading,
            none => {
                let at = self.reader.describe();
                let Some(link) = self.link.clone() else {
                    return Err(ConnectError::gone(at, "cannot read", "not connected"));
                };
                let ReadOptions { stream, consumer, .. } = self.reader.options.clone();
                let (owner, batch) = match self.reader.role {
                    Role::Partition(..) => (Owner::Single, 1),
                    Role::Pool => (Owner::Shared, at_most.get()),
                };
                let consumer = ConsumerName { stream, consumer, owner };
                let wait = if self.looked { wait } else { wait.min(FIRST) };
                none.insert(Box::pin(read(link, consumer, at, batch, wait)))
            }
        };
        let received = reading.await;
        self.reading = None;
        received
    }

    /// Replaces a consumer that holds nothing although there are frames.
    async fn look(&mut self, link: &Link) -> Result<(), ConnectError> {
        if !self.reader.nothing_in_hand() {
            return Ok(());
        }
        let any = leftovers::any(link, &self.reader).await?;
        self.looked = true;
        if !any {
            return Ok(());
        }
        tracing::warn!(
            at = self.describe(),
            "frames that were acknowledged before a failure are delivered again"
        );
        if self.reader.role == Role::Pool {
            owned::delete(link, &self.reader, &self.reader.options.consumer).await?;
        }
        self.open_consumer(link).await
    }
}

impl Pull for NatsInlet {
    type Message = Bytes;
    type Receipt = NatsReceipt;
    type Settle = NatsInletSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        (self.link, self.reading) = (None, None);
        self.reader.check_lost()?;
        let link = self.reader.line.link().await?;
        self.looked = false;
        self.open_consumer(&link).await?;
        self.before = Before::Again;
        self.link = Some(link);
        Ok(())
    }

    fn settle_half(&mut self) -> NatsInletSettle {
        NatsInletSettle::new(Arc::clone(&self.reader))
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Bytes, NatsReceipt>>, ConnectError> {
        self.reader.check()?;
        let until = Instant::now().checked_add(wait);
        while self.ready.is_empty() {
            let rest = until.map_or(wait, |until| until.saturating_duration_since(Instant::now()));
            let received = self.read(at_most, rest).await?;
            self.ready.extend(received);
            // The process may have been stopped meanwhile.
            self.reader.check()?;
            if self.ready.is_empty()
                && let Some(link) = self.link.clone()
            {
                self.look(&link).await?;
                if until.is_some_and(|until| Instant::now() >= until) {
                    break;
                }
            }
        }
        let count = self.ready.len().min(at_most.get());
        let reader = &self.reader;
        Ok(self.ready.drain(..count).map(|received| reader.pulled(received)).collect())
    }

    fn describe(&self) -> String {
        self.reader.describe()
    }
}

impl Drop for NatsInlet {
    fn drop(&mut self) {
        let reading = self.reading.take();
        // The next consumer of a partition delivers the frames that were not returned.
        if self.reader.role != Role::Pool || (reading.is_none() && self.ready.is_empty()) {
            return;
        }
        // Without a runtime, the frames wait for the end of their time.
        let Ok(runtime) = Handle::try_current() else { return };
        let mut open = std::mem::take(&mut self.ready);
        let reader = Arc::clone(&self.reader);
        runtime.spawn(async move {
            if let Some(reading) = reading
                && let Ok(received) = reading.await
            {
                open.extend(received);
            }
            let released: Vec<_> = open
                .into_iter()
                .map(|received| (reader.pulled(received).receipt, Disposition::Release))
                .collect();
            if let Err(error) = NatsInletSettle::new(reader).settle(&released).await {
                tracing::warn!(%error, "frames wait for the end of their time");
            }
        });
    }
}

impl std::fmt::Debug for NatsInlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsInlet").field("at", &self.describe()).finish_non_exhaustive()
    }
}
