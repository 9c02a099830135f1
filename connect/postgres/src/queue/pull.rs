//! The half of the queue that leases jobs.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::{Acks, ConnectError, Pull, Pulled};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, timeout};

use super::job::{Job, Receipt};
use super::leasing::{Leased, lease};
use super::queue::Queue;
use super::settle::{Leftovers, QueueSettle};
use crate::link::Link;

/// The maximum number of jobs leased at once, so that other sources get their turn.
const AT_ONCE: usize = 5000;

/// Leases jobs of a [`Queue`]; created by [`Queue::pull`].
///
/// A program without a pipeline settles jobs itself; it needs a server:
///
/// ```no_run
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
///
/// use stage_connect::{ConnectError, Disposition, Pull, Settle};
/// use stage_postgres::{Queue, QueuePull, QueueSettle, Receipt};
///
/// # async fn take(queue: Queue) -> Result<(), ConnectError> {
/// let mut pull: QueuePull = queue.pull();
/// let mut settle: QueueSettle = pull.settle_half();
/// pull.connect().await?;
/// for job in pull.pull(NonZeroUsize::MIN, Duration::from_secs(5)).await? {
///     let receipt: Receipt = job.receipt;
///     settle.settle(&[(receipt, Disposition::Accept)]).await?;
/// }
/// settle.finish().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a pull does nothing outside of a source"]
pub struct QueuePull {
    queue: Queue,
    link: Option<(Arc<Link>, i64)>,
    /// A look for jobs that outlives a dropped call, so that its jobs are not lost.
    look: Option<JoinHandle<Result<Leased, ConnectError>>>,
    /// Leased jobs that a dropped call did not return, and the time of their lease.
    kept: (VecDeque<Job>, Instant),
    leftovers: Arc<Leftovers>,
    until_empty: bool,
    is_empty: bool,
}

impl QueuePull {
    pub(super) fn new(queue: Queue) -> Self {
        let kept = (VecDeque::new(), Instant::now());
        let leftovers = Arc::default();
        Self { queue, link: None, look: None, kept, leftovers, until_empty: false, is_empty: false }
    }

    /// Finishes once no job is left, not even a leased one or one that waits for a retry, since these may come back.
    pub fn until_empty(mut self) -> Self {
        self.until_empty = true;
        self
    }

    /// Looks for jobs once.
    async fn look(&mut self, at_most: usize) -> Result<Leased, ConnectError> {
        let Some((link, lessee)) = &self.link else {
            return Err(ConnectError::gone(self.queue.object(), "cannot lease jobs", "it is not connected"));
        };
        let begin = || {
            let lease = lease(Arc::clone(link), self.queue.clone(), *lessee, at_most.min(AT_ONCE));
            tokio::spawn(lease)
        };
        let look = self.look.get_or_insert_with(begin);
        let leased = look.await;
        self.look = None;
        leased.unwrap_or_else(|error| Err(interrupted(&self.queue, error)))
    }

    fn take(&mut self, at_most: usize) -> Vec<Pulled<Job, Receipt>> {
        let count = at_most.min(self.kept.0.len());
        let pulled = |job: Job| Pulled { receipt: job.receipt(), attempt: job.attempt, message: job };
        self.kept.0.drain(..count).map(pulled).collect()
    }

    /// Returns kept jobs to the queue before their leases run out, because no heartbeat renews these.
    fn drop_stale(&mut self) {
        if self.kept.1.elapsed() >= self.queue.options().lease / 3 {
            let stale = self.kept.0.drain(..).map(|job| job.receipt()).collect();
            self.leftovers.add(&self.queue, stale, None);
        }
    }
}

impl Pull for QueuePull {
    type Message = Job;
    type Receipt = Receipt;
    type Settle = QueueSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        // A look over the old connection may have leased jobs.
        self.leftovers.add(&self.queue, Vec::new(), self.look.take());
        let link = self.queue.link_for_looks().await?;
        let lessee = match &self.link {
            Some((_, lessee)) => *lessee,
            None => self.queue.new_lessee(&link).await?,
        };
        self.link = Some((link, lessee));
        Ok(())
    }

    fn settle_half(&mut self) -> QueueSettle {
        QueueSettle::new(self.queue.clone(), Arc::clone(&self.leftovers))
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Job, Receipt>>, ConnectError> {
        let begun = Instant::now();
        let (queue, never) = (self.queue.clone(), Notify::new());
        loop {
            self.drop_stale();
            if !self.kept.0.is_empty() {
                return Ok(self.take(at_most.get()));
            }
            // Registered before the look, so that no later change is missed.
            let link = self.link.as_ref().map(|(link, _)| Arc::clone(link));
            let mut changed = pin!(queue.changed().notified());
            changed.as_mut().enable();
            let mut notified = pin!(link.as_ref().map_or(&never, |link| link.notified()).notified());
            notified.as_mut().enable();
            let leased = self.look(at_most.get()).await?;
            if !leased.jobs.is_empty() {
                self.kept = (leased.jobs.into(), Instant::now());
                continue;
            }
            if self.until_empty
                && let Some(link) = &link
                && queue.is_empty_by(link).await?
            {
                self.is_empty = true;
                return Ok(Vec::new());
            }
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(Vec::new());
            }
            let pause = queue.options().poll.min(left).min(leased.next_due.unwrap_or(Duration::MAX));
            tokio::select! {
                () = changed => {}
                () = notified => {}
                () = sleep(pause.max(Duration::from_millis(1))) => {}
            }
        }
    }

    fn is_finished(&self) -> bool {
        self.is_empty
    }

    fn header<'a>(message: &'a Job, name: &str) -> Option<Cow<'a, str>> {
        message.header(name).map(Cow::from)
    }

    fn describe(&self) -> String {
        self.queue.object().to_string()
    }
}

/// Jobs that were leased and not returned go back.
impl Drop for QueuePull {
    fn drop(&mut self) {
        let kept = self.kept.0.drain(..).map(|job| job.receipt()).collect();
        self.leftovers.add(&self.queue, kept, self.look.take());
    }
}

/// The jobs of a look that is still under way.
pub(super) async fn receipts(
    look: JoinHandle<Result<Leased, ConnectError>>,
    at_most: Duration,
) -> Vec<Receipt> {
    match timeout(at_most, look).await {
        Ok(Ok(Ok(leased))) => leased.jobs.iter().map(Job::receipt).collect(),
        Ok(Ok(Err(_)) | Err(_)) | Err(_) => Vec::new(),
    }
}

fn interrupted(queue: &Queue, error: JoinError) -> ConnectError {
    ConnectError::gone(queue.object(), "the look for jobs was interrupted", error)
}
