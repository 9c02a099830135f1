//! Consumes from a queue.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lapin::message::Delivery;
use lapin::options::BasicNackOptions;
use lapin::types::{AMQPValue, FieldTable};
use stage_connect::{Acks, ConnectError, Pull, Pulled};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::message::RabbitMessage;
use crate::options::ReadOptions;
use crate::read::read;
use crate::server::Server;
use crate::session::{Session, ask, check_name, create_queue};
use crate::settle::{RabbitSettle, Reader, Receipt};

/// Consumes from a queue, each time at most as many messages as are asked for.
///
/// Each call that reaches the server runs a consumer of its own, with a prefetch of the number asked for, which is
/// cancelled before the call returns. A `pull` whose future is dropped goes on; the next one returns its messages. When
/// the reader itself is dropped, the messages that it received and did not return are released.
///
/// A program without a pipeline settles each message itself. It needs a server:
///
/// ```no_run
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
///
/// use stage_connect::{ConnectError, Disposition, Pull, Settle};
/// use stage_rabbitmq::{RabbitMessage, RabbitPull, RabbitSettle, ReadOptions, Receipt, Server};
///
/// # async fn take() -> Result<(), ConnectError> {
/// let mut pull = RabbitPull::new(Server::new("amqp://127.0.0.1:5672")?, ReadOptions::new("orders"));
/// let mut settle: RabbitSettle = pull.settle_half();
/// pull.connect().await?;
/// for taken in pull.pull(NonZeroUsize::MIN, Duration::from_secs(5)).await? {
///     let (order, receipt): (RabbitMessage, Receipt) = (taken.message, taken.receipt);
///     println!("{:?}", order.payload);
///     settle.settle(&[(receipt, Disposition::Accept)]).await?;
/// }
/// settle.finish().await?;
/// # Ok(())
/// # }
/// ```
pub struct RabbitPull {
    reader: Arc<Reader>,
    session: Option<Arc<Session>>,
    /// The run of the consumer that the last `pull` began and did not finish, with the way to end it.
    reading: Option<(Reading, Arc<Notify>)>,
    ready: VecDeque<Delivery>,
}

type Reading = Pin<Box<dyn Future<Output = Result<Vec<Delivery>, ConnectError>> + Send>>;

impl RabbitPull {
    /// Returns a reader of the queue in `options`.
    pub fn new(server: Server, options: ReadOptions) -> Self {
        let reader = Arc::new(Reader { server, options });
        Self { reader, session: None, reading: None, ready: VecDeque::new() }
    }
}

/// Returns a message with its receipt.
fn pulled(delivery: Delivery, session: &Arc<Session>) -> Pulled<RabbitMessage, Receipt> {
    let message = RabbitMessage {
        exchange: delivery.exchange.to_string(),
        routing_key: delivery.routing_key.to_string(),
        properties: delivery.properties,
        payload: delivery.data.into(),
    };
    let receipt = Receipt::new(delivery.delivery_tag, Arc::clone(session), &message);
    let attempt = receipt.attempt();
    Pulled { message, receipt, attempt }
}

impl Pull for RabbitPull {
    type Message = RabbitMessage;
    type Receipt = Receipt;
    type Settle = RabbitSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.reading = None;
        self.ready.clear();
        if let Some(session) = self.session.take() {
            // The server delivers again whatever this session had not acknowledged. A call that was cut off, of a
            // consumer for example, may keep the connection open otherwise.
            session.close().await;
        }
        let at = self.reader.describe();
        let ReadOptions { queue, kind, .. } = &self.reader.options;
        check_name(&at, queue)?;
        check_name(&at, &self.reader.options.dead())?;
        check_name(&at, &self.reader.retry_queue(u64::MAX))?;
        let mut session = Session::open(&self.reader.server, &at).await?;
        for queue in [queue.as_str(), &self.reader.options.dead()] {
            if !session.has_queue(queue, &at).await? {
                session = Session::open(&self.reader.server, &at).await?;
                let created = create_queue(&session.channel, queue, *kind, FieldTable::default());
                ask(&at, &format!("cannot create the queue `{queue}`"), created).await?;
            }
        }
        self.session = Some(Arc::new(session));
        Ok(())
    }

    fn settle_half(&mut self) -> RabbitSettle {
        RabbitSettle::new(Arc::clone(&self.reader))
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<RabbitMessage, Receipt>>, ConnectError> {
        let Some(session) = self.session.clone() else {
            return Err(ConnectError::gone(self.describe(), "cannot consume", "not connected"));
        };
        if self.ready.is_empty() {
            let (reading, _) = match &mut self.reading {
                Some(reading) => reading,
                none => {
                    let (at, queue) = (self.reader.describe(), self.reader.options.queue.clone());
                    let stop = Arc::new(Notify::new());
                    let read = read(Arc::clone(&session), queue, at, at_most.get(), wait, Arc::clone(&stop));
                    none.insert((Box::pin(read), stop))
                }
            };
            let received = reading.await;
            self.reading = None;
            let received = received?;
            session.receive(&received);
            self.ready.extend(received);
        }
        let count = self.ready.len().min(at_most.get());
        Ok(self.ready.drain(..count).map(|delivery| pulled(delivery, &session)).collect())
    }

    fn header<'a>(message: &'a RabbitMessage, name: &str) -> Option<Cow<'a, str>> {
        match message.properties.headers().as_ref()?.inner().get(name)? {
            AMQPValue::LongString(value) => Some(String::from_utf8_lossy(value.as_bytes())),
            AMQPValue::ShortString(value) => Some(value.as_str().into()),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        self.reader.describe()
    }
}

impl Drop for RabbitPull {
    fn drop(&mut self) {
        let (reading, session) = (self.reading.take(), self.session.take());
        let (Some(session), Ok(runtime)) = (session, Handle::try_current()) else { return };
        if reading.is_none() && self.ready.is_empty() {
            return;
        }
        let mut open = std::mem::take(&mut self.ready);
        runtime.spawn(async move {
            if let Some((reading, stop)) = reading {
                stop.notify_one();
                open.extend(reading.await.unwrap_or_default());
            }
            let requeue = BasicNackOptions { requeue: true, multiple: false };
            for delivery in open {
                // If the channel has ended, the server has requeued the message.
                let _ = delivery.acker.nack(requeue).await;
            }
            drop(session);
        });
    }
}

impl std::fmt::Debug for RabbitPull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitPull").field("at", &self.describe()).finish_non_exhaustive()
    }
}
