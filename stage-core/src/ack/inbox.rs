//! Where verdicts wait for the collector of one source.

use std::collections::BTreeMap;
use std::mem;

use tokio::sync::Notify;

use super::reason::Reason;
use crate::sync::{Arc, AtomicBool, AtomicU32, AtomicUsize, Mutex, Ordering, lock};

/// So many deliveries that were judged do not wait for others: what is kept of them should stay in the cache.
const FULL: usize = 16_384;

/// A block that nobody holds a token of.
#[derive(Debug)]
pub(super) struct Spent {
    pub(super) id: u64,
    /// Of each delivery nothing but whether it was told of.
    pub(super) holders: Vec<AtomicU32>,
    pub(super) reasons: BTreeMap<usize, Reason>,
}

/// The blocks that were not taken yet.
#[derive(Debug, Default)]
struct Heap {
    blocks: Vec<Spent>,
    deliveries: usize,
}

impl Heap {
    /// Says whether there are enough now; once.
    fn add(&mut self, spent: Spent) -> bool {
        let before = self.deliveries;
        self.deliveries += spent.holders.len();
        self.blocks.push(spent);
        before < FULL && self.deliveries >= FULL
    }
}

/// What tokens write into, from any thread, without waiting.
#[derive(Debug)]
pub(super) struct Inbox {
    /// Something was judged since the collector looked.
    dirty: AtomicBool,
    judged: Notify,
    spent: Mutex<Heap>,
    full: Notify,
    /// Blocks that are not in `spent` yet.
    open: AtomicUsize,
    /// The source makes no more.
    closed: AtomicBool,
    ended: Notify,
    stopping: Arc<AtomicBool>,
}

impl Inbox {
    pub(super) fn new(stopping: Arc<AtomicBool>) -> Arc<Self> {
        Arc::new(Self {
            dirty: AtomicBool::new(false),
            judged: Notify::new(),
            spent: Mutex::default(),
            full: Notify::new(),
            open: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            ended: Notify::new(),
            stopping,
        })
    }

    pub(super) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// Something was judged. At most one wake until the collector looks.
    #[inline]
    pub(super) fn mark(&self) {
        if !self.dirty.load(Ordering::Relaxed) && !self.dirty.swap(true, Ordering::AcqRel) {
            self.judged.notify_one();
        }
    }

    /// The collector is about to look; says whether there was a mark.
    pub(super) fn unmark(&self) -> bool {
        self.dirty.swap(false, Ordering::AcqRel)
    }

    pub(super) fn spent(&self, spent: Spent) {
        let full = lock(&self.spent).add(spent);
        if full {
            self.full.notify_one();
        }
        if self.open.fetch_sub(1, Ordering::SeqCst) == 1 && self.closed.load(Ordering::SeqCst) {
            self.ended.notify_one();
        }
    }

    pub(super) fn take_spent(&self) -> Vec<Spent> {
        mem::take(&mut *lock(&self.spent)).blocks
    }

    /// Resolves when so much was judged that it should be told now. Cancel safe.
    pub(super) async fn full(&self) {
        self.full.notified().await;
    }

    /// The source makes no more deliveries.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if self.open.load(Ordering::SeqCst) == 0 {
            self.ended.notify_one();
        }
    }

    /// Whether no verdict can come any more but those in `spent`.
    pub(super) fn has_ended(&self) -> bool {
        self.closed.load(Ordering::SeqCst) && self.open.load(Ordering::SeqCst) == 0
    }

    /// Resolves when something was judged since the collector looked. Cancel safe.
    pub(super) async fn judged(&self) {
        self.judged.notified().await;
    }

    /// Resolves when nothing more can come. Cancel safe.
    pub(super) async fn ended(&self) {
        while !self.has_ended() {
            self.ended.notified().await;
        }
    }

    /// What it means now that a token is dropped.
    pub(super) fn why_dropped(&self) -> Reason {
        if self.stopping.load(Ordering::Acquire) { Reason::Stopped } else { Reason::Dropped }
    }
}
