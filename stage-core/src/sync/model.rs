//! Replacements for the atomics, locks, wakers and rings under the model checker.

use loom::sync::atomic::{self, fence};

pub(crate) use loom::sync::atomic::Ordering;
pub(crate) use loom::sync::{Mutex, MutexGuard};

/// An atomic of loom, which orders sequentially consistent accesses only like acquire and release. They are
/// emulated as on a machine without such accesses: a load after a fence, and an exchange instead of a store
/// (loom would order a plain store before an exchange that precedes it, and report a lost wake-up).
macro_rules! atomic {
    ($name:ident, $value:ty) => {
        #[derive(Debug, Default)]
        pub(crate) struct $name(atomic::$name);

        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self(atomic::$name::new(value))
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                tick();
                consistent(order);
                self.0.load(order)
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                if order == Ordering::SeqCst {
                    self.swap(value, order);
                } else {
                    tick();
                    self.0.store(value, order);
                }
            }

            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                tick();
                consistent(order);
                let before = self.0.swap(value, order);
                consistent(order);
                before
            }
        }
    };
    ($name:ident, $value:ty, $($change:ident),+) => {
        atomic!($name, $value);

        impl $name {
            $(pub(crate) fn $change(&self, value: $value, order: Ordering) -> $value {
                tick();
                consistent(order);
                let before = self.0.$change(value, order);
                consistent(order);
                before
            })+
        }
    };
}

atomic!(AtomicBool, bool);
atomic!(AtomicU64, u64, fetch_or, fetch_and, fetch_add);

impl AtomicU64 {
    pub(crate) fn compare_exchange(
        &self,
        before: u64,
        after: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        tick();
        self.0.compare_exchange(before, after, success, failure)
    }
}

atomic!(AtomicUsize, usize, fetch_add, fetch_sub, fetch_or, fetch_and, fetch_max);

impl AtomicUsize {
    pub(crate) fn fetch_update(
        &self,
        set: Ordering,
        fetch: Ordering,
        update: impl FnMut(usize) -> Option<usize>,
    ) -> Result<usize, usize> {
        tick();
        self.0.fetch_update(set, fetch, update)
    }
}

loom::lazy_static! {
    static ref TICKS: atomic::AtomicUsize = atomic::AtomicUsize::new(0);
}

/// Makes every access depend on every other. loom reorders two accesses of one atomic only if no other access
/// lies between them, and so misses some orders; the dependency makes it try them.
fn tick() {
    TICKS.fetch_add(1, Ordering::Relaxed);
}

fn consistent(order: Ordering) {
    if order == Ordering::SeqCst {
        fence(Ordering::SeqCst);
    }
}

/// loom's waker cell, with the interface of the real one.
#[derive(Debug)]
pub(crate) struct AtomicWaker(loom::future::AtomicWaker);

impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self(loom::future::AtomicWaker::new())
    }

    pub(crate) fn register(&self, waker: &std::task::Waker) {
        self.0.register_by_ref(waker);
    }

    pub(crate) fn wake(&self) {
        self.0.wake();
    }
}

/// Runs `test` in every interleaving of its threads with at most two pre-emptions, and for every value that a
/// relaxed load may see. (With three pre-emptions, a run takes minutes.)
pub(crate) fn model(test: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(test);
}

pub(crate) mod ring {
    //! A ring with one writer and one reader that publishes as rtrb does: the writer fills a slot, then
    //! stores the tail with release; the reader loads the tail with acquire, takes from the slot, then stores
    //! the head with release.

    use super::{AtomicUsize, Ordering};
    use crate::sync::Arc;

    /// Slots are behind locks that are invisible to the model: only head and tail order them.
    #[derive(Debug)]
    struct Ring<T> {
        slots: Box<[std::sync::Mutex<Option<T>>]>,
        head: AtomicUsize,
        tail: AtomicUsize,
    }

    #[derive(Debug)]
    pub(crate) struct Producer<T>(Arc<Ring<T>>);

    #[derive(Debug)]
    pub(crate) struct Consumer<T>(Arc<Ring<T>>);

    #[derive(Debug)]
    pub(crate) enum PushError<T> {
        Full(T),
    }

    #[derive(Debug)]
    pub(crate) struct PopError;

    pub(crate) struct RingBuffer;

    impl RingBuffer {
        #[expect(clippy::new_ret_no_self, reason = "as rtrb has it")]
        pub(crate) fn new<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
            let slots = (0..capacity).map(|_| std::sync::Mutex::new(None)).collect();
            let ring = Arc::new(Ring { slots, head: AtomicUsize::new(0), tail: AtomicUsize::new(0) });
            (Producer(Arc::clone(&ring)), Consumer(ring))
        }
    }

    impl<T> Ring<T> {
        fn slot(&self, position: usize) -> std::sync::MutexGuard<'_, Option<T>> {
            self.slots[position % self.slots.len()].lock().expect("no holder panics")
        }
    }

    impl<T> Producer<T> {
        pub(crate) fn push(&mut self, value: T) -> Result<(), PushError<T>> {
            let tail = self.0.tail.load(Ordering::Relaxed);
            if tail - self.0.head.load(Ordering::Acquire) == self.0.slots.len() {
                return Err(PushError::Full(value));
            }
            let before = self.0.slot(tail).replace(value);
            assert!(before.is_none(), "a slot was written before it was read");
            self.0.tail.store(tail + 1, Ordering::Release);
            Ok(())
        }
    }

    impl<T> Consumer<T> {
        pub(crate) fn pop(&mut self) -> Result<T, PopError> {
            let head = self.0.head.load(Ordering::Relaxed);
            if head == self.0.tail.load(Ordering::Acquire) {
                return Err(PopError);
            }
            let value = self.0.slot(head).take().expect("a slot is written before it is read");
            self.0.head.store(head + 1, Ordering::Release);
            Ok(value)
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.slots() == 0
        }

        pub(crate) fn slots(&self) -> usize {
            self.0.tail.load(Ordering::Acquire) - self.0.head.load(Ordering::Relaxed)
        }
    }
}
