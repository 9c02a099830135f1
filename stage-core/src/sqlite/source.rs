//! The producer that delivers the jobs of a queue.

use std::pin::pin;

use futures_util::FutureExt;
use tokio::time::sleep;

use super::acknowledger::Settler;
use super::error::QueueError;
use super::job::{Job, Receipt};
use super::queue::{Queue, millis, now};
use super::table::Lease;
use crate::ack::{Deliveries, Delivery};
use crate::demand::Demand;
use crate::error::{BoxError, StageResult};
use crate::stage::{Context, Emitter, Init, Producer};

/// Jobs leased in one transaction, at most: what other sources can do meanwhile.
const AT_ONCE: usize = 1000;

/// Leases as many jobs as are asked for, and delivers them: the queue learns what became of each. Without
/// [`until_empty`](Self::until_empty) it waits for more until it is drained.
#[derive(Debug)]
#[must_use = "a source does nothing outside of a pipeline"]
pub struct Source {
    queue: Queue,
    end: End,
    /// A number of this source alone, and of this run of it: what it leased and never delivered runs out.
    lessee: i64,
    deliveries: Option<Deliveries<Receipt>>,
}

/// When the source finishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Never,
    Empty,
}

impl Source {
    pub(super) fn new(queue: Queue) -> Self {
        Self { queue, end: End::Never, lessee: 0, deliveries: None }
    }

    /// Finishes when there is no job left, not even one that is leased or waits to be tried again: it may come back.
    pub fn until_empty(mut self) -> Self {
        self.end = End::Empty;
        self
    }

    async fn lease(&self, limit: usize) -> Result<Vec<Job>, QueueError> {
        let (lessee, options) = (self.lessee, self.queue.options());
        let (visibility, attempts) = (millis(options.visibility), options.attempts);
        let leased = self.queue.run(move |table, lane, tx| {
            let now = now();
            let until = now.saturating_add(visibility);
            table.lease(tx, Lease { lane, lessee, limit, now, until, attempts })
        });
        match leased.await {
            // Whoever has it will let go of it; what is in hand goes on meanwhile.
            Err(error @ QueueError::Busy { .. }) => {
                tracing::warn!(%error, "no jobs can be leased for now");
                Ok(Vec::new())
            }
            leased => leased,
        }
    }

    async fn is_at_its_end(&self) -> Result<bool, QueueError> {
        match self.end {
            End::Never => Ok(false),
            End::Empty => self.queue.run(|table, lane, tx| table.is_empty(tx, lane)).await,
        }
    }
}

impl Producer for Source {
    type Event = Delivery<Job>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.lessee =
            self.queue.run(|_, _, tx| tx.query_row("SELECT random()", [], |row| row.get(0))).await?;
        let settler = Settler::new(self.queue.clone(), self.lessee);
        self.deliveries = Some(cx.acknowledge_by(settler, self.queue.options().acknowledgement()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Delivery<Job>>) -> StageResult {
        let mut wanted = demand.get();
        let mut draining = pin!(out.draining());
        while wanted > 0 {
            if draining.as_mut().now_or_never().is_some() {
                return Ok(());
            }
            // Before looking, so that no change behind the look is missed.
            let mut changed = pin!(self.queue.changed().notified());
            changed.as_mut().enable();
            let jobs = self.lease(wanted.min(AT_ONCE)).await?;
            wanted -= jobs.len();
            if let Some(deliveries) = self.deliveries.as_ref().filter(|_| !jobs.is_empty()) {
                out.extend(deliveries.deliver(jobs.into_iter().map(|job| (job.receipt(), job)).map(swap)));
                out.flush();
                continue;
            }
            if self.is_at_its_end().await? {
                out.finish();
                return Ok(());
            }
            tokio::select! {
                () = changed => {}
                () = sleep(self.queue.options().poll) => {}
                () = &mut draining => return Ok(()),
            }
        }
        Ok(())
    }
}

fn swap((receipt, job): (Receipt, Job)) -> (Job, Receipt) {
    (job, receipt)
}
