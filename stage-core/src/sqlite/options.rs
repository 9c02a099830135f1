//! How a queue treats its jobs.

use std::time::Duration;

use crate::ack::AckOptions;
use crate::base::backoff::Backoff;

/// What survives a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Every job whose `enqueue` has returned.
    #[default]
    Full,
    /// The file is whole, but the last transactions may be missing. A killed process loses nothing.
    Normal,
}

/// The options of a [`Queue`](super::Queue). Those that are about leases must be the same in all processes.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct QueueOptions {
    pub(super) table: String,
    pub(super) lane: String,
    pub(super) visibility: Duration,
    pub(super) attempts: u32,
    pub(super) retry_after: Backoff,
    pub(super) poll: Duration,
    pub(super) linger: Duration,
    pub(super) patience: Duration,
    pub(super) synchronous: Synchronous,
}

impl QueueOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            table: "jobs".to_owned(),
            lane: String::new(),
            visibility: Duration::from_secs(30),
            attempts: 5,
            retry_after: Backoff::new(Duration::from_secs(1), Duration::from_mins(5)),
            poll: Duration::from_millis(100),
            linger: Duration::from_millis(5),
            patience: Duration::from_secs(5),
            synchronous: Synchronous::Full,
        }
    }

    /// The table in the file: of the letters a to z, digits and `_`. Default: `jobs`.
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Which of the queues in the table. Default: the one whose name is empty.
    pub fn lane(mut self, lane: impl Into<String>) -> Self {
        self.lane = lane.into();
        self
    }

    /// How long a lease lasts, at least 10 ms; `Duration::MAX` is for ever. As long as somebody holds the job it is
    /// renewed three times in that time, so this is how soon a job of a killed process is delivered again. Default: 30
    /// s.
    pub fn visibility(mut self, timeout: Duration) -> Self {
        self.visibility = timeout.max(Duration::from_millis(10));
        self
    }

    /// How often a job is tried before it is dead, at least once. The last of several attempts is made alone. Default:
    /// 5.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How long a job that failed waits to be tried again; the number of attempts in here does not count.
    /// Default: 1 s, doubling up to 5 minutes.
    pub fn retry_after(mut self, backoff: Backoff) -> Self {
        self.retry_after = backoff;
        self
    }

    /// How often a source looks for jobs of other processes, and for those whose time has come, at least every
    /// millisecond. Default: 100 ms.
    pub fn poll(mut self, every: Duration) -> Self {
        self.poll = every.max(Duration::from_millis(1));
        self
    }

    /// How long an operation waits for another process that has the file locked, before it fails as
    /// [`Busy`](super::QueueError::Busy); from 1 ms to 24 days. A source and its verdicts wait on after that: a locked
    /// file only delays them. Default: 5 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience.clamp(Duration::from_millis(1), Duration::from_hours(24 * 24));
        self
    }

    /// How long a verdict waits for others, to be written in one transaction; while the source has nothing to deliver, 5
    /// ms at most. Default: 5 ms.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// What survives a power cut. Default: everything that was enqueued.
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    pub(super) fn acknowledgement(&self) -> AckOptions {
        let retry = Backoff::new(Duration::from_millis(50), Duration::from_secs(1)).attempts(10);
        AckOptions::new().linger(self.linger).retry(retry).heartbeat(self.visibility / 3)
    }
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self::new()
    }
}
