//! Commits positions, and sets failed messages aside.

use std::sync::Arc;

use rdkafka::producer::FutureProducer;
use stage_connect::{ConnectError, Disposition, ErrorKind, Settle};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::books::Outcome;
use crate::error::failed;
use crate::group::Handle;
use crate::member::PAUSE;
use crate::message::Outgoing;
use crate::producing::{Parcel, produce_all};
use crate::pull::Receipt;

/// The half of a [`KafkaPull`](crate::KafkaPull) that settles. It shares the member's connection, since only the member
/// may commit, and has a producer of its own for dead letters.
///
/// The example of [`KafkaPull`](crate::KafkaPull) settles messages with it.
pub struct KafkaSettle {
    handle: Handle,
    producer: Option<FutureProducer>,
}

impl KafkaSettle {
    pub(crate) const fn new(handle: Handle) -> Self {
        Self { handle, producer: None }
    }

    async fn bury(&mut self, receipt: &Receipt, cause: &str) -> Result<(), ConnectError> {
        let group = Arc::clone(self.handle.group());
        let (at, what) = (group.describe(), "cannot produce a dead letter");
        let Some(message) = group.lock().books.message(receipt).cloned() else { return Ok(()) };
        let producer = match self.producer.take() {
            Some(producer) => producer,
            None => group.server.producer().create().map_err(|error| failed(&at, what, &error))?,
        };
        let letter = Outgoing { key: message.key, headers: message.headers, payload: message.payload }
            .header("stage-topic", group.options.topic.clone())
            .header("stage-partition", receipt.partition.to_string())
            .header("stage-offset", receipt.offset.to_string())
            .header("stage-attempts", receipt.attempt.to_string());
        let parcel = Parcel {
            topic: &group.options.dead(),
            key: letter.key.as_deref(),
            payload: &letter.payload,
            headers: letter.headers_with("stage-cause", cause),
        };
        let outcome = produce_all(&producer, [parcel]).await.pop();
        self.producer = Some(producer);
        match outcome {
            Some(Ok(())) | None => Ok(()),
            Some(Err(error)) => Err(failed(&at, what, &error)),
        }
    }

    /// Notes the dispositions in the books, and tells nobody.
    async fn note(&mut self, settled: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        let group = Arc::clone(self.handle.group());
        let mut dead = Vec::new();
        {
            let (mut state, now) = (group.lock(), Instant::now());
            for (receipt, disposition) in settled {
                let outcome = match disposition {
                    Disposition::Accept => Outcome::Done,
                    Disposition::Release => Outcome::Untried,
                    Disposition::Retry { after } => Outcome::Again(*after),
                    Disposition::Dead { cause } => {
                        dead.push((receipt, cause));
                        continue;
                    }
                };
                state.books.settle(receipt, outcome, now);
            }
        }
        for (receipt, cause) in dead {
            self.bury(receipt, cause).await?;
            group.lock().books.settle(receipt, Outcome::Done, Instant::now());
        }
        Ok(())
    }

    /// Commits, on a thread that may block.
    async fn commit(&self) -> Result<(), ConnectError> {
        let group = Arc::clone(self.handle.group());
        let at = group.describe();
        let committed = spawn_blocking(move || group.commit(None)).await;
        committed.map_err(|error| ConnectError::gone(at, "cannot commit", error))?
    }
}

impl Settle for KafkaSettle {
    type Receipt = Receipt;

    async fn settle(&mut self, settled: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        let noted = self.note(settled).await;
        let group = self.handle.group();
        group.tell();
        group.arrived.notify_one();
        noted?;
        self.commit().await
    }

    async fn finish(&mut self) -> Result<(), ConnectError> {
        let (begun, limit) = (Instant::now(), self.handle.group().options.settle_within);
        loop {
            match self.commit().await {
                // The member still answers the group, which accepts commits when it has been rebalanced.
                Err(error) if error.kind() == ErrorKind::Gone && begun.elapsed() < limit => {
                    sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }
}

impl std::fmt::Debug for KafkaSettle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaSettle").field("at", &self.handle.group().describe()).finish_non_exhaustive()
    }
}
