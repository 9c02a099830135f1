//! The messages that travel behind events: what their markers stand for.

use std::collections::HashMap;

use crate::dispatch::Marker;
use crate::stage::Envelope;

/// Messages that wait until everything before them has left.
pub(super) struct Infos<S, Out> {
    waiting: HashMap<Marker, Box<dyn Envelope<S, Out>>>,
    next: u64,
}

impl<S, Out> Infos<S, Out> {
    pub(super) fn new() -> Self {
        Self { waiting: HashMap::new(), next: 0 }
    }

    /// Keeps `message`; the marker stands for it.
    pub(super) fn add(&mut self, message: Box<dyn Envelope<S, Out>>) -> Marker {
        let marker = Marker::new(self.next);
        self.next += 1;
        self.waiting.insert(marker, message);
        marker
    }

    /// The message that `marker` stands for, whose time has come.
    pub(super) fn take(&mut self, marker: Marker) -> Option<Box<dyn Envelope<S, Out>>> {
        let message = self.waiting.remove(&marker);
        debug_assert!(message.is_some(), "a marker fires once");
        message
    }
}
