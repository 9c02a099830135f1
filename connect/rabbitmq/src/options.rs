//! Options for consuming and publishing.

use std::time::Duration;

/// The kind of a queue that is created because it does not exist.
///
/// The example of [`ReadOptions`] sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// A classic durable queue, on one node.
    Classic,
    /// A quorum queue, replicated by the nodes of a cluster.
    Quorum,
}

/// Options for consuming from a queue, which any number of processes share.
///
/// ```
/// use stage_rabbitmq::{QueueKind, ReadOptions};
///
/// let options = ReadOptions::new("orders").kind(QueueKind::Quorum).dead_letters("orders.failed");
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ReadOptions {
    pub(crate) queue: String,
    pub(crate) kind: QueueKind,
    pub(crate) dead: Option<String>,
}

impl ReadOptions {
    /// Returns the defaults for `queue`. If it does not exist, it is created as a classic durable queue.
    pub fn new(queue: impl Into<String>) -> Self {
        Self { queue: queue.into(), kind: QueueKind::Classic, dead: None }
    }

    /// Sets the kind of queues that are created. Default: classic.
    pub const fn kind(mut self, kind: QueueKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the queue to which dead letters are published, with the headers `x-stage-cause`, `x-stage-attempts` and
    /// `x-stage-queue`. It is created where it does not exist. Default: the name of the queue, with `.dead` at its end.
    pub fn dead_letters(mut self, queue: impl Into<String>) -> Self {
        self.dead = Some(queue.into());
        self
    }

    pub(crate) fn dead(&self) -> String {
        self.dead.clone().unwrap_or_else(|| format!("{}.dead", self.queue))
    }
}

/// Options for publishing.
///
/// ```
/// use std::time::Duration;
///
/// use stage_rabbitmq::PublishOptions;
///
/// // Orders, which must survive a restart and stay in order even if the queue is full.
/// let orders = PublishOptions::to_queue("orders").window(1).retry_full(Duration::from_millis(200));
/// // Ticks, which are worthless after a restart.
/// let ticks = PublishOptions::to_exchange("ticks", "tick.eu").transient().window(5_000);
/// # let _ = (orders, ticks);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PublishOptions {
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
    pub(crate) persistent: bool,
    pub(crate) window: usize,
    pub(crate) retry_full: Duration,
}

impl PublishOptions {
    /// Returns the defaults for messages to one queue, through the default exchange. The queue must exist.
    pub fn to_queue(queue: impl Into<String>) -> Self {
        Self::to_exchange("", queue)
    }

    /// Returns the defaults for messages to an exchange, which must exist; `routing_key` is that of messages without one.
    pub fn to_exchange(exchange: impl Into<String>, routing_key: impl Into<String>) -> Self {
        Self {
            exchange: exchange.into(),
            routing_key: routing_key.into(),
            persistent: true,
            window: 1000,
            retry_full: Duration::from_millis(50),
        }
    }

    /// Publishes messages that do not survive a restart of the server, unless their properties say otherwise. Default:
    /// persistent messages.
    pub const fn transient(mut self) -> Self {
        self.persistent = false;
        self
    }

    /// Sets the number of messages that are published before their confirms arrive; at least 1. Default: 1000.
    ///
    /// A server that is busy writes persistent messages to its disk about every 200 ms, and confirms them afterwards, so
    /// that a sink stores about five windows per second. A larger one needs [`PushOptions::at_most`](stage_connect::PushOptions::at_most)
    /// and the demand of the sink to be as large.
    ///
    /// A queue that is full may refuse a message and store one behind it, so a window of 1 is needed where such a queue
    /// must keep the order.
    pub const fn window(mut self, messages: usize) -> Self {
        self.window = if messages == 0 { 1 } else { messages };
        self
    }

    /// Sets the wait before the next attempt if the queue is full or the server blocks publishers. Default: 50 ms.
    pub const fn retry_full(mut self, after: Duration) -> Self {
        self.retry_full = after;
        self
    }
}
