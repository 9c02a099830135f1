//! Options for reading and producing.

use std::time::Duration;

/// The first message of a partition for which the group has committed no position.
///
/// The example of [`ReadOptions`] sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// The oldest message.
    Oldest,
    /// The first message that is produced after the member has joined.
    New,
}

/// Options for reading a topic as a member of a consumer group.
///
/// ```
/// use std::time::Duration;
///
/// use stage_kafka::{ReadOptions, StartAt};
///
/// // A service that looks at new orders alone, and has at most 1,000 of a partition to repeat after a crash.
/// let options = ReadOptions::new("orders", "fraud")
///     .start_at(StartAt::New)
///     .dead_letters("fraud.dead")
///     .ahead(1_000)
///     .settle_within(Duration::from_secs(5));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ReadOptions {
    pub(crate) topic: String,
    pub(crate) group: String,
    pub(crate) start: StartAt,
    pub(crate) dead: Option<String>,
    pub(crate) ahead: u64,
    pub(crate) settle_within: Duration,
}

impl ReadOptions {
    /// Returns the defaults for `topic`, which must exist, and the consumer group `group`.
    pub fn new(topic: impl Into<String>, group: impl Into<String>) -> Self {
        Self {
            topic: topic.into(),
            group: group.into(),
            start: StartAt::Oldest,
            dead: None,
            ahead: 10_000,
            settle_within: Duration::from_secs(10),
        }
    }

    /// Sets the first message of a partition without a committed position. Default: the oldest.
    pub const fn start_at(mut self, start: StartAt) -> Self {
        self.start = start;
        self
    }

    /// Sets the topic to which dead letters are produced, with the key, the headers and the content of the message, and
    /// the headers `stage-cause`, `stage-attempts`, `stage-topic`, `stage-partition` and `stage-offset`. It must exist, or
    /// the brokers create topics. Default: the name of the topic, with `.dead` at its end.
    pub fn dead_letters(mut self, topic: impl Into<String>) -> Self {
        self.dead = Some(topic.into());
        self
    }

    /// Sets how far the messages of a partition may be handled ahead of its committed position, which is that of the
    /// oldest open one or before it; at least 1. A crash repeats
    /// at most as many. Default: 10,000.
    pub fn ahead(mut self, messages: u64) -> Self {
        self.ahead = messages.max(1);
        self
    }

    /// Sets how long a partition that goes to another member waits until its messages in hand are settled and its
    /// position is committed; an attempt to commit that has begun is awaited. Messages that are settled later are delivered
    /// again, by the other member. Less than the session timeout of the group, and
    /// than `max.poll.interval.ms`. Default: 10 s.
    pub const fn settle_within(mut self, limit: Duration) -> Self {
        self.settle_within = limit;
        self
    }

    pub(crate) fn dead(&self) -> String {
        self.dead.clone().unwrap_or_else(|| format!("{}.dead", self.topic))
    }
}

/// Options for producing.
///
/// ```
/// use stage_kafka::ProduceOptions;
///
/// let options = ProduceOptions::to("orders").id_header("order-id").window(5_000);
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ProduceOptions {
    pub(crate) topic: String,
    pub(crate) id_header: String,
    pub(crate) window: usize,
}

impl ProduceOptions {
    /// Returns the defaults for `topic`, which must exist, or be created by the brokers.
    pub fn to(topic: impl Into<String>) -> Self {
        Self { topic: topic.into(), id_header: "message-id".to_owned(), window: 1000 }
    }

    /// Sets the name of the header with the id of the message. Default: `message-id`.
    pub fn id_header(mut self, name: impl Into<String>) -> Self {
        self.id_header = name.into();
        self
    }

    /// Sets the number of messages that are produced before their acknowledgements arrive; at least 1. Default: 1000.
    pub const fn window(mut self, messages: usize) -> Self {
        self.window = if messages == 0 { 1 } else { messages };
        self
    }
}
