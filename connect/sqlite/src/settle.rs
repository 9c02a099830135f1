//! The queue as a connector: writes dispositions.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use stage_connect::{ConnectError, Disposition, Settle};

use crate::job::Receipt;
use crate::look::Look;
use crate::queue::{Queue, millis, now};
use crate::table::{Return, Table};

/// The cause that is written for a failure, which a disposition does not tell.
const FAILED: &str = "its handler failed";

/// Writes the dispositions of the jobs that a [`QueuePull`](crate::QueuePull) pulled.
///
/// See the example of [`Queue`].
#[derive(Debug)]
pub struct QueueSettle {
    queue: Queue,
    lessee: i64,
    look: Look,
}

impl QueueSettle {
    pub(crate) const fn new(queue: Queue, lessee: i64, look: Look) -> Self {
        Self { queue, lessee, look }
    }
}

impl Settle for QueueSettle {
    type Receipt = Receipt;

    async fn settle(&mut self, settled: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        let ours: Arc<[_]> = settled.into();
        let written = self.queue.run(move |table, _, tx| {
            let now = now();
            table.look_at_time(tx, now)?;
            write(table, tx, &ours, now)?;
            table.note_time(tx, now)
        });
        written
            .await
            .map_err(|error| ConnectError::gone(self.queue.describe(), "cannot write verdicts", error))?;
        self.queue.changed().notify_waiters();
        self.queue.unmark(self.lessee, settled.iter().map(|(receipt, _)| *receipt)).await;
        Ok(())
    }

    async fn extend(&mut self, _: &[Receipt]) -> Result<(), ConnectError> {
        let renewed = self.queue.renew(self.lessee).await;
        renewed.map_err(|error| ConnectError::gone(self.queue.describe(), "cannot renew leases", error))
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.queue.options().visibility)
    }

    /// Returns the jobs of a pull that was dropped.
    async fn finish(&mut self) -> Result<(), ConnectError> {
        self.look.give_back().await;
        Ok(())
    }
}

/// Writes dispositions; a lease that has ended settles nothing.
fn write(
    table: &Table,
    connection: &Connection,
    settled: &[(Receipt, Disposition)],
    now: i64,
) -> rusqlite::Result<()> {
    let mut done = Vec::with_capacity(settled.len());
    for (receipt, disposition) in settled {
        match disposition {
            Disposition::Accept => done.push(*receipt),
            Disposition::Release => {
                table.give_back(connection, *receipt, Return::Untried, 0)?;
            }
            Disposition::Retry { after } => {
                // A job without a delay is due at 0, independent of the clock.
                let due = if after.is_zero() { 0 } else { now.saturating_add(millis(*after)) };
                table.give_back(connection, *receipt, Return::Failed(FAILED), due)?;
            }
            Disposition::Dead { cause } => {
                table.bury(connection, *receipt, cause, now)?;
            }
        }
    }
    table.acknowledge_all(connection, &done).map(drop)
}
