//! Messages that are written in the transaction of the rows that they tell of, and published afterwards.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::{Acks, ConnectError, MessageId, Pull, Pulled};
use tokio_postgres::GenericClient;

use crate::queue::{Job, JobId, NewJob, Queue, QueuePull, QueueSettle, Receipt};

/// A transactional outbox: a message is stored if and only if the transaction commits that changes the rows it tells
/// of, and is then published by a pipeline, in order per key, at least once. Each has an id that never changes, so a
/// server that knows ids stores it once.
///
/// ```no_run
/// use stage_connect::{PullOptions, Push, PushOptions, sink, source};
/// use stage_core::Pipeline;
/// use stage_postgres::{NewJob, Outbox, Outgoing, Queue, QueueOptions, Server};
///
/// # async fn run(broker: impl Push<Message = Outgoing> + Clone) -> Result<(), Box<dyn std::error::Error>> {
/// let queue = Queue::new(Server::new("postgres://app@localhost/shop")?, QueueOptions::new().table("outbox"))?;
/// queue.setup().await?;
/// let outbox = Outbox::new(queue, "shop");
///
/// // Where orders are made, with the connection that is there already.
/// let (mut client, connection) = tokio_postgres::connect("…", tokio_postgres::NoTls).await?;
/// # drop(connection);
/// let transaction = client.transaction().await?;
/// transaction.execute("INSERT INTO orders (number) VALUES (7)", &[]).await?;
/// outbox.add(&transaction, [NewJob::new("ordered").key("order 7")]).await?;
/// transaction.commit().await?;
///
/// // In any process.
/// let publish = Pipeline::builder("publish")
///     .start("outbox", move || Ok(source::pulled(outbox.pull(), PullOptions::new())))
///     .finish("broker", move || {
///         let options = PushOptions::new().id(|message: &Outgoing| message.id.to_string());
///         Ok(sink::pushed(broker.clone(), options))
///     });
/// publish.start().await?.join().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Outbox {
    queue: Queue,
    name: Arc<str>,
}

/// A message of an outbox, to be published.
///
/// See the example of [`Outbox`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outgoing {
    /// The name of the outbox and the number of the message.
    pub id: MessageId,
    /// The key within which messages are published in order, if any.
    pub key: Option<Vec<u8>>,
    /// The content.
    pub payload: Vec<u8>,
    /// The headers, in the order in which they were added.
    pub headers: Vec<(String, String)>,
}

impl Outbox {
    /// Creates an outbox in a queue, which should hold nothing else. The name makes the ids of messages unique among all
    /// outboxes that publish to one server: letters, digits and `-`.
    pub fn new(queue: Queue, name: impl Into<Arc<str>>) -> Self {
        Self { queue, name: name.into() }
    }

    /// Adds messages in the caller's transaction; returns their ids. A pipeline publishes them after the commit.
    ///
    /// # Errors
    ///
    /// As [`Queue::enqueue_in`].
    pub async fn add(
        &self,
        transaction: &impl GenericClient,
        messages: impl IntoIterator<Item = NewJob>,
    ) -> Result<Vec<MessageId>, ConnectError> {
        let numbers = self.queue.enqueue_in(transaction, messages).await?;
        Ok(numbers.into_iter().map(|number| self.id(number)).collect())
    }

    /// Returns the half of a connector that reads the outbox.
    pub fn pull(&self) -> OutboxPull {
        OutboxPull { pull: self.queue.pull(), outbox: self.clone() }
    }

    /// Returns the queue, for its counts and its dead messages.
    pub const fn queue(&self) -> &Queue {
        &self.queue
    }

    fn id(&self, number: JobId) -> MessageId {
        MessageId::new(format!("{}-{}", self.name, number.0))
    }

    fn outgoing(&self, job: Job) -> Outgoing {
        Outgoing { id: self.id(job.id), key: job.key, payload: job.payload, headers: job.headers }
    }
}

/// Reads the messages of an [`Outbox`]; created by [`Outbox::pull`].
///
/// A program publishes the messages that are there, and ends:
///
/// ```
/// use stage_connect::{PullOptions, source};
/// use stage_core::Pipeline;
/// use stage_postgres::{Outbox, OutboxPull, Outgoing};
///
/// fn publish(outbox: Outbox) -> Pipeline {
///     Pipeline::builder("publish")
///         .start("outbox", move || {
///             let pull: OutboxPull = outbox.pull().until_empty();
///             Ok(source::pulled(pull, PullOptions::new()))
///         })
///         .acknowledged()
///         .finish_fn("print", |message: Outgoing| println!("{}", message.id))
/// }
/// ```
#[derive(Debug)]
#[must_use = "a pull does nothing outside of a source"]
pub struct OutboxPull {
    pull: QueuePull,
    outbox: Outbox,
}

impl OutboxPull {
    /// Finishes once no message is left.
    pub fn until_empty(mut self) -> Self {
        self.pull = self.pull.until_empty();
        self
    }
}

impl Pull for OutboxPull {
    type Message = Outgoing;
    type Receipt = Receipt;
    type Settle = QueueSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.pull.connect().await
    }

    fn settle_half(&mut self) -> QueueSettle {
        self.pull.settle_half()
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Outgoing, Receipt>>, ConnectError> {
        let pulled = self.pull.pull(at_most, wait).await?;
        let outgoing = |Pulled { message, receipt, attempt }| {
            let message = self.outbox.outgoing(message);
            Pulled { message, receipt, attempt }
        };
        Ok(pulled.into_iter().map(outgoing).collect())
    }

    fn is_finished(&self) -> bool {
        self.pull.is_finished()
    }

    fn header<'a>(message: &'a Outgoing, name: &str) -> Option<Cow<'a, str>> {
        message.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.into())
    }

    fn describe(&self) -> String {
        self.pull.describe()
    }
}
