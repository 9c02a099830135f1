//! The queue as a connector: pulls jobs.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::time::Duration;

use stage_connect::{Acks, ConnectError, Pull, Pulled};
use tokio::time::{Instant, sleep};

use crate::job::{Job, Receipt};
use crate::look::Look;
use crate::queue::Queue;
use crate::settle::QueueSettle;
use crate::source::AT_ONCE;

/// A queue as a [`Pull`]; made by [`Queue::pull`].
///
/// [`Queue::source`] is the better source: it counts an attempt from a handler's first look, and writes the cause of
/// each failure. With a `Pull`, an attempt at a job that is leased alone begins when it is pulled, and a locked file is
/// a server that is away. The attempts of [`PullOptions`](stage_connect::PullOptions) and
/// [`QueueOptions`](crate::QueueOptions) should be the same.
///
/// See the example of [`Queue`].
#[derive(Debug)]
pub struct QueuePull {
    queue: Queue,
    lessee: i64,
    look: Look,
    /// The queue, or the edge in it, for messages.
    at: String,
}

impl QueuePull {
    pub(crate) fn new(queue: Queue, at: String) -> Self {
        let lessee = queue.new_lessee();
        Self { queue, lessee, look: Look::default(), at }
    }
}

impl Pull for QueuePull {
    type Message = Job;
    type Receipt = Receipt;
    type Settle = QueueSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        let looked = self.queue.run(|_, _, _| Ok(())).await;
        looked.map_err(|error| ConnectError::gone(&self.at, "cannot open", error))
    }

    fn settle_half(&mut self) -> QueueSettle {
        QueueSettle::new(self.queue.clone(), self.lessee, self.look.clone())
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Job, Receipt>>, ConnectError> {
        let until = Instant::now().checked_add(wait);
        loop {
            // Registered before the look at the queue, so that no later change is missed.
            let mut changed = pin!(self.queue.changed().notified());
            changed.as_mut().enable();
            let leased = self.look.lease(&self.queue, self.lessee, at_most.get().min(AT_ONCE)).await;
            let leased = leased.map_err(|error| ConnectError::gone(&self.at, "cannot lease jobs", error))?;
            if leased.len() > 0 {
                let pulled = leased.take(at_most.get()).into_iter().map(|job| {
                    let (receipt, attempt) = (job.receipt(), job.attempt);
                    Pulled { message: job, receipt, attempt }
                });
                return Ok(pulled.collect());
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Vec::new());
            }
            tokio::select! {
                () = changed => {}
                () = sleep(self.queue.options().poll.min(left.unwrap_or(Duration::MAX))) => {}
            }
        }
    }

    fn describe(&self) -> String {
        self.at.clone()
    }
}
