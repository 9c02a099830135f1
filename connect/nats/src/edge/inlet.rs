//! Receives the frames of a partition or a pool.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{Acks, ConnectError, Pull, Pulled};
use tokio::time::Instant;

use super::handover::Report;
use super::leftovers::{self, Found};
use super::owned::{self, Before};
use super::reader::{NatsReceipt, Reader, Role};
use super::settle::NatsInletSettle;
use crate::consumer;
use crate::link::Link;
use crate::read::{Ask, Owner};
use crate::requests::{Request, Requests};

/// Receives the frames of one partition under one epoch, or of a pool.
///
/// A partition has a consumer that is made for the epoch, with
/// [`frames_in_flight`](stage_edge::EdgeSpec::frames_in_flight). The inlet is fenced when a later epoch deletes it, and when a
/// [lease](super::NatsLeases) of the same [`NatsEdge`](super::NatsEdge) is lost. While such a lease is overdue, by the clock
/// of this process, the inlet hands out nothing.
pub struct NatsInlet {
    reader: Arc<Reader>,
    before: Before,
    requests: Requests,
    /// The longest wait for frames before this connection looks for those that were left over; `None` once it knows.
    look_after: Option<Duration>,
    /// The acknowledged frame that the last look found in the stream.
    acknowledged: Option<u64>,
}

/// The first wait before a look for frames that were left over; it doubles with each look that does not tell.
const FIRST: Duration = Duration::from_millis(500);
const LAST: Duration = Duration::from_secs(30);

/// The longest wait for the frame behind a report that is also a request. Such a request has no heartbeats, so its loss is
/// noticed at its end.
const NEXT: Duration = Duration::from_secs(1);

impl NatsInlet {
    pub(super) fn new(reader: Reader) -> Self {
        let reader = Arc::new(reader);
        Self {
            reader,
            before: Before::First,
            requests: Requests::default(),
            look_after: Some(FIRST),
            acknowledged: None,
        }
    }

    async fn open_consumer(&mut self, link: &Link) -> Result<(), ConnectError> {
        match self.reader.role {
            Role::Partition(partition, epoch) => {
                // The new consumer delivers them again.
                self.requests.clear();
                owned::open(link, &self.reader, partition, epoch, self.before).await
            }
            Role::Pool => consumer::open(link, &self.reader.options, &self.reader.describe()).await,
        }
    }

    /// Asks once, or waits for the answer to an earlier request. Cancel safe.
    async fn read(&mut self, at_most: NonZeroUsize, wait: Duration) -> Result<(), ConnectError> {
        let (owner, at_most) = match self.reader.role {
            // A server sends the rest of a request for more later, to an inbox that has been given up.
            Role::Partition(..) => {
                let free = (self.reader.options.open_at_most as usize).saturating_sub(self.reader.in_hand());
                (Owner::Single, at_most.get().min(free.max(1)))
            }
            Role::Pool => (Owner::Shared, at_most.get()),
        };
        let wait = self.look_after.map_or(wait, |after| wait.min(after));
        let (reader, options) = (&self.reader, &self.reader.options);
        let report = if self.requests.is_free() { reader.handover.take() } else { None };
        let wait = if report.is_some() { wait.min(NEXT) } else { wait };
        let ask = Ask { at_most, wait, accepts: report.as_ref().map(Report::reply) };
        self.requests.read(Request { options, owner, ask }, || reader.describe()).await?;
        if let (Some(report), Some(next)) = (report, self.requests.first()) {
            report.followed_by(next.message.sequence);
        }
        Ok(())
    }

    /// Replaces a consumer that holds nothing although there are frames.
    async fn look(&mut self, link: &Link) -> Result<(), ConnectError> {
        let Some(after) = self.look_after.filter(|_| self.reader.in_hand() == 0) else { return Ok(()) };
        let found = leftovers::look(link, &self.reader, self.acknowledged.take()).await?;
        (self.look_after, self.acknowledged) = match found {
            Found::Some | Found::None => (None, None),
            Found::Unknown { acknowledged: None } => (Some((after * 2).min(LAST)), None),
            Found::Unknown { acknowledged } => (Some(FIRST), acknowledged),
        };
        if found != Found::Some {
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
        self.requests.disconnect();
        self.reader.check_lost()?;
        let link = self.reader.line.link().await?;
        self.look_after = Some(FIRST);
        self.open_consumer(&link).await?;
        self.before = Before::Again;
        self.requests.connected(link);
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
        while self.requests.is_empty() {
            let rest = until.map_or(wait, |until| until.saturating_duration_since(Instant::now()));
            self.read(at_most, rest).await?;
            // The process may have been stopped meanwhile.
            self.reader.check()?;
            if self.requests.is_empty()
                && let Some(link) = self.requests.link().cloned()
            {
                self.look(&link).await?;
                if until.is_some_and(|until| Instant::now() >= until) {
                    break;
                }
            }
        }
        let reader = &self.reader;
        Ok(self.requests.take(at_most).map(|received| reader.pulled(received)).collect())
    }

    fn describe(&self) -> String {
        self.reader.describe()
    }
}

impl Drop for NatsInlet {
    fn drop(&mut self) {
        // The next consumer of a partition delivers the frames that were not returned.
        if self.reader.role == Role::Pool {
            let reader = Arc::clone(&self.reader);
            let settle = NatsInletSettle::new(Arc::clone(&reader));
            self.requests.release(settle, move |received| reader.pulled(received).receipt);
        }
    }
}

impl std::fmt::Debug for NatsInlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsInlet").field("at", &self.describe()).finish_non_exhaustive()
    }
}
