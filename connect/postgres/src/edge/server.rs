//! The database as the server of edges.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::ConnectError;
use stage_edge::{Edge, EdgeSpec, Epoch, Lag, NoLeases, Opened, Partition};
use tokio::sync::Mutex;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::inlet::PostgresInlet;
use super::letters::PostgresLetters;
use super::notes::PostgresNotes;
use super::outlet::PostgresOutlet;
use super::statements::Statements;
use crate::link::Link;
use crate::queue::Queue;
use crate::queue::schema::LOCK;

/// A table of jobs in a PostgreSQL database, as the server of edges between machines.
///
/// Each edge is a pool with a lane of its own in the table, named `APP.NAME`; jobs in other lanes are not touched. Clones
/// share two connections, one for frames that arrive and one for all else; each sink has a third one.
#[derive(Clone)]
#[must_use]
pub struct PostgresEdge {
    queue: Queue,
    statements: Arc<Statements>,
    /// The connection over which frames arrive.
    arriving: Arc<Mutex<Option<Arc<Link>>>>,
}

/// The lane of one edge.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) queue: Queue,
    pub(super) statements: Arc<Statements>,
    pub(super) edge: Arc<str>,
}

impl PostgresEdge {
    /// Returns the server of edges in the table of a queue. Nothing is opened yet.
    ///
    /// Of the options of the queue, the table, [`poll`](crate::QueueOptions::poll) and
    /// [`notify`](crate::QueueOptions::notify) apply. Leases and attempts are those of the [`EdgeSpec`].
    pub fn new(queue: Queue) -> Self {
        let statements = Arc::new(Statements::of(&queue.options().table));
        Self { queue, statements, arriving: Arc::default() }
    }

    /// Creates the tables of the queue, `TABLE_ids` and `TABLE_notes`, unless they exist.
    /// [`open`](Edge::open) does so for a specification with [`setup`](EdgeSpec::setup).
    ///
    /// # Errors
    ///
    /// [`ConnectError`]; fatal if the tables of the queue have another version.
    pub async fn setup(&self) -> Result<(), ConnectError> {
        self.queue.setup().await?;
        let link = self.queue.connect().await?;
        let create = format!("BEGIN; {LOCK}; {} COMMIT", self.statements.create);
        link.told("cannot create the tables of an edge", link.client().batch_execute(&create).await)
    }

    fn place(&self, spec: &EdgeSpec) -> Place {
        let queue = self.queue.beside(Arc::clone(&self.arriving), |options| {
            // A frame is never dead as a whole: attempts at its events are counted by notes.
            let options =
                options.lane(format!("{}.{}", spec.app, spec.name)).lease(spec.ack_wait).attempts(u32::MAX);
            options.window((spec.pool_window < spec.frames_kept).then_some(spec.pool_window))
        });
        Place { queue, statements: Arc::clone(&self.statements), edge: spec.name.as_str().into() }
    }

    async fn check_tables(&self, at: String) -> Result<(), ConnectError> {
        let link = self.queue.link().await?;
        let exists = link.statement(&self.statements.exists).await?;
        let exists = link.client().query_one(&exists, &[]).await.and_then(|row| row.try_get(0));
        if link.told("cannot look for the tables", exists)? {
            return Ok(());
        }
        let remedy = "call `PostgresEdge::setup` once, or set `setup` in the specification";
        Err(ConnectError::fatal(at, "the tables of the edge are missing", remedy))
    }
}

impl Place {
    pub(super) fn describe(&self) -> String {
        format!("{} edge `{}`", self.queue.object(), self.edge)
    }

    pub(super) fn lane(&self) -> &String {
        &self.queue.options().lane
    }

    /// Runs one statement over the connection of the handles.
    pub(super) async fn query(
        &self,
        what: &str,
        statement: &Arc<str>,
        with: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, ConnectError> {
        let link = self.queue.link().await?;
        let statement = link.statement(statement).await?;
        link.told(what, link.client().query(&statement, with).await)
    }

    /// Runs one statement, and returns the number of rows that it changed.
    pub(super) async fn execute(
        &self,
        what: &str,
        statement: &Arc<str>,
        with: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, ConnectError> {
        let link = self.queue.link().await?;
        let statement = link.statement(statement).await?;
        link.told(what, link.client().execute(&statement, with).await)
    }

    /// Reads the rows of an answer.
    pub(super) fn read<T>(
        &self,
        rows: &[Row],
        read: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Vec<T>, ConnectError> {
        let read: Result<Vec<_>, _> = rows.iter().map(read).collect();
        read.map_err(|error| ConnectError::gone(self.describe(), "cannot read an answer", error))
    }
}

impl Edge for PostgresEdge {
    type Inlet = PostgresInlet;
    type Outlet = PostgresOutlet;
    type Leases = NoLeases;
    type Notes = PostgresNotes;
    type Letters = PostgresLetters;

    const HAS_PARTITIONS: bool = false;

    async fn open(&self, spec: &EdgeSpec) -> Result<Opened, ConnectError> {
        spec.check_pool(self.describe())?;
        if spec.setup {
            self.setup().await?;
        }
        let place = self.place(spec);
        self.check_tables(place.describe()).await?;
        let rows = place.queue.link().await?.client().query("SHOW synchronous_commit", &[]).await;
        let setting: String = match rows.ok().as_deref() {
            Some([row]) => row.try_get(0).unwrap_or_default(),
            _ => String::new(),
        };
        let warning = (setting == "off").then(|| {
            format!("{}: `synchronous_commit` is off, so a power cut may lose frames", place.describe())
        });
        let durability = format!("one database, `synchronous_commit` is {setting}");
        Ok(Opened { warnings: warning.into_iter().collect(), durability })
    }

    /// Returns an inlet that is refused: there are no partitions.
    fn inlet(&self, spec: &EdgeSpec, _: Partition, _: Epoch) -> PostgresInlet {
        PostgresInlet::refused(self.place(spec))
    }

    fn pool(&self, spec: &EdgeSpec) -> PostgresInlet {
        PostgresInlet::new(self.place(spec))
    }

    fn outlet(&self, spec: &EdgeSpec, _: Partition) -> PostgresOutlet {
        PostgresOutlet::new(self.place(spec), spec)
    }

    fn leases(&self, _: &EdgeSpec) -> NoLeases {
        NoLeases::new(self.describe())
    }

    fn notes(&self, spec: &EdgeSpec) -> PostgresNotes {
        PostgresNotes::new(self.place(spec), spec)
    }

    fn letters(&self, spec: &EdgeSpec) -> PostgresLetters {
        PostgresLetters::new(self.place(spec))
    }

    async fn lag(&self, spec: &EdgeSpec) -> Result<Vec<Lag>, ConnectError> {
        let place = self.place(spec);
        let rows = place.query("cannot count frames", &self.statements.lag, &[place.lane()]).await?;
        place.read(&rows, |row| {
            let age: Option<f64> = row.try_get(2)?;
            Ok(Lag {
                frames: row.try_get::<_, i64>(0)?.unsigned_abs(),
                bytes: row.try_get::<_, i64>(1)?.unsigned_abs(),
                oldest: age.map(|age| Duration::try_from_secs_f64(age).unwrap_or_default()),
            })
        })
    }

    fn describe(&self) -> String {
        self.queue.object().to_string()
    }
}

impl fmt::Debug for PostgresEdge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresEdge").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.describe()).finish()
    }
}
