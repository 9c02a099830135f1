//! Options for reading and publishing.

use std::time::Duration;

/// The first message that a new consumer receives.
///
/// The example of [`ReadOptions`] sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliverFrom {
    /// The oldest message of the stream.
    Oldest,
    /// The first message that is published after the consumer was created.
    New,
}

/// Options for reading a stream through a durable consumer, which any number of processes share.
///
/// ```
/// use std::time::Duration;
///
/// use stage_nats::{DeliverFrom, ReadOptions};
///
/// // The new European orders, in their order also after a failure: one at a time, in all processes together.
/// let options = ReadOptions::new("ORDERS", "fraud")
///     .filter("orders.eu.>")
///     .deliver_from(DeliverFrom::New)
///     .lease(Duration::from_secs(10))
///     .open_at_most(1)
///     .dead_letters("fraud.dead");
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ReadOptions {
    pub(crate) stream: String,
    pub(crate) consumer: String,
    pub(crate) filter: Option<String>,
    pub(crate) from: DeliverFrom,
    pub(crate) lease: Duration,
    pub(crate) open_at_most: u32,
    pub(crate) dead: Option<String>,
}

impl ReadOptions {
    /// Returns the defaults for the durable consumer `consumer` of `stream`. The consumer is created where it does not
    /// exist; the stream must exist.
    pub fn new(stream: impl Into<String>, consumer: impl Into<String>) -> Self {
        Self {
            stream: stream.into(),
            consumer: consumer.into(),
            filter: None,
            from: DeliverFrom::Oldest,
            lease: Duration::from_secs(30),
            open_at_most: 20_000,
            dead: None,
        }
    }

    /// Receives only messages of subjects that match `filter`, such as `orders.eu.>`. Default: all.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Sets the first message of a new consumer. Default: the oldest.
    pub const fn deliver_from(mut self, from: DeliverFrom) -> Self {
        self.from = from;
        self
    }

    /// Sets the time after which a message of a process that has ended is delivered to another one (`ack_wait`); at
    /// least 100 ms. A running source renews the leases of the messages in hand. Default: 30 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_millis(100));
        self
    }

    /// Sets the maximum number of messages in hand of all processes together (`max_ack_pending`); at least 1. Default:
    /// 20,000.
    pub fn open_at_most(mut self, messages: u32) -> Self {
        self.open_at_most = messages.max(1);
        self
    }

    /// Sets the subject to which dead letters are published, with the headers and the content of the message and
    /// headers that describe its end. Default: `DEAD.STREAM.CONSUMER`, with a stream `DEAD_STREAM` that is created
    /// where no stream stores the subject.
    pub fn dead_letters(mut self, subject: impl Into<String>) -> Self {
        self.dead = Some(subject.into());
        self
    }

    pub(crate) fn dead(&self) -> String {
        self.dead.clone().unwrap_or_else(|| format!("DEAD.{}.{}", self.stream, self.consumer))
    }
}

/// Options for publishing.
///
/// ```
/// use std::time::Duration;
///
/// use stage_nats::PublishOptions;
///
/// // A stream with `discard: new` keeps its order with a window of 1.
/// let options = PublishOptions::to("orders.eu").window(1).retry_full(Duration::from_millis(200));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PublishOptions {
    pub(crate) subject: String,
    pub(crate) window: usize,
    pub(crate) retry_full: Duration,
}

impl PublishOptions {
    /// Returns the defaults for messages without a subject of their own. A stream must store the subject.
    pub fn to(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), window: 200, retry_full: Duration::from_millis(50) }
    }

    /// Sets the number of messages that are published before their acknowledgements arrive; at least 1. Default: 200.
    ///
    /// If a stream with `discard: new` is full, it may refuse a message and store one behind it, so a window of 1 is
    /// needed where such a stream must keep the order.
    pub const fn window(mut self, messages: usize) -> Self {
        self.window = if messages == 0 { 1 } else { messages };
        self
    }

    /// Sets the wait before the next attempt if the stream is full. Default: 50 ms.
    pub const fn retry_full(mut self, after: Duration) -> Self {
        self.retry_full = after;
        self
    }
}
