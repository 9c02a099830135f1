//! The deliveries of one batch that leave a source together: who still holds each, and what was said.

use std::collections::BTreeMap;
use std::mem;

use super::inbox::{Inbox, Spent};
use super::reason::Reason;
use crate::sync::{Arc, AtomicU32, Mutex, Ordering, lock};

/// In the place of a count of holders: the verdict was taken to the acknowledger.
const TOLD: u32 = u32::MAX;

/// A slot for each delivery: how many hold it. One block is shared by the tokens of one batch, so a delivery
/// costs no allocation of its own.
#[derive(Debug)]
pub(super) struct Block {
    id: u64,
    holders: Vec<AtomicU32>,
    /// The first reason for which each rejected delivery was.
    reasons: Mutex<BTreeMap<usize, Reason>>,
    inbox: Arc<Inbox>,
}

impl Block {
    /// A block with one holder for each of `slots` deliveries, in the memory of `spare`.
    pub(super) fn new(id: u64, slots: usize, mut spare: Vec<AtomicU32>, inbox: Arc<Inbox>) -> Arc<Self> {
        spare.clear();
        spare.resize_with(slots, || AtomicU32::new(1));
        inbox.opened();
        Arc::new(Self { id, holders: spare, reasons: Mutex::new(BTreeMap::new()), inbox })
    }

    /// One holder more.
    pub(super) fn hold(&self, slot: usize) {
        self.holders[slot].fetch_add(1, Ordering::Relaxed);
    }

    /// One holder did its part.
    #[inline]
    pub(super) fn acknowledge(&self, slot: usize) {
        let holders = &self.holders[slot];
        // Nobody but the only holder can make others, so this needs no read-modify-write.
        if holders.load(Ordering::Acquire) == 1 {
            holders.store(0, Ordering::Release);
            self.inbox.mark();
        } else {
            self.release(slot);
        }
    }

    /// One holder did not do its part. The first reason counts.
    pub(super) fn reject(&self, slot: usize, reason: Option<Reason>) {
        let reason = reason.unwrap_or_else(|| self.inbox.why_dropped());
        lock(&self.reasons).entry(slot).or_insert(reason);
        self.release(slot);
    }

    #[cold]
    fn release(&self, slot: usize) {
        if self.holders[slot].fetch_sub(1, Ordering::AcqRel) == 1 {
            self.inbox.mark();
        }
    }

    pub(super) fn why_dropped(&self) -> Reason {
        self.inbox.why_dropped()
    }

    /// Whether somebody has rejected it already.
    pub(super) fn is_rejected(&self, slot: usize) -> bool {
        lock(&self.reasons).contains_key(&slot)
    }

    /// Tells of every delivery that was judged and not told of yet.
    pub(super) fn tell(&self, mut tell: impl FnMut(usize, Option<Reason>)) {
        for (slot, holders) in self.holders.iter().enumerate() {
            if holders.load(Ordering::Acquire) == 0 {
                holders.store(TOLD, Ordering::Relaxed);
                tell(slot, lock(&self.reasons).remove(&slot));
            }
        }
    }
}

/// Whether the verdict was taken while others of the block were held.
pub(super) fn was_told(holders: &AtomicU32) -> bool {
    holders.load(Ordering::Relaxed) == TOLD
}

/// No token of it is left: what was not told yet goes into the inbox as a whole.
impl Drop for Block {
    fn drop(&mut self) {
        let holders = mem::take(&mut self.holders);
        let reasons = mem::take(&mut *lock(&self.reasons));
        self.inbox.spent(Spent { id: self.id, holders, reasons });
    }
}
