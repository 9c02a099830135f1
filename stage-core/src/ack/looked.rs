//! The flag of a delivery that a handler has looked at.

use std::sync::atomic::{AtomicU32, Ordering};

use super::reason::Reason;

/// Whether a handler has looked at the event of a token: if so, dropping it is a failed attempt.
///
/// Only the token's owner and borrowers of the delivery set it, so relaxed ordering is enough. (It uses the
/// standard library's atomic, because the constructors of tokens are `const`.) Four bytes, so that a token has no
/// padding.
#[derive(Debug)]
pub(super) struct Looked(AtomicU32);

impl Looked {
    pub(super) const fn no() -> Self {
        Self(AtomicU32::new(0))
    }

    pub(super) const fn yes() -> Self {
        Self(AtomicU32::new(1))
    }

    #[inline]
    pub(super) fn set(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Returns the rejection reason of a token that is dropped while its pipeline runs.
    pub(super) fn why_dropped(&self) -> Reason {
        if self.is_set() { Reason::Dropped } else { Reason::Untried }
    }
}
