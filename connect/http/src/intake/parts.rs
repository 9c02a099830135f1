//! The verdicts on the events of one streamed body.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stage_core::ack::Reason;
use tokio::sync::Notify;

use super::ticket::Verdict;

/// The events of one streamed body.
#[derive(Debug, Default)]
pub(super) struct Parts {
    sums: Mutex<Sums>,
    /// Signals that no event is open any more.
    settled: Notify,
}

/// The sums of verdicts.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    open: u64,
    pub(super) acknowledged: u64,
    pub(super) rejected: u64,
    pub(super) unknown: u64,
    /// The reason of the first rejection.
    pub(super) first: Option<Reason>,
    has_left: bool,
}

/// The request that reads the verdicts. Dropping it means that the client has gone.
pub(super) struct Reader(Arc<Parts>);

impl Parts {
    fn lock(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a verdict; returns whether the client still waits.
    pub(super) fn settle(&self, verdict: Verdict) -> bool {
        let mut sums = self.lock();
        sums.open -= 1;
        match verdict {
            Verdict::Acknowledged => sums.acknowledged += 1,
            Verdict::Unknown => sums.unknown += 1,
            Verdict::Rejected(reason) => {
                sums.rejected += 1;
                sums.first.get_or_insert(reason);
            }
        }
        if sums.open == 0 {
            self.settled.notify_one();
        }
        !sums.has_left
    }
}

impl Reader {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Adds an event, whose verdict will come.
    pub(super) fn add(&self) -> Arc<Parts> {
        self.0.lock().open += 1;
        Arc::clone(&self.0)
    }

    /// Waits until every event has a verdict.
    pub(super) async fn settled(&self) -> Sums {
        loop {
            let sums = self.0.lock().clone();
            if sums.open == 0 {
                return sums;
            }
            self.0.settled.notified().await;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.lock().has_left = true;
    }
}
