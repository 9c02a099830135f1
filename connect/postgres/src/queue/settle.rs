//! The half of the queue that reports dispositions.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stage_connect::{ConnectError, Disposition, Settle};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::job::Receipt;
use super::leasing::Leased;
use super::pull::receipts;
use super::queue::Queue;
use crate::link::{Link, Write};

/// Reports dispositions to a [`Queue`], and renews leases.
///
/// See the example of [`QueuePull`](crate::QueuePull).
#[derive(Debug)]
pub struct QueueSettle {
    queue: Queue,
    link: Option<Arc<Link>>,
    leftovers: Arc<Leftovers>,
}

impl QueueSettle {
    pub(super) fn new(queue: Queue, leftovers: Arc<Leftovers>) -> Self {
        Self { queue, link: None, leftovers }
    }

    async fn link(&mut self) -> Result<Arc<Link>, ConnectError> {
        if self.queue.shares_links() {
            return self.queue.link().await;
        }
        match &self.link {
            Some(link) if !link.is_closed() => Ok(Arc::clone(link)),
            _ => {
                let link = Arc::new(self.queue.connect().await?);
                self.link = Some(Arc::clone(&link));
                Ok(link)
            }
        }
    }
}

impl Settle for QueueSettle {
    type Receipt = Receipt;

    async fn settle(&mut self, settled: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        let link = self.link().await?;
        settle(&link, &self.queue, settled).await
    }

    async fn extend(&mut self, open: &[Receipt]) -> Result<(), ConnectError> {
        if open.is_empty() {
            return Ok(());
        }
        let link = self.link().await?;
        let statement = link.statement(&self.queue.statements().keep).await?;
        let (ids, leases) = identities(open.iter());
        let seconds = self.queue.options().lease.as_secs_f64();
        let kept = link.client().execute(&statement, &[&ids, &leases, &seconds]).await;
        link.told("cannot renew leases", kept).map(drop)
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.queue.options().lease)
    }

    async fn finish(&mut self) -> Result<(), ConnectError> {
        let left = self.leftovers.finish(self.queue.options().lease).await;
        if left.is_empty() { Ok(()) } else { self.settle(&released(&left)).await }
    }
}

fn released(receipts: &[Receipt]) -> Vec<(Receipt, Disposition)> {
    receipts.iter().map(|receipt| (*receipt, Disposition::Release)).collect()
}

fn identities<'a>(receipts: impl Iterator<Item = &'a Receipt>) -> (Vec<i64>, Vec<i64>) {
    receipts.map(|receipt| (receipt.id.0, receipt.lease)).unzip()
}

/// Jobs to be returned to the queue.
#[derive(Debug, Default)]
struct Back {
    ids: Vec<i64>,
    leases: Vec<i64>,
    attempts: Vec<i32>,
    delays: Vec<f64>,
    failed: Vec<bool>,
}

/// Jobs to be buried.
#[derive(Debug, Default)]
struct Dead {
    ids: Vec<i64>,
    leases: Vec<i64>,
    attempts: Vec<i32>,
    causes: Vec<String>,
}

/// Dispositions, sorted by the statement that writes them.
#[derive(Debug, Default)]
struct Sorted {
    /// Done jobs without a key whose leases have the number that is that of the first.
    alike: Vec<i64>,
    lease: Option<i64>,
    /// The others without a key.
    done: (Vec<i64>, Vec<i64>),
    keyed: (Vec<i64>, Vec<i64>),
    back: Back,
    dead: Dead,
    /// The next job of a key may become available.
    moves_keys: bool,
}

impl Sorted {
    fn of(settled: &[(Receipt, Disposition)]) -> Self {
        /// The longest delay; a longer one would leave the range of the server's timestamps.
        const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;
        let mut sorted = Self::default();
        for (receipt, disposition) in settled {
            let attempts = i32::try_from(receipt.attempt).unwrap_or(i32::MAX);
            let (id, lease) = (receipt.id.0, receipt.lease);
            match disposition {
                Disposition::Accept if !receipt.is_keyed && *sorted.lease.get_or_insert(lease) == lease => {
                    sorted.alike.push(id);
                }
                Disposition::Accept => {
                    let done = if receipt.is_keyed { &mut sorted.keyed } else { &mut sorted.done };
                    done.0.push(id);
                    done.1.push(lease);
                    sorted.moves_keys |= receipt.is_keyed;
                }
                Disposition::Release => sorted.back.add((id, lease), (attempts - 1).max(0), 0.0, false),
                Disposition::Retry { after } => {
                    sorted.back.add((id, lease), attempts, after.as_secs_f64().min(LONGEST), true);
                }
                Disposition::Dead { cause } => {
                    sorted.dead.ids.push(id);
                    sorted.dead.leases.push(lease);
                    sorted.dead.attempts.push(attempts);
                    sorted.dead.causes.push(cause.replace('\0', " "));
                    sorted.moves_keys |= receipt.is_keyed;
                }
            }
        }
        sorted
    }
}

impl Back {
    fn add(&mut self, (id, lease): (i64, i64), attempts: i32, delay: f64, failed: bool) {
        self.ids.push(id);
        self.leases.push(lease);
        self.attempts.push(attempts);
        self.delays.push(delay);
        self.failed.push(failed);
    }
}

/// Writes dispositions in one transaction. Each statement changes only jobs whose lease is the latest, so a repetition
/// changes nothing.
pub(super) async fn settle(
    link: &Link,
    queue: &Queue,
    settled: &[(Receipt, Disposition)],
) -> Result<(), ConnectError> {
    let (sorted, statements) = (Sorted::of(settled), queue.statements());
    let Sorted { alike, lease, done, keyed, back, dead, moves_keys } = &sorted;
    let mut writes: Vec<Write<'_>> = Vec::new();
    if *moves_keys {
        writes.push((link.statement(&statements.lock_keys).await?, vec![&queue.options().lane]));
    }
    if !alike.is_empty() {
        writes.push((link.statement(&statements.remove_of_one_lease).await?, vec![alike, lease]));
    }
    if !done.0.is_empty() {
        writes.push((link.statement(&statements.remove).await?, vec![&done.0, &done.1]));
    }
    if !keyed.0.is_empty() {
        writes.push((link.statement(&statements.remove_keyed).await?, vec![&keyed.0, &keyed.1]));
    }
    if !back.ids.is_empty() {
        let Back { ids, leases, attempts, delays, failed } = back;
        let put_back = link.statement(&statements.put_back).await?;
        writes.push((put_back, vec![ids, leases, attempts, delays, failed]));
    }
    if !dead.ids.is_empty() {
        let Dead { ids, leases, attempts, causes } = dead;
        writes.push((link.statement(&statements.bury).await?, vec![ids, leases, attempts, causes]));
    }
    link.write("cannot write verdicts", &writes).await?;
    if *moves_keys || !back.ids.is_empty() {
        queue.changed().notify_waiters();
    }
    Ok(())
}

/// Jobs that were leased and not delivered, until the settling half returns them.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    receipts: Vec<Receipt>,
    looks: Vec<JoinHandle<Result<Leased, ConnectError>>>,
    /// The settling half has ended.
    is_over: bool,
}

impl Leftovers {
    /// Adds jobs, and those of a look that is under way. If the settling half has ended, a task returns them.
    pub(super) fn add(
        &self,
        queue: &Queue,
        receipts: Vec<Receipt>,
        look: Option<JoinHandle<Result<Leased, ConnectError>>>,
    ) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.receipts.extend(receipts);
        state.looks.extend(look);
        if !state.is_over || state.receipts.is_empty() && state.looks.is_empty() {
            return;
        }
        let (kept, looks) = (mem::take(&mut state.receipts), mem::take(&mut state.looks));
        drop(state);
        let queue = queue.clone();
        // Without a runtime, the leases run out instead.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let left = gathered(kept, looks, queue.options().lease).await;
                let done = match queue.link().await {
                    Ok(link) => settle(&link, &queue, &released(&left)).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = done {
                    tracing::warn!(%error, "undelivered jobs come back when their leases run out");
                }
            });
        }
    }

    /// Returns what is left; whatever is added from now on is returned by a task.
    async fn finish(&self, lease: Duration) -> Vec<Receipt> {
        let (kept, looks) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.is_over = true;
            (mem::take(&mut state.receipts), mem::take(&mut state.looks))
        };
        gathered(kept, looks, lease).await
    }
}

async fn gathered(
    mut kept: Vec<Receipt>,
    looks: Vec<JoinHandle<Result<Leased, ConnectError>>>,
    lease: Duration,
) -> Vec<Receipt> {
    for look in looks {
        kept.extend(receipts(look, lease).await);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::job::{Job, JobId};
    use super::*;

    #[test]
    fn done_jobs_whose_leases_have_the_number_of_the_first_are_removed_together() {
        let done = |id, lease, key: Option<&[u8]>| {
            let (payload, key, headers) = (Vec::new(), key.map(<[u8]>::to_vec), Vec::new());
            let job = Job { id: JobId(id), payload, key, headers, priority: 0, attempt: 1, lease };
            (job.receipt(), Disposition::Accept)
        };
        let settled = [done(1, 9, Some(b"key")), done(2, 7, None), done(3, 8, None), done(4, 7, None)];
        let sorted = Sorted::of(&settled);
        assert_eq!((sorted.alike, sorted.lease), (vec![2, 4], Some(7)));
        assert_eq!((sorted.done, sorted.keyed), ((vec![3], vec![8]), (vec![1], vec![9])));
    }
}
