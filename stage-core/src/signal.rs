//! How a stage learns that something waits for it: one bit per link, and one wake for many.
//!
//! A stage has one `Signal`. Whoever puts something where the stage will find it (a batch, credit, a
//! message) marks its slot; the stage takes all marked slots at once. A wake is sent only to a stage that
//! is parked, and for credit only to one that waits for it: a step whose input is used up has nothing to
//! do with credit, and finds it when its next input wakes it. In a pipeline at full speed so only data
//! wakes the steps, and only credit the source.
//!
//! Invariants:
//! 1. What was published before `mark(slot)` is visible to the stage once it took `slot` (the mark and
//!    the take are read-modify-writes of one word).
//! 2. A stage that parked is woken by the next mark that concerns it: the marker sets the summary, then
//!    reads `parked`; the stage sets `parked`, then reads the summary; all four are sequentially
//!    consistent.

use std::task::{Context, Poll};

use crate::sync::{Arc, AtomicBool, AtomicU64, AtomicWaker, Mutex, Ordering, lock};

const WORDS: usize = if cfg!(stage_loom) { 1 } else { 64 };
/// Bits there are; slots beyond share the bit of the slot this many below.
const BITS: usize = WORDS * 64;

/// The slot that stands for the mailbox.
const MAIL: usize = 0;

/// Who wants the attention of one stage.
#[derive(Debug)]
pub(crate) struct Signal {
    /// One bit for each word that may hold marks.
    summary: AtomicU64,
    words: [AtomicU64; WORDS],
    parked: AtomicBool,
    /// Whether the parked stage has something to do with credit.
    wants_credit: AtomicBool,
    waker: AtomicWaker,
    slots: Mutex<FreeSlots>,
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
            summary: AtomicU64::new(0),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
            parked: AtomicBool::new(false),
            wants_credit: AtomicBool::new(true),
            waker: AtomicWaker::new(),
            slots: Mutex::new(FreeSlots { returned: Vec::new(), next: MAIL + 1 }),
        })
    }

    /// Says that the mailbox holds something.
    pub(crate) fn mark_mail(&self) {
        self.mark(MAIL);
    }

    fn mark(&self, slot: usize) {
        self.set(slot);
        if self.parked.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    fn mark_credit(&self, slot: usize) {
        self.set(slot);
        if self.parked.load(Ordering::SeqCst) && self.wants_credit.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    fn set(&self, slot: usize) {
        let (word, bit) = ((slot % BITS) / 64, 1 << (slot % 64));
        self.words[word].fetch_or(bit, Ordering::AcqRel);
        self.summary.fetch_or(1 << word, Ordering::SeqCst);
    }

    #[cold]
    fn wake(&self) {
        if self.parked.swap(false, Ordering::SeqCst) {
            self.waker.wake();
        }
    }

    /// Gives every marked slot below `slots` to `seen` and unmarks it; says whether there was any.
    pub(crate) fn take(&self, slots: usize, mut seen: impl FnMut(Attention)) -> bool {
        if self.summary.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut words = self.summary.swap(0, Ordering::SeqCst);
        while words != 0 {
            let word = words.trailing_zeros() as usize;
            words &= words - 1;
            let mut bits = self.words[word].swap(0, Ordering::AcqRel);
            while bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if slot == MAIL {
                    seen(Attention::Mail);
                }
                for shared in (slot..slots.max(slot + 1)).step_by(BITS).filter(|shared| *shared != MAIL) {
                    seen(Attention::Link(shared));
                }
            }
        }
        true
    }

    /// Ready when something is marked; else parks the stage until something is. Credit wakes it only
    /// if it `wants_credit`.
    pub(crate) fn poll_marked(&self, cx: &mut Context<'_>, wants_credit: WantsCredit) -> Poll<()> {
        if self.summary.load(Ordering::SeqCst) != 0 {
            return Poll::Ready(());
        }
        self.waker.register(cx.waker());
        self.wants_credit.store(wants_credit == WantsCredit::Yes, Ordering::SeqCst);
        self.parked.store(true, Ordering::SeqCst);
        if self.summary.load(Ordering::SeqCst) != 0 {
            self.parked.store(false, Ordering::SeqCst);
            return Poll::Ready(());
        }
        Poll::Pending
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
    pub(crate) fn mark(&self) {
        self.signal.mark(self.index);
    }

    /// Asks the stage to look here for credit.
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
mod tests {
    use super::*;
    use std::task::Waker;

    fn taken(signal: &Signal, slots: usize) -> Vec<Attention> {
        let mut seen = Vec::new();
        signal.take(slots, |attention| seen.push(attention));
        seen
    }

    #[test]
    fn marked_slots_are_taken_once() {
        let signal = Signal::new();
        let slots: Vec<_> = (0..70).map(|_| Slot::claim(&signal)).collect();
        slots[0].mark();
        slots[69].mark();
        slots[69].mark();
        signal.mark_mail();
        assert_eq!(taken(&signal, 71), [Attention::Mail, Attention::Link(1), Attention::Link(70)]);
        assert_eq!(taken(&signal, 71), []);
    }

    #[test]
    fn slots_beyond_the_bits_share_one() {
        let signal = Signal::new();
        let slots: Vec<_> = (0..BITS + 2).map(|_| Slot::claim(&signal)).collect();
        slots[BITS + 1].mark();
        assert_eq!(taken(&signal, BITS + 3), [Attention::Link(2), Attention::Link(BITS + 2)]);
        slots[BITS - 1].mark();
        // A look at the mail for nothing does no harm.
        assert_eq!(taken(&signal, BITS + 3), [Attention::Mail, Attention::Link(BITS)]);
    }

    #[test]
    fn a_parked_stage_is_ready_after_a_mark() {
        let signal = Signal::new();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(signal.poll_marked(&mut cx, WantsCredit::No).is_pending());
        signal.mark_mail();
        assert!(!signal.parked.load(Ordering::SeqCst));
        assert!(signal.poll_marked(&mut cx, WantsCredit::No).is_ready());
    }

    #[test]
    fn credit_wakes_only_a_stage_that_wants_it_and_hides_nothing_that_follows() {
        let signal = Signal::new();
        let slot = Slot::claim(&signal);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(signal.poll_marked(&mut cx, WantsCredit::Yes).is_pending());
        slot.mark_credit();
        assert!(!signal.parked.load(Ordering::SeqCst));
        assert_eq!(taken(&signal, 2), [Attention::Link(1)]);
        assert!(signal.poll_marked(&mut cx, WantsCredit::No).is_pending());
        slot.mark_credit();
        assert!(signal.parked.load(Ordering::SeqCst));
        slot.mark();
        assert!(!signal.parked.load(Ordering::SeqCst));
        assert_eq!(taken(&signal, 2), [Attention::Link(1)]);
    }

    #[test]
    fn a_slot_is_free_again_after_its_drop() {
        let signal = Signal::new();
        let first = Slot::claim(&signal);
        assert_eq!(first.index(), 1);
        drop(first);
        assert_eq!(Slot::claim(&signal).index(), 1);
    }
}
