//! Commits what has ended in batches: everything that ended while the batch before was being committed.
//!
//! So the cost of a sync is shared by as many files as come meanwhile, and a file that comes alone waits for nobody. Batches are
//! some time apart.

use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// Items that may wait, and items of one batch. They hold no content.
const BATCH: usize = 512;

/// How long a batch gathers at least behind the one before: a sync stops whoever writes to the same file system for a moment.
const APART: Duration = Duration::from_millis(50);

/// Hands items to a task that commits them. Dropped, it has the task commit what it was given, and does not wait for that.
#[derive(Debug)]
pub(crate) struct Committer<T> {
    running: Option<(Sender<T>, JoinHandle<()>)>,
}

impl<T> Default for Committer<T> {
    fn default() -> Self {
        Self { running: None }
    }
}

impl<T: Send + 'static> Committer<T> {
    /// Hands one item over, and waits while too many wait already. An item is dropped if the task panicked.
    ///
    /// Cancel safe: an item that was not handed over is dropped.
    pub(crate) async fn add<F>(&mut self, item: T, commit: impl FnOnce() -> F)
    where
        F: AsyncCommit<T>,
    {
        let (sender, _) = self.running.get_or_insert_with(|| {
            let commit = commit();
            let (sender, mut receiver) = channel(BATCH);
            let task = tokio::spawn(async move {
                let (mut batch, mut next) = (Vec::new(), Instant::now());
                while receiver.recv_many(&mut batch, BATCH).await > 0 {
                    if Instant::now() < next {
                        gather(&mut receiver, &mut batch, next).await;
                    }
                    commit.commit(std::mem::take(&mut batch)).await;
                    next = Instant::now() + APART;
                }
            });
            (sender, task)
        });
        // The hold in an item that nobody takes fails its transfer.
        let _ = sender.send(item).await;
    }

    /// Waits until everything is committed.
    pub(crate) async fn close(&mut self) {
        if let Some((sender, task)) = self.running.take() {
            drop(sender);
            // A panic was reported by the runtime, and failed what it held.
            let _ = task.await;
        }
    }
}

/// Takes more until it is time, the batch is full, or nothing more can come.
async fn gather<T>(receiver: &mut Receiver<T>, batch: &mut Vec<T>, until: Instant) {
    while batch.len() < BATCH {
        let more = receiver.recv_many(batch, BATCH - batch.len());
        match timeout_at(until, more).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// Commits a batch.
pub(crate) trait AsyncCommit<T>: Send + Sync + 'static {
    fn commit(&self, batch: Vec<T>) -> impl Future<Output = ()> + Send;
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::Semaphore;

    use super::*;

    /// Notes the batches; each needs a permit.
    #[derive(Clone)]
    struct Notes {
        batches: Arc<Mutex<Vec<Vec<u32>>>>,
        permits: Arc<Semaphore>,
    }

    impl AsyncCommit<u32> for Notes {
        async fn commit(&self, batch: Vec<u32>) {
            self.permits.acquire().await.unwrap().forget();
            self.batches.lock().unwrap().push(batch);
        }
    }

    #[tokio::test]
    async fn what_comes_while_a_batch_is_committed_is_the_next_batch() {
        let notes = Notes { batches: Arc::default(), permits: Arc::new(Semaphore::new(0)) };
        let mut committer = Committer::default();
        committer.add(0, || notes.clone()).await;
        while notes.permits.available_permits() == 0 && notes.batches.lock().unwrap().is_empty() {
            // The task has the first item once it has had its turn.
            tokio::task::yield_now().await;
            for item in 1..5 {
                committer.add(item, || notes.clone()).await;
            }
            notes.permits.add_permits(2);
        }
        committer.close().await;
        assert_eq!(*notes.batches.lock().unwrap(), [vec![0], vec![1, 2, 3, 4]]);
    }
}
