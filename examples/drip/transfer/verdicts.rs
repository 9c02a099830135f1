//! Collects the verdicts on ended leases.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::Failure;
use crate::repository::Transfer;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The last stage completed the file of this many clear bytes.
    Done(u64),
    /// The transfer failed.
    Failed(Failure),
}

/// A finished attempt: no stage holds any piece of it.
#[derive(Debug)]
pub struct Judged {
    /// The transfer.
    pub transfer: Transfer,
    /// The verdict.
    pub verdict: Verdict,
    /// Number of bytes reported as moved; after a failure this report must be taken back.
    pub moved: u64,
}

/// Verdicts in process. Dropping the value marks them as processed, even if processing was cancelled:
/// otherwise the queue would never count as empty.
#[derive(Debug)]
pub struct Taken {
    judged: Vec<Judged>,
    verdicts: Verdicts,
}

impl Deref for Taken {
    type Target = [Judged];

    fn deref(&self) -> &[Judged] {
        &self.judged
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.verdicts.0.open.fetch_sub(self.judged.len(), Ordering::AcqRel);
    }
}

/// Collects verdicts; cheap to clone. Reporting one neither waits nor needs a runtime.
#[derive(Debug, Clone, Default)]
pub struct Verdicts(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    judged: Mutex<Vec<Judged>>,
    arrived: Notify,
    /// Number of active leases, plus verdicts not yet processed.
    open: AtomicUsize,
    stopping: AtomicBool,
}

impl Verdicts {
    /// Marks the run as stopping: a hold dropped from now on counts as stopped, not lost.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::Release);
        // Wake a task that waits for a verdict or a delay: it has to stop.
        self.0.arrived.notify_one();
    }

    pub(super) fn stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    /// How to interpret a dropped hold now.
    pub(super) fn why_dropped(&self) -> Failure {
        if self.stopping() { Failure::Stopped } else { Failure::lost() }
    }

    /// Takes the verdicts that arrived. They count as [`Verdicts::open`] until the returned value is dropped.
    pub fn take(&self) -> Taken {
        let judged = std::mem::take(&mut *self.0.judged.lock().unwrap_or_else(PoisonError::into_inner));
        Taken { judged, verdicts: self.clone() }
    }

    /// Number of leases whose end is not processed yet.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }

    /// Waits until a verdict or [`Verdicts::stop`] has arrived since the last call. Cancel safe.
    pub async fn arrived(&self) {
        self.0.arrived.notified().await;
    }

    pub(super) fn opened(&self) {
        self.0.open.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn report(&self, judged: Judged) {
        self.0.judged.lock().unwrap_or_else(PoisonError::into_inner).push(judged);
        self.0.arrived.notify_one();
    }
}
