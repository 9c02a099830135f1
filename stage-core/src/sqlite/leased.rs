//! Jobs that are leased but not delivered yet.

use std::mem;

use tokio::runtime::Handle;

use super::job::{Job, Receipt};
use super::queue::Queue;
use super::table::Return;

/// Jobs between their lease and their delivery. If their source is aborted in between, they were never
/// delivered, so they are returned in the background.
#[derive(Debug)]
pub(super) struct Leased {
    queue: Queue,
    jobs: Vec<Job>,
}

impl Leased {
    pub(super) fn new(queue: Queue, jobs: Vec<Job>) -> Self {
        Self { queue, jobs }
    }

    /// Returns the jobs, which are now delivered.
    pub(super) fn deliver(mut self) -> Vec<Job> {
        mem::take(&mut self.jobs)
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        let receipts: Vec<_> = self.jobs.iter().map(Job::receipt).collect();
        // Without a runtime, the leases run out instead.
        let Ok(runtime) = Handle::try_current() else { return };
        if !receipts.is_empty() {
            runtime.spawn(give_back(self.queue.clone(), receipts));
        }
    }
}

async fn give_back(queue: Queue, receipts: Vec<Receipt>) {
    let done = queue.run_patiently("cannot return undelivered jobs, retrying", || {
        let receipts = receipts.clone();
        move |table, _, tx| {
            receipts
                .iter()
                .try_for_each(|receipt| table.give_back(tx, *receipt, Return::Untried, 0).map(drop))
        }
    });
    match done.await {
        Ok(()) => queue.changed().notify_waiters(),
        Err(error) => {
            tracing::warn!(%error, "cannot return undelivered jobs; they come back when their leases run out");
        }
    }
}
