//! Options for reading and appending.

use std::time::Duration;

/// The first entry that a new consumer group receives.
///
/// The example of [`ReadOptions`] sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// The oldest entry of the stream.
    Oldest,
    /// The first entry that is appended after the group was created.
    New,
}

/// Options for reading a stream as a consumer of a group. All consumers of a group should have the same.
///
/// ```
/// use std::time::Duration;
///
/// use stage_redis::{ReadOptions, StartAt};
///
/// let options = ReadOptions::new("orders", "billing")
///     .start_at(StartAt::Oldest)
///     .lease(Duration::from_secs(10))
///     .claim_every(Duration::from_millis(200))
///     .dead_letters("billing:dead")
///     .delete_when_settled();
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ReadOptions {
    pub(crate) stream: String,
    pub(crate) group: String,
    pub(crate) start: StartAt,
    pub(crate) lease: Duration,
    pub(crate) claim_every: Duration,
    pub(crate) dead: Option<String>,
    pub(crate) delete: bool,
}

impl ReadOptions {
    /// Returns the defaults for the consumer group `group` of `stream`; both are created where they do not exist.
    pub fn new(stream: impl Into<String>, group: impl Into<String>) -> Self {
        Self {
            stream: stream.into(),
            group: group.into(),
            start: StartAt::Oldest,
            lease: Duration::from_secs(30),
            claim_every: Duration::from_millis(500),
            dead: None,
            delete: false,
        }
    }

    /// Sets the first entry of a new group. Default: the oldest.
    pub const fn start_at(mut self, start: StartAt) -> Self {
        self.start = start;
        self
    }

    /// Sets the time after which an entry of a consumer that has ended is received by another one; at least 100 ms. A
    /// running source renews the leases of the entries in hand. Default: 30 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_millis(100));
        self
    }

    /// Sets the interval of the search for entries whose lease has ended or whose retry is due; at least 1 ms.
    /// Default: 500 ms.
    pub fn claim_every(mut self, every: Duration) -> Self {
        self.claim_every = every.max(Duration::from_millis(1));
        self
    }

    /// Sets the stream to which dead letters are appended, with the fields of the entry after `stage-id`,
    /// `stage-stream`, `stage-group`, `stage-attempts` and `stage-cause`. Default: the name of the stream, with `:dead`
    /// at its end.
    ///
    /// In a cluster, both names need the same hash tag, as in `{orders}` and `{orders}:dead`.
    pub fn dead_letters(mut self, stream: impl Into<String>) -> Self {
        self.dead = Some(stream.into());
        self
    }

    /// Deletes entries from the stream when they are acknowledged or dead. For streams with one group: other groups
    /// do not receive a deleted entry. Default: entries stay.
    pub const fn delete_when_settled(mut self) -> Self {
        self.delete = true;
        self
    }

    pub(crate) fn dead(&self) -> String {
        self.dead.clone().unwrap_or_else(|| format!("{}:dead", self.stream))
    }

    /// The key of the retries that are due later than a lease can express.
    pub(crate) fn due(&self) -> String {
        format!("{}:{}:due", self.stream, self.group)
    }
}

/// The bound on the length of a stream.
///
/// The example of [`Append`] sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// No bound: the stream grows until the server refuses for lack of memory.
    None,
    /// At most this many entries that some group has not acknowledged. Acknowledged ones are removed first; if that makes
    /// no room, the stream is full, and the pipeline waits. A stream without a group counts in whole.
    Unread(u64),
    /// About this many entries, of which the server removes the oldest, **including unread ones** (`MAXLEN ~`).
    Latest(u64),
}

/// Options for appending to a stream.
///
/// ```
/// use std::time::Duration;
///
/// use stage_redis::{Append, Limit};
///
/// // A stream in which no order is lost: the pipeline waits while 100,000 of them are unread.
/// let orders = Append::to("orders")
///     .limit(Limit::Unread(100_000))
///     .once_within(Duration::from_secs(600))
///     .retry_full(Duration::from_millis(200));
/// // A stream of which only the latest entries matter.
/// let ticks = Append::to("ticks").limit(Limit::Latest(10_000)).once_within(Duration::ZERO);
/// # let _ = (orders, ticks);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Append {
    pub(crate) stream: String,
    pub(crate) limit: Limit,
    pub(crate) once_within: Duration,
    pub(crate) retry_full: Duration,
}

impl Append {
    /// Returns the defaults for `stream`, which is created where it does not exist.
    pub fn to(stream: impl Into<String>) -> Self {
        Self {
            stream: stream.into(),
            limit: Limit::None,
            once_within: Duration::from_secs(120),
            retry_full: Duration::from_millis(50),
        }
    }

    /// Sets the bound on the length of the stream. Default: none.
    pub const fn limit(mut self, limit: Limit) -> Self {
        self.limit = limit;
        self
    }

    /// Sets how long the server remembers the id of a message, to store it once. Each id is a key of its own, named
    /// `STREAM:id:ID`, that expires after this time; zero stores a repeated message again. Default: 2 min.
    pub const fn once_within(mut self, window: Duration) -> Self {
        self.once_within = window;
        self
    }

    /// Sets the wait before the next attempt if the stream or the server is full. Default: 50 ms.
    pub const fn retry_full(mut self, after: Duration) -> Self {
        self.retry_full = after;
        self
    }
}
