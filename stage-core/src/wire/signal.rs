//! Notifies a stage of pending work: one bit per link, and one wake for many marks.
//!
//! Each stage has one `Signal`. A sender that puts something where the stage will find it (a batch, credit,
//! mail) marks its slot; the stage takes all marked slots at once. Only a parked stage is woken, and for
//! credit only if it waits for credit: a step whose input is used up cannot use credit, and finds it when its
//! next input wakes it. In a pipeline at full speed, therefore, only data wakes the steps, and only credit
//! wakes the source.
//!
//! ```text
//!   state   63 credit │ 62 parked │ 61 far │ 60 … 1 links │ 0 mailbox
//!   far     one bit for each of 64 words, which hold the slots from 61 on
//! ```
//!
//! Invariants:
//! 1. Everything published before `mark(slot)` is visible to the stage once it took `slot` (the mark and the
//!    take are read-modify-writes of the same word).
//! 2. A parked stage is woken by the next mark that concerns it: marks and "parked" are bits of one word, so
//!    either parking sees the mark, or the mark sees that the stage is parked. The waker is stored before the
//!    stage parks: a thread that sees it parked also sees its waker.
//! 3. While the stage is parked, the credit bit says whether credit wakes it; from then until it takes its
//!    marks, whether credit woke it. The scheduler reads that, while the waker runs.

use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, lock};

/// Slots with a bit of their own in the state.
const NEAR: usize = if cfg!(stage_loom) { 2 } else { 61 };
/// Set if slots beyond those may be marked.
const FAR: u64 = 1 << 61;
/// Set while the stage waits to be woken.
const PARKED: u64 = 1 << 62;
/// Set if the parked stage can use credit, or if credit woke it.
const CREDIT: u64 = 1 << 63;
const MARKS: u64 = FAR | (FAR - 1);

const WORDS: usize = if cfg!(stage_loom) { 1 } else { 64 };
/// The number of far bits; a slot beyond shares the bit of the slot this many below.
const BITS: usize = WORDS * 64;

/// The slot of the mailbox.
const MAIL: usize = 0;

/// The pending marks of one stage, and its waker.
#[derive(Debug)]
pub(crate) struct Signal {
    state: AtomicU64,
    far: Far,
    /// Wakes the stage's task. Most stages never change tasks, so this one is read without a lock.
    first: OnceLock<Waker>,
    /// Whether the stage has moved to another task, which `waker` wakes.
    moved: AtomicBool,
    waker: Mutex<Option<Waker>>,
    slots: Mutex<FreeSlots>,
}

/// Marks of the slots without a bit of their own in the state.
#[derive(Debug)]
struct Far {
    /// One bit for each word that may hold marks.
    summary: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// Slots that were returned, and the lowest one never handed out.
#[derive(Debug)]
struct FreeSlots {
    returned: Vec<usize>,
    next: usize,
}

impl Signal {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU64::new(0),
            far: Far { summary: AtomicU64::new(0), words: std::array::from_fn(|_| AtomicU64::new(0)) },
            first: OnceLock::new(),
            moved: AtomicBool::new(false),
            waker: Mutex::new(None),
            slots: Mutex::new(FreeSlots { returned: Vec::new(), next: MAIL + 1 }),
        })
    }

    /// Marks the mailbox.
    pub(crate) fn mark_mail(&self) {
        self.mark(MAIL);
    }

    #[inline]
    fn mark(&self, slot: usize) {
        if self.set(slot, PARKED, PARKED | CREDIT) {
            self.wake();
        }
    }

    #[inline]
    fn mark_credit(&self, slot: usize) {
        if self.set(slot, PARKED | CREDIT, PARKED) {
            self.wake();
        }
    }

    /// Returns whether credit, rather than events or mail, woke the stage, which has not taken its marks yet.
    pub(crate) fn woke_for_credit(&self) -> bool {
        self.state.load(Ordering::Relaxed) & (PARKED | CREDIT) == CREDIT
    }

    /// Marks a slot. Returns whether to wake the stage: it was parked with all bits of `parked`, and now has
    /// none of `cleared`.
    #[inline]
    fn set(&self, slot: usize, parked: u64, cleared: u64) -> bool {
        let mark = if slot < NEAR {
            1 << slot
        } else {
            self.far.set(slot - NEAR);
            FAR
        };
        let mut before = self.state.load(Ordering::Relaxed);
        loop {
            let wakes = before & parked == parked;
            let after = if wakes { (before | mark) & !cleared } else { before | mark };
            match self.state.compare_exchange(before, after, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return wakes,
                Err(now) => before = now,
            }
        }
    }

    /// Wakes the stage, which was parked. If it is just moving to another task, it is being polled, and sees
    /// the mark.
    fn wake(&self) {
        if self.moved.load(Ordering::Acquire) {
            if let Some(waker) = &*lock(&self.waker) {
                waker.wake_by_ref();
            }
        } else if let Some(waker) = self.first.get() {
            waker.wake_by_ref();
        }
    }

    /// Sets `waker` as the one that wakes the stage; called before it parks.
    fn settle_in(&self, waker: &Waker) {
        if self.first.set(waker.clone()).is_err() {
            *lock(&self.waker) = Some(waker.clone());
            self.moved.store(true, Ordering::Release);
        }
    }

    /// Returns whether any slot is marked.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.state.load(Ordering::Relaxed) & MARKS != 0
    }

    /// Passes every marked slot below `slots` to `seen` and unmarks it; returns whether there were any.
    #[inline]
    pub(crate) fn take(&self, slots: usize, mut seen: impl FnMut(Attention)) -> bool {
        if !self.is_marked() {
            return false;
        }
        // A stage that takes marks is not parked.
        let state = self.state.swap(0, Ordering::AcqRel);
        let mut near = state & (FAR - 1);
        while near != 0 {
            let slot = near.trailing_zeros() as usize;
            near &= near - 1;
            seen(if slot == MAIL { Attention::Mail } else { Attention::Link(slot) });
        }
        if state & FAR != 0 {
            self.far.take(slots, seen);
        }
        true
    }
}

impl Far {
    #[inline]
    fn set(&self, slot: usize) {
        let (word, bit) = ((slot % BITS) / 64, 1 << (slot % 64));
        self.words[word].fetch_or(bit, Ordering::AcqRel);
        self.summary.fetch_or(1 << word, Ordering::AcqRel);
    }

    #[cold]
    fn take(&self, slots: usize, mut seen: impl FnMut(Attention)) {
        let mut words = self.summary.swap(0, Ordering::AcqRel);
        while words != 0 {
            let word = words.trailing_zeros() as usize;
            words &= words - 1;
            let mut bits = self.words[word].swap(0, Ordering::AcqRel);
            while bits != 0 {
                let slot = NEAR + word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                (slot..slots.max(slot + 1)).step_by(BITS).for_each(|shared| seen(Attention::Link(shared)));
            }
        }
    }
}

/// The stage's own half of its signal.
#[derive(Debug)]
pub(crate) struct Parking {
    signal: Arc<Signal>,
    /// The stored waker, to avoid storing the same one again.
    waker: Option<Waker>,
}

impl Parking {
    pub(crate) fn new(signal: Arc<Signal>) -> Self {
        Self { signal, waker: None }
    }

    /// Returns whether any slot is marked.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.signal.is_marked()
    }

    /// Passes every marked slot below `slots` to `seen` and unmarks it; returns whether there were any.
    #[inline]
    pub(crate) fn take(&self, slots: usize, seen: impl FnMut(Attention)) -> bool {
        self.signal.take(slots, seen)
    }

    /// Returns ready if a slot is marked, otherwise parks the stage until one is. Credit wakes it only if it
    /// `wants_credit`.
    #[inline]
    pub(crate) fn poll_marked(&mut self, cx: &mut Context<'_>, wants_credit: WantsCredit) -> Poll<()> {
        let mut before = self.signal.state.load(Ordering::Acquire);
        if before & MARKS != 0 {
            return Poll::Ready(());
        }
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.settle_in(cx.waker());
        }
        let parked = match wants_credit {
            WantsCredit::Yes => PARKED | CREDIT,
            WantsCredit::No => PARKED,
        };
        let state = &self.signal.state;
        while let Err(now) = state.compare_exchange(before, parked, Ordering::AcqRel, Ordering::Acquire) {
            if now & MARKS != 0 {
                return Poll::Ready(());
            }
            before = now;
        }
        Poll::Pending
    }

    #[cold]
    fn settle_in(&mut self, waker: &Waker) {
        self.signal.settle_in(waker);
        self.waker = Some(waker.clone());
    }
}

/// Whether a parking stage can use credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WantsCredit {
    /// It creates events on demand, or holds events that wait for demand.
    Yes,
    /// It can continue only with new input.
    No,
}

/// The meaning of a marked slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attention {
    /// The mailbox.
    Mail,
    /// The link with this slot.
    Link(usize),
}

/// One slot of one signal, returned when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    signal: Arc<Signal>,
    index: usize,
}

impl Slot {
    /// Claims a returned slot of `signal`, or else a new one.
    pub(crate) fn claim(signal: &Arc<Signal>) -> Self {
        let mut slots = lock(&signal.slots);
        let index = slots.returned.pop().unwrap_or_else(|| {
            slots.next += 1;
            slots.next - 1
        });
        Self { signal: Arc::clone(signal), index }
    }

    /// Returns the slot's number, at least 1. It is free for reuse only after the drop.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Notifies the stage of pending work in this slot.
    #[inline]
    pub(crate) fn mark(&self) {
        self.signal.mark(self.index);
    }

    /// Notifies the stage of credit in this slot.
    #[inline]
    pub(crate) fn mark_credit(&self) {
        self.signal.mark_credit(self.index);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.signal.slots).returned.push(self.index);
    }
}

#[cfg(all(test, stage_loom))]
mod models;

#[cfg(test)]
mod tests;
