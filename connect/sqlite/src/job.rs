//! The jobs of a queue.

/// The number of a job, never reused in its table. Later jobs have greater numbers.
///
/// See the example of [`Queue`](crate::Queue).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

/// A job to enqueue.
///
/// ```
/// use stage_sqlite::NewJob;
///
/// let job = NewJob::new("resize picture 7").key("user 12").priority(5);
/// # let _ = job;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct NewJob {
    pub(crate) payload: Vec<u8>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) priority: i32,
}

impl NewJob {
    /// Creates a job without a key, with priority 0.
    pub fn new(payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), key: None, priority: 0 }
    }

    /// Sets the key. Jobs with the same key are delivered one at a time, in the order in which they were
    /// enqueued, whatever their priorities.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the priority. Of the available jobs, those with greater priority come first; among equals, those
    /// with fewer attempts, then the earlier ones. Default: 0.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }
}

/// A leased job.
///
/// See the example of [`Table`](crate::Table).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// The number of the job.
    pub id: JobId,
    /// The enqueued payload.
    pub payload: Vec<u8>,
    /// The key that determines its order, if any.
    pub key: Option<Vec<u8>>,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The number of this lease of the job, from 1; it settles nothing once there is a later one.
    pub lease: i64,
    pub(crate) company: Company,
}

/// What else the process held when it leased a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// Nothing: a mark records the first look at the job (`begun.rs`).
    Nothing,
    Jobs,
}

impl Job {
    /// Returns the receipt that identifies this lease to the queue.
    pub const fn receipt(&self) -> Receipt {
        let Self { id, ref key, attempt, lease, company, .. } = *self;
        Receipt { id, lease, attempt, company, is_keyed: key.is_some() }
    }
}

/// One lease of one job.
///
/// See the example of [`Table`](crate::Table).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The number of the job.
    pub id: JobId,
    /// The number of the lease.
    pub lease: i64,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    pub(crate) company: Company,
    /// Whether others may wait for this job.
    pub(crate) is_keyed: bool,
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
    /// Jobs that wait to be leased, behind another job of their key, or for a retry.
    pub waiting: u64,
    /// Of the waiting jobs, those behind an earlier job of their key.
    pub blocked: u64,
    /// Jobs that are leased, including those whose lease has run out.
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
