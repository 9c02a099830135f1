//! The options of a sink on a server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stage_core::Backoff;

use crate::call_limits::{Bytes, CallLimits};
use crate::message_id::MessageId;
use crate::outage::random;

/// Options of [`sink::pushed`](crate::sink::pushed).
///
/// ```
/// use std::time::Duration;
///
/// use stage_connect::PushOptions;
/// use stage_core::Backoff;
///
/// struct Order {
///     number: u64,
/// }
///
/// // Orders that are stored again have the id that they had before.
/// let options = PushOptions::new()
///     .id(|order: &Order| order.number.to_string())
///     .reconnect(Backoff::new(Duration::from_millis(100), Duration::from_secs(5)));
/// # let _ = options;
/// ```
///
/// The calls of the server have limits:
///
/// ```
/// use std::time::Duration;
///
/// use stage_connect::PushOptions;
///
/// let options = PushOptions::<String>::new().at_most(100).answer_within(Duration::from_secs(10));
/// assert!(format!("{options:?}").contains("at_most: 100"));
/// ```
#[must_use]
pub struct PushOptions<M> {
    pub(crate) reconnect: Backoff,
    pub(crate) call: CallLimits<M>,
    pub(crate) answer: Duration,
    pub(crate) linger: Duration,
    ids: Option<Ids<M>>,
}

type Ids<M> = Arc<dyn Fn(&M) -> String + Send + Sync>;

impl<M> PushOptions<M> {
    /// Returns the defaults: ids of the sink's own, each batch stored as it arrives, 100 ms to 10 s between attempts to
    /// reach the server.
    pub const fn new() -> Self {
        Self {
            reconnect: Backoff::new(Duration::from_millis(100), Duration::from_secs(10)),
            call: CallLimits { at_most: 1000, bytes: None },
            answer: Duration::from_secs(30),
            linger: Duration::ZERO,
            ids: None,
        }
    }

    /// Sets the id of each message. A server that knows ids then also recognises a message that another run of the
    /// pipeline has stored before. Default: a random prefix for each run of the sink, and a number.
    pub fn id(mut self, id: impl Fn(&M) -> String + Send + Sync + 'static) -> Self {
        self.ids = Some(Arc::new(id));
        self
    }

    /// Sets the delays between attempts to reach the server; a limit on attempts in `backoff` is ignored. Default:
    /// 100 ms, doubling up to 10 s.
    pub const fn reconnect(mut self, backoff: Backoff) -> Self {
        self.reconnect = backoff;
        self
    }

    /// Sets the maximum number of messages per call of [`put`](crate::Push::put), at least 1. Default: 1000.
    pub const fn at_most(mut self, messages: usize) -> Self {
        self.call.at_most = if messages == 0 { 1 } else { messages };
        self
    }

    /// Sets the maximum number of bytes per call of [`put`](crate::Push::put), at least 1, by the `size` of each message. A
    /// message that is larger is stored in a call of its own. Default: no maximum.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use stage_connect::PushOptions;
    ///
    /// // At most a mebibyte and 1000 messages a call, and at most 20 ms from the first message on.
    /// let options = PushOptions::new().at_most_bytes(1 << 20, String::len).linger(Duration::from_millis(20));
    /// # let _: PushOptions<String> = options;
    /// ```
    pub fn at_most_bytes(mut self, bytes: usize, size: impl Fn(&M) -> usize + Send + Sync + 'static) -> Self {
        self.call.bytes = Some(Bytes { at_most: bytes.max(1), size: Arc::new(size) });
        self
    }

    /// Sets how long the first message waits for others, to be stored in one call of [`at_most`](Self::at_most) messages and
    /// [`at_most_bytes`](Self::at_most_bytes); a call that is full is made at once. A drain does not wait. Default: 0, each
    /// batch is stored as it arrives.
    ///
    /// A sink that waits holds up to `at_most` − 1 messages beside those that its window allows. Their deliveries are open,
    /// so a source that waits for its verdicts waits up to this much longer. Only [`sink::pushed`](crate::sink::pushed)
    /// waits: without acknowledgement, messages between two calls would be lost with the sink, so
    /// [`sink::pushed_plain`](crate::sink::pushed_plain) stores each batch as it arrives.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use stage_connect::PushOptions;
    ///
    /// // At most 500 messages a call, and at most 20 ms from the first message on.
    /// let options = PushOptions::new().at_most(500).linger(Duration::from_millis(20));
    /// # let _: PushOptions<String> = options;
    /// ```
    pub const fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Sets how long a call may take before the connection counts as lost. Default: 30 s.
    pub const fn answer_within(mut self, limit: Duration) -> Self {
        self.answer = limit;
        self
    }

    pub(crate) fn numbering(&self) -> Numbering<M> {
        Numbering { ids: self.ids.clone(), prefix: random(), next: 0 }
    }
}

/// Gives each message its id.
pub(crate) struct Numbering<M> {
    ids: Option<Ids<M>>,
    prefix: u64,
    next: u64,
}

impl<M> Numbering<M> {
    pub(crate) fn id(&mut self, message: &M) -> MessageId {
        if let Some(ids) = &self.ids {
            return MessageId::new(ids(message));
        }
        self.next += 1;
        MessageId::new(format!("{:016x}-{}", self.prefix, self.next))
    }
}

impl<M> Clone for PushOptions<M> {
    fn clone(&self) -> Self {
        let Self { reconnect, call, answer, linger, ids } = self;
        let (call, ids) = (call.clone(), ids.clone());
        Self { reconnect: *reconnect, call, answer: *answer, linger: *linger, ids }
    }
}

impl<M> Default for PushOptions<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> fmt::Debug for PushOptions<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushOptions")
            .field("reconnect", &self.reconnect)
            .field("at_most", &self.call.at_most)
            .field("at_most_bytes", &self.call.bytes.as_ref().map(|bytes| bytes.at_most))
            .field("answer_within", &self.answer)
            .field("linger", &self.linger)
            .finish_non_exhaustive()
    }
}
