//! A table of jobs in a file, for many tasks and processes.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::error::QueueError;
use super::job::{Counts, DeadJob, JobId, NewJob};
use super::options::{QueueOptions, Synchronous};
use super::source::Source;
use super::table::Table;

/// How long a statement waits for another process.
const PATIENCE: Duration = Duration::from_secs(5);

/// A queue in an SQLite file. Cheap to clone; all clones are one connection, and its work is done on threads that
/// may block.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Mutex<Connection>,
    table: Table,
    options: QueueOptions,
    file: String,
    changed: Notify,
}

impl Queue {
    /// Opens the queue, and makes what is missing.
    ///
    /// # Errors
    ///
    /// [`QueueError`], which names the file.
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, the file may have been made.
    pub async fn open(path: impl Into<PathBuf>, options: QueueOptions) -> Result<Self, QueueError> {
        let path = path.into();
        let file = path.display().to_string();
        let named = file.clone();
        let table = Table::new(&options.table)?;
        let (ours, synchronous) = (table.clone(), options.synchronous);
        let opened = spawn_blocking(move || prepared(Connection::open(path)?, &ours, synchronous)).await;
        let connection = opened
            .map_err(|source| QueueError::Interrupted { file: named.clone(), source })?
            .map_err(|source| QueueError::of(&named, source))?;
        let connection = Mutex::new(connection);
        Ok(Self { inner: Arc::new(Inner { connection, table, options, file, changed: Notify::new() }) })
    }

    /// Adds jobs, in one transaction; returns their numbers, in order.
    ///
    /// # Errors
    ///
    /// [`QueueError`]; then none was added.
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, all jobs may have been added, or none.
    pub async fn enqueue(&self, jobs: impl IntoIterator<Item = NewJob>) -> Result<Vec<JobId>, QueueError> {
        let jobs: Vec<_> = jobs.into_iter().collect();
        let added = self.run(|table, lane, tx| table.enqueue(tx, lane, jobs, now())).await?;
        self.inner.changed.notify_waiters();
        Ok(added)
    }

    /// How many jobs there are.
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

    /// The first `limit` dead jobs.
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

    /// Has a dead job tried again, as a new one: its new number, if it was dead.
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, it may have been done.
    pub async fn revive(&self, id: JobId) -> Result<Option<JobId>, QueueError> {
        let revived = self.run(move |table, _, tx| table.revive(tx, id, now())).await?;
        self.inner.changed.notify_waiters();
        Ok(revived)
    }

    /// Keeps a dead job no longer; says whether it was dead.
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, it may have been done.
    pub async fn forget(&self, id: JobId) -> Result<bool, QueueError> {
        self.run(move |table, _, tx| table.forget(tx, id)).await
    }

    /// A source of this queue's jobs, for the recipe of a pipeline's first step. There may be several, in one
    /// pipeline and in many.
    pub fn source(&self) -> Source {
        Source::new(self.clone())
    }

    pub(super) fn options(&self) -> &QueueOptions {
        &self.inner.options
    }

    /// Notified when jobs came, or left.
    pub(super) fn changed(&self) -> &Notify {
        &self.inner.changed
    }

    /// Does `work` in one transaction, on a thread that may block.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Table, &str, &Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        let inner = Arc::clone(&self.inner);
        let done = spawn_blocking(move || {
            // A transaction that panicked was rolled back; the connection is as good as before.
            let mut connection = inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&inner.table, &inner.options.lane, &transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        match done.await {
            Ok(done) => done.map_err(|source| QueueError::of(&self.inner.file, source)),
            Err(source) => Err(QueueError::Interrupted { file: self.inner.file.clone(), source }),
        }
    }
}

fn prepared(
    mut connection: Connection,
    table: &Table,
    synchronous: Synchronous,
) -> rusqlite::Result<Connection> {
    connection.busy_timeout(PATIENCE)?;
    // Readers and the one writer do not keep each other waiting.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    table.create(&transaction)?;
    transaction.commit()?;
    Ok(connection)
}

/// Milliseconds since 1970. Processes of one machine share its clock; one that jumps makes leases run out early or
/// late, and loses nothing.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(since)
}

/// At most as many as fit.
pub(super) fn millis(duration: Duration) -> i64 {
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
