//! The options of a queue.

use std::time::Duration;

use stage_connect::ConnectError;

/// The options of a [`Queue`](super::Queue). Those about leases should be the same in all processes.
///
/// ```
/// use std::time::Duration;
///
/// use stage_postgres::QueueOptions;
///
/// let options = QueueOptions::new().table("mails").lease(Duration::from_secs(60)).attempts(3);
/// # let _ = options;
/// ```
///
/// ```
/// use std::time::Duration;
///
/// use stage_postgres::QueueOptions;
///
/// // Short transactions, which commit faster without notifications; the sources look every 100 ms.
/// let options = QueueOptions::new()
///     .table("work.jobs")
///     .lane("mails")
///     .lease(Duration::from_secs(60))
///     .attempts(10)
///     .notify(false)
///     .poll(Duration::from_millis(100));
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct QueueOptions {
    pub(crate) table: String,
    pub(crate) lane: String,
    pub(super) lease: Duration,
    pub(super) attempts: u32,
    pub(super) poll: Duration,
    pub(crate) notify: bool,
    /// The maximum number of jobs that are leased at a time, by all processes together.
    pub(super) window: Option<u32>,
}

/// The longest lease; longer ones would leave the range of the server's timestamps.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

impl QueueOptions {
    /// Returns the defaults.
    pub fn new() -> Self {
        Self {
            table: "jobs".to_owned(),
            lane: String::new(),
            lease: Duration::from_secs(30),
            attempts: 5,
            poll: Duration::from_millis(500),
            notify: true,
            window: None,
        }
    }

    /// Sets the name of the table: letters a to z, digits and `_`, beginning with a letter, at most 40 characters;
    /// `schema.table` for one outside of the search path. Default: `jobs`.
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Selects one of the queues in the table. Default: the one with the empty name.
    pub fn lane(mut self, lane: impl Into<String>) -> Self {
        self.lane = lane.into();
        self
    }

    /// Sets the duration of a lease, from 10 ms to ten years. A lease is renewed three times in that period while the
    /// job is held, so the duration is also the delay before a job of a killed process is delivered again. Default:
    /// 30 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.clamp(Duration::from_millis(10), LONGEST);
        self
    }

    /// Sets the number of attempts after which a job is dead if its lease ran out, because its process was killed or
    /// hung; at least 1. Failures of a handler are limited by
    /// [`PullOptions::attempts`](stage_connect::PullOptions::attempts). Default: 5.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets how often an idle source looks at the table, at least every millisecond. A notification of the server
    /// wakes it earlier, so this delay matters for lost notifications, jobs of dead processes, and jobs that
    /// others returned. Default: 500 ms.
    pub fn poll(mut self, every: Duration) -> Self {
        self.poll = every.max(Duration::from_millis(1));
        self
    }

    /// Sets whether `enqueue` notifies idle sources (`NOTIFY`). The server lets transactions that notify commit one
    /// at a time, so short transactions are faster without notifications. Default: yes.
    pub fn notify(mut self, notify: bool) -> Self {
        self.notify = notify;
        self
    }

    /// Sets the maximum number of jobs that are leased at a time, by all processes together.
    #[cfg(feature = "edge")]
    pub(crate) fn window(mut self, jobs: Option<u32>) -> Self {
        self.window = jobs;
        self
    }

    /// Checks the names, which are inserted into statements.
    pub(super) fn check(&self, server: &str) -> Result<(), ConnectError> {
        let parts: Vec<_> = self.table.split('.').collect();
        let legal = |part: &&str| {
            let all = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
            part.starts_with(|letter: char| letter.is_ascii_lowercase())
                && part.chars().all(all)
                && part.len() <= 40
        };
        if parts.len() > 2 || !parts.iter().all(legal) {
            return Err(ConnectError::fatal(
                server,
                format_args!("invalid table name `{}`", self.table),
                "expected the letters a to z, digits and `_`, starting with a letter, at most 40 characters",
            ));
        }
        if self.lane.len() > 200 || self.lane.contains('\0') {
            return Err(ConnectError::fatal(
                server,
                "invalid name of a lane",
                "expected at most 200 bytes, without NUL",
            ));
        }
        Ok(())
    }
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self::new()
    }
}
