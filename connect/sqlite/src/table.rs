//! The rules of the queue as statements on the caller's connection, without a clock, thread or transaction of
//! its own. (`leasing.rs` contains the rules for leases, `time.rs` those for clock jumps.)
//!
//! Call every method within a transaction that may write (`BEGIN IMMEDIATE`), so that a queue can be changed
//! together with other tables: for example, a job can be acknowledged in the transaction that stores its
//! result. Your own statements may read the columns `id`, `lane`, `attempts` and `lessee` (null while a job
//! waits); only these methods may write.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::QueueError;
use crate::job::{Company, Counts, DeadJob, JobId, NewJob, Receipt};
use crate::statements::{Statements, TOGETHER};

/// One table of jobs. Times are milliseconds since 1970.
///
/// A result is stored in the transaction that acknowledges its job, so there is one result of each job:
///
/// ```
/// use rusqlite::{Connection, TransactionBehavior};
/// use stage_sqlite::{Job, Lease, NewJob, Return, Table};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut connection = Connection::open_in_memory()?;
/// connection.execute_batch("CREATE TABLE results (job INTEGER, text TEXT)")?;
/// let table = Table::new("jobs")?;
/// table.create(&connection)?;
/// // The program takes the time from the clock, in milliseconds.
/// let now = 1_764_400_000_000;
/// table.enqueue(&connection, "", ["a", "b", "c"].map(NewJob::new), now)?;
///
/// let leasing = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
/// table.look_at_time(&leasing, now)?;
/// let lease = Lease { lane: "", lessee: 0, limit: 3, now, until: now + 30_000, attempts: 5 };
/// let jobs: Vec<Job> = table.lease(&leasing, lease)?;
/// table.note_time(&leasing, now)?;
/// leasing.commit()?;
///
/// let storing = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
/// storing.execute("INSERT INTO results VALUES (?1, 'done')", [jobs[0].id.0])?;
/// assert!(table.acknowledge(&storing, jobs[0].receipt())?, "the lease has not ended");
/// storing.commit()?;
///
/// // The second job is due again after a second, the third is dead.
/// table.give_back(&connection, jobs[1].receipt(), Return::Failed("no answer"), now + 1_000)?;
/// table.bury(&connection, jobs[2].receipt(), "no such user", now)?;
/// let dead = table.dead(&connection, "", 100)?;
/// assert_eq!(dead[0].cause, "no such user");
/// assert!(table.revive(&connection, dead[0].id, now)?.is_some());
/// assert!(!table.forget(&connection, dead[0].id)?, "it is not dead any more");
/// # Ok(())
/// # }
/// ```
///
/// A program that has the file for itself ends the leases of the run before, and keeps its own:
///
/// ```
/// use rusqlite::Connection;
/// use stage_sqlite::{Lease, NewJob, Receipt, Table};
///
/// /// Returns whether a handler had begun a job, as the program has noted elsewhere.
/// fn has_begun(_lessee: i64, _lease: Receipt) -> bool {
///     false
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::open_in_memory()?;
/// let table = Table::new("jobs")?;
/// table.create(&connection)?;
/// let now = 1_764_400_000_000;
/// assert!(table.release_all(&connection, now)?.is_empty());
/// table.enqueue(&connection, "", ["a", "b"].map(NewJob::new), now)?;
///
/// let lease = Lease { lane: "", lessee: 0, limit: 2, now, until: now + 30_000, attempts: 5 };
/// let jobs = table.lease_if_begun(&connection, lease, has_begun)?;
/// assert_eq!(table.keep(&connection, 0, now + 60_000)?, 2);
/// assert!(table.leased(&connection, jobs[0].id)?.is_some());
///
/// let receipts: Vec<Receipt> = jobs.iter().map(|job| job.receipt()).collect();
/// assert_eq!(table.acknowledge_all(&connection, &receipts)?, 2);
/// assert!(table.is_empty(&connection, "")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    name: Arc<str>,
    pub(crate) statements: Arc<Statements>,
}

/// The parameters of a lease.
///
/// See the example of [`Table`].
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    /// The queue in the table.
    pub lane: &'a str,
    /// The number of the lessee, from 0; renewing leases renews all leases with this number. Lessees whose numbers
    /// differ only in the lower 32 bits are sources of one process, which loses all their jobs at once.
    pub lessee: i64,
    /// The maximum number of jobs.
    pub limit: usize,
    /// The current time.
    pub now: i64,
    /// The time at which the leases run out.
    pub until: i64,
    /// The number of attempts allowed per job: on the last of several, it is leased alone; after it, the job
    /// is dead.
    pub attempts: u32,
}

/// How a job is returned.
///
/// See the example of [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return<'a> {
    /// It failed: the attempt counts.
    Failed(&'a str),
    /// It did not fail: the attempt does not count.
    Untried,
}

impl Table {
    /// Creates a handle to the table with this name.
    ///
    /// # Errors
    ///
    /// [`QueueError::Name`] unless the name consists of letters a to z, digits and `_`, beginning with a
    /// letter.
    pub fn new(name: &str) -> Result<Self, QueueError> {
        let legal = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !name.chars().all(legal) {
            return Err(QueueError::Name { name: name.to_owned() });
        }
        Ok(Self { name: name.into(), statements: Arc::new(Statements::of(name)) })
    }

    /// Returns the name. Dead jobs are stored in the table with the suffix `_dead`, and the time in the one
    /// with the suffix `_clock`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates the tables, if they are missing.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn create(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(&self.statements.create)
    }

    /// Adds jobs, which can be leased immediately, whatever the time: `_now` is not stored. Their numbers are
    /// in the order of the jobs.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn enqueue(
        &self,
        connection: &Connection,
        lane: &str,
        jobs: impl IntoIterator<Item = NewJob>,
        _now: i64,
    ) -> rusqlite::Result<Vec<JobId>> {
        let jobs: Vec<NewJob> = jobs.into_iter().collect();
        let mut ids = Vec::with_capacity(jobs.len());
        for alike in jobs.chunk_by(|one, other| one.key.is_none() && other.key.is_none()) {
            for few in alike.chunks(TOGETHER) {
                if few.len() == TOGETHER {
                    ids.extend(self.enqueue_together(connection, lane, few)?);
                    continue;
                }
                let mut add = connection.prepare_cached(&self.statements.enqueue)?;
                for NewJob { payload, key, priority } in few {
                    ids.push(JobId(add.insert(params![lane, key, priority, payload])?));
                }
            }
        }
        Ok(ids)
    }

    /// Adds [`TOGETHER`] jobs without keys by one statement.
    fn enqueue_together(
        &self,
        connection: &Connection,
        lane: &str,
        jobs: &[NewJob],
    ) -> rusqlite::Result<impl Iterator<Item = JobId>> {
        let mut add = connection.prepare_cached(&self.statements.enqueue_together)?;
        add.raw_bind_parameter(1, lane)?;
        for (index, NewJob { payload, priority, .. }) in jobs.iter().enumerate() {
            add.raw_bind_parameter(2 + 2 * index, priority)?;
            add.raw_bind_parameter(3 + 2 * index, payload)?;
        }
        add.raw_execute()?;
        // `AUTOINCREMENT` gives each row the number behind the greatest one so far.
        let (last, count) = (connection.last_insert_rowid(), count(jobs.len()));
        Ok((last - count + 1..=last).map(JobId))
    }

    /// Returns the current lease of this job, if any: for callers with exclusive access to the table.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn leased(&self, connection: &Connection, id: JobId) -> rusqlite::Result<Option<Receipt>> {
        let mut leased = connection.prepare_cached(&self.statements.leased)?;
        let receipt = |row: &rusqlite::Row<'_>| {
            let (lease, attempt, is_keyed) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Receipt { id, lease, attempt, company: Company::Jobs, is_keyed })
        };
        leased.query_row([id.0], receipt).optional()
    }

    /// Ends every lease in the table: for callers who know that no other process is working on it. The
    /// attempts count, and the jobs can be leased immediately, whatever the time: `_now` is not stored.
    /// Returns the jobs whose leases ended.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn release_all(&self, connection: &Connection, _now: i64) -> rusqlite::Result<Vec<JobId>> {
        let mut release = connection.prepare_cached(&self.statements.release_all)?;
        release.query_map([], |row| row.get(0).map(JobId))?.collect()
    }

    /// Removes a finished job from the queue. Returns whether it was still leased by this lease.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn acknowledge(&self, connection: &Connection, receipt: Receipt) -> rusqlite::Result<bool> {
        Ok(self.acknowledge_all(connection, &[receipt])? > 0)
    }

    /// Removes finished jobs from the queue. Returns the number of those that were still leased by these leases.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn acknowledge_all(&self, connection: &Connection, receipts: &[Receipt]) -> rusqlite::Result<usize> {
        let (keyed, mut others): (Vec<Receipt>, Vec<Receipt>) =
            receipts.iter().partition(|receipt| receipt.is_keyed);
        others.sort_unstable_by_key(|receipt| (receipt.lease, receipt.id));
        let mut remove = connection.prepare_cached(&self.statements.remove)?;
        let mut removed = 0;
        for of_lease in others.chunk_by(|one, other| one.lease == other.lease) {
            for (first, last) in runs(of_lease, |receipt| receipt.id) {
                removed += remove.execute([first.id.0, last.id.0, first.lease])?;
            }
        }
        for Receipt { id, lease, .. } in keyed {
            let mut key = connection.prepare_cached(&self.statements.key)?;
            let key = key.query_row([id.0, lease], |row| Ok((row.get(0)?, row.get(1)?)));
            // `None`: another lease has begun, or the job is gone.
            let Some((lane, key)): Option<(String, Vec<u8>)> = key.optional()? else { continue };
            removed += remove.execute([id.0, id.0, lease])?;
            connection.prepare_cached(&self.statements.unblock)?.execute(params![lane, key])?;
        }
        Ok(removed)
    }

    /// Returns a job to the queue; it can be leased from `due` on, or immediately if `due` is 0. Returns
    /// whether it was still leased by this lease.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
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

    /// Sets a job aside as dead. Returns whether it was still leased by this lease.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
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

    /// Returns the numbers of jobs.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn counts(&self, connection: &Connection, lane: &str) -> rusqlite::Result<Counts> {
        let mut counts = connection.prepare_cached(&self.statements.counts)?;
        counts.query_row([lane], |row| {
            Ok(Counts { waiting: row.get(0)?, leased: row.get(1)?, dead: row.get(2)?, blocked: row.get(3)? })
        })
    }

    /// Returns the number of jobs whose lease has not run out.
    pub(crate) fn in_flight(&self, connection: &Connection, lane: &str, now: i64) -> rusqlite::Result<usize> {
        let mut in_flight = connection.prepare_cached(&self.statements.in_flight)?;
        in_flight.query_row(params![lane, now], |row| row.get(0))
    }

    /// Returns whether no job is left to be done, leased or not. Unlike counting, this does not scan the
    /// jobs.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn is_empty(&self, connection: &Connection, lane: &str) -> rusqlite::Result<bool> {
        connection.prepare_cached(&self.statements.is_empty)?.query_row([lane], |row| row.get(0))
    }

    /// Returns the first `limit` dead jobs, by number.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
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

    /// Deletes a dead job. Returns whether it was dead.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn forget(&self, connection: &Connection, id: JobId) -> rusqlite::Result<bool> {
        let mut take = connection.prepare_cached(&self.statements.take_dead)?;
        Ok(take.query_row([id.0], |_| Ok(())).optional()?.is_some())
    }

    /// Enqueues a dead job again, as a new job behind those of its key. Returns its new number, or `None` if
    /// it was not dead.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
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

/// Returns the first and the last item of each run of consecutive numbers. A statement on a range does for a run what as
/// many statements on single jobs do, without a search for each.
pub(crate) fn runs<T>(items: &[T], id: impl Fn(&T) -> JobId) -> impl Iterator<Item = (&T, &T)> {
    let runs = items.chunk_by(move |one, other| id(one).0.checked_add(1) == Some(id(other).0));
    runs.filter_map(|run| run.first().zip(run.last()))
}

/// Converts a count, saturating at SQLite's largest integer.
pub(crate) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
