//! What is in the queue.

/// The number of a job, unique in its table for ever. Later jobs have greater numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

/// A job to be enqueued.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct NewJob {
    pub(super) payload: Vec<u8>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) priority: i32,
}

impl NewJob {
    /// A job without a key, of priority 0.
    pub fn new(payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), key: None, priority: 0 }
    }

    /// Jobs of one key are delivered one at a time, in the order in which they were enqueued, whatever their
    /// priorities.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Of the jobs that can be leased, those of greater priority are first; among equals those that were tried
    /// less often, then the earlier ones. Default: 0.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }
}

/// A job that was leased.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What was enqueued.
    pub payload: Vec<u8>,
    /// What its order goes by.
    pub key: Option<Vec<u8>>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Which of its leases this is, counted from 1; it settles nothing once there is a later one.
    pub lease: i64,
}

impl Job {
    /// By what the queue knows this lease again.
    pub const fn receipt(&self) -> Receipt {
        Receipt { id: self.id, lease: self.lease, attempt: self.attempt }
    }
}

/// One lease of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The job.
    pub id: JobId,
    /// Which of its leases.
    pub lease: i64,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

/// A job that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadJob {
    /// The number it had.
    pub id: JobId,
    /// What was enqueued.
    pub payload: Vec<u8>,
    /// What its order went by.
    pub key: Option<Vec<u8>>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed the last time.
    pub cause: String,
}

/// How many jobs a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Jobs that wait, for whatever: to be leased, behind another of their key, to be tried again.
    pub waiting: u64,
    /// Jobs that are leased, and those whose lease ran out.
    pub leased: u64,
    /// Jobs that were set aside.
    pub dead: u64,
}

impl Counts {
    /// Jobs that are still to be done.
    pub const fn all(&self) -> u64 {
        self.waiting + self.leased
    }
}
