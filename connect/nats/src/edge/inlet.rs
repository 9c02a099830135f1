//! Receives the frames of a partition or a pool.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{Acks, ConnectError, Pull, Pulled};
use tokio::time::Instant;

use super::feed::{Feed, Last};
use super::leftovers::{self, Found};
use super::owned::{self, Before, Consumer};
use super::reader::{NatsReceipt, Reader, Role};
use super::settle::NatsInletSettle;
use crate::consumer;
use crate::link::Link;
use crate::read::Received;
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
    /// The open request for frames of a partition.
    feed: Option<Feed>,
    /// The longest wait for frames before this connection looks for those that were left over; `None` once it knows.
    look_after: Option<Duration>,
    /// The acknowledged frame that the last look found in the stream.
    acknowledged: Option<u64>,
}

/// The first wait before a look for frames that were left over; it doubles with each look that does not tell.
const FIRST: Duration = Duration::from_millis(500);
const LAST: Duration = Duration::from_secs(30);

impl NatsInlet {
    pub(super) fn new(reader: Reader) -> Self {
        let reader = Arc::new(reader);
        Self {
            reader,
            before: Before::First,
            requests: Requests::default(),
            feed: None,
            look_after: Some(FIRST),
            acknowledged: None,
        }
    }

    async fn open_consumer(&mut self, link: &Link) -> Result<(), ConnectError> {
        match self.reader.role {
            Role::Partition(partition, epoch) => {
                let last = self.feed.take().map(|feed| feed.last()).unwrap_or_default();
                let consumer = owned::open(link, &self.reader, partition, epoch, self.before).await?;
                let last = match consumer {
                    // It delivers the frames that were not returned again.
                    Consumer::New => Last::default(),
                    Consumer::Kept => last,
                };
                let (options, at) = (&self.reader.options, self.reader.describe());
                self.feed = Some(Feed::open(link.clone(), options, at, last).await?);
                Ok(())
            }
            Role::Pool => consumer::open(link, &self.reader.options, &self.reader.describe()).await,
        }
    }

    /// Asks once, or waits for the answer to an earlier request. Cancel safe.
    async fn read(&mut self, at_most: NonZeroUsize, wait: Duration) -> Result<Vec<Received>, ConnectError> {
        let wait = self.look_after.map_or(wait, |after| wait.min(after));
        let reader = &self.reader;
        match self.reader.role {
            Role::Partition(..) => {
                let Some(feed) = &mut self.feed else {
                    return Err(ConnectError::gone(reader.describe(), "cannot read", "not connected"));
                };
                feed.next(at_most.get(), Instant::now().checked_add(wait)).await
            }
            Role::Pool => {
                let request = Request { options: &reader.options, at_most: at_most.get(), wait };
                self.requests.read(request, || reader.describe()).await?;
                Ok(self.requests.take(at_most).collect())
            }
        }
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
        loop {
            let rest = until.map_or(wait, |until| until.saturating_duration_since(Instant::now()));
            let received = if self.requests.is_empty() {
                self.read(at_most, rest).await?
            } else {
                self.requests.take(at_most).collect()
            };
            // The process may have been stopped meanwhile.
            if let Err(error) = self.reader.check() {
                // Behind these frames, no other one of the same consumer is in order.
                self.feed = None;
                return Err(error);
            }
            if !received.is_empty() {
                let reader = &self.reader;
                return Ok(received.into_iter().map(|received| reader.pulled(received)).collect());
            }
            if let Some(link) = self.requests.link().cloned() {
                self.look(&link).await?;
                if until.is_some_and(|until| Instant::now() >= until) {
                    return Ok(Vec::new());
                }
            }
        }
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
