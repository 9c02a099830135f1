//! A delivery that was split into many parts.

use std::fmt;
use std::mem;

use super::inbox::Inbox;
use super::looked::Looked;
use super::reason::Reason;
use super::slot::Slot;
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering, lock};

/// The count of the parts of one delivery, and the slot that the last of them settles.
///
/// A frame lives as long as the process and is used again for another delivery once all parts have settled. So a part
/// refers to its frame without a reference count: making one costs no atomic operation, and neighbours settle with a
/// single subtraction. As many frames exist as there were ever open deliveries with many parts at a time.
pub(super) struct Frame {
    holders: AtomicUsize,
    /// Set with the first reason, and reset when the frame is used again.
    rejected: AtomicBool,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    slot: Option<Slot>,
    /// The first reason given.
    reason: Option<Reason>,
}

#[cfg(not(all(test, stage_loom)))]
static SPARE: Mutex<Vec<&'static Frame>> = Mutex::new(Vec::new());
#[cfg(all(test, stage_loom))]
loom::lazy_static! {
    static ref SPARE: Mutex<Vec<&'static Frame>> = Mutex::new(Vec::new());
}

impl Frame {
    /// Returns the frame of the delivery of `slot`, with one holder.
    pub(super) fn of(slot: Slot) -> &'static Self {
        let spare = lock(&SPARE).pop();
        let frame = spare.unwrap_or_else(|| {
            let (holders, rejected) = (AtomicUsize::new(0), AtomicBool::new(false));
            Box::leak(Box::new(Self { holders, rejected, inside: Mutex::default() }))
        });
        lock(&frame.inside).slot = Some(slot);
        frame.holders.store(1, Ordering::Relaxed);
        frame
    }

    /// Adds holders. Called by a holder.
    pub(super) fn hold(&self, holders: usize) {
        self.holders.fetch_add(holders, Ordering::Relaxed);
    }

    /// Records that this number of holders, at least one, acknowledged. They must not use the frame again.
    pub(super) fn acknowledge(&'static self, holders: usize) {
        if self.holders.fetch_sub(holders, Ordering::AcqRel) == holders {
            self.settle();
        }
    }

    #[cold]
    fn settle(&'static self) {
        let Inside { slot, reason } = mem::take(&mut *lock(&self.inside));
        self.rejected.store(false, Ordering::Relaxed);
        lock(&SPARE).push(self);
        match (slot, reason) {
            (Some(slot), None) => slot.acknowledge(),
            (Some(slot), Some(reason)) => slot.reject(reason),
            // A frame has its slot until its last holder settles.
            (None, _) => {}
        }
    }

    /// Records that one holder rejected. The first reason counts, but one from a holder that tried takes precedence
    /// over `Untried`.
    pub(super) fn reject(&'static self, reason: Reason) {
        reason.or_first(&mut lock(&self.inside).reason);
        self.rejected.store(true, Ordering::Release);
        self.acknowledge(1);
    }

    /// Returns whether a holder has rejected. A rejection by the caller's own thread is always seen.
    #[inline]
    pub(super) fn is_rejected(&self) -> bool {
        self.rejected.load(Ordering::Relaxed)
    }

    pub(super) fn inbox(&self) -> Option<Arc<Inbox>> {
        lock(&self.inside).slot.as_ref().map(|slot| Arc::clone(slot.inbox()))
    }

    /// Returns the rejection reason of a part that is being dropped.
    pub(super) fn why_dropped(&self, looked: &Looked) -> Reason {
        let inbox = self.inbox();
        inbox.map_or_else(|| looked.why_dropped(), |inbox| inbox.why_dropped(looked))
    }
}

/// Omits the slot, because it leads to its inbox.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("holders", &self.holders).finish_non_exhaustive()
    }
}
