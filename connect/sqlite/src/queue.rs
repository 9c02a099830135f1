//! A table of jobs in a file, shared by many tasks and processes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use crate::begun::Marks;
use crate::error::{QueueError, is_busy};
use crate::job::{Company, Counts, DeadJob, JobId, NewJob, Receipt};
use crate::options::{QueueOptions, Synchronous};
use crate::pull::QueuePull;
use crate::push::QueuePush;
use crate::source::Source;
use crate::table::Table;
use crate::time::Moment;

/// The delay before an operation that found the file locked is retried.
const PAUSE: Duration = Duration::from_millis(5);

/// A queue in an SQLite file. Cheap to clone; all clones share one connection, which is used on blocking
/// threads of the runtime.
///
/// A program without a pipeline settles jobs itself, and a person decides about those that are dead:
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
///
/// use stage_connect::{Disposition, Pull, Settle};
/// use stage_sqlite::{Counts, DeadJob, JobId, NewJob, Queue, QueueOptions, QueuePull, QueueSettle};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("jobs.db");
/// let queue = Queue::open(path, QueueOptions::new()).await?;
/// let [first, second]: [JobId; 2] =
///     queue.enqueue([NewJob::new("one"), NewJob::new("two")]).await?.try_into().expect("two numbers");
///
/// let mut pull: QueuePull = queue.pull();
/// let mut settle: QueueSettle = pull.settle_half();
/// pull.connect().await?;
/// let two = NonZeroUsize::new(2).ok_or("zero")?;
/// for job in pull.pull(two, Duration::ZERO).await? {
///     settle.settle(&[(job.receipt, Disposition::Dead { cause: "no such user".to_owned() })]).await?;
/// }
/// let counts: Counts = queue.counts().await?;
/// assert_eq!((counts.all(), counts.dead), (0, 2));
///
/// let dead: Vec<DeadJob> = queue.dead(100).await?;
/// assert_eq!(dead[0].payload, b"one");
/// assert!(queue.revive(first).await?.is_some());
/// assert!(queue.forget(second).await?);
/// assert_eq!(queue.counts().await?.all(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
    options: Arc<QueueOptions>,
}

struct Inner {
    connection: Mutex<Connection>,
    table: Table,
    file: String,
    marks: Marks,
    changed: Notify,
    /// The upper half of the lessee numbers, chosen at random, and the number of sources so far.
    process: i64,
    sources: AtomicU32,
    /// The last reading of the clock.
    looked: Mutex<Option<Moment>>,
}

impl Queue {
    /// Opens the queue, and creates missing files and tables. Waits up to
    /// [`patience`](QueueOptions::patience) while other processes have the file locked; several may open a
    /// new file at the same time.
    ///
    /// # Errors
    ///
    /// [`QueueError`], which names the file.
    ///
    /// # Cancel safety
    ///
    /// If dropped before it completes, the file may have been created.
    pub async fn open(path: impl Into<PathBuf>, options: QueueOptions) -> Result<Self, QueueError> {
        let path = path.into();
        let file = path.display().to_string();
        let named = file.clone();
        let table = Table::new(&options.table)?;
        let (ours, by) = (table.clone(), options.clone());
        let opened = spawn_blocking(move || patiently(by.patience, || opened(&path, &ours, &by))).await;
        let (connection, marks, random) = opened
            .map_err(|source| QueueError::Interrupted { file: named.clone(), source })?
            .map_err(|source| QueueError::of(&named, source))?;
        Ok(Self {
            inner: Arc::new(Inner {
                connection: Mutex::new(connection),
                table,
                file,
                marks,
                changed: Notify::new(),
                process: (random & i64::MAX) >> 32 << 32,
                sources: AtomicU32::new(0),
                looked: Mutex::new(None),
            }),
            options: Arc::new(options),
        })
    }

    /// Adds jobs in one transaction; returns their numbers, in order.
    ///
    /// # Errors
    ///
    /// [`QueueError`]; no job was added.
    ///
    /// # Cancel safety
    ///
    /// If dropped before it completes, either all jobs or none have been added.
    pub async fn enqueue(&self, jobs: impl IntoIterator<Item = NewJob>) -> Result<Vec<JobId>, QueueError> {
        let jobs: Vec<_> = jobs.into_iter().collect();
        let added = self.run(|table, lane, tx| table.enqueue(tx, lane, jobs, now())).await?;
        self.inner.changed.notify_waiters();
        Ok(added)
    }

    /// Returns the numbers of jobs.
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn counts(&self) -> Result<Counts, QueueError> {
        self.run(|table, lane, tx| table.counts(tx, lane)).await
    }

    /// Returns the first `limit` dead jobs, by number; `usize::MAX` for all of them.
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn dead(&self, limit: usize) -> Result<Vec<DeadJob>, QueueError> {
        self.run(move |table, lane, tx| table.dead(tx, lane, limit)).await
    }

    /// Enqueues a dead job again, as a new job; returns its new number, or `None` if it was not dead.
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    ///
    /// # Cancel safety
    ///
    /// If dropped before it completes, the operation may have been performed.
    pub async fn revive(&self, id: JobId) -> Result<Option<JobId>, QueueError> {
        let revived = self.run(move |table, _, tx| table.revive(tx, id, now())).await?;
        self.inner.changed.notify_waiters();
        Ok(revived)
    }

    /// Deletes a dead job; returns whether it was dead.
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    ///
    /// # Cancel safety
    ///
    /// If dropped before it completes, the operation may have been performed.
    pub async fn forget(&self, id: JobId) -> Result<bool, QueueError> {
        self.run(move |table, _, tx| table.forget(tx, id)).await
    }

    /// Returns a source of this queue's jobs, for the recipe of a pipeline's first step. Several sources may
    /// run at once, in one or many pipelines.
    pub fn source(&self) -> Source {
        Source::new(self.clone())
    }

    /// Returns a client that pulls jobs, for [`stage_connect::source::pulled`]. [`source`](Self::source) promises more.
    pub fn pull(&self) -> QueuePull {
        QueuePull::new(self.clone(), self.describe())
    }

    /// Returns a client that enqueues jobs, for [`stage_connect::sink::pushed`].
    pub fn push(&self) -> QueuePush {
        QueuePush::new(self.clone())
    }

    #[cfg(feature = "edge")]
    pub(crate) fn table_name(&self) -> &str {
        self.inner.table.name()
    }

    /// Returns the file and the table, for messages.
    pub(crate) fn describe(&self) -> String {
        format!("sqlite:{} table `{}`", self.inner.file, self.inner.table.name())
    }

    pub(crate) fn options(&self) -> &QueueOptions {
        &self.options
    }

    /// Returns a handle to another queue in the same table, over the same connection.
    #[cfg(feature = "edge")]
    pub(crate) fn beside(&self, change: impl FnOnce(QueueOptions) -> QueueOptions) -> Self {
        let options = Arc::new(change(self.options().clone()));
        Self { inner: Arc::clone(&self.inner), options }
    }

    /// Returns the lessee number for another source of this process.
    pub(crate) fn new_lessee(&self) -> i64 {
        self.inner.process | i64::from(self.inner.sources.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the time, and whether the clock has leapt forward since the last call.
    pub(crate) fn look_at_clock(&self) -> (i64, bool) {
        let moment = Moment { clock: now(), steady: Instant::now() };
        let mut looked = self.inner.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let last = looked.replace(moment);
        (moment.clock, last.is_some_and(|last| moment.has_leapt_since(last)))
    }

    /// Returns the marks of the jobs that a handler has begun.
    pub(crate) fn marks(&self) -> &Marks {
        &self.inner.marks
    }

    /// Renews all leases of a lessee.
    pub(crate) async fn renew(&self, lessee: i64) -> Result<(), QueueError> {
        let visibility = millis(self.options().visibility);
        self.run(move |table, _, tx| {
            let now = now();
            table.look_at_time(tx, now)?;
            table.keep(tx, lessee, now.saturating_add(visibility))?;
            table.note_time(tx, now)
        })
        .await
    }

    /// Removes the marks of these leases, which have ended.
    pub(crate) async fn unmark(&self, lessee: i64, ended: impl Iterator<Item = Receipt>) {
        let marked: Vec<_> = ended.filter(|receipt| receipt.company == Company::Nothing).collect();
        if marked.is_empty() {
            return;
        }
        let marks = self.inner.marks.clone();
        // The marks of leases that have ended are never read again, so those of a lost runtime may stay.
        let _ =
            spawn_blocking(move || marked.iter().for_each(|receipt| marks.remove(lessee, *receipt))).await;
    }

    /// Returns the notification of jobs that arrived or left.
    pub(crate) fn changed(&self) -> &Notify {
        &self.inner.changed
    }

    /// Runs `work` in one transaction, on a blocking thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Table, &str, &Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        self.run_then(work, |_| {}).await
    }

    /// Runs `work` in one transaction, then `after` once it is committed, on a blocking thread.
    pub(crate) async fn run_then<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Table, &str, &Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, QueueError> {
        let Self { inner, options } = self.clone();
        let done = spawn_blocking(move || {
            // A transaction that panicked was rolled back; the connection remains usable.
            let mut connection = inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&inner.table, &options.lane, &transaction)?;
            transaction.commit()?;
            after(&done);
            Ok(done)
        });
        match done.await {
            Ok(done) => done.map_err(|source| QueueError::of(&self.inner.file, source)),
            Err(source) => Err(QueueError::Interrupted { file: self.inner.file.clone(), source }),
        }
    }

    /// Like [`run`](Self::run), but retries as long as the file is locked and logs `delayed` each time.
    pub(crate) async fn run_patiently<T, W>(
        &self,
        delayed: &str,
        mut work: impl FnMut() -> W + Send,
    ) -> Result<T, QueueError>
    where
        T: Send + 'static,
        W: FnOnce(&Table, &str, &Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        loop {
            match self.run(work()).await {
                Err(error @ QueueError::Busy { .. }) => {
                    tracing::warn!(%error, "{delayed}");
                    tokio::time::sleep(PAUSE).await;
                }
                done => return done,
            }
        }
    }
}

/// Retries while the file is locked, until `patience` has passed: SQLite itself does not wait when the
/// journal mode changes, nor while a log is created or recovered.
fn patiently<T>(patience: Duration, mut attempt: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let begun = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && begun.elapsed() < patience => sleep(PAUSE),
            done => return done,
        }
    }
}

/// Returns an initialised connection, the marks beside its file, and a random number.
fn opened(path: &Path, table: &Table, options: &QueueOptions) -> rusqlite::Result<(Connection, Marks, i64)> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(options.patience)?;
    // A cycle of a job uses about half of them.
    connection.set_prepared_statement_cache_capacity(32);
    // With WAL, readers and the single writer do not block each other.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    table.create(&transaction)?;
    let now = now();
    table.begin_time(&transaction, now, now.saturating_add(millis(options.visibility)))?;
    transaction.commit()?;
    let random = connection.query_row("SELECT random()", [], |row| row.get(0))?;
    let marks = Marks::beside(&connection, path);
    Ok((connection, marks, random))
}

/// Returns the milliseconds since 1970. Processes of one machine share its clock; `time.rs` handles clock
/// jumps.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(since)
}

/// Converts to milliseconds, saturating at a large value.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("file", &self.inner.file)
            .field("table", &self.inner.table.name())
            .finish_non_exhaustive()
    }
}
