//! The options of a queue.

use std::time::Duration;

use stage_core::Backoff;
use stage_core::ack::AckOptions;

/// How much of the queue survives a power failure.
///
/// See the example of [`QueueOptions`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Every job whose `enqueue` has returned.
    #[default]
    Full,
    /// The file stays consistent, but the last transactions may be missing. A killed process loses nothing.
    Normal,
}

/// The options of a [`Queue`](super::Queue). Those about leases must be the same in all processes.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::Backoff;
/// use stage_sqlite::{QueueOptions, Synchronous};
///
/// // Mails, which another process may send twice after a power failure, and which have ten attempts.
/// let options = QueueOptions::new()
///     .table("work")
///     .lane("mails")
///     .visibility(Duration::from_secs(60))
///     .attempts(10)
///     .retry_after(Backoff::new(Duration::from_secs(5), Duration::from_secs(3_600)))
///     .synchronous(Synchronous::Normal)
///     .poll(Duration::from_millis(500))
///     .linger(Duration::from_millis(20))
///     .patience(Duration::from_secs(30));
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct QueueOptions {
    pub(crate) table: String,
    pub(crate) lane: String,
    pub(crate) visibility: Duration,
    pub(crate) attempts: u32,
    pub(crate) retry_after: Backoff,
    pub(crate) poll: Duration,
    pub(crate) linger: Duration,
    pub(crate) patience: Duration,
    pub(crate) synchronous: Synchronous,
    /// The maximum number of jobs that are leased at a time, by all processes together.
    pub(crate) window: usize,
}

impl QueueOptions {
    /// Returns the defaults.
    pub fn new() -> Self {
        Self {
            table: "jobs".to_owned(),
            lane: String::new(),
            visibility: Duration::from_secs(30),
            attempts: 5,
            retry_after: Backoff::new(Duration::from_secs(1), Duration::from_secs(300)),
            poll: Duration::from_millis(100),
            linger: Duration::from_millis(5),
            patience: Duration::from_secs(5),
            synchronous: Synchronous::Full,
            window: usize::MAX,
        }
    }

    /// Sets the name of the table in the file: letters a to z, digits and `_`, beginning with a letter.
    /// Default: `jobs`.
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Selects one of the queues in the table. Default: the one with the empty name.
    pub fn lane(mut self, lane: impl Into<String>) -> Self {
        self.lane = lane.into();
        self
    }

    /// Sets the duration of a lease, at least 10 ms; `Duration::MAX` means forever. A lease is renewed three
    /// times in that period while the job is held, so the duration is also the delay before a job of a killed
    /// process is delivered again. Default: 30 s.
    pub fn visibility(mut self, timeout: Duration) -> Self {
        self.visibility = timeout.max(Duration::from_millis(10));
        self
    }

    /// Sets the number of attempts before a job is dead, at least 1. On the last of several attempts, the job
    /// is leased alone. Default: 5.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets the delay before a failed job is retried; the limit on attempts in `backoff` is ignored. Default:
    /// 1 s, doubling up to 5 minutes.
    pub fn retry_after(mut self, backoff: Backoff) -> Self {
        self.retry_after = backoff;
        self
    }

    /// Sets how often a source checks for jobs of other processes and for jobs that have become due; at least
    /// 1 ms. Default: 100 ms.
    pub fn poll(mut self, every: Duration) -> Self {
        self.poll = every.max(Duration::from_millis(1));
        self
    }

    /// Sets how long an operation waits while another process has the file locked, before it fails with
    /// [`Busy`](crate::QueueError::Busy); from 1 ms to 24 days. Sources and verdicts keep waiting after that:
    /// a locked file only delays them. Default: 5 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience.clamp(Duration::from_millis(1), Duration::from_secs(24 * 24 * 3600));
        self
    }

    /// Sets how long a verdict waits for others, to be written in one transaction; at most 5 ms while the
    /// source has nothing to deliver. Default: 5 ms.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Sets how much survives a power failure. Default: everything enqueued.
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// Sets the maximum number of jobs that are leased at a time, by all processes together.
    #[cfg(feature = "edge")]
    pub(crate) fn window(mut self, jobs: usize) -> Self {
        self.window = jobs;
        self
    }

    pub(crate) fn acknowledgement(&self) -> AckOptions {
        let retry = Backoff::new(Duration::from_millis(50), Duration::from_secs(1)).attempts(10);
        AckOptions::new().linger(self.linger).retry(retry).heartbeat(self.visibility / 3)
    }
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self::new()
    }
}
