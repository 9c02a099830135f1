//! Jobs per second through enqueue, lease and settle: the queue beside plain SQL by hand, with few and with many jobs
//! that wait.
//!
//! ```text
//! cargo bench -p stage-sqlite --bench queue -- [JOBS] [WAITING]
//! ```
//!
//! Both sides move the same jobs in transactions of the same size, with the same journal and `synchronous` setting, and
//! alternate. `by hand` is the table that a service writes without a library, on a blocking thread for each transaction, as
//! an asynchronous service has to. In its first form, the jobs of a killed process stay locked; in its second
//! one, leases end and their jobs come back, and only the last lease settles a job. The queue does both and more.
#![forbid(unsafe_code)]

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use stage_connect::Disposition;
use stage_connect::laws::{Outcome, beside, by_hand, numbers};
use stage_sqlite::{NewJob, Queue, QueueOptions};
use tokio::task::{JoinHandle, spawn_blocking};

const BATCH: usize = 200;
const ROUNDS: usize = 5;
const PAYLOAD: usize = 100;
const LEASE: Duration = Duration::from_secs(30);

const CREATE: &str = "
    CREATE TABLE plain (id INTEGER PRIMARY KEY, payload BLOB NOT NULL, priority INTEGER NOT NULL DEFAULT 0,
        due INTEGER NOT NULL DEFAULT 0, locked_until INTEGER, attempts INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX plain_next ON plain (priority DESC, id) WHERE locked_until IS NULL";
const INSERT: &str = "INSERT INTO plain (payload) VALUES (?1)";
const TAKE: &str = "
    UPDATE plain SET locked_until = ?2, attempts = attempts + 1 WHERE id IN (
        SELECT id FROM plain WHERE locked_until IS NULL AND due <= ?1 ORDER BY priority DESC, id LIMIT ?3)
    RETURNING id, payload";
const DELETE: &str = "DELETE FROM plain WHERE id = ?1 AND locked_until IS NOT NULL";
/// In the second form, which also adds the column `attempts` to what is returned, and to the condition of the removal.
const CREATE_ENDS: &str = "CREATE INDEX plain_locked ON plain (locked_until) WHERE locked_until IS NOT NULL";
const END: &str = "UPDATE plain SET locked_until = NULL WHERE locked_until <= ?1";

/// The plain table.
#[derive(Clone)]
struct ByHand {
    connection: Arc<Mutex<Connection>>,
    leases: Leases,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leases {
    Last,
    End,
}

impl ByHand {
    fn open(path: &Path, leases: Leases) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(CREATE)?;
        if leases == Leases::End {
            connection.execute_batch(CREATE_ENDS)?;
        }
        Ok(Self { connection: Arc::new(Mutex::new(connection)), leases })
    }

    /// Runs one transaction on a blocking thread.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Outcome<T> {
        let connection = Arc::clone(&self.connection);
        let done: JoinHandle<rusqlite::Result<T>> = spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        Ok(done.await??)
    }

    async fn round(&self, jobs: usize) -> Outcome<Duration> {
        let begun = Instant::now();
        for _ in 0..jobs / BATCH {
            self.run(|transaction| {
                let mut insert = transaction.prepare_cached(INSERT)?;
                (0..BATCH).try_for_each(|_| insert.execute([vec![7_u8; PAYLOAD]]).map(drop))
            })
            .await?;
        }
        let (mut done, leases) = (0, self.leases);
        while done < jobs {
            let taken: Vec<(i64, Vec<u8>, i64)> = self
                .run(move |transaction| {
                    let ends = leases == Leases::End;
                    if ends {
                        transaction.prepare_cached(END)?.execute([now()])?;
                    }
                    let mut take = match leases {
                        Leases::Last => transaction.prepare_cached(TAKE)?,
                        Leases::End => transaction.prepare_cached(&format!("{TAKE}, attempts"))?,
                    };
                    let read =
                        |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, if ends { row.get(2)? } else { 0 }));
                    let parameters =
                        params![now(), now() + millis(LEASE), i64::try_from(BATCH).unwrap_or(i64::MAX)];
                    take.query_map(parameters, read)?.collect()
                })
                .await?;
            done += taken.len();
            self.run(move |transaction| {
                if leases == Leases::Last {
                    let mut delete = transaction.prepare_cached(DELETE)?;
                    return taken.iter().try_for_each(|(id, ..)| delete.execute([id]).map(drop));
                }
                let mut delete = transaction.prepare_cached(&format!("{DELETE} AND attempts = ?2"))?;
                taken.iter().try_for_each(|(id, _, attempt)| delete.execute([id, attempt]).map(drop))
            })
            .await?;
        }
        Ok(begun.elapsed())
    }
}

async fn round(queue: &Queue, jobs: usize) -> Outcome<Duration> {
    let (mut pull, mut settle) = by_hand::opened(queue.pull()).await;
    let begun = Instant::now();
    for _ in 0..jobs / BATCH {
        queue.enqueue((0..BATCH).map(|_| NewJob::new(vec![7_u8; PAYLOAD]))).await?;
    }
    let mut done = 0;
    while done < jobs {
        let taken = by_hand::take(&mut pull, BATCH, Duration::from_secs(1)).await;
        by_hand::settle_all(&mut settle, &taken, Disposition::Accept).await;
        done += taken.len();
    }
    Ok(begun.elapsed())
}

fn now() -> i64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let [jobs, waiting] = numbers([20_000, 1_000_000])?;
    let folder = tempfile::tempdir()?;

    let ours = Queue::open(folder.path().join("jobs.db"), QueueOptions::new().visibility(LEASE)).await?;
    for (leases, name) in [(Leases::Last, "plain SQL by hand"), (Leases::End, "plain SQL whose leases end")] {
        let by_hand = ByHand::open(&folder.path().join(format!("{leases:?}.db")), leases)?;
        let names = [name, "the queue"];
        beside(names, jobs, ROUNDS, async || by_hand.round(jobs).await, async || round(&ours, jobs).await)
            .await?;
    }

    // The jobs that wait have a lower priority, so each round moves the same jobs past them.
    let mut queues = Vec::new();
    for count in [1_000, waiting] {
        let queue = Queue::open(folder.path().join(format!("many-{count}.db")), QueueOptions::new()).await?;
        for _ in 0..count / 1_000 {
            queue.enqueue((0..1_000).map(|_| NewJob::new(vec![7_u8; PAYLOAD]).priority(-1))).await?;
        }
        queues.push(queue);
    }
    let names = ["1000 jobs wait", &format!("{waiting} jobs wait")];
    let [few, many] = [&queues[0], &queues[1]];
    beside(names, jobs, ROUNDS, async || round(few, jobs).await, async || round(many, jobs).await).await
}
