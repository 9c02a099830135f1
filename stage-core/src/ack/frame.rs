//! A delivery that was split into many parts or pieces.

use std::fmt;
use std::mem;

use super::group::GroupKind;
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
    /// Whether the holders are the pieces of a whole. Written before the first of them is made.
    pieces: AtomicBool,
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
    pub(super) fn of(slot: Slot, kind: GroupKind) -> &'static Self {
        let spare = lock(&SPARE).pop();
        let frame = spare.unwrap_or_else(|| {
            let (holders, inside) = (AtomicUsize::new(0), Mutex::default());
            let (pieces, rejected) = (AtomicBool::new(false), AtomicBool::new(false));
            Box::leak(Box::new(Self { holders, pieces, rejected, inside }))
        });
        frame.pieces.store(kind == GroupKind::Pieces, Ordering::Relaxed);
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

    /// Returns whether the holders are pieces, which are skipped after one of them was rejected. They reach other threads by
    /// means that order what was written before.
    #[inline]
    pub(super) fn is_dead_whole(&self) -> bool {
        self.is_rejected() && self.pieces.load(Ordering::Relaxed)
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
