//! Where leases report how they ended.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::Failure;
use crate::repository::Transfer;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The last stage put the file down, whole: so many clear bytes.
    Done(u64),
    /// It did not get there.
    Failed(Failure),
}

/// An attempt that is over: no stage holds any piece of it.
#[derive(Debug)]
pub struct Judged {
    /// What was moved.
    pub transfer: Transfer,
    /// How it ended.
    pub verdict: Verdict,
    /// Bytes that were told as moved; after a failure they are to be taken back.
    pub moved: u64,
}

/// Verdicts that somebody is dealing with. Dropped, they are dealt with: also when that was cut off, or nobody would ever
/// find the queue empty.
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
    /// Leases out, plus verdicts nobody took yet.
    open: AtomicUsize,
    stopping: AtomicBool,
}

impl Verdicts {
    /// From now on a hold that is dropped was stopped, not lost.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::Release);
        // Whoever waits for a verdict, or for a time, has something else to do now.
        self.0.arrived.notify_one();
    }

    pub(super) fn stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    /// What a dropped hold means now.
    pub(super) fn why_dropped(&self) -> Failure {
        if self.stopping() { Failure::Stopped } else { Failure::lost() }
    }

    /// Takes the verdicts that arrived. They are still [`Verdicts::open`] as long as the answer lives.
    pub fn take(&self) -> Taken {
        let judged = std::mem::take(&mut *self.0.judged.lock().unwrap_or_else(PoisonError::into_inner));
        Taken { judged, verdicts: self.clone() }
    }

    /// Leases whose end is not dealt with yet.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }

    /// Waits until a verdict or [`Verdicts::stop`] arrived since the last call. Cancel safe.
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
