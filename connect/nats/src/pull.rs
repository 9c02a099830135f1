//! Reads a stream through a durable consumer.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::{Acks, ConnectError, Disposition, Pull, Pulled, Settle};
use tokio::runtime::Handle;

use crate::consumer;
use crate::link::Link;
use crate::message::NatsMessage;
use crate::options::ReadOptions;
use crate::read::{ConsumerName, Owner, Received, read};
use crate::server::Server;
use crate::settle::{NatsSettle, Reader, Receipt};

/// Reads a stream through a durable consumer, each time exactly as many messages as are asked for.
///
/// A `pull` whose future is dropped goes on at the server; the next one returns its messages. When the reader itself is
/// dropped, the messages that it received and did not return are released.
pub struct NatsPull {
    reader: Arc<Reader>,
    link: Option<Link>,
    /// The request that the last `pull` began and did not finish.
    reading: Option<Reading>,
    ready: VecDeque<Received>,
}

type Reading = Pin<Box<dyn Future<Output = Result<Vec<Received>, ConnectError>> + Send>>;

impl NatsPull {
    /// Returns a reader of the stream and the consumer in `options`.
    pub fn new(server: Server, options: ReadOptions) -> Self {
        let reader = Arc::new(Reader::new(server, options));
        Self { reader, link: None, reading: None, ready: VecDeque::new() }
    }
}

impl Pull for NatsPull {
    type Message = NatsMessage;
    type Receipt = Receipt;
    type Settle = NatsSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        (self.link, self.reading) = (None, None);
        let link = self.reader.server.connect().await?;
        let at = self.reader.describe();
        consumer::open(&link, &self.reader.options, &at).await?;
        consumer::open_dead(&link, &self.reader.options, &at).await?;
        self.link = Some(link);
        Ok(())
    }

    fn settle_half(&mut self) -> NatsSettle {
        NatsSettle::new(Arc::clone(&self.reader))
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<NatsMessage, Receipt>>, ConnectError> {
        if self.ready.is_empty() {
            let reading = match &mut self.reading {
                Some(reading) => reading,
                none => {
                    let at = self.reader.describe();
                    let Some(link) = self.link.clone() else {
                        return Err(ConnectError::gone(at, "cannot read", "not connected"));
                    };
                    let ReadOptions { stream, consumer, .. } = self.reader.options.clone();
                    let consumer = ConsumerName { stream, consumer, owner: Owner::Shared };
                    none.insert(Box::pin(read(link, consumer, at, at_most.get(), wait)))
                }
            };
            let received = reading.await;
            self.reading = None;
            self.ready.extend(received?);
        }
        let count = self.ready.len().min(at_most.get());
        let reader = &self.reader;
        Ok(self.ready.drain(..count).map(|received| reader.pulled(received)).collect())
    }

    fn describe(&self) -> String {
        self.reader.describe()
    }
}

impl Drop for NatsPull {
    fn drop(&mut self) {
        let reading = self.reading.take();
        if reading.is_none() && self.ready.is_empty() {
            return;
        }
        // Without a runtime, the messages wait for the end of their leases.
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
            if let Err(error) = NatsSettle::new(reader).settle(&released).await {
                tracing::warn!(%error, "messages wait for the end of their lease");
            }
        });
    }
}

impl std::fmt::Debug for NatsPull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsPull").field("at", &self.describe()).finish_non_exhaustive()
    }
}
