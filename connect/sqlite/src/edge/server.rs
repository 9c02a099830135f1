//! The file as the server of edges.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Transaction;
use stage_connect::ConnectError;
use stage_edge::{Edge, EdgeSpec, Epoch, Lag, NoLeases, Opened, Partition};

use super::inlet::SqliteInlet;
use super::letters::SqliteLetters;
use super::notes::SqliteNotes;
use super::outlet::SqliteOutlet;
use super::statements::Statements;
use crate::error::QueueError;
use crate::options::Synchronous;
use crate::queue::{Queue, now};
use crate::table::Table;

/// A table of jobs in an SQLite file, as the server of edges between the processes of one machine.
///
/// Each edge is a pool with a lane of its own in the table, named `APP.NAME`; jobs in other lanes are not touched. Clones
/// share the connection of the queue.
#[derive(Clone)]
#[must_use]
pub struct SqliteEdge {
    queue: Queue,
    statements: Arc<Statements>,
}

/// The lane of one edge.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) queue: Queue,
    pub(super) statements: Arc<Statements>,
    pub(super) edge: Arc<str>,
}

impl SqliteEdge {
    /// Returns the server of edges in the file and table of a queue, and creates the tables `TABLE_ids` and `TABLE_notes`
    /// if they are missing.
    ///
    /// Of the options of the queue, those about the file apply, and [`poll`](crate::QueueOptions::poll): the longest time
    /// before a frame of another process is noticed. Leases and attempts are those of the [`EdgeSpec`].
    ///
    /// # Errors
    ///
    /// [`QueueError`].
    ///
    /// # Cancel safety
    ///
    /// If dropped before it completes, the tables may have been created.
    pub async fn new(queue: Queue) -> Result<Self, QueueError> {
        let statements = Arc::new(Statements::of(queue.table_name()));
        let ours = Arc::clone(&statements);
        queue
            .run_patiently("cannot create the tables of an edge, retrying", || {
                let ours = Arc::clone(&ours);
                move |_, _, tx| tx.execute_batch(&ours.create)
            })
            .await?;
        Ok(Self { queue, statements })
    }

    fn place(&self, spec: &EdgeSpec) -> Place {
        // A frame is never dead as a whole: attempts at its events are counted by notes.
        let queue = self.queue.beside(|options| {
            let window =
                if spec.pool_window < spec.frames_kept { spec.pool_window as usize } else { usize::MAX };
            options
                .lane(format!("{}.{}", spec.app, spec.name))
                .visibility(spec.ack_wait)
                .attempts(u32::MAX)
                .window(window)
        });
        Place { queue, statements: Arc::clone(&self.statements), edge: spec.name.as_str().into() }
    }
}

impl Place {
    pub(super) fn describe(&self) -> String {
        format!("{} edge `{}`", self.queue.describe(), self.edge)
    }

    /// Runs `work` in one transaction; a failure is that of a server that is away.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce(&Statements, &Table, &str, &Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ConnectError> {
        let statements = Arc::clone(&self.statements);
        let done = self.queue.run(move |table, lane, tx| work(&statements, table, lane, tx)).await;
        done.map_err(|error| ConnectError::gone(self.describe(), what, error))
    }
}

impl Edge for SqliteEdge {
    type Inlet = SqliteInlet;
    type Outlet = SqliteOutlet;
    type Leases = NoLeases;
    type Notes = SqliteNotes;
    type Letters = SqliteLetters;

    const HAS_PARTITIONS: bool = false;

    /// Checks the specification. There is nothing to create: the tables exist since [`SqliteEdge::new`].
    async fn open(&self, spec: &EdgeSpec) -> Result<Opened, ConnectError> {
        spec.check_pool(self.describe())?;
        let (durability, warnings) = match self.queue.options().synchronous {
            Synchronous::Full => ("one file, written before a frame counts as stored", Vec::new()),
            Synchronous::Normal => {
                let warning =
                    format!("{}: a power cut may lose the last frames", self.place(spec).describe());
                ("one file, written from time to time", vec![warning])
            }
        };
        Ok(Opened { warnings, durability: durability.to_owned() })
    }

    /// Returns an inlet that is refused: there are no partitions.
    fn inlet(&self, spec: &EdgeSpec, _: Partition, _: Epoch) -> SqliteInlet {
        SqliteInlet::refused(&self.place(spec))
    }

    fn pool(&self, spec: &EdgeSpec) -> SqliteInlet {
        SqliteInlet::new(&self.place(spec))
    }

    fn outlet(&self, spec: &EdgeSpec, _: Partition) -> SqliteOutlet {
        SqliteOutlet::new(self.place(spec), spec)
    }

    fn leases(&self, _: &EdgeSpec) -> NoLeases {
        NoLeases::new(self.describe())
    }

    fn notes(&self, spec: &EdgeSpec) -> SqliteNotes {
        SqliteNotes::new(self.place(spec), spec)
    }

    fn letters(&self, spec: &EdgeSpec) -> SqliteLetters {
        SqliteLetters::new(self.place(spec))
    }

    async fn lag(&self, spec: &EdgeSpec) -> Result<Vec<Lag>, ConnectError> {
        let place = self.place(spec);
        let lag = place.run("cannot count frames", |statements, _, lane, tx| {
            tx.prepare_cached(&statements.lag)?.query_row([lane], |row| {
                let stored: Option<i64> = row.get(2)?;
                let age = |stored| u64::try_from(now().saturating_sub(stored)).unwrap_or(0);
                let oldest = stored.map(|stored| Duration::from_millis(age(stored)));
                Ok(Lag { frames: row.get(0)?, bytes: row.get(1)?, oldest })
            })
        });
        Ok(vec![lag.await?])
    }

    fn describe(&self) -> String {
        self.queue.describe()
    }
}

impl fmt::Debug for SqliteEdge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteEdge").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.describe()).finish()
    }
}
