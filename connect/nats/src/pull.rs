//! Reads a stream through a durable consumer.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::{Acks, ConnectError, Pull, Pulled};

use crate::consumer;
use crate::message::NatsMessage;
use crate::options::ReadOptions;
use crate::read::{Ask, Owner};
use crate::requests::{Request, Requests};
use crate::server::Server;
use crate::settle::{NatsSettle, Reader, Receipt};

/// Reads a stream through a durable consumer, each time exactly as many messages as are asked for.
///
/// A `pull` whose future is dropped goes on at the server; the next one returns its messages. When the reader itself is
/// dropped, the messages that it received and did not return are released.
///
/// A program without a pipeline settles each message itself. It needs a server:
///
/// ```no_run
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
///
/// use stage_connect::{ConnectError, Disposition, Pull, Settle};
/// use stage_nats::{NatsMessage, NatsPull, NatsSettle, ReadOptions, Receipt, Server};
///
/// # async fn take() -> Result<(), ConnectError> {
/// let mut pull = NatsPull::new(Server::new("nats://127.0.0.1:4222")?, ReadOptions::new("ORDERS", "billing"));
/// let mut settle: NatsSettle = pull.settle_half();
/// pull.connect().await?;
/// for taken in pull.pull(NonZeroUsize::MIN, Duration::from_secs(5)).await? {
///     let (order, receipt): (NatsMessage, Receipt) = (taken.message, taken.receipt);
///     println!("{:?}", order.payload);
///     settle.settle(&[(receipt, Disposition::Accept)]).await?;
/// }
/// settle.finish().await?;
/// # Ok(())
/// # }
/// ```
pub struct NatsPull {
    reader: Arc<Reader>,
    requests: Requests,
}

impl NatsPull {
    /// Returns a reader of the stream and the consumer in `options`.
    pub fn new(server: Server, options: ReadOptions) -> Self {
        let reader = Arc::new(Reader::new(server, options));
        Self { reader, requests: Requests::default() }
    }
}

impl Pull for NatsPull {
    type Message = NatsMessage;
    type Receipt = Receipt;
    type Settle = NatsSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.requests.disconnect();
        let link = self.reader.server.connect().await?;
        let at = self.reader.describe();
        consumer::open(&link, &self.reader.options, &at).await?;
        consumer::open_dead(&link, &self.reader.options, &at).await?;
        self.requests.connected(link);
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
        let reader = &self.reader;
        if self.requests.is_empty() {
            let (options, owner) = (&reader.options, Owner::Shared);
            let ask = Ask { at_most: at_most.get(), wait, accepts: None };
            let request = Request { options, owner, ask };
            self.requests.read(request, || reader.describe()).await?;
        }
        Ok(self.requests.take(at_most).map(|received| reader.pulled(received)).collect())
    }

    fn header<'a>(message: &'a NatsMessage, name: &str) -> Option<Cow<'a, str>> {
        message.headers.get(name).map(|value| value.as_str().into())
    }

    fn describe(&self) -> String {
        self.reader.describe()
    }
}

impl Drop for NatsPull {
    fn drop(&mut self) {
        let reader = Arc::clone(&self.reader);
        let settle = NatsSettle::new(Arc::clone(&reader));
        self.requests.release(settle, move |received| reader.pulled(received).receipt);
    }
}

impl std::fmt::Debug for NatsPull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsPull").field("at", &self.describe()).finish_non_exhaustive()
    }
}
