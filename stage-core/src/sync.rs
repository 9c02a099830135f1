//! Which atomics, locks and wakers the engine is built from.
//!
//! Everything that two threads touch takes these names, so that a model checker can stand in for them
//! in one place.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use futures_util::task::AtomicWaker;

/// Locks `mutex`, also when a holder panicked: every critical section here leaves its data whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
