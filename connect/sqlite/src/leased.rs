//! Jobs that are leased but not delivered yet.

use std::mem;

use rusqlite::Transaction;
use stage_core::Emitter;
use stage_core::ack::{Deliveries, Delivery};
use tokio::runtime::Handle;

use crate::begun::Mark;
use crate::error::QueueError;
use crate::job::{Company, Job, Receipt};
use crate::queue::{Queue, millis};
use crate::table::{Lease, Return, Table};

/// Jobs between their lease and their delivery. If their source is aborted in between, they were never
/// delivered, so they are returned in the background.
#[derive(Debug)]
pub(crate) struct Leased {
    queue: Queue,
    lessee: i64,
    jobs: Vec<Job>,
    /// The mark of the only job, if the process holds no other.
    mark: Option<Mark>,
    /// The leases that ran out, with their lessees.
    ended: Vec<(i64, Receipt)>,
}

impl Leased {
    pub(crate) fn new(queue: Queue, lessee: i64, jobs: Vec<Job>, ended: Vec<(i64, Receipt)>) -> Self {
        let alone = jobs.iter().find(|job| job.company == Company::Nothing);
        let mark = alone.and_then(|job| queue.marks().create(lessee, job.receipt()));
        Self { queue, lessee, jobs, mark, ended }
    }

    /// Processes the leases that ran out, and leases the next jobs.
    pub(crate) async fn lease(queue: &Queue, lessee: i64, limit: usize) -> Result<Self, QueueError> {
        let ours = queue.clone();
        let lease = move |table: &Table, lane: &str, tx: &Transaction<'_>| {
            let options = ours.options();
            let (now, has_leapt) = ours.look_at_clock();
            let until = now.saturating_add(millis(options.visibility));
            table.look_at_time(tx, now)?;
            if has_leapt {
                table.keep_all(tx, until)?;
            }
            // This source is alive, so its leases must not run out.
            table.keep_late(tx, lessee, until, now)?;
            let room = match options.window {
                usize::MAX => limit,
                window => window.saturating_sub(table.in_flight(tx, lane, now)?),
            };
            let limit = limit.min(room);
            let lease = Lease { lane, lessee, limit, now, until, attempts: options.attempts };
            let mut ended = Vec::new();
            let jobs = table.lease_if_begun(tx, lease, |lessee, receipt| {
                ended.push((lessee, receipt));
                ours.marks().has_begun(lessee, receipt)
            })?;
            if !jobs.is_empty() {
                table.note_time(tx, now)?;
            }
            Ok(Self::new(ours.clone(), lessee, jobs, ended))
        };
        queue.run_then(lease, Self::forget_ended).await
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Removes the marks of the leases that ran out. Called after that was written.
    pub(crate) fn forget_ended(&self) {
        self.ended.iter().for_each(|(lessee, receipt)| self.queue.marks().remove(*lessee, *receipt));
    }

    /// Returns the first jobs, which are now in the hands of the caller. The others go back.
    pub(crate) fn take(mut self, at_most: usize) -> Vec<Job> {
        if let Some(mark) = self.mark.take() {
            mark.set();
        }
        let others = self.jobs.split_off(at_most.min(self.jobs.len()));
        mem::replace(&mut self.jobs, others)
    }

    /// Returns the jobs to the queue; their attempts do not count.
    pub(crate) async fn give_back(mut self) {
        let receipts: Vec<_> = mem::take(&mut self.jobs).iter().map(Job::receipt).collect();
        if !receipts.is_empty() {
            give_back(self.queue.clone(), self.lessee, receipts).await;
        }
    }

    /// Emits the jobs, which are now delivered.
    pub(crate) fn deliver(mut self, deliveries: &Deliveries<Receipt>, out: &mut Emitter<'_, Delivery<Job>>) {
        let mut jobs = mem::take(&mut self.jobs).into_iter();
        if let Some(mark) = self.mark.take()
            && let Some(job) = jobs.next()
        {
            let receipt = job.receipt();
            out.emit(deliveries.deliver_watched(job, receipt, || mark.set()));
        }
        out.extend(deliveries.deliver(jobs.map(|job| {
            let receipt = job.receipt();
            (job, receipt)
        })));
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        let receipts: Vec<_> = self.jobs.iter().map(Job::receipt).collect();
        // Without a runtime, the leases run out instead.
        let Ok(runtime) = Handle::try_current() else { return };
        if !receipts.is_empty() {
            runtime.spawn(give_back(self.queue.clone(), self.lessee, receipts));
        }
    }
}

async fn give_back(queue: Queue, lessee: i64, receipts: Vec<Receipt>) {
    let done = queue.run_patiently("cannot return undelivered jobs, retrying", || {
        let receipts = receipts.clone();
        move |table, _, tx| {
            receipts
                .iter()
                .try_for_each(|receipt| table.give_back(tx, *receipt, Return::Untried, 0).map(drop))
        }
    });
    match done.await {
        Ok(()) => {
            queue.changed().notify_waiters();
            queue.unmark(lessee, receipts.into_iter()).await;
        }
        Err(error) => {
            tracing::warn!(%error, "cannot return undelivered jobs; they come back when their leases run out");
        }
    }
}
