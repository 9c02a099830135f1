//! The input side of a stage that creates its events.

use std::convert::Infallible;

use super::sides::{Input, InputParts};
use crate::base::error::ExitReason;
use crate::base::stats::Counters;
use crate::credit::demand::Window;
use crate::dispatch::Marker;
use crate::engine::inlet::discard_unhandled;
use crate::stage::Nothing;
use crate::sync::Arc;
use crate::wire::diagnosis::Diagnosis;
use crate::wire::mailbox::Join;
use crate::wire::subscription::{Asking, Reach, Subscription, Tell};

/// No subscriptions; only the number of events in hand, and the window that a pipeline in one stage works by.
pub(crate) struct NoInput {
    stage: Arc<dyn Reach>,
    window: Window,
    held: usize,
    counters: Arc<Counters>,
}

/// The subscription that such a stage starts: there is none.
pub(crate) struct Never(Infallible);

impl AsRef<Subscription> for Never {
    fn as_ref(&self) -> &Subscription {
        match self.0 {}
    }
}

impl NoInput {
    /// Returns the demand window that the pipeline sets for this stage.
    pub(super) fn window(&self) -> Window {
        self.window
    }

    /// Records how many events a callback holds.
    #[inline]
    pub(super) fn hold(&mut self, events: usize) {
        self.held = events;
    }
}

impl Input for NoInput {
    type Event = Nothing;
    type Begun = Never;

    fn assemble(InputParts { stage, sources, counters, .. }: InputParts<Nothing>) -> Self {
        Self { stage, window: sources.window(), held: 0, counters }
    }

    #[inline]
    fn slots(&self) -> usize {
        0
    }

    #[inline]
    fn look(&mut self, _slot: usize) {}

    fn tell(&mut self, _tell: &Tell) {}

    fn resubscribe(&mut self, _source: usize) {}

    fn abandon(&mut self, _source: usize) {}

    fn set_paused(&mut self, _paused: bool) {}

    fn set_window(&mut self, window: Window) {
        self.window = window;
    }

    fn measure(&mut self) {}

    /// A subscription to a stage that emits nothing has no effect.
    fn join(&mut self, join: Join<Nothing>) {
        // The caller may have stopped waiting.
        let _ = join.reply.map(|reply| reply.send(Subscription::within(&self.stage.name())));
    }

    #[inline]
    fn begin(&mut self) -> Option<Never> {
        None
    }

    fn complete(&mut self, begun: Never, _asking: Asking) {
        match begun.0 {}
    }

    #[inline]
    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        Some(marker)
    }

    #[inline]
    fn passed(&mut self) -> Option<Marker> {
        None
    }

    #[inline]
    fn has_pending_work(&self) -> bool {
        false
    }

    #[inline]
    fn has_ready(&self) -> bool {
        false
    }

    #[inline]
    fn in_hand(&self) -> usize {
        self.held
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        Vec::new()
    }

    fn diagnose(&self, diagnosis: &mut Diagnosis) {
        diagnosis.in_hand = self.held;
    }

    fn close(&mut self, reason: &ExitReason) {
        discard_unhandled(&self.counters, std::mem::take(&mut self.held), reason);
    }
}

/// A stage that was cut off could not close its sides itself.
impl Drop for NoInput {
    fn drop(&mut self) {
        self.close(&ExitReason::Aborted);
    }
}
