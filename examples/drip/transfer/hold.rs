//! The token that accompanies each piece of a transfer: a dropped piece fails its transfer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Failure, Judged, Verdict, Verdicts};
use crate::repository::{Transfer, TransferId};

/// One holder of a leased transfer. The lease is judged when its last holder is gone.
#[derive(Debug)]
#[must_use = "a hold that is dropped fails its transfer; call `handled`"]
pub struct Hold {
    lease: Arc<Lease>,
    handled: bool,
}

#[derive(Debug)]
struct Lease {
    transfer: Transfer,
    verdict: Mutex<Option<Verdict>>,
    dead: AtomicBool,
    moved: AtomicU64,
    verdicts: Verdicts,
}

impl Hold {
    /// Creates the first hold of a transfer that was just leased.
    pub fn new(transfer: Transfer, verdicts: &Verdicts) -> Self {
        verdicts.opened();
        let lease = Lease {
            transfer,
            verdict: Mutex::new(None),
            dead: AtomicBool::new(false),
            moved: AtomicU64::new(0),
            verdicts: verdicts.clone(),
        };
        Self { lease: Arc::new(lease), handled: false }
    }

    /// The held transfer.
    pub fn transfer(&self) -> &Transfer {
        &self.lease.transfer
    }

    /// The key of keyed steps.
    pub fn key(&self) -> TransferId {
        self.lease.transfer.id
    }

    /// Creates another hold of the same lease.
    pub fn again(&self) -> Self {
        Self { lease: Arc::clone(&self.lease), handled: false }
    }

    /// Marks this holder's part as done.
    pub fn handled(mut self) {
        self.handled = true;
    }

    /// Whether the transfer has failed, so that further work on it is wasted.
    pub fn is_dead(&self) -> bool {
        self.lease.dead.load(Ordering::Acquire)
    }

    /// Fails the transfer. Only the first cause counts.
    pub fn fail(&self, failure: Failure) {
        self.lease.judge(Verdict::Failed(failure));
    }

    /// Marks the transfer as completely delivered. Has no effect if the transfer has failed.
    pub fn done(&self, bytes: u64) {
        self.lease.judge(Verdict::Done(bytes));
    }

    /// Records that `bytes` bytes arrived at the last stage.
    pub fn moved(&self, bytes: u64) {
        self.lease.moved.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.handled {
            self.fail(self.lease.verdicts.why_dropped());
        }
    }
}

impl Lease {
    fn judge(&self, verdict: Verdict) {
        let mut first = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            self.dead.store(matches!(verdict, Verdict::Failed(_)), Ordering::Release);
            *first = Some(verdict);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner).take();
        // All holders are done, but none has finished the transfer: the end of the file was lost.
        let verdict = verdict.unwrap_or_else(|| Verdict::Failed(self.verdicts.why_dropped()));
        let moved = *self.moved.get_mut();
        self.verdicts.report(Judged { transfer: self.transfer.clone(), verdict, moved });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::transfer;
    use super::*;

    fn held() -> (Hold, Verdicts) {
        let verdicts = Verdicts::default();
        (Hold::new(transfer("a"), &verdicts), verdicts)
    }

    fn verdict(verdicts: &Verdicts) -> Verdict {
        let judged = verdicts.take();
        assert_eq!(judged.len(), 1);
        judged[0].verdict.clone()
    }

    #[test]
    fn a_transfer_is_judged_when_its_last_hold_is_gone() {
        let (first, verdicts) = held();
        let second = first.again();
        first.done(5);
        first.handled();
        assert!(verdicts.take().is_empty());
        second.handled();
        assert_eq!(verdict(&verdicts), Verdict::Done(5));
    }

    #[test]
    fn a_hold_that_is_dropped_fails_the_transfer() {
        let (first, verdicts) = held();
        drop(first.again());
        assert!(first.is_dead());
        first.handled();
        assert_eq!(verdict(&verdicts), Verdict::Failed(Failure::lost()));
    }

    #[test]
    fn a_panic_fails_the_held_transfers() {
        let (first, verdicts) = held();
        let piece = first.again();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _piece = piece;
            panic!("a stage breaks");
        }));
        assert!(panicked.is_err() && first.is_dead());
        first.handled();
        assert_eq!(verdict(&verdicts), Verdict::Failed(Failure::lost()));
    }

    #[test]
    fn the_first_cause_is_the_one_that_counts() {
        let (first, verdicts) = held();
        first.fail(Failure::permanent("first"));
        first.fail(Failure::passing("second"));
        first.done(1);
        drop(first);
        assert_eq!(verdict(&verdicts), Verdict::Failed(Failure::permanent("first")));
    }

    #[test]
    fn after_a_stop_a_dropped_hold_is_no_failure() {
        let (first, verdicts) = held();
        verdicts.stop();
        drop(first);
        assert_eq!(verdict(&verdicts), Verdict::Failed(Failure::Stopped));
    }

    #[test]
    fn an_unfinished_transfer_is_not_done() {
        let (first, verdicts) = held();
        first.handled();
        assert_eq!(verdict(&verdicts), Verdict::Failed(Failure::lost()));
    }

    #[test]
    fn a_lease_stays_open_until_its_verdict_is_dealt_with() {
        let (first, verdicts) = held();
        first.done(0);
        first.handled();
        let taken = verdicts.take();
        assert_eq!((taken.len(), verdicts.open()), (1, 1));
        drop(taken);
        assert_eq!(verdicts.open(), 0);
    }
}
