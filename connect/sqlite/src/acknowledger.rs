//! Writes verdicts into the queue.

use std::sync::Arc;
use std::time::Duration;

use stage_core::BoxError;
use stage_core::ack::{Acknowledger, Reason, RejectedDelivery};

use crate::error::QueueError;
use crate::job::Receipt;
use crate::options::QueueOptions;
use crate::queue::{Queue, millis, now};
use crate::table::{Return, Table};

/// Writes the verdicts of one source, and renews its leases.
pub(crate) struct Settler {
    queue: Queue,
    lessee: i64,
    /// The number of jobs that died.
    dead: u64,
}

/// The next state of a rejected job. A pure decision.
#[derive(Debug, PartialEq)]
enum Fate {
    /// Retry after this delay; the attempt counts.
    Again(Duration),
    /// Retry after this delay; the attempt does not count.
    Untried(Duration),
    /// The job is dead.
    Dead,
}

impl Settler {
    pub(crate) fn new(queue: Queue, lessee: i64) -> Self {
        Self { queue, lessee, dead: 0 }
    }
}

impl Acknowledger for Settler {
    type Receipt = Receipt;

    async fn settle(
        &mut self,
        done: &[Receipt],
        rejected: &[RejectedDelivery<Receipt>],
    ) -> Result<(), BoxError> {
        let verdicts = Arc::new((done.to_vec(), rejected.to_vec(), self.queue.options().clone()));
        self.dead += self
            .queue
            .run_patiently("cannot write verdicts, retrying", || {
                let verdicts = Arc::clone(&verdicts);
                move |table, _, tx| write(table, tx, &verdicts)
            })
            .await?;
        self.queue.changed().notify_waiters();
        let settled = done.iter().copied().chain(rejected.iter().map(|rejected| rejected.receipt));
        self.queue.unmark(self.lessee, settled).await;
        Ok(())
    }

    fn dead(&self) -> u64 {
        self.dead
    }

    async fn keep(&mut self, _: &[Receipt]) -> Result<(), BoxError> {
        match self.queue.renew(self.lessee).await {
            // While the file is locked, no other process can lease jobs either; the source later renews
            // leases that ran out.
            Err(error @ QueueError::Busy { .. }) => {
                tracing::warn!(%error, "cannot renew leases, retrying later");
            }
            kept => kept?,
        }
        Ok(())
    }
}

/// Writes verdicts: acknowledged jobs, rejected jobs, and the options that decide on the latter. Returns the number of
/// jobs that died.
fn write(
    table: &Table,
    connection: &rusqlite::Connection,
    (done, rejected, options): &(Vec<Receipt>, Vec<RejectedDelivery<Receipt>>, QueueOptions),
) -> rusqlite::Result<u64> {
    let now = now();
    table.look_at_time(connection, now)?;
    let late = done.len() - table.acknowledge_all(connection, done)?;
    if late > 0 {
        // These jobs are or were delivered again: nothing is lost.
        tracing::warn!(jobs = late, "jobs acknowledged after their leases ran out");
    }
    let mut dead = 0;
    for rejected in rejected {
        dead += u64::from(reject(table, connection, rejected, options, now)?);
    }
    if !rejected.is_empty() {
        table.note_time(connection, now)?;
    }
    Ok(dead)
}

/// Returns whether the job is dead.
fn reject(
    table: &Table,
    connection: &rusqlite::Connection,
    RejectedDelivery { receipt, reason }: &RejectedDelivery<Receipt>,
    options: &QueueOptions,
    now: i64,
) -> rusqlite::Result<bool> {
    // A job without a delay is due at 0, independent of the clock.
    let due = |delay: Duration| if delay.is_zero() { 0 } else { now.saturating_add(millis(delay)) };
    let cause = reason.to_string();
    match fate(reason, *receipt, options) {
        Fate::Again(delay) => {
            table.give_back(connection, *receipt, Return::Failed(&cause), due(delay))?;
        }
        Fate::Untried(delay) => {
            table.give_back(connection, *receipt, Return::Untried, due(delay))?;
        }
        Fate::Dead => {
            tracing::warn!(job = receipt.id.0, attempts = receipt.attempt, cause, "job is dead");
            return table.bury(connection, *receipt, &cause, now);
        }
    }
    Ok(false)
}

fn fate(reason: &Reason, receipt: Receipt, options: &QueueOptions) -> Fate {
    match reason {
        Reason::Stopped | Reason::Untried => Fate::Untried(Duration::ZERO),
        Reason::Postponed(delay) => Fate::Untried(*delay),
        Reason::Hopeless(_) => Fate::Dead,
        // Any other reason: a handler had the job and did not finish it.
        _ if receipt.attempt >= options.attempts => Fate::Dead,
        _ => {
            // The queue counts attempts itself, so the limit of the back-off does not apply.
            let seed = receipt.id.0.cast_unsigned();
            Fate::Again(
                options.retry_after.delay(receipt.attempt.saturating_sub(1), seed).unwrap_or_default(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Company, JobId};
    use stage_core::Backoff;

    const fn receipt(attempt: u32) -> Receipt {
        Receipt { id: JobId(1), lease: 9, attempt, company: Company::Jobs, is_keyed: false }
    }

    #[test]
    fn failures_are_retried_after_growing_delays_until_the_attempts_are_exhausted() {
        let second = Duration::from_secs(1);
        let options = QueueOptions::new().attempts(3).retry_after(Backoff::new(second, 8 * second));
        let at = |attempt| fate(&Reason::Dropped, receipt(attempt), &options);
        assert!(matches!(at(1), Fate::Again(delay) if delay >= second / 2 && delay <= second), "{:?}", at(1));
        assert!(matches!(at(2), Fate::Again(delay) if delay >= second && delay <= 2 * second), "{:?}", at(2));
        assert_eq!(at(3), Fate::Dead);
    }

    #[test]
    fn stopped_and_postponed_jobs_count_no_attempt_and_hopeless_ones_are_dead() {
        let options = QueueOptions::new().attempts(1);
        let receipt = receipt(1);
        let second = Duration::from_secs(1);
        assert_eq!(fate(&Reason::Stopped, receipt, &options), Fate::Untried(Duration::ZERO));
        assert_eq!(fate(&Reason::Untried, receipt, &options), Fate::Untried(Duration::ZERO));
        assert_eq!(fate(&Reason::Postponed(second), receipt, &options), Fate::Untried(second));
        assert_eq!(fate(&Reason::hopeless("no"), receipt, &QueueOptions::new()), Fate::Dead);
    }
}
