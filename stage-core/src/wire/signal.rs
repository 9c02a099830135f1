//! How a stage learns that something waits for it: one bit per link, and one wake for many.
//!
//! A stage has one `Signal`. Whoever puts something where the stage will find it (a batch, credit, a
//! message) marks its slot; the stage takes all marked slots at once. A wake is sent only to a stage that
//! is parked, and for credit only to one that waits for it: a step whose input is used up has nothing to
//! do with credit, and finds it when its next input wakes it. In a pipeline at full speed so only data
//! wakes the steps, and only credit the source.
//!
//! ```text
//!   state   63 wants credit │ 62 parked │ 61 far │ 60 … 1 links │ 0 mailbox
//!   far     one bit for each of 64 words, which hold the slots from 61 on
//! ```
//!
//! Invariants:
//! 1. What was published before `mark(slot)` is visible to the stage once it took `slot` (the mark and
//!    the take are read-modify-writes of one word).
//! 2. A stage that parked is woken by the next mark that concerns it: marks and "parked" are bits of one
//!    word, so either parking sees the mark, or the mark sees that the stage is parked. The waker is in
//!    its place before the stage parks: whoever sees that it is parked sees its waker.

use std::cell::Cell;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, lock};

/// Slots with a bit in the state itself.
const NEAR: usize = if cfg!(stage_loom) { 2 } else { 61 };
/// Slots beyond may be marked.
const FAR: u64 = 1 << 61;
/// The stage waits to be woken.
const PARKED: u64 = 1 << 62;
/// The parked stage has something to do with credit.
const WANTS_CREDIT: u64 = 1 << 63;
const MARKS: u64 = FAR | (FAR - 1);

const WORDS: usize = if cfg!(stage_loom) { 1 } else { 64 };
/// Far bits there are; slots beyond share the bit of the slot this many below.
const BITS: usize = WORDS * 64;

/// The slot that stands for the mailbox.
const MAIL: usize = 0;

thread_local! {
    static FOR_CREDIT: Cell<bool> = const { Cell::new(false) };
}

/// Whether the stage that this thread is waking now is woken for credit, and not for events or mail.
pub(crate) fn wakes_for_credit() -> bool {
    FOR_CREDIT.get()
}

/// Who wants the attention of one stage.
#[derive(Debug)]
pub(crate) struct Signal {
    state: AtomicU64,
    far: Far,
    /// Wakes the task of the stage, which most never change: so this one is read without a lock.
    first: OnceLock<Waker>,
    /// Wakes the task it has now, if that is another.
    moved: AtomicBool,
    waker: Mutex<Option<Waker>>,
    slots: Mutex<FreeSlots>,
}

/// The marks of the slots that have no bit in the state.
#[derive(Debug)]
struct Far {
    /// One bit for each word that may hold marks.
    summary: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// Slots that were given back, and the first that was never given out.
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

    /// Says that the mailbox holds something.
    pub(crate) fn mark_mail(&self) {
        self.mark(MAIL);
    }

    #[inline]
    fn mark(&self, slot: usize) {
        if self.set(slot, PARKED) {
            self.wake();
        }
    }

    #[inline]
    fn mark_credit(&self, slot: usize) {
        if self.set(slot, PARKED | WANTS_CREDIT) {
            FOR_CREDIT.set(true);
            self.wake();
            FOR_CREDIT.set(false);
        }
    }

    /// Marks a slot. Whether the stage is to be woken: it was parked with all of `parked`, and is so no more.
    #[inline]
    fn set(&self, slot: usize, parked: u64) -> bool {
        let mark = if slot < NEAR {
            1 << slot
        } else {
            self.far.set(slot - NEAR);
            FAR
        };
        let mut before = self.state.load(Ordering::Relaxed);
        loop {
            let wakes = before & parked == parked;
            let after = if wakes { (before | mark) & !PARKED } else { before | mark };
            match self.state.compare_exchange(before, after, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return wakes,
                Err(now) => before = now,
            }
        }
    }

    /// Wakes the stage, which was parked. If it moves just now, it is being polled, and sees the mark.
    fn wake(&self) {
        if self.moved.load(Ordering::Acquire) {
            if let Some(waker) = &*lock(&self.waker) {
                waker.wake_by_ref();
            }
        } else if let Some(waker) = self.first.get() {
            waker.wake_by_ref();
        }
    }

    /// From now on the stage is woken by `waker`; before it parks.
    fn settle_in(&self, waker: &Waker) {
        if self.first.set(waker.clone()).is_err() {
            *lock(&self.waker) = Some(waker.clone());
            self.moved.store(true, Ordering::Release);
        }
    }

    /// Whether something waits for the stage.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.state.load(Ordering::Relaxed) & MARKS != 0
    }

    /// Gives every marked slot below `slots` to `seen` and unmarks it; says whether there was any.
    #[inline]
    pub(crate) fn take(&self, slots: usize, mut seen: impl FnMut(Attention)) -> bool {
        if !self.is_marked() {
            return false;
        }
        // Whoever takes is not parked.
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
    /// The waker that is in its place, so that the same one need not be put there again.
    waker: Option<Waker>,
}

impl Parking {
    pub(crate) fn new(signal: Arc<Signal>) -> Self {
        Self { signal, waker: None }
    }

    /// Whether anything is marked.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.signal.is_marked()
    }

    /// Gives every marked slot below `slots` to `seen` and unmarks it; says whether there was any.
    #[inline]
    pub(crate) fn take(&self, slots: usize, seen: impl FnMut(Attention)) -> bool {
        self.signal.take(slots, seen)
    }

    /// Ready when something is marked; else parks the stage until something is. Credit wakes it only
    /// if it `wants_credit`.
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
            WantsCredit::Yes => PARKED | WANTS_CREDIT,
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

/// Whether a stage that parks has something to do with credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WantsCredit {
    /// It makes events on demand, or holds some that wait for demand.
    Yes,
    /// It can go on only with new input.
    No,
}

/// What a marked slot stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attention {
    /// The mailbox.
    Mail,
    /// The link with this slot.
    Link(usize),
}

/// One slot of one signal, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    signal: Arc<Signal>,
    index: usize,
}

impl Slot {
    /// Claims the lowest slot of `signal` that was given back, or a new one.
    pub(crate) fn claim(signal: &Arc<Signal>) -> Self {
        let mut slots = lock(&signal.slots);
        let index = slots.returned.pop().unwrap_or_else(|| {
            slots.next += 1;
            slots.next - 1
        });
        Self { signal: Arc::clone(signal), index }
    }

    /// The slot's number, at least 1; it is free for others only after the drop.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Asks the stage to look here.
    #[inline]
    pub(crate) fn mark(&self) {
        self.signal.mark(self.index);
    }

    /// Asks the stage to look here for credit.
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
