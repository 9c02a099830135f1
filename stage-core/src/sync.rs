//! The atomics, locks, wakers and rings that the engine is built from.
//!
//! Code that several threads share uses these names, so that a model checker can replace them in one place:
//! with `--cfg stage_loom`, tests use loom's types (`docs/design/testing.md` has the command). `Arc` remains
//! the standard library's, which is trusted, as are the internals of the ring.

pub(crate) use std::sync::{Arc, PoisonError};

#[cfg(not(all(test, stage_loom)))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard};

    pub(crate) use atomic_waker::AtomicWaker;
    pub(crate) use rtrb as ring;
}
#[cfg(not(all(test, stage_loom)))]
pub(crate) use real::{AtomicBool, AtomicU64, AtomicUsize, AtomicWaker, Mutex, MutexGuard, Ordering, ring};

#[cfg(all(test, stage_loom))]
pub(crate) mod model;
#[cfg(all(test, stage_loom))]
pub(crate) use model::{AtomicBool, AtomicU64, AtomicUsize, AtomicWaker, Mutex, MutexGuard, Ordering, ring};

/// Borrows the value of `mutex`, even if a holder panicked, like [`lock`].
#[inline]
pub(crate) fn get_mut<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// Locks `mutex`, even if a holder panicked: every critical section of this crate keeps its data consistent.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
