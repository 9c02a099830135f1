//! Consumes from a queue.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use stage_connect::{Acks, ConnectError, Pull, Pulled};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

use crate::message::RabbitMessage;
use crate::options::{QueueKind, ReadOptions};
use crate::read::read;
use crate::server::Server;
use crate::session::{Session, ask, check_name, create_queue, dead_letters_to};
use crate::settle::{RabbitSettle, Reader, Receipt};

/// Consumes from a queue, each time at most as many messages as are asked for.
///
/// Each call runs a consumer of its own, with a prefetch of the number asked for, which is cancelled before the call
/// returns. A `pull` whose future is dropped goes on, and holds up to its number of messages until the next one, which returns
/// them. Messages beyond the number of the next one are released, and so is everything that the reader has received and not
/// returned when it is dropped.
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
    /// The run of the consumer that the last `pull` began and did not finish.
    reading: Option<Reading>,
}

/// A run of a consumer.
struct Reading {
    run: Pin<Box<dyn Future<Output = Result<Vec<Delivery>, ConnectError>> + Send>>,
    /// Ends the run as if no message came.
    stop: Arc<Notify>,
    is_stopped: bool,
    at_most: usize,
}

impl Reading {
    /// Returns whether the run can serve a call for `at_most` messages until the end of that call.
    const fn goes_on(&self, at_most: usize) -> bool {
        self.at_most <= at_most && !self.is_stopped
    }

    fn stop(&mut self) {
        self.is_stopped = true;
        self.stop.notify_one();
    }
}

impl RabbitPull {
    /// Returns a reader of the queue in `options`.
    pub fn new(server: Server, options: ReadOptions) -> Self {
        let reader = Arc::new(Reader { server, options });
        Self { reader, session: None, reading: None }
    }

    /// Runs a consumer, or the rest of one, until messages arrive or the time has come.
    async fn read(
        &mut self,
        session: &Arc<Session>,
        at_most: usize,
        end: Pin<&mut Sleep>,
    ) -> Result<Vec<Delivery>, ConnectError> {
        let reading = self.reading.get_or_insert_with(|| {
            let (at, queue) = (self.reader.describe(), self.reader.options.queue.clone());
            let stop = Arc::new(Notify::new());
            let run = Box::pin(read(Arc::clone(session), queue, at, at_most, Arc::clone(&stop)));
            Reading { run, stop, is_stopped: false, at_most }
        });
        let goes_on = reading.goes_on(at_most);
        let over = async {
            if goes_on {
                end.await;
            }
        };
        let received = tokio::select! {
            biased;
            () = over => {
                reading.stop();
                (&mut reading.run).await
            }
            received = &mut reading.run => received,
        };
        self.reading = None;
        received
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
        let dead = self.reader.options.dead();
        // A quorum queue counts releases, too, and drops a message beyond its delivery limit without a place for dead ones.
        let beyond_limit = match kind {
            QueueKind::Quorum => dead_letters_to(&dead),
            QueueKind::Classic => FieldTable::default(),
        };
        for (queue, arguments) in [(dead.as_str(), FieldTable::default()), (queue, beyond_limit)] {
            if !session.has_queue(queue, &at).await? {
                session = Session::open(&self.reader.server, &at).await?;
                let created = create_queue(&session.channel, queue, *kind, arguments);
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
        let (at_most, mut end) = (at_most.get(), pin!(sleep(wait)));
        // An earlier call that was dropped asked for more than this one, or ended: its consumer ends, and a new one begins.
        let repeats = self.reading.as_ref().is_some_and(|reading| !reading.goes_on(at_most));
        let mut received = self.read(&session, at_most, end.as_mut()).await?;
        if received.is_empty() && repeats {
            received = self.read(&session, at_most, end).await?;
        }
        session.receive(&received);
        session.release(received.split_off(at_most.min(received.len())));
        Ok(received.into_iter().map(|delivery| pulled(delivery, &session)).collect())
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
        let (Some(Reading { mut run, stop, .. }), Some(session)) = (self.reading.take(), self.session.take())
        else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            stop.notify_one();
            session.release(run.as_mut().await.unwrap_or_default());
        });
    }
}

impl std::fmt::Debug for RabbitPull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitPull").field("at", &self.describe()).finish_non_exhaustive()
    }
}
