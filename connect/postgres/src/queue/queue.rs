//! The handle to a queue.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use stage_connect::ConnectError;
use tokio::sync::{Mutex, MutexGuard, Notify};
use tokio_postgres::types::ToSql;
use tokio_postgres::{GenericClient, Row};

use super::columns::Columns;
use super::job::{Counts, DeadJob, JobId, NewJob, read_headers};
use super::leasing::count;
use super::options::QueueOptions;
use super::pull::QueuePull;
use super::schema;
use super::statements::Statements;
use crate::error::failed;
use crate::link::Link;
use crate::server::Server;

/// Settings of the sessions of a queue. Plans must not depend on statistics: a queue is empty one minute and has a
/// million jobs in the next, and each of its statements has an index to use. So a statement is planned once, and not
/// for the parameters of each call.
const PLANS: &str = "
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
SET jit = off; SET plan_cache_mode = force_generic_plan";

/// A queue of jobs in a table. Cheap to clone; clones share a connection for their own calls, and count as one process.
///
/// ```no_run
/// use stage_connect::{PullOptions, source};
/// use stage_core::Pipeline;
/// use stage_postgres::{NewJob, Queue, QueueOptions, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let queue = Queue::new(Server::new("postgres://app:secret@localhost/shop")?, QueueOptions::new())?;
/// queue.setup().await?;
/// queue.enqueue([NewJob::new("one"), NewJob::new("two")]).await?;
///
/// let pipeline = Pipeline::builder("jobs")
///     .start("queue", move || Ok(source::pulled(queue.pull(), PullOptions::new())))
///     .acknowledged()
///     .finish_fn("print", |job| println!("{}", String::from_utf8_lossy(&job.payload)));
/// pipeline.start().await?.join().await?;
/// # Ok(())
/// # }
/// ```
///
/// Dead jobs are put back or deleted:
///
/// ```no_run
/// use stage_postgres::{Counts, DeadJob, JobId, Queue};
///
/// # async fn run(queue: Queue) -> Result<(), stage_connect::ConnectError> {
/// let dead: Vec<DeadJob> = queue.dead(100).await?;
/// for job in dead {
///     if job.cause == "no such user" {
///         queue.forget(job.id).await?;
///     } else if let Some(JobId(number)) = queue.revive(job.id).await? {
///         println!("it is job {number} now");
///     }
/// }
/// let counts: Counts = queue.counts().await?;
/// println!("{} jobs are left to be done", counts.all());
/// println!("there are none: {}", queue.is_empty().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
    object: Arc<str>,
    options: Arc<QueueOptions>,
    /// The connection over which all pulls of this handle look for jobs, in turn. Without it, each has its own.
    looks: Option<SharedLink>,
}

type SharedLink = Arc<Mutex<Option<Arc<Link>>>>;

struct Inner {
    server: Server,
    statements: Statements,
    link: Mutex<Option<Arc<Link>>>,
    turn: Mutex<()>,
    changed: Notify,
    /// A random number, which the server gives out, or 0 before that.
    process: AtomicU32,
    sources: AtomicU32,
}

impl Queue {
    /// Creates a handle to the queue that the options describe. Nothing is opened before the first call.
    ///
    /// # Errors
    ///
    /// A fatal [`ConnectError`] if the name of the table or of the lane is invalid.
    pub fn new(server: Server, options: QueueOptions) -> Result<Self, ConnectError> {
        options.check(&server.to_string())?;
        let object = object(&server, &options);
        let statements = Statements::of(&options.table);
        Ok(Self {
            inner: Arc::new(Inner {
                server,
                statements,
                link: Mutex::default(),
                turn: Mutex::default(),
                changed: Notify::new(),
                process: AtomicU32::new(0),
                sources: AtomicU32::new(0),
            }),
            object,
            options: Arc::new(options),
            looks: None,
        })
    }

    /// Returns a handle to another queue in the same table, whose pulls share a connection and belong to the same process.
    /// Their verdicts are written over the connection of the handles.
    #[cfg(feature = "edge")]
    pub(crate) fn beside(
        &self,
        looks: SharedLink,
        change: impl FnOnce(QueueOptions) -> QueueOptions,
    ) -> Self {
        let options = change((*self.options).clone());
        let object = object(&self.inner.server, &options);
        Self { inner: Arc::clone(&self.inner), object, options: Arc::new(options), looks: Some(looks) }
    }

    /// Creates the tables, unless they exist.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]; fatal if the tables have another version.
    pub async fn setup(&self) -> Result<(), ConnectError> {
        let link = self.inner.server.connect(self.object()).await?;
        schema::setup(&link, &self.options.table, &self.object).await
    }

    /// Adds jobs in one transaction and returns their numbers, in the order of the jobs. When this returns, the jobs
    /// are durable.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]; fatal if a job has a key of more than 1000 bytes or an invalid header. After `gone` it is
    /// unknown whether the jobs were added.
    pub async fn enqueue(&self, jobs: impl IntoIterator<Item = NewJob>) -> Result<Vec<JobId>, ConnectError> {
        let jobs: Vec<_> = jobs.into_iter().collect();
        let link = self.link().await?;
        let statement = link.statement(&self.inner.statements.enqueue).await?;
        self.check(&jobs)?;
        let columns = Columns::of(&jobs, &self.options);
        let row = link.client().query_one(&statement, &columns.parameters()).await;
        let ids = link.told("cannot enqueue", row.and_then(|row| ids(&row)))?;
        self.changed().notify_waiters();
        Ok(ids)
    }

    /// Adds jobs in the caller's transaction, so that they appear with its other changes or not at all.
    ///
    /// ```no_run
    /// # use stage_postgres::{NewJob, Queue};
    /// # async fn order(client: &mut tokio_postgres::Client, queue: Queue) -> Result<(), Box<dyn std::error::Error>> {
    /// let transaction = client.transaction().await?;
    /// transaction.execute("INSERT INTO orders (item) VALUES ($1)", &[&"tea"]).await?;
    /// queue.enqueue_in(&transaction, [NewJob::new("pack tea")]).await?;
    /// transaction.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`enqueue`](Self::enqueue). After an error, the transaction can only be rolled back.
    pub async fn enqueue_in(
        &self,
        transaction: &impl GenericClient,
        jobs: impl IntoIterator<Item = NewJob>,
    ) -> Result<Vec<JobId>, ConnectError> {
        let jobs: Vec<_> = jobs.into_iter().collect();
        self.check(&jobs)?;
        let columns = Columns::of(&jobs, &self.options);
        let typed: Vec<_> = columns.parameters().into_iter().zip(Columns::TYPES).collect();
        let row = transaction.query_typed(&self.inner.statements.enqueue, &typed).await;
        let ids = row.and_then(|rows| rows.first().map_or(Ok(Vec::new()), ids));
        ids.map_err(|error| failed(&self.object, "cannot enqueue", &error))
    }

    fn check(&self, jobs: &[NewJob]) -> Result<(), ConnectError> {
        match jobs.iter().find_map(NewJob::fault) {
            Some(fault) => Err(ConnectError::fatal(&self.object, "cannot enqueue", fault)),
            None => Ok(()),
        }
    }

    /// Returns the half of a connector that leases jobs.
    pub fn pull(&self) -> QueuePull {
        QueuePull::new(self.clone())
    }

    /// Returns the numbers of jobs. This counts, so it takes time in proportion to their number.
    ///
    /// # Errors
    ///
    /// [`ConnectError`].
    pub async fn counts(&self) -> Result<Counts, ConnectError> {
        let row = self.one(&self.inner.statements.counts, &[&self.options.lane], "cannot count").await?;
        let number = |column: usize| row.try_get::<_, i64>(column).map(i64::unsigned_abs);
        let counts =
            || Ok(Counts { waiting: number(0)?, blocked: number(1)?, leased: number(2)?, dead: number(3)? });
        counts().map_err(|error| failed(&self.object, "cannot count", &error))
    }

    /// Returns whether no job is left to be done, leased or not. Unlike counting, this takes no time in proportion to
    /// the number of jobs.
    ///
    /// # Errors
    ///
    /// [`ConnectError`].
    pub async fn is_empty(&self) -> Result<bool, ConnectError> {
        let link = self.link().await?;
        self.is_empty_by(&link).await
    }

    pub(super) async fn is_empty_by(&self, link: &Link) -> Result<bool, ConnectError> {
        let statement = link.statement(&self.inner.statements.is_empty).await?;
        let row = link.client().query_one(&statement, &[&self.options.lane]).await;
        link.told("cannot look for jobs", row.and_then(|row| row.try_get(0)))
    }

    /// Returns the first `limit` dead jobs, by number.
    ///
    /// # Errors
    ///
    /// [`ConnectError`].
    pub async fn dead(&self, limit: usize) -> Result<Vec<DeadJob>, ConnectError> {
        let link = self.link().await?;
        let statement = link.statement(&self.inner.statements.dead).await?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = link.client().query(&statement, &[&self.options.lane, &limit]).await;
        let dead = |row: &Row| {
            Ok(DeadJob {
                id: JobId(row.try_get(0)?),
                payload: row.try_get(1)?,
                key: row.try_get(2)?,
                headers: read_headers(row.try_get(3)?),
                attempts: count(row.try_get(4)?),
                cause: row.try_get(5)?,
            })
        };
        link.told("cannot list dead jobs", rows.and_then(|rows| rows.iter().map(dead).collect()))
    }

    /// Enqueues a dead job again, as a new job behind those of its key. Returns its new number, or `None` if it was not
    /// dead.
    ///
    /// # Errors
    ///
    /// [`ConnectError`].
    pub async fn revive(&self, id: JobId) -> Result<Option<JobId>, ConnectError> {
        let link = self.link().await?;
        let statement = link.statement(&self.inner.statements.revive).await?;
        let row = link.client().query_opt(&statement, &[&id.0, &self.options.notify]).await;
        let id = row.and_then(|row| row.map(|row| row.try_get(0).map(JobId)).transpose());
        let id = link.told("cannot revive a job", id)?;
        self.changed().notify_waiters();
        Ok(id)
    }

    /// Deletes a dead job. Returns whether it was dead.
    ///
    /// # Errors
    ///
    /// [`ConnectError`].
    pub async fn forget(&self, id: JobId) -> Result<bool, ConnectError> {
        let link = self.link().await?;
        let statement = link.statement(&self.inner.statements.forget).await?;
        Ok(link.told("cannot forget a job", link.client().execute(&statement, &[&id.0]).await)? > 0)
    }

    async fn one(
        &self,
        text: &Arc<str>,
        with: &[&(dyn ToSql + Sync)],
        what: &str,
    ) -> Result<Row, ConnectError> {
        let link = self.link().await?;
        let statement = link.statement(text).await?;
        link.told(what, link.client().query_one(&statement, with).await)
    }

    /// Opens a connection of its own, after a look at the version of the tables.
    pub(crate) async fn connect(&self) -> Result<Link, ConnectError> {
        let link = self.inner.server.connect(self.object()).await?;
        link.run(PLANS).await?;
        schema::check(&link, &self.options.table, &self.object).await?;
        Ok(link)
    }

    /// Returns a connection on which new jobs are notified of.
    pub(super) async fn link_for_looks(&self) -> Result<Arc<Link>, ConnectError> {
        let open = async || {
            let link = self.connect().await?;
            link.run(&self.listen()).await?;
            Ok(Arc::new(link))
        };
        let Some(looks) = &self.looks else { return open().await };
        let mut looks = looks.lock().await;
        match &*looks {
            Some(link) if !link.is_closed() => Ok(Arc::clone(link)),
            _ => {
                let link = open().await?;
                *looks = Some(Arc::clone(&link));
                Ok(link)
            }
        }
    }

    /// Returns whether verdicts are written over the connection of the handles.
    pub(super) fn shares_links(&self) -> bool {
        self.looks.is_some()
    }

    /// Returns the connection of this handle, opening it again if it broke.
    pub(crate) async fn link(&self) -> Result<Arc<Link>, ConnectError> {
        let mut link = self.inner.link.lock().await;
        match &*link {
            Some(open) if !open.is_closed() => Ok(Arc::clone(open)),
            _ => {
                let open = Arc::new(self.connect().await?);
                *link = Some(Arc::clone(&open));
                Ok(open)
            }
        }
    }

    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.inner.turn.lock().await
    }

    /// Returns the number of a new source: in the upper half the process, which the server draws once.
    pub(super) async fn new_lessee(&self, link: &Link) -> Result<i64, ConnectError> {
        if self.inner.process.load(Ordering::Relaxed) == 0 {
            let draw = "SELECT 1 + floor(random() * 2147483646)::int4";
            let drawn = link.client().query_one(draw, &[]).await.and_then(|row| row.try_get::<_, i32>(0));
            let drawn = link.told("cannot draw a number", drawn)?;
            // Of two sources that draw at once, the first one sets the number.
            let process = &self.inner.process;
            let _ = process.compare_exchange(0, drawn.unsigned_abs(), Ordering::Relaxed, Ordering::Relaxed);
        }
        let process = i64::from(self.inner.process.load(Ordering::Relaxed));
        Ok((process << 32) | i64::from(self.inner.sources.fetch_add(1, Ordering::Relaxed)))
    }

    /// Wakes the sources of this process when jobs may have become available.
    pub(crate) fn changed(&self) -> &Notify {
        &self.inner.changed
    }

    pub(crate) fn object(&self) -> Arc<str> {
        Arc::clone(&self.object)
    }

    pub(crate) fn options(&self) -> &QueueOptions {
        &self.options
    }

    pub(super) fn statements(&self) -> &Statements {
        &self.inner.statements
    }

    /// The statement that subscribes to notifications.
    pub(super) fn listen(&self) -> String {
        let table = &self.options.table;
        format!("LISTEN {}", table.rsplit('.').next().unwrap_or(table))
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("object", &self.object).finish_non_exhaustive()
    }
}

/// Returns the name of a queue for messages.
fn object(server: &Server, options: &QueueOptions) -> Arc<str> {
    let lane = match options.lane.as_str() {
        "" => String::new(),
        lane => format!(" lane `{lane}`"),
    };
    server.object(format_args!("queue `{}`{lane}", options.table))
}

fn ids(row: &Row) -> Result<Vec<JobId>, tokio_postgres::Error> {
    let ids: Option<Vec<i64>> = row.try_get(0)?;
    Ok(ids.unwrap_or_default().into_iter().map(JobId).collect())
}
