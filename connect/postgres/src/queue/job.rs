//! The jobs of a queue.

use std::time::Duration;

/// The number of a job, never reused in its table. Numbers that are given out later are greater.
///
/// See the example of [`Queue`](crate::Queue).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

/// A job to enqueue.
///
/// ```
/// use std::time::Duration;
///
/// use stage_postgres::NewJob;
///
/// let job = NewJob::new("resize picture 7").key("user 12").priority(5).delay(Duration::from_secs(60));
/// # let _ = job;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct NewJob {
    pub(super) payload: Vec<u8>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) priority: i32,
    pub(super) delay: Duration,
    pub(super) headers: Vec<(String, String)>,
}

impl NewJob {
    /// Creates a job without a key, with priority 0, available at once.
    pub fn new(payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), key: None, priority: 0, delay: Duration::ZERO, headers: Vec::new() }
    }

    /// Sets the key, at most 1000 bytes. Jobs with the same key are delivered one at a time, in the order in which
    /// they were enqueued, whatever their priorities.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the priority. Of the available jobs, those with greater priority come first; among equals, those with fewer
    /// attempts, then the earlier ones. Default: 0.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Sets the time before the job is available, from now on by the server's clock; the later jobs of its key wait
    /// as well. Default: none.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds a header, such as `traceparent`: a name without `:` and a value, both in one line.
    ///
    /// ```
    /// use stage_postgres::NewJob;
    ///
    /// let job = NewJob::new("pack tea").header("traceparent", "00-4bf9-00f0-01");
    /// # let _ = job;
    /// ```
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Returns the fault of a job that cannot be stored.
    pub(super) fn fault(&self) -> Option<String> {
        if self.key.as_ref().is_some_and(|key| key.len() > 1000) {
            return Some("the key of a job is longer than 1000 bytes".to_owned());
        }
        let illegal = |text: &str| text.contains(['\n', '\r', '\0']);
        let wrong = |(name, value): &&(String, String)| {
            name.is_empty() || name.contains(':') || illegal(name) || illegal(value)
        };
        self.headers
            .iter()
            .find(wrong)
            .map(|(name, _)| format!("the header `{}` is invalid", name.escape_debug()))
    }

    /// Returns the headers as they are stored: lines of `name: value`.
    pub(super) fn written_headers(&self) -> Option<String> {
        let lines = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
        (!self.headers.is_empty()).then(|| lines.collect())
    }
}

/// Reads stored headers.
pub(super) fn read_headers(text: Option<&str>) -> Vec<(String, String)> {
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.unwrap_or_default().lines().filter_map(pair).collect()
}

/// A leased job.
///
/// A handler finds the headers of its job, and the number of its attempt:
///
/// ```
/// use stage_postgres::{Job, Receipt};
///
/// fn trace(job: &Job) -> Option<&str> {
///     job.header("traceparent")
/// }
///
/// fn describe(job: &Job) -> String {
///     let receipt: Receipt = job.receipt();
///     format!("job {}, attempt {}", receipt.id.0, receipt.attempt)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// The number of the job.
    pub id: JobId,
    /// The enqueued payload.
    pub payload: Vec<u8>,
    /// The key that determines its order, if any.
    pub key: Option<Vec<u8>>,
    /// The headers, in the order in which they were added.
    pub headers: Vec<(String, String)>,
    /// The priority.
    pub priority: i32,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The number of this lease of the job, from 1; it settles nothing once there is a later one.
    pub lease: i64,
}

impl Job {
    /// Returns the receipt that identifies this lease to the queue.
    pub const fn receipt(&self) -> Receipt {
        Receipt { id: self.id, lease: self.lease, attempt: self.attempt, is_keyed: self.key.is_some() }
    }

    /// Returns the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One lease of one job.
///
/// See the example of [`Job`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Receipt {
    /// The number of the job.
    pub id: JobId,
    /// The number of the lease.
    pub lease: i64,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// Whether others may wait for this job.
    pub(super) is_keyed: bool,
}

/// A job that failed for good.
///
/// See the example of [`Queue`](crate::Queue).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadJob {
    /// The number of the job when it was in the queue.
    pub id: JobId,
    /// The enqueued payload.
    pub payload: Vec<u8>,
    /// The key that determined its order, if any.
    pub key: Option<Vec<u8>>,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The number of attempts.
    pub attempts: u32,
    /// The cause of the last failure.
    pub cause: String,
}

/// The numbers of jobs in a queue.
///
/// See the example of [`Queue`](crate::Queue).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Jobs that wait to be leased, behind another job of their key, or for their time.
    pub waiting: u64,
    /// Of the waiting jobs, those behind an earlier job of their key. A new job is not counted here before the next look
    /// for jobs.
    pub blocked: u64,
    /// Jobs that are leased.
    pub leased: u64,
    /// Dead jobs.
    pub dead: u64,
}

impl Counts {
    /// Returns the number of jobs still to be done.
    pub const fn all(&self) -> u64 {
        self.waiting + self.leased
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_were_written() {
        let job = NewJob::new("").header("traceparent", "00-1-2-01").header("note", "a: b");
        let written = job.written_headers();
        assert_eq!(read_headers(written.as_deref()), job.headers);
        assert_eq!((job.fault(), NewJob::new("").written_headers()), (None, None));
    }

    #[test]
    fn headers_of_several_lines_and_long_keys_are_refused() {
        let fault = |job: NewJob| job.fault().expect("a fault");
        assert_eq!(fault(NewJob::new("").header("a", "b\nc")), "the header `a` is invalid");
        assert_eq!(fault(NewJob::new("").header("a:", "b")), "the header `a:` is invalid");
        assert!(fault(NewJob::new("").key([0; 1001])).contains("longer than 1000 bytes"));
    }
}
