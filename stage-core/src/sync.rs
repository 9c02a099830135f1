//! Which atomics, locks, wakers and rings the engine is built from.
//!
//! Everything that two threads touch takes these names, so that a model checker can stand in for them in one place:
//! with `--cfg stage_loom`, tests get loom's types (`docs/design/testing.md` has the command). `Arc` stays the
//! standard library's, which is trusted, as is the inside of the ring.

pub(crate) use std::sync::{Arc, PoisonError};

#[cfg(not(all(test, stage_loom)))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard};

    pub(crate) use futures_util::task::AtomicWaker;
    pub(crate) use rtrb as ring;
}
#[cfg(not(all(test, stage_loom)))]
pub(crate) use real::{AtomicBool, AtomicU64, AtomicUsize, AtomicWaker, Mutex, MutexGuard, Ordering, ring};

#[cfg(all(test, stage_loom))]
pub(crate) mod model;
#[cfg(all(test, stage_loom))]
pub(crate) use model::{AtomicBool, AtomicU64, AtomicUsize, AtomicWaker, Mutex, MutexGuard, Ordering, ring};

/// Locks `mutex`, also when a holder panicked: every critical section here leaves its data whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
