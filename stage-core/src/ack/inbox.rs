//! The queue of verdicts for the collector of one source.

use std::mem;

use tokio::sync::Notify;

use super::looked::Looked;
use super::reason::Reason;
use super::slot::Slot;
use super::waiting::Waiting;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock};

/// With this many verdicts waiting, the collector does not linger, so that they stay in the CPU cache.
const FULL: usize = 16_384;

/// Returned slots with their verdicts, in order.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) acknowledged: Vec<Slot>,
    pub(super) rejected: Vec<(Slot, Reason)>,
}

impl Judged {
    pub(super) fn len(&self) -> usize {
        self.acknowledged.len() + self.rejected.len()
    }
}

#[derive(Debug, Default)]
struct Heap {
    judged: Judged,
    /// The number of open deliveries.
    open: usize,
    /// Whether the source makes no more deliveries.
    closed: bool,
    /// Whether the collector has ended.
    abandoned: bool,
    waiting: Waiting,
}

/// The queue that tokens of all threads write to. Its lock is held only for moments; no code waits under it.
#[derive(Debug)]
pub(super) struct Inbox {
    heap: Mutex<Heap>,
    judged: Notify,
    full: Notify,
    ended: Notify,
    source_waits: Notify,
    stopping: Arc<AtomicBool>,
}

impl Inbox {
    pub(super) fn new(stopping: Arc<AtomicBool>) -> Arc<Self> {
        let [judged, full, ended, source_waits] = std::array::from_fn(|_| Notify::new());
        Arc::new(Self { heap: Mutex::default(), judged, full, ended, source_waits, stopping })
    }

    /// Counts new open deliveries.
    pub(super) fn opened(&self, deliveries: usize) {
        lock(&self.heap).open += deliveries;
    }

    pub(super) fn acknowledged(&self, slot: Slot) {
        self.put(|judged| judged.acknowledged.push(slot));
    }

    /// Acknowledges all of them at once.
    pub(super) fn all_acknowledged(&self, slots: &mut Vec<Slot>) {
        self.put(|judged| judged.acknowledged.append(slots));
    }

    pub(super) fn rejected(&self, slot: Slot, reason: Reason) {
        self.put(|judged| judged.rejected.push((slot, reason)));
    }

    /// Adds verdicts. The first wakes the collector, and so do the one that fills the heap and the last.
    fn put(&self, add: impl FnOnce(&mut Judged)) {
        let mut waste = Judged::default();
        let (before, after, ended) = {
            let mut heap = lock(&self.heap);
            let before = heap.judged.len();
            add(&mut heap.judged);
            let after = heap.judged.len();
            heap.open -= after - before;
            if heap.abandoned {
                mem::swap(&mut heap.judged, &mut waste);
            }
            (before, after, heap.has_ended())
        };
        if before == 0 {
            self.judged.notify_one();
        }
        if before < FULL && after >= FULL {
            self.full.notify_one();
        }
        if ended {
            self.ended.notify_one();
        }
    }

    /// Swaps all verdicts for an empty heap, whose memory is reused.
    pub(super) fn take(&self, judged: &mut Judged) {
        debug_assert_eq!(judged.len(), 0);
        mem::swap(&mut lock(&self.heap).judged, judged);
    }

    /// Waits until there are enough verdicts to report now. Cancel safe.
    pub(super) async fn full(&self) {
        self.full.notified().await;
    }

    /// Returns whether the source waits for verdicts.
    pub(super) fn waiting(&self) -> Waiting {
        lock(&self.heap).waiting
    }

    pub(super) fn set_waiting(&self, waiting: Waiting) {
        let before = mem::replace(&mut lock(&self.heap).waiting, waiting);
        if before != waiting && waiting == Waiting::ForVerdicts {
            self.source_waits.notify_one();
        }
    }

    /// Waits until the source begins to wait for verdicts. Cancel safe.
    pub(super) async fn source_waits(&self) {
        self.source_waits.notified().await;
    }

    /// Records that the source makes no more deliveries.
    pub(super) fn close(&self) {
        let ended = {
            let mut heap = lock(&self.heap);
            heap.closed = true;
            heap.has_ended()
        };
        if ended {
            self.ended.notify_one();
        }
    }

    /// Records that the collector has ended. Drops the waiting slots, which would keep this inbox alive.
    pub(super) fn abandon(&self) {
        let mut waste = Judged::default();
        let mut heap = lock(&self.heap);
        heap.abandoned = true;
        mem::swap(&mut heap.judged, &mut waste);
        drop(heap);
    }

    /// Returns whether no verdicts can come other than those waiting.
    pub(super) fn has_ended(&self) -> bool {
        lock(&self.heap).has_ended()
    }

    /// Waits for a verdict since the last take. Cancel safe.
    pub(super) async fn judged(&self) {
        self.judged.notified().await;
    }

    /// Waits until no more verdicts can come. Cancel safe.
    pub(super) async fn ended(&self) {
        while !self.has_ended() {
            self.ended.notified().await;
        }
    }

    /// Returns the rejection reason of a token that is being dropped.
    pub(super) fn why_dropped(&self, looked: &Looked) -> Reason {
        if self.stopping.load(Ordering::Acquire) { Reason::Stopped } else { looked.why_dropped() }
    }
}

impl Heap {
    const fn has_ended(&self) -> bool {
        self.closed && self.open == 0
    }
}
