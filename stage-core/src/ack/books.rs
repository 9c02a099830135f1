//! Which receipt belongs to which delivery, until it is judged.

use std::collections::BTreeMap;
use std::sync::Weak;

use super::acknowledger::Rejected;
use super::block::{Block, tell_judged};
use super::inbox::{Inbox, Spent};
use super::reason::Reason;
use super::settlement::Tally;
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, lock};

/// Memory of so many blocks is kept for later ones.
const SPARE: usize = 64;

/// What a source and its collector share.
#[derive(Debug)]
pub(super) struct Books<R> {
    pub(super) inbox: Arc<Inbox>,
    pub(super) tally: Arc<Tally>,
    pages: Mutex<Pages<R>>,
}

#[derive(Debug)]
struct Pages<R> {
    next: u64,
    open: BTreeMap<u64, Page<R>>,
    spare_receipts: Vec<Vec<Option<R>>>,
    spare_holders: Vec<Vec<AtomicUsize>>,
}

/// The receipts of one block; a judged one is taken out.
#[derive(Debug)]
struct Page<R> {
    receipts: Vec<Option<R>>,
    block: Weak<Block>,
}

/// Verdicts that the source is not told of yet.
#[derive(Debug)]
pub(super) struct Verdicts<R> {
    pub(super) acknowledged: Vec<R>,
    pub(super) rejected: Vec<Rejected<R>>,
}

impl<R> Verdicts<R> {
    pub(super) const fn new() -> Self {
        Self { acknowledged: Vec::new(), rejected: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.acknowledged.len() + self.rejected.len()
    }

    pub(super) fn clear(&mut self) {
        self.acknowledged.clear();
        self.rejected.clear();
    }

    fn add(&mut self, receipt: Option<R>, reason: Option<Reason>) {
        match (receipt, reason) {
            (Some(receipt), None) => self.acknowledged.push(receipt),
            (Some(receipt), Some(reason)) => self.rejected.push(Rejected { receipt, reason }),
            (None, _) => debug_assert!(false, "a delivery is judged once (invariant 1)"),
        }
    }
}

impl<R> Books<R> {
    pub(super) fn new(stopping: Arc<AtomicBool>, tally: Arc<Tally>) -> Arc<Self> {
        let pages =
            Pages { next: 0, open: BTreeMap::new(), spare_receipts: Vec::new(), spare_holders: Vec::new() };
        Arc::new(Self { inbox: Inbox::new(stopping), tally, pages: Mutex::new(pages) })
    }

    /// An empty list for receipts.
    pub(super) fn spare_receipts(&self) -> Vec<Option<R>> {
        lock(&self.pages).spare_receipts.pop().unwrap_or_default()
    }

    /// A block with a slot for each receipt, and how many there are; no block for none.
    ///
    /// # Panics
    ///
    /// If there are over `u32::MAX` receipts.
    pub(super) fn open(&self, receipts: Vec<Option<R>>) -> (Option<Arc<Block>>, u32) {
        let slots = u32::try_from(receipts.len()).expect("fewer than 2³² deliveries in one batch");
        if slots == 0 {
            return (None, 0);
        }
        self.tally.delivered(receipts.len());
        let mut pages = lock(&self.pages);
        let id = pages.next;
        pages.next += 1;
        let spare = pages.spare_holders.pop().unwrap_or_default();
        let block = Block::new(id, receipts.len(), spare, Arc::clone(&self.inbox));
        pages.open.insert(id, Page { receipts, block: Arc::downgrade(&block) });
        (Some(block), slots)
    }

    #[cfg(test)]
    pub(super) fn open_pages(&self) -> usize {
        lock(&self.pages).open.len()
    }

    /// Takes all verdicts there are now.
    pub(super) fn collect(&self, verdicts: &mut Verdicts<R>) {
        let mut pages = lock(&self.pages);
        for spent in self.inbox.take_spent() {
            pages.close(spent, verdicts);
        }
        for page in pages.open.values_mut() {
            // Without it, the block has just gone into the inbox.
            if let Some(block) = page.block.upgrade() {
                block.tell(|slot, reason| verdicts.add(page.receipts[slot].take(), reason));
            }
        }
    }
}

impl<R> Pages<R> {
    fn close(&mut self, spent: Spent, verdicts: &mut Verdicts<R>) {
        let Spent { id, holders, mut reasons } = spent;
        let Some(mut page) = self.open.remove(&id) else { return };
        tell_judged(&holders, &mut reasons, |slot, reason| verdicts.add(page.receipts[slot].take(), reason));
        if self.spare_holders.len() < SPARE {
            page.receipts.clear();
            self.spare_receipts.push(page.receipts);
            self.spare_holders.push(holders);
        }
    }
}
