//! Leases jobs over one connection: looks at the table, ends delays and leases that are over, and takes available jobs.
//!
//! 1. A statement that takes jobs skips locked rows (`SKIP LOCKED`), so processes do not wait
//!    for each other.
//! 2. Which job of a key is the first changes only under the lock of the keys of its lane, held for one short
//!    transaction. The transactions of callers that enqueue never hold it.

use std::sync::Arc;
use std::time::Duration;

use stage_connect::{ConnectError, Disposition};
use tokio_postgres::{Error, Row};

use super::job::{Job, JobId, Receipt, read_headers};
use super::queue::Queue;
use super::settle::settle;
use super::turn::{Look, Turn};
use crate::link::Link;

/// The number of times that others take the jobs that were seen, before a pull waits for the next poll.
const RACES: usize = 3;

/// The result of one look for jobs.
#[derive(Debug, Default)]
pub(super) struct Leased {
    pub(super) jobs: Vec<Job>,
    /// The time until a job may become available by itself.
    pub(super) next_due: Option<Duration>,
}

/// Leases up to `limit` jobs for `lessee`.
pub(super) async fn lease(
    link: Arc<Link>,
    queue: Queue,
    lessee: i64,
    limit: usize,
) -> Result<Leased, ConnectError> {
    // The sources of a process take turns, so that none takes a job beside one that must be alone.
    let _turn = queue.turn().await;
    match queue.options().window {
        None => lease_in_turn(&link, &queue, lessee, limit).await,
        Some(window) => lease_within(&link, &queue, lessee, limit, window).await,
    }
}

/// Leases no more than `window` leaves room for, beside all other processes.
async fn lease_within(
    link: &Link,
    queue: &Queue,
    lessee: i64,
    limit: usize,
    window: u32,
) -> Result<Leased, ConnectError> {
    let (statements, lane) = (queue.statements(), &queue.options().lane);
    let (lock, count, unlock) = (
        link.statement(&statements.lock_window).await?,
        link.statement(&statements.in_flight).await?,
        link.statement(&statements.unlock_window).await?,
    );
    let client = link.client();
    link.told("cannot lock the window", client.execute(&lock, &[lane]).await)?;
    let leased = async {
        let count = client.query_one(&count, &[lane]).await.and_then(|row| row.try_get::<_, i64>(0));
        let in_flight = link.told("cannot count leased jobs", count)?;
        let room = usize::try_from(i64::from(window) - in_flight).unwrap_or(0);
        if room == 0 {
            Ok(Leased::default())
        } else {
            lease_in_turn(link, queue, lessee, limit.min(room)).await
        }
    };
    let leased = leased.await;
    if let Err(error) = link.told("cannot unlock the window", client.execute(&unlock, &[lane]).await) {
        // The lock ends with its connection.
        tracing::debug!(%error, "the connection is lost");
    }
    leased
}

async fn lease_in_turn(
    link: &Link,
    queue: &Queue,
    lessee: i64,
    limit: usize,
) -> Result<Leased, ConnectError> {
    let jobs = take(link, queue, lessee, Turn::AtOnce, limit).await?;
    if !jobs.is_empty() {
        return Ok(Leased { jobs, next_due: None });
    }
    let mut look = look(link, queue, lessee).await?;
    // Once per call, so that a million delays that end at once do not hold up the jobs that are available.
    if look.is_time_up() {
        end_what_is_over(link, queue).await?;
    }
    if look.has_new {
        place(link, queue).await?;
    }
    if look.is_time_up() || look.has_new {
        look = self::look(link, queue, lessee).await?;
    }
    let mut races = 0;
    while races < RACES {
        let turn = look.turn(queue.options().lease.as_secs_f64());
        let mut jobs = take(link, queue, lessee, turn, limit).await?;
        match turn {
            Turn::Nothing => break,
            Turn::Alone if bury_worn_out(link, queue, &mut jobs).await? => {}
            Turn::Alone | Turn::Ready | Turn::AtOnce => races += 1,
        }
        if !jobs.is_empty() {
            return Ok(Leased { jobs, next_due: look.next_due() });
        }
        look = self::look(link, queue, lessee).await?;
    }
    Ok(Leased { jobs: Vec::new(), next_due: look.next_due() })
}

async fn look(link: &Link, queue: &Queue, lessee: i64) -> Result<Look, ConnectError> {
    let statement = link.statement(&queue.statements().look).await?;
    let (from, to) = sources_beside(lessee);
    let row = link.client().query_one(&statement, &[&queue.options().lane, &from, &to]).await;
    link.told("cannot look for jobs", row.and_then(|row| Look::of(&row)))
}

async fn take(
    link: &Link,
    queue: &Queue,
    lessee: i64,
    turn: Turn,
    limit: usize,
) -> Result<Vec<Job>, ConnectError> {
    let (statements, options) = (queue.statements(), queue.options());
    let (statement, limit) = match turn {
        Turn::Nothing => return Ok(Vec::new()),
        Turn::Alone => (&statements.take_alone, 1),
        Turn::Ready => (&statements.take, limit),
        Turn::AtOnce => (&statements.take_at_once, limit),
    };
    let statement = link.statement(statement).await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let seconds = options.lease.as_secs_f64();
    let taken = link.client().query(&statement, &[&options.lane, &limit, &lessee, &seconds]).await;
    let taken = link.told("cannot lease jobs", taken)?;
    let jobs = taken.iter().map(job).collect::<Result<Vec<_>, _>>();
    let mut jobs = link.told("cannot read a job", jobs)?;
    // The server returns updated rows in no particular order.
    jobs.sort_unstable_by_key(|job| (-i64::from(job.priority), job.attempt, job.id));
    Ok(jobs)
}

/// Buries a job whose lease ran out on its last attempt; returns whether there was one.
async fn bury_worn_out(link: &Link, queue: &Queue, jobs: &mut Vec<Job>) -> Result<bool, ConnectError> {
    let most = queue.options().attempts;
    let dead = |job: Job| {
        let receipt = Receipt { attempt: job.attempt - 1, ..job.receipt() };
        (receipt, Disposition::Dead { cause: "its lease ran out".to_owned() })
    };
    let worn_out: Vec<_> = jobs.extract_if(.., |job| job.attempt > most).map(dead).collect();
    settle(link, queue, &worn_out).await?;
    Ok(!worn_out.is_empty())
}

/// Makes jobs available whose delay is over, and ends the leases that ran out.
async fn end_what_is_over(link: &Link, queue: &Queue) -> Result<(), ConnectError> {
    let statements = queue.statements();
    let promote = link.statement(&statements.promote).await?;
    link.told("cannot end delays", link.client().execute(&promote, &[]).await)?;
    let (lock, uncount, let_go) = (
        link.statement(&statements.lock_ends).await?,
        link.statement(&statements.uncount).await?,
        link.statement(&statements.let_go).await?,
    );
    let client = link.client();
    let all = async {
        client.batch_execute("BEGIN").await?;
        if client.query_one(&lock, &[]).await?.try_get(0)? {
            client.execute(&uncount, &[]).await?;
            client.execute(&let_go, &[]).await?;
        }
        client.batch_execute("COMMIT").await
    };
    let done = all.await;
    link.roll_back(done.is_err()).await;
    link.told("cannot end leases", done)
}

async fn place(link: &Link, queue: &Queue) -> Result<(), ConnectError> {
    let statements = queue.statements();
    let (lock, place) =
        (link.statement(&statements.lock_keys).await?, link.statement(&statements.place).await?);
    let lane = &queue.options().lane;
    link.write("cannot place new jobs", &[(lock, vec![lane]), (place, vec![lane])]).await
}

fn job(row: &Row) -> Result<Job, Error> {
    Ok(Job {
        id: JobId(row.try_get(0)?),
        payload: row.try_get(1)?,
        key: row.try_get(2)?,
        headers: read_headers(row.try_get(3)?),
        priority: row.try_get(4)?,
        attempt: count(row.try_get(5)?),
        lease: row.try_get(6)?,
    })
}

/// Reads a number that is not negative.
pub(super) fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// Returns the first and the last lessee number of a process.
const fn sources_beside(lessee: i64) -> (i64, i64) {
    const SOURCES: i64 = u32::MAX as i64;
    (lessee & !SOURCES, lessee | SOURCES)
}
