//! Events that were emitted but not handed out when the stage ends.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Outlet;
use super::core::Core;
use crate::base::stats::Discard;
use crate::engine::log;
use crate::sync::Arc;

/// A function that receives the events that no consumer will take any more.
pub(crate) struct Rejections<E>(Arc<dyn Fn(Vec<E>) + Send + Sync>);

impl<E> Rejections<E> {
    pub(crate) fn new(to: impl Fn(Vec<E>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(to))
    }
}

impl<E> Clone for Rejections<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> fmt::Debug for Rejections<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rejections")
    }
}

impl Core {
    /// Counts events that no consumer will take.
    pub(super) fn discard_at_end(&self, discarded: usize) {
        if discarded > 0 {
            self.counters.discarded(Discard::Ended, discarded);
            log::not_asked_for(&self.counters, discarded);
        }
    }
}

impl<E> Outlet<E> {
    /// Removes the events that were not handed out, and those that a departed consumer left unread. They no
    /// longer appear in any count.
    pub(crate) fn take_rest(&mut self) -> Vec<E> {
        (0..self.links.len()).for_each(|slot| self.look(slot));
        let mut rest = Vec::new();
        let dropped = self.decide(|supply, _| supply.take_rest(&mut rest)).unwrap_or(0);
        self.core.discard_at_end(dropped);
        self.core.accumulated = None;
        for mut events in std::mem::take(&mut self.held) {
            rest.append(&mut events);
        }
        self.core.held_back = 0;
        rest
    }

    /// Counts events that no consumer will take, and passes them to the function for rejected events.
    pub(crate) fn reject(&mut self, events: Vec<E>) {
        if events.is_empty() {
            return;
        }
        self.core.discard_at_end(events.len());
        if let Some(Rejections(to)) = &self.rejected
            && catch_unwind(AssertUnwindSafe(|| to(events))).is_err()
        {
            log::rejecting_panicked(&self.core.counters);
        }
    }
}
