//! The decisions of a dispatcher other than deliveries. They do not depend on its events, so that their code is compiled
//! once.

use super::{DispatchWarning, Marker, SubscriptionKey};
use crate::base::error::ExitReason;

/// The most unread warnings kept; further ones are dropped.
const MOST_WARNINGS: usize = 64;

/// Fired markers, discarded events, warnings, and subscriptions to end.
#[derive(Debug, Default)]
pub(crate) struct Asides {
    pub(crate) discarded: usize,
    pub(crate) fired: Vec<Marker>,
    pub(crate) warnings: Vec<DispatchWarning>,
    pub(super) expelled: Vec<(SubscriptionKey, ExitReason)>,
}

impl Asides {
    pub(super) fn fire(&mut self, marker: Marker) {
        self.fired.push(marker);
    }

    /// Adds a warning, or adds it to the last one.
    pub(super) fn warn(&mut self, warning: DispatchWarning) {
        let absorbed = self.warnings.last_mut().is_some_and(|last| last.absorb(&warning));
        if !absorbed && self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(warning);
        }
    }

    pub(super) fn expel(&mut self, key: SubscriptionKey, reason: ExitReason) {
        self.expelled.push((key, reason));
    }

    /// Returns whether there is anything beside subscriptions to end.
    #[inline]
    pub(super) fn need_settling(&self) -> bool {
        self.discarded > 0 || !self.fired.is_empty() || !self.warnings.is_empty()
    }

    /// Removes and returns the subscriptions to end.
    pub(crate) fn take_expelled(&mut self) -> Vec<(SubscriptionKey, ExitReason)> {
        std::mem::take(&mut self.expelled)
    }
}
