//! Which receipt belongs to which delivery, until it is judged.

use std::collections::BTreeMap;
use std::sync::Weak;

use super::acknowledger::Rejected;
use super::block::{Block, was_told};
use super::inbox::{Inbox, Spent};
use super::reason::Reason;
use super::settlement::Tally;
use crate::sync::{Arc, AtomicBool, AtomicU32, Mutex, lock};

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
    spare_receipts: Vec<Vec<R>>,
    spare_holders: Vec<Vec<AtomicU32>>,
}

/// The receipts of one block.
#[derive(Debug)]
struct Page<R> {
    receipts: Vec<R>,
    block: Weak<Block>,
    /// How many were told of while others were held.
    told: usize,
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

    fn add(&mut self, receipt: R, reason: Option<Reason>) {
        match reason {
            None => self.acknowledged.push(receipt),
            Some(reason) => self.rejected.push(Rejected { receipt, reason }),
        }
    }
}

impl<R: Clone> Books<R> {
    pub(super) fn new(stopping: Arc<AtomicBool>, tally: Arc<Tally>) -> Arc<Self> {
        let pages =
            Pages { next: 0, open: BTreeMap::new(), spare_receipts: Vec::new(), spare_holders: Vec::new() };
        Arc::new(Self { inbox: Inbox::new(stopping), tally, pages: Mutex::new(pages) })
    }

    /// An empty list for receipts.
    pub(super) fn spare_receipts(&self) -> Vec<R> {
        lock(&self.pages).spare_receipts.pop().unwrap_or_default()
    }

    /// A block with a slot for each receipt, and how many there are; no block for none.
    ///
    /// # Panics
    ///
    /// If there are over `u32::MAX` receipts.
    pub(super) fn open(&self, receipts: Vec<R>) -> (Option<Arc<Block>>, u32) {
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
        pages.open.insert(id, Page { receipts, block: Arc::downgrade(&block), told: 0 });
        (Some(block), slots)
    }

    #[cfg(test)]
    pub(super) fn open_pages(&self) -> usize {
        lock(&self.pages).open.len()
    }

    /// Takes all verdicts there are now. The source is kept waiting for a moment only.
    pub(super) fn collect(&self, verdicts: &mut Verdicts<R>) {
        let spent = self.inbox.take_spent();
        let mut ready = Vec::with_capacity(spent.len());
        {
            let mut pages = lock(&self.pages);
            for spent in spent {
                if let Some(page) = pages.open.remove(&spent.id) {
                    ready.push((page, spent));
                }
            }
            for page in pages.open.values_mut() {
                page.look(verdicts);
            }
        }
        let spare: Vec<_> = ready.into_iter().map(|(page, spent)| page.close(spent, verdicts)).collect();
        lock(&self.pages).keep(spare);
    }
}

impl<R> Pages<R> {
    fn keep(&mut self, spare: Vec<(Vec<R>, Vec<AtomicU32>)>) {
        for (receipts, holders) in spare.into_iter().take(SPARE.saturating_sub(self.spare_holders.len())) {
            self.spare_receipts.push(receipts);
            self.spare_holders.push(holders);
        }
    }
}

impl<R: Clone> Page<R> {
    /// Tells of what was judged of a block that is still held.
    fn look(&mut self, verdicts: &mut Verdicts<R>) {
        // Without it, the block has just gone into the inbox.
        let Some(block) = self.block.upgrade() else { return };
        block.tell(|slot, reason| {
            verdicts.add(self.receipts[slot].clone(), reason);
            self.told += 1;
        });
    }
}

impl<R> Page<R> {
    /// Tells of the rest of a block that nobody holds; returns the memory.
    fn close(mut self, spent: Spent, verdicts: &mut Verdicts<R>) -> (Vec<R>, Vec<AtomicU32>) {
        let Spent { holders, mut reasons, .. } = spent;
        if self.told == 0 && reasons.is_empty() {
            verdicts.acknowledged.append(&mut self.receipts);
        }
        for (slot, receipt) in self.receipts.drain(..).enumerate() {
            if !was_told(&holders[slot]) {
                verdicts.add(receipt, reasons.remove(&slot));
            }
        }
        (self.receipts, holders)
    }
}
