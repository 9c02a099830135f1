//! The flag of a delivery that a handler has looked at.

use std::sync::atomic::{AtomicBool, Ordering};

use super::reason::Reason;

/// Whether a handler has looked at the event of a token: if so, dropping it is a failed attempt.
///
/// Only the token's owner and borrowers of the delivery set it, so relaxed ordering is enough. (It uses the
/// standard library's atomic, because the constructors of tokens are `const`.)
#[derive(Debug)]
pub(super) struct Looked(AtomicBool);

impl Looked {
    pub(super) const fn no() -> Self {
        Self(AtomicBool::new(false))
    }

    pub(super) const fn yes() -> Self {
        Self(AtomicBool::new(true))
    }

    #[inline]
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns the rejection reason of a token that is dropped while its pipeline runs.
    pub(super) fn why_dropped(&self) -> Reason {
        if self.0.load(Ordering::Relaxed) { Reason::Dropped } else { Reason::Untried }
    }
}
