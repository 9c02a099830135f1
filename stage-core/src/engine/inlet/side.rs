//! The inlet as the input side of a stage.

use super::Inlet;
use crate::base::error::ExitReason;
use crate::credit::demand::Window;
use crate::dispatch::Marker;
use crate::engine::sides::{Input, InputControl, InputParts};
use crate::stage::{Erased, downcast};
use crate::wire::diagnosis::Diagnosis;
use crate::wire::subscription::{Asking, Subscription, Tell};

impl<E: Send + 'static> Input for Inlet<E> {
    type Event = E;

    fn assemble(InputParts { signal, stage, sources, counters }: InputParts) -> Self {
        Self::new(&signal, stage, sources, counters)
    }

    #[inline]
    fn slots(&self) -> usize {
        Self::slots(self)
    }

    #[inline]
    fn look(&mut self, slot: usize) {
        Self::look(self, slot);
    }

    #[inline]
    fn has_pending_work(&self) -> bool {
        !self.core.joins.is_empty() || !self.core.pending_markers.is_empty()
    }

    #[inline]
    fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    #[inline]
    fn in_hand(&self) -> usize {
        self.held
    }

    fn close(&mut self, reason: &ExitReason) {
        Self::close(self, reason);
    }
}

impl<E: Send + 'static> InputControl for Inlet<E> {
    fn tell(&mut self, tell: &Tell) {
        Self::tell(self, tell);
    }

    fn resubscribe(&mut self, source: usize) {
        self.core.resubscribe(source);
    }

    fn abandon(&mut self, source: usize) {
        self.core.sources.abandon(source);
    }

    fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    fn leave(&mut self) {
        Self::leave(self);
    }

    fn set_window(&mut self, window: Window) {
        Self::set_window(self, window);
    }

    /// Begins to record the waits on all links, those to come included.
    fn measure(&mut self) {
        self.core.measured = true;
        for incoming in self.links.iter().flatten() {
            incoming.link.counters().measure();
        }
    }

    fn join(&mut self, join: Erased) {
        if let Some(join) = downcast(join) {
            Self::join(self, join);
        }
    }

    fn begin(&mut self) -> Option<Subscription> {
        Self::begin(self)
    }

    fn complete(&mut self, asking: Asking) {
        Self::complete(self, asking);
    }

    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        Self::mark(self, marker)
    }

    fn passed(&mut self) -> Option<Marker> {
        self.core.pending_markers.passed()
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        let mut subscriptions = Vec::new();
        for incoming in self.links.iter().flatten() {
            subscriptions.push(incoming.link.subscription().clone());
        }
        subscriptions
    }

    fn diagnose(&self, diagnosis: &mut Diagnosis) {
        diagnosis.in_hand = self.held;
        for incoming in self.links.iter().flatten() {
            let waiting = incoming.link.waiting();
            diagnosis.queued += waiting;
            if (incoming.terms.paused || self.paused) && waiting > 0 {
                diagnosis.paused.push(incoming.link.subscription().producer());
            }
        }
    }
}
