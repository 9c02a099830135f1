//! Messages that travel behind events, keyed by their markers.

use std::collections::HashMap;

use crate::dispatch::Marker;
use crate::stage::Erased;

/// Messages that wait until everything before them has left. They are type-erased, so that this code is
/// compiled once instead of once per stage.
pub(super) struct DeferredMessages {
    waiting: HashMap<Marker, Erased>,
    next: u64,
}

impl DeferredMessages {
    pub(super) fn new() -> Self {
        Self { waiting: HashMap::new(), next: 0 }
    }

    /// Stores `message` and returns the marker that stands for it.
    #[inline(never)]
    pub(super) fn add(&mut self, message: Erased) -> Marker {
        let marker = Marker::new(self.next);
        self.next += 1;
        self.waiting.insert(marker, message);
        marker
    }

    /// Removes and returns the message of `marker`, which has fired.
    #[inline(never)]
    pub(super) fn take(&mut self, marker: Marker) -> Option<Erased> {
        let message = self.waiting.remove(&marker);
        debug_assert!(message.is_some(), "a marker fires once");
        message
    }
}
