//! Reads a topic as a member of a consumer group.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::MetadataTopic;
use stage_connect::{Acks, ConnectError, Pull, Pulled};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use crate::error::{coded, failed};
use crate::group::{Group, Handle};
use crate::member::{MemberContext, join};
use crate::message::KafkaMessage;
use crate::options::ReadOptions;
use crate::server::Server;
use crate::settle::KafkaSettle;

/// The longest wait for an answer of the cluster.
const PATIENCE: Duration = Duration::from_secs(5);

/// Identifies one delivery of a message.
///
/// The example of [`KafkaPull`] settles one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) epoch: u64,
    pub(crate) attempt: u32,
}

/// Reads a topic as a member of a consumer group, all partitions that the group assigns to it.
///
/// A message that failed is delivered again from memory after its delay; until then its partition's position stays in
/// front of it. The number of attempts is that of this member: another one begins with the first.
///
/// A program without a pipeline settles each message itself. It needs a server:
///
/// ```no_run
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
///
/// use stage_connect::{ConnectError, Disposition, Pull, Settle};
/// use stage_kafka::{KafkaMessage, KafkaPull, KafkaSettle, ReadOptions, Receipt, Server};
///
/// # async fn take() -> Result<(), ConnectError> {
/// let mut pull = KafkaPull::new(Server::new("127.0.0.1:9092"), ReadOptions::new("orders", "billing"));
/// let mut settle: KafkaSettle = pull.settle_half();
/// pull.connect().await?;
/// for taken in pull.pull(NonZeroUsize::MIN, Duration::from_secs(5)).await? {
///     let (order, receipt): (KafkaMessage, Receipt) = (taken.message, taken.receipt);
///     println!("{:?}", order.payload);
///     settle.settle(&[(receipt, Disposition::Accept)]).await?;
/// }
/// settle.finish().await?;
/// # Ok(())
/// # }
/// ```
pub struct KafkaPull {
    handle: Handle,
    /// The thread of the member owns the client, since leaving the group blocks.
    consumer: Option<Weak<BaseConsumer<MemberContext>>>,
}

impl KafkaPull {
    /// Returns a member of the group in `options`; it joins when it connects.
    pub fn new(server: Server, options: ReadOptions) -> Self {
        let handle = Handle::new(Arc::new(Group::new(server, options)));
        Self { handle, consumer: None }
    }
}

/// Demand, for as long as a call of `pull` lasts.
struct Asking<'a>(&'a Group);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.wanted = 0;
            state.asked = std::time::Instant::now();
        });
    }
}

impl Pull for KafkaPull {
    type Message = KafkaMessage;
    type Receipt = Receipt;
    type Settle = KafkaSettle;

    /// The books of the member keep the order of positions, for each partition by itself.
    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        let group = Arc::clone(self.handle.group());
        let (at, what) = (group.describe(), "cannot connect");
        // Later, the client reconnects by itself, and keeps its partitions if it is back in time.
        let consumer = if let Some(consumer) = &self.consumer {
            consumer.upgrade()
        } else {
            let consumer = join(&group)?;
            self.consumer = Some(Arc::downgrade(&consumer));
            Some(consumer)
        };
        let consumer =
            consumer.ok_or_else(|| ConnectError::gone(&at, what, "the thread of the member has ended"))?;
        let topic = group.options.topic.clone();
        let asked = spawn_blocking(move || {
            let metadata = consumer.fetch_metadata(Some(&topic), PATIENCE)?;
            Ok(metadata.topics().iter().find_map(MetadataTopic::error))
        });
        match asked.await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(code))) => return Err(coded(&at, what, code.into())),
            Ok(Err(error)) => return Err(failed(&at, what, &error)),
            Err(error) => return Err(ConnectError::gone(at, what, error)),
        }
        // Errors from before the answer are over.
        group.change(|state| state.failure = None);
        Ok(())
    }

    fn settle_half(&mut self) -> KafkaSettle {
        KafkaSettle::new(self.handle.clone())
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<KafkaMessage, Receipt>>, ConnectError> {
        let group = self.handle.group();
        if self.consumer.is_none() {
            return Err(ConnectError::gone(group.describe(), "cannot read", "not connected"));
        }
        let now = Instant::now();
        let end = now.checked_add(wait).unwrap_or(now);
        let _asking = Asking(group);
        loop {
            let mut arrived = std::pin::pin!(group.arrived.notified());
            arrived.as_mut().enable();
            let now = Instant::now();
            let (out, due) = {
                let mut state = group.lock();
                if let Some(error) = state.failure.take() {
                    return Err(error);
                }
                let out = state.books.hand_out(at_most.get(), now);
                state.lately = state.lately.max(at_most.get());
                state.wanted = if out.is_empty() { at_most.get() } else { 0 };
                (out, state.books.next_due())
            };
            if !out.is_empty() || now >= end {
                let pulled = out.into_iter().map(|(message, receipt)| {
                    let attempt = receipt.attempt;
                    Pulled { message, receipt, attempt }
                });
                return Ok(pulled.collect());
            }
            group.tell();
            tokio::select! {
                () = arrived => {}
                () = sleep_until(due.map_or(end, |due| due.min(end))) => {}
            }
        }
    }

    fn header<'a>(message: &'a KafkaMessage, name: &str) -> Option<Cow<'a, str>> {
        let (_, value) = message.headers.iter().find(|(known, _)| known == name)?;
        Some(String::from_utf8_lossy(value))
    }

    fn describe(&self) -> String {
        self.handle.group().describe()
    }
}

impl std::fmt::Debug for KafkaPull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaPull").field("at", &self.describe()).finish_non_exhaustive()
    }
}
