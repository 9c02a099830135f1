//! The mark of a delivery that a handler has in its hands.

use std::sync::atomic::{AtomicBool, Ordering};

use super::reason::Reason;

/// Whether a handler has looked at the event of a token: if it has, a drop is a failed attempt.
///
/// Only the owner of the token and those he lends the delivery to set it, so it orders nothing. (The standard
/// library's type, since the constructors of tokens are `const`.)
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

    /// The reason for the rejection of a token that is dropped while its pipeline runs.
    pub(super) fn why_dropped(&self) -> Reason {
        if self.0.load(Ordering::Relaxed) { Reason::Dropped } else { Reason::Untried }
    }
}
