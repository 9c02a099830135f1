//! Maps open deliveries to their receipts.

use tokio::time::Instant;

use super::acknowledger::RejectedDelivery;
use super::collectors::Open;
use super::inbox::{Inbox, Judged};
use super::reason::Reason;
use super::settlement::Tally;
use super::slot::Slot;
use crate::base::stats::StageHistograms;
use crate::sync::{Arc, AtomicBool, Mutex, lock};

/// Receipts looked up under one lock, during which the source cannot deliver.
const AT_ONCE: usize = 1024;

/// State shared by a source and its collector.
#[derive(Debug)]
pub(super) struct Books<R> {
    pub(super) inbox: Arc<Inbox>,
    pub(super) tally: Arc<Tally>,
    pages: Mutex<Pages<R>>,
}

/// A table with as many rows as there were ever open deliveries at a time.
#[derive(Debug)]
struct Pages<R> {
    /// The receipts, by the place of the slot.
    receipts: Vec<Option<R>>,
    /// The times of opening, by the place of the slot.
    opened: Vec<Instant>,
    /// Slots not in use.
    spare: Vec<Slot>,
}

/// Verdicts not yet reported to the source.
#[derive(Debug)]
pub(super) struct Verdicts<R> {
    pub(super) acknowledged: Vec<R>,
    pub(super) rejected: Vec<RejectedDelivery<R>>,
    /// Buffer, empty between two collections.
    judged: Judged,
}

impl<R> Verdicts<R> {
    pub(super) fn new() -> Self {
        Self { acknowledged: Vec::new(), rejected: Vec::new(), judged: Judged::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.acknowledged.len() + self.rejected.len()
    }

    pub(super) fn clear(&mut self) {
        self.acknowledged.clear();
        self.rejected.clear();
    }
}

impl<R> Books<R> {
    pub(super) fn new(stopping: Arc<AtomicBool>, tally: Arc<Tally>) -> Arc<Self> {
        let pages = Mutex::new(Pages { receipts: Vec::new(), opened: Vec::new(), spare: Vec::new() });
        Arc::new(Self { inbox: Inbox::new(stopping), tally, pages })
    }

    /// Returns a slot for each receipt, in order.
    ///
    /// # Panics
    ///
    /// If more than 2³² deliveries are open.
    pub(super) fn open(&self, receipts: Vec<R>) -> Vec<Slot> {
        let deliveries = receipts.len();
        self.tally.delivered(deliveries);
        self.inbox.opened(deliveries);
        lock(&self.pages).open(receipts, &self.inbox)
    }

    /// Replaces `open` by the receipts of all open deliveries. The source is blocked only for moments.
    pub(super) fn list_open(&self, open: &mut Vec<R>)
    where
        R: Clone,
    {
        open.clear();
        let mut from = 0;
        loop {
            let pages = lock(&self.pages);
            let Some(rest) = pages.receipts.get(from..).filter(|rest| !rest.is_empty()) else { return };
            open.extend(rest.iter().take(AT_ONCE).flatten().cloned());
            from += AT_ONCE;
        }
    }

    #[cfg(test)]
    pub(super) fn open_places(&self) -> usize {
        lock(&self.pages).receipts.iter().flatten().count()
    }

    /// Takes all current verdicts, and records the times of their deliveries. The source is blocked only for
    /// moments.
    pub(super) fn collect(&self, verdicts: &mut Verdicts<R>, record: Option<&StageHistograms>) {
        let Verdicts { acknowledged, rejected, judged } = verdicts;
        self.inbox.take(judged);
        acknowledged.reserve(judged.acknowledged.len());
        let record = record.map(|histograms| (histograms, Instant::now()));
        let mut slots = judged.acknowledged.drain(..);
        while slots.len() > 0 {
            lock(&self.pages).close(slots.by_ref().take(AT_ONCE), acknowledged, record);
        }
        for (slot, reason) in judged.rejected.drain(..) {
            rejected.extend(lock(&self.pages).close_rejected(slot, reason, record));
        }
    }
}

impl<R: Send> Open for Books<R> {
    fn oldest(&self) -> Option<Instant> {
        let pages = lock(&self.pages);
        let open = pages.receipts.iter().zip(&pages.opened).filter(|(receipt, _)| receipt.is_some());
        open.map(|(_, opened)| *opened).min()
    }
}

impl<R> Pages<R> {
    fn open(&mut self, receipts: Vec<R>, inbox: &Arc<Inbox>) -> Vec<Slot> {
        let now = Instant::now();
        while self.spare.len() < receipts.len() {
            let place = u32::try_from(self.receipts.len()).expect("fewer than 2³² deliveries at a time");
            self.spare.push(Slot::new(place, inbox));
            self.receipts.push(None);
            self.opened.push(now);
        }
        let slots = self.spare.split_off(self.spare.len() - receipts.len());
        for (slot, receipt) in slots.iter().zip(receipts) {
            self.receipts[slot.place()] = Some(receipt);
            self.opened[slot.place()] = now;
        }
        slots
    }

    /// Closes these deliveries: appends their receipts in order, and takes their slots back.
    fn close(
        &mut self,
        slots: impl Iterator<Item = Slot>,
        receipts: &mut Vec<R>,
        record: Option<(&StageHistograms, Instant)>,
    ) {
        for slot in slots {
            self.record(&slot, record);
            receipts.extend(self.receipts[slot.place()].take());
            self.spare.push(slot);
        }
    }

    fn close_rejected(
        &mut self,
        slot: Slot,
        reason: Reason,
        record: Option<(&StageHistograms, Instant)>,
    ) -> Option<RejectedDelivery<R>> {
        self.record(&slot, record);
        let receipt = self.receipts[slot.place()].take();
        self.spare.push(slot);
        receipt.map(|receipt| RejectedDelivery { receipt, reason })
    }

    #[inline]
    fn record(&self, slot: &Slot, record: Option<(&StageHistograms, Instant)>) {
        if let Some((histograms, now)) = record {
            histograms.delivery(now.saturating_duration_since(self.opened[slot.place()]));
        }
    }
}
