//! Jobs per second through enqueue, lease and settle: the queue beside plain SQL by hand, with few and with many jobs
//! that wait.
//!
//! ```text
//! cargo bench -p stage-postgres --bench queue -- [JOBS] [WAITING]
//! ```
//!
//! The variable `POSTGRES` names a server, as `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; without it, one is started that
//! does not wait for the disk. Both sides move the same jobs in batches of the same size over one connection for each
//! half, and alternate. `by hand` is what a service writes without a library: one table, one index, a lock with a
//! time, `SKIP LOCKED`. In its first form, the jobs of a killed process stay locked; in its second one, leases end
//! and their jobs come back, and only the last lease settles a job. The queue does both and more.
#![forbid(unsafe_code)]

#[path = "../tests/kit/mod.rs"]
#[allow(clippy::unwrap_used, reason = "the helpers of tests")]
mod kit;

use std::time::{Duration, Instant};

use stage_connect::laws::{Outcome, beside, by_hand, numbers};
use stage_connect::{Disposition, Settle};
use stage_postgres::{NewJob, Queue, QueueOptions, Server};
use tokio_postgres::{Client, NoTls, Statement};

const BATCH: usize = 200;
const ROUNDS: usize = 5;
const PAYLOAD: usize = 100;

/// The plain table with its statements.
struct ByHand {
    writer: Client,
    reader: Client,
    insert: Statement,
    take: Statement,
    delete: Statement,
    /// In the second form.
    end: Option<Statement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leases {
    Last,
    End,
}

impl ByHand {
    async fn open(address: &str, leases: Leases) -> Outcome<Self> {
        let (writer, reader) = (client(address).await?, client(address).await?);
        let create = "
            DROP TABLE IF EXISTS bench_plain;
            CREATE TABLE bench_plain (id bigserial PRIMARY KEY, payload bytea NOT NULL, priority integer NOT NULL DEFAULT 0,
                run_at timestamptz NOT NULL DEFAULT now(), locked_until timestamptz, attempts integer NOT NULL DEFAULT 0);
            CREATE INDEX ON bench_plain (priority DESC, id) WHERE locked_until IS NULL";
        writer.batch_execute(create).await?;
        let insert = "INSERT INTO bench_plain (payload) SELECT unnest($1::bytea[])";
        let take = "
            WITH next AS MATERIALIZED (
                SELECT id FROM bench_plain WHERE locked_until IS NULL AND run_at <= now()
                ORDER BY priority DESC, id LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            UPDATE bench_plain AS job SET locked_until = now() + interval '30 s', attempts = attempts + 1
            FROM next WHERE job.id = next.id RETURNING job.id, job.payload";
        let insert = writer.prepare(insert).await?;
        let (returned, delete, end) = match leases {
            Leases::Last => ("", "DELETE FROM bench_plain WHERE id = ANY($1)", None),
            Leases::End => {
                let index = "CREATE INDEX ON bench_plain (locked_until) WHERE locked_until IS NOT NULL";
                writer.batch_execute(index).await?;
                let end = "UPDATE bench_plain SET locked_until = NULL WHERE locked_until <= now()";
                let delete = "
                    DELETE FROM bench_plain AS job USING unnest($1::bigint[], $2::integer[]) AS done (id, attempts)
                    WHERE job.id = done.id AND job.attempts = done.attempts AND job.locked_until IS NOT NULL";
                (", job.attempts", delete, Some(reader.prepare(end).await?))
            }
        };
        let take = reader.prepare(&format!("{take}{returned}")).await?;
        let delete = writer.prepare(delete).await?;
        Ok(Self { writer, reader, insert, take, delete, end })
    }

    async fn round(&self, jobs: usize) -> Outcome<Duration> {
        let begun = Instant::now();
        let payloads = vec![vec![7_u8; PAYLOAD]; BATCH];
        for _ in 0..jobs / BATCH {
            self.writer.execute(&self.insert, &[&payloads]).await?;
        }
        let mut done = 0;
        while done < jobs {
            if let Some(end) = &self.end {
                self.reader.execute(end, &[]).await?;
            }
            let taken = self.reader.query(&self.take, &[&i64::try_from(BATCH)?]).await?;
            let ids: Vec<i64> = taken.iter().map(|row| row.get(0)).collect();
            if self.end.is_some() {
                let attempts: Vec<i32> = taken.iter().map(|row| row.get(2)).collect();
                self.writer.execute(&self.delete, &[&ids, &attempts]).await?;
            } else {
                self.writer.execute(&self.delete, &[&ids]).await?;
            }
            done += ids.len();
        }
        Ok(begun.elapsed())
    }
}

async fn round(queue: &Queue, jobs: usize) -> Outcome<Duration> {
    let (mut pull, mut settle) = by_hand::opened(queue.pull()).await;
    settle.settle(&[]).await?;
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

async fn client(address: &str) -> Outcome<Client> {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn queue(address: &str, table: &str) -> Outcome<Queue> {
    let drop = format!("DROP TABLE IF EXISTS {table}, {table}_dead, {table}_schema");
    client(address).await?.batch_execute(&drop).await?;
    let queue = Queue::new(Server::new(address)?, QueueOptions::new().table(table).notify(false))?;
    queue.setup().await?;
    Ok(queue)
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let [jobs, waiting] = numbers([20_000, 1_000_000])?;
    let own;
    let address = if let Ok(address) = std::env::var("POSTGRES") {
        address
    } else {
        own = kit::Postgres::start().ok_or("PostgreSQL is not installed")?;
        own.address()
    };

    let ours = queue(&address, "bench_jobs").await?;
    for (leases, name) in [(Leases::Last, "plain SQL by hand"), (Leases::End, "plain SQL whose leases end")] {
        let by_hand = ByHand::open(&address, leases).await?;
        let names = [name, "the queue"];
        beside(names, jobs, ROUNDS, async || by_hand.round(jobs).await, async || round(&ours, jobs).await)
            .await?;
    }

    // The jobs that wait have a lower priority, so each round moves the same jobs past them.
    let mut queues = Vec::new();
    for (count, table) in [(1_000, "bench_few"), (waiting, "bench_many")] {
        let queue = queue(&address, table).await?;
        for _ in 0..count / 1_000 {
            queue.enqueue((0..1_000).map(|_| NewJob::new(vec![7_u8; PAYLOAD]).priority(-1))).await?;
        }
        queues.push(queue);
    }
    let names = ["1000 jobs wait", &format!("{waiting} jobs wait")];
    let [few, many] = [&queues[0], &queues[1]];
    beside(names, jobs, ROUNDS, async || round(few, jobs).await, async || round(many, jobs).await).await
}
