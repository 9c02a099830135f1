//! Where verdicts wait for the collector of one source.

use std::mem;

use tokio::sync::Notify;

use super::looked::Looked;
use super::reason::Reason;
use super::slot::Slot;
use super::waiting::Waiting;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock};

/// So many deliveries that were judged do not wait for others: what is kept of them should stay in the cache.
const FULL: usize = 16_384;

/// Slots that came home, each with its verdict, in the order in which they did.
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
    /// Deliveries that somebody holds.
    open: usize,
    /// The source makes no more.
    closed: bool,
    /// Nobody looks any more.
    abandoned: bool,
    waiting: Waiting,
}

/// What tokens write into, from any thread. Its lock is held for moments: nobody waits for anything under it.
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

    /// So many more are held.
    pub(super) fn opened(&self, deliveries: usize) {
        lock(&self.heap).open += deliveries;
    }

    pub(super) fn acknowledged(&self, slot: Slot) {
        self.put(|judged| judged.acknowledged.push(slot));
    }

    /// All of them, in one go.
    pub(super) fn all_acknowledged(&self, slots: &mut Vec<Slot>) {
        self.put(|judged| judged.acknowledged.append(slots));
    }

    pub(super) fn rejected(&self, slot: Slot, reason: Reason) {
        self.put(|judged| judged.rejected.push((slot, reason)));
    }

    /// Adds verdicts. The collector is woken by the first, by the one that makes the heap full, and by the last.
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

    /// Takes all verdicts in exchange for an empty heap, whose memory is used for the next.
    pub(super) fn take(&self, judged: &mut Judged) {
        debug_assert_eq!(judged.len(), 0);
        mem::swap(&mut lock(&self.heap).judged, judged);
    }

    /// Resolves when so much was judged that it should be told now. Cancel safe.
    pub(super) async fn full(&self) {
        self.full.notified().await;
    }

    /// Whether the source waits for verdicts.
    pub(super) fn waiting(&self) -> Waiting {
        lock(&self.heap).waiting
    }

    pub(super) fn set_waiting(&self, waiting: Waiting) {
        let before = mem::replace(&mut lock(&self.heap).waiting, waiting);
        if before != waiting && waiting == Waiting::ForVerdicts {
            self.source_waits.notify_one();
        }
    }

    /// Resolves when the source has begun to wait for verdicts. Cancel safe.
    pub(super) async fn source_waits(&self) {
        self.source_waits.notified().await;
    }

    /// The source makes no more deliveries.
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

    /// Nobody is told of anything any more. Slots that waited here, and kept this inbox, are let go of.
    pub(super) fn abandon(&self) {
        let mut waste = Judged::default();
        let mut heap = lock(&self.heap);
        heap.abandoned = true;
        mem::swap(&mut heap.judged, &mut waste);
        drop(heap);
    }

    /// Whether no verdict can come any more but those that wait.
    pub(super) fn has_ended(&self) -> bool {
        lock(&self.heap).has_ended()
    }

    /// Resolves when something was judged since verdicts were taken. Cancel safe.
    pub(super) async fn judged(&self) {
        self.judged.notified().await;
    }

    /// Resolves when nothing more can come. Cancel safe.
    pub(super) async fn ended(&self) {
        while !self.has_ended() {
            self.ended.notified().await;
        }
    }

    /// The reason for the rejection of a token that is dropped now.
    pub(super) fn why_dropped(&self, looked: &Looked) -> Reason {
        if self.stopping.load(Ordering::Acquire) { Reason::Stopped } else { looked.why_dropped() }
    }
}

impl Heap {
    const fn has_ended(&self) -> bool {
        self.closed && self.open == 0
    }
}
