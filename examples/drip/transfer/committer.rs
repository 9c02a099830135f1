//! Commits finished items in batches: each batch holds the items that finished during the previous commit.
//!
//! Thus all files that finish in the meantime share the cost of a sync, and a single file commits without
//! waiting for others. Batches keep a minimum distance.

use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// Capacity of the queue and of a batch, in items. Items hold no content.
const BATCH: usize = 512;

/// Minimum time from the end of a commit to the start of the next one: a sync briefly blocks every writer to
/// the same file system.
const APART: Duration = Duration::from_millis(50);

/// Sends items to a task that commits them. If dropped, the task still commits the items it was given; the
/// drop does not wait for that.
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
    /// Sends one item to the task; waits while its queue is full. The item is dropped if the task panicked.
    ///
    /// Cancel safe: an item that was not sent is dropped.
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
        // A rejected item drops its hold, which fails the transfer.
        let _ = sender.send(item).await;
    }

    /// Waits until everything is committed.
    pub(crate) async fn close(&mut self) {
        if let Some((sender, task)) = self.running.take() {
            drop(sender);
            // The runtime has reported a panic, and the dropped holds have failed their transfers.
            let _ = task.await;
        }
    }
}

/// Collects more items until the deadline, until the batch is full, or until the channel closes.
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

    /// Records the batches; each commit needs a permit.
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
    async fn requests_during_a_commit_form_the_next_batch() {
        let notes = Notes { batches: Arc::default(), permits: Arc::new(Semaphore::new(0)) };
        let mut committer = Committer::default();
        committer.add(0, || notes.clone()).await;
        while notes.permits.available_permits() == 0 && notes.batches.lock().unwrap().is_empty() {
            // One turn is enough for the task to receive the first item.
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
