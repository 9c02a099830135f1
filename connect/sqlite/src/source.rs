//! The producer that delivers the jobs of a queue.

use std::pin::pin;

use futures_util::FutureExt;
use stage_core::ack::{Deliveries, Delivery, Waiting};
use stage_core::{BoxError, Context, Demand, Emitter, Init, Producer, StageResult};
use tokio::time::sleep;

use crate::acknowledger::Settler;
use crate::error::QueueError;
use crate::job::{Job, Receipt};
use crate::leased::Leased;
use crate::queue::Queue;

/// The maximum number of jobs leased in one transaction, so that other sources get their turn.
pub(crate) const AT_ONCE: usize = 1000;

/// Leases as many jobs as there is demand for, and delivers them; their verdicts are written to the queue.
/// Without [`until_empty`](Self::until_empty), it waits for more jobs until it is drained.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_sqlite::{Queue, Source};
///
/// /// Handles the jobs that are there, and ends.
/// fn work(queue: Queue) -> Pipeline {
///     Pipeline::builder("work")
///         .start("jobs", move || {
///             let source: Source = queue.source().until_empty();
///             Ok(source)
///         })
///         .acknowledged()
///         .finish_fn("print", |job| println!("job {}", job.id.0))
/// }
/// ```
#[derive(Debug)]
#[must_use = "a source does nothing outside of a pipeline"]
pub struct Source {
    queue: Queue,
    end: End,
    /// The lessee number of this run of the source; leases of an earlier run that are not settled run out.
    lessee: i64,
    deliveries: Option<Deliveries<Receipt>>,
}

/// The condition for the source to finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Never,
    Empty,
}

impl Source {
    pub(crate) fn new(queue: Queue) -> Self {
        Self { queue, end: End::Never, lessee: 0, deliveries: None }
    }

    /// Finishes once no job is left, not even a leased one or one that waits for a retry, since these may
    /// come back.
    pub fn until_empty(mut self) -> Self {
        self.end = End::Empty;
        self
    }

    async fn is_at_its_end(&self) -> Result<bool, QueueError> {
        match self.end {
            End::Never => Ok(false),
            End::Empty => {
                let empty = self.queue.run(|table, lane, tx| table.is_empty(tx, lane)).await;
                Ok(waiting_if_busy(empty, "cannot check whether the queue is empty, retrying later")?
                    .unwrap_or(false))
            }
        }
    }
}

impl Producer for Source {
    type Event = Delivery<Job>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.lessee = self.queue.new_lessee();
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
            // Registered before the look at the queue, so that no later change is missed.
            let mut changed = pin!(self.queue.changed().notified());
            changed.as_mut().enable();
            let leased = Leased::lease(&self.queue, self.lessee, wanted.min(AT_ONCE)).await;
            let leased = waiting_if_busy(leased, "cannot lease jobs, retrying later")?;
            let Some(deliveries) = &self.deliveries else { return Ok(()) };
            if let Some(leased) = leased.filter(|leased| leased.len() > 0) {
                wanted -= leased.len();
                deliveries.set_waiting(Waiting::No);
                leased.deliver(deliveries, out);
                out.flush();
                continue;
            }
            if self.is_at_its_end().await? {
                out.finish();
                return Ok(());
            }
            deliveries.set_waiting(Waiting::ForVerdicts);
            tokio::select! {
                () = changed => {}
                () = sleep(self.queue.options().poll) => {}
                () = &mut draining => return Ok(()),
            }
        }
        Ok(())
    }
}

/// Returns `None` if the file is locked; the lock will be released, and work on the jobs in hand continues.
fn waiting_if_busy<T>(done: Result<T, QueueError>, delayed: &str) -> Result<Option<T>, QueueError> {
    match done {
        Err(error @ QueueError::Busy { .. }) => {
            tracing::warn!(%error, "{delayed}");
            Ok(None)
        }
        done => done.map(Some),
    }
}
