//! The numbers of events that the copies of a step have in progress: each copy has the same limit, and all learn together.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Weak;

use tokio::time::Instant;

use super::limit::{Answer, Call, Limit};
use crate::credit::demand::Window;
use crate::policy::{Attempted, Called, Losses};
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering, lock};
use crate::wire::operator::{AdjustableLimit, InProgress};

/// Shared by the copies of a step. It outlives their restarts.
pub(super) struct Control {
    limit: Mutex<Limit>,
    /// The limit, for readers without the lock.
    now: AtomicUsize,
    /// Whether the limit learns from calls, for readers without the lock.
    adapts: AtomicBool,
    /// The most events with equal keys; `usize::MAX` without a key.
    per_key: AtomicUsize,
    /// The default `max_demand` of the step.
    usual: AtomicUsize,
    copies: Mutex<Vec<Weak<Wake>>>,
}

/// Makes a copy look at the limit.
pub(super) type Wake = dyn Fn() + Send + Sync;

/// A call in progress, whose end the limit learns from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timed {
    call: Call,
    began: Instant,
}

impl Control {
    #[inline]
    pub(super) fn new(bounds: &RangeInclusive<usize>, per_key: Option<usize>) -> Arc<Self> {
        let limit = Limit::new(bounds);
        Arc::new(Self {
            now: AtomicUsize::new(limit.now()),
            adapts: AtomicBool::new(!limit.is_fixed()),
            limit: Mutex::new(limit),
            per_key: AtomicUsize::new(per_key.unwrap_or(usize::MAX)),
            usual: AtomicUsize::new(usual(bounds)),
            copies: Mutex::default(),
        })
    }

    fn change(&self, change: impl FnOnce(&mut Limit)) {
        let mut limit = lock(&self.limit);
        change(&mut limit);
        self.now.store(limit.now(), Ordering::Relaxed);
        self.adapts.store(!limit.is_fixed(), Ordering::Relaxed);
    }

    /// Returns whether the limit learns from calls. One call more or less, while bounds change, makes no difference.
    fn adapts(&self) -> bool {
        self.adapts.load(Ordering::Relaxed)
    }

    /// Adds a copy.
    #[inline]
    pub(super) fn join(&self, wake: &Arc<Wake>) {
        let mut copies = lock(&self.copies);
        copies.retain(|copy| copy.strong_count() > 0);
        copies.push(Arc::downgrade(wake));
    }

    /// Returns the number of events that each copy may have in progress now.
    pub(super) fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn per_key(&self) -> usize {
        self.per_key.load(Ordering::Relaxed)
    }

    /// Returns the window to ask by: `window`, or if that is the default of the step, one that holds the events in progress
    /// and as many behind them.
    #[inline]
    pub(super) fn window_of(&self, window: Window) -> Window {
        if window == Window::halved(self.usual.load(Ordering::Relaxed)) {
            Window::halved(self.now().saturating_mul(2))
        } else {
            window
        }
    }

    /// Notes that an event waits because of the limit.
    #[inline]
    pub(super) fn hold_back(&self) {
        if self.adapts() {
            lock(&self.limit).hold_back();
        }
    }

    /// Begins a call; returns nothing if the limit need not know its end.
    #[inline]
    pub(super) fn begin(&self) -> Option<Timed> {
        if !self.adapts() {
            return None;
        }
        let call = lock(&self.limit).begin();
        Some(Timed { call, began: Instant::now() })
    }

    #[inline]
    pub(super) fn end(&self, timed: Timed, ended: Ended) {
        let answer = match ended {
            Ended::Answered => Answer::After(timed.began.elapsed()),
            Ended::Overloaded => Answer::Overloaded,
            Ended::Failed => Answer::Failed,
        };
        self.change(|limit| limit.end(timed.call, answer));
    }

    #[inline]
    fn wake(&self) {
        let copies: Vec<_> = lock(&self.copies).iter().filter_map(Weak::upgrade).collect();
        for wake in copies {
            wake();
        }
    }
}

/// Returns the default `max_demand` of a step with these bounds.
fn usual(bounds: &RangeInclusive<usize>) -> usize {
    bounds.end().saturating_mul(2)
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Answered,
    Overloaded,
    Failed,
}

impl Ended {
    pub(super) const fn of<In, Out>(tried: &Attempted<In, Out>, losses: &Losses) -> Self {
        match tried {
            _ if losses.show_overload() => Self::Overloaded,
            Attempted::Ended(Called::Done(..)) => Self::Answered,
            Attempted::Ended(Called::Lost | Called::Over) | Attempted::Again(_) => Self::Failed,
        }
    }
}

impl AdjustableLimit for Control {
    #[inline]
    fn read(&self) -> InProgress {
        let (limit, per_key) = (lock(&self.limit), self.per_key());
        let bounds = limit.bounds();
        InProgress {
            limit: limit.now(),
            least: *bounds.start(),
            most: *bounds.end(),
            per_key: Some(per_key).filter(|events| *events < usize::MAX),
        }
    }

    #[inline]
    fn set_bounds(&self, bounds: RangeInclusive<usize>) {
        self.change(|limit| limit.set_bounds(&bounds));
        self.wake();
    }

    #[cfg(feature = "config")]
    fn declare_bounds(&self, bounds: RangeInclusive<usize>) -> (usize, usize) {
        let new = usual(&bounds);
        let old = self.usual.load(Ordering::Relaxed);
        self.usual.store(new, Ordering::Relaxed);
        self.change(|limit| *limit = Limit::new(&bounds));
        (old, new)
    }

    #[inline]
    fn set_per_key(&self, events: usize) {
        if self.per_key() < usize::MAX {
            self.per_key.store(events, Ordering::Relaxed);
            self.wake();
        }
    }
}

impl fmt::Debug for Control {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("limit", &lock(&self.limit))
            .field("per_key", &self.per_key())
            .finish_non_exhaustive()
    }
}
