//! The rules of the queue, as statements on a connection of yours: no clock, no thread, no transaction of its own.
//! (`leasing.rs` has those about leases, `time.rs` those about clocks that jump.)
//!
//! Every method is to be called within a transaction that may write (`BEGIN IMMEDIATE`), so that a queue can be
//! changed together with other tables: a job is acknowledged in the transaction that keeps its result. Statements of
//! yours may read the columns `id`, `lane`, `attempts` and `lessee` (null while a job waits); only these methods write.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::QueueError;
use super::job::{Counts, DeadJob, JobId, NewJob, Receipt};
use super::statements::Statements;

/// One table of jobs. Times are milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct Table {
    name: Arc<str>,
    pub(super) statements: Arc<Statements>,
}

/// What is to be leased.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    /// Which of the queues in the table.
    pub lane: &'a str,
    /// To whom, from 0; whoever keeps leases alive keeps all of this number. Those whose numbers differ in the lower
    /// 32 bits only are sources of one process: it loses all their jobs together.
    pub lessee: i64,
    /// At most so many jobs.
    pub limit: usize,
    /// The time.
    pub now: i64,
    /// When the leases run out.
    pub until: i64,
    /// So many attempts a job has: the last of several is made alone, and after it the job is dead.
    pub attempts: u32,
}

/// How a job goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return<'a> {
    /// It failed: the attempt counts.
    Failed(&'a str),
    /// Nothing is wrong with it: the attempt does not count.
    Untried,
}

impl Table {
    /// The table of this name.
    ///
    /// # Errors
    ///
    /// [`QueueError::Name`] if it is not of the letters a to z, digits and `_`, beginning with a letter.
    pub fn new(name: &str) -> Result<Self, QueueError> {
        let legal = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !name.chars().all(legal) {
            return Err(QueueError::Name { name: name.to_owned() });
        }
        Ok(Self { name: name.into(), statements: Arc::new(Statements::of(name)) })
    }

    /// Its name; dead jobs are in the table of this name and `_dead`, and the time in that with `_clock`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the tables, if they are missing.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn create(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(&self.statements.create)
    }

    /// Adds jobs; they can be leased at once, whatever the time is then: `_now` is not kept. Their numbers are in the
    /// order of the jobs.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn enqueue(
        &self,
        connection: &Connection,
        lane: &str,
        jobs: impl IntoIterator<Item = NewJob>,
        _now: i64,
    ) -> rusqlite::Result<Vec<JobId>> {
        let mut add = connection.prepare_cached(&self.statements.enqueue)?;
        let add = |NewJob { payload, key, priority }: NewJob| {
            add.query_row(params![lane, key, priority, payload], |row| row.get(0)).map(JobId)
        };
        jobs.into_iter().map(add).collect()
    }

    /// The lease that stands for this job, if any: for whoever has the table to himself.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn leased(&self, connection: &Connection, id: JobId) -> rusqlite::Result<Option<Receipt>> {
        let mut leased = connection.prepare_cached(&self.statements.leased)?;
        let receipt = |row: &rusqlite::Row<'_>| Ok(Receipt { id, lease: row.get(0)?, attempt: row.get(1)? });
        leased.query_row([id.0], receipt).optional()
    }

    /// Ends every lease in the table: for whoever knows that nobody is at work. The attempts count, and the jobs can be
    /// leased at once, whatever the time is then: `_now` is not kept. Answers with the jobs whose leases they were.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn release_all(&self, connection: &Connection, _now: i64) -> rusqlite::Result<Vec<JobId>> {
        let mut release = connection.prepare_cached(&self.statements.release_all)?;
        release.query_map([], |row| row.get(0).map(JobId))?.collect()
    }

    /// The job is done: it leaves the queue. Says whether it was still leased by this lease.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn acknowledge(&self, connection: &Connection, receipt: Receipt) -> rusqlite::Result<bool> {
        let mut remove = connection.prepare_cached(&self.statements.remove)?;
        let removed: Option<(String, Option<Vec<u8>>)> = remove
            .query_row(params![receipt.id.0, receipt.lease], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((lane, Some(key))) = &removed {
            connection.prepare_cached(&self.statements.unblock)?.execute(params![lane, key])?;
        }
        Ok(removed.is_some())
    }

    /// The job goes back, and can be leased from `due` on, at once if that is 0. Says whether it was still leased by this lease.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn give_back(
        &self,
        connection: &Connection,
        receipt: Receipt,
        how: Return<'_>,
        due: i64,
    ) -> rusqlite::Result<bool> {
        let (attempts, cause) = match how {
            Return::Failed(cause) => (receipt.attempt, Some(cause)),
            Return::Untried => (receipt.attempt.saturating_sub(1), None),
        };
        let mut put = connection.prepare_cached(&self.statements.put_back)?;
        Ok(put.execute(params![receipt.id.0, receipt.lease, due, attempts, cause])? > 0)
    }

    /// The job is set aside for good. Says whether it was still leased by this lease.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn bury(
        &self,
        connection: &Connection,
        receipt: Receipt,
        cause: &str,
        now: i64,
    ) -> rusqlite::Result<bool> {
        let mut bury = connection.prepare_cached(&self.statements.bury)?;
        let buried = bury.execute(params![receipt.id.0, receipt.lease, now, cause, receipt.attempt])? > 0;
        Ok(buried && self.acknowledge(connection, receipt)?)
    }

    /// How many jobs there are.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn counts(&self, connection: &Connection, lane: &str) -> rusqlite::Result<Counts> {
        let mut counts = connection.prepare_cached(&self.statements.counts)?;
        counts.query_row([lane], |row| {
            Ok(Counts { waiting: row.get(0)?, leased: row.get(1)?, dead: row.get(2)? })
        })
    }

    /// Whether there is no job left to be done, leased or not. Does not walk over the jobs, as counting them does.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn is_empty(&self, connection: &Connection, lane: &str) -> rusqlite::Result<bool> {
        connection.prepare_cached(&self.statements.is_empty)?.query_row([lane], |row| row.get(0))
    }

    /// The first `limit` dead jobs, by number.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn dead(&self, connection: &Connection, lane: &str, limit: usize) -> rusqlite::Result<Vec<DeadJob>> {
        let mut dead = connection.prepare_cached(&self.statements.dead)?;
        let dead = dead.query_map(params![lane, count(limit)], |row| {
            Ok(DeadJob {
                id: JobId(row.get(0)?),
                payload: row.get(1)?,
                key: row.get(2)?,
                attempts: row.get(3)?,
                cause: row.get(4)?,
            })
        })?;
        dead.collect()
    }

    /// A dead job is kept no longer. Says whether it was dead.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn forget(&self, connection: &Connection, id: JobId) -> rusqlite::Result<bool> {
        let mut take = connection.prepare_cached(&self.statements.take_dead)?;
        Ok(take.query_row([id.0], |_| Ok(())).optional()?.is_some())
    }

    /// A dead job waits again, as a new one: behind those of its key. Its new number, if it was dead.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn revive(&self, connection: &Connection, id: JobId, now: i64) -> rusqlite::Result<Option<JobId>> {
        let mut take = connection.prepare_cached(&self.statements.take_dead)?;
        let dead = take.query_row([id.0], |row| {
            let job = NewJob { key: row.get(1)?, priority: row.get(2)?, payload: row.get(3)? };
            Ok((row.get::<_, String>(0)?, job))
        });
        let Some((lane, job)) = dead.optional()? else { return Ok(None) };
        Ok(self.enqueue(connection, &lane, [job], now)?.pop())
    }
}

/// As many as SQLite can count.
pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
