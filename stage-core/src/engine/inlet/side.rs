//! The inlet as the input side of a stage.

use super::Inlet;
use super::subscribing::Begun;
use crate::base::error::ExitReason;
use crate::credit::demand::Window;
use crate::dispatch::Marker;
use crate::engine::sides::{Input, InputParts};
use crate::wire::diagnosis::Diagnosis;
use crate::wire::mailbox::Join;
use crate::wire::subscription::{Asking, Subscription, Tell};

impl<E: Send + 'static> Input for Inlet<E> {
    type Event = E;
    type Begun = Begun<E>;

    fn assemble(InputParts { signal, stage, sources, counters }: InputParts<E>) -> Self {
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

    fn tell(&mut self, tell: &Tell) {
        Self::tell(self, tell);
    }

    fn resubscribe(&mut self, source: usize) {
        if let Some(join) = self.sources.back(source) {
            self.joins.push_back(join);
        }
    }

    fn abandon(&mut self, source: usize) {
        self.sources.abandon(source);
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
        self.measured = true;
        for incoming in self.links.iter().flatten() {
            incoming.link.counters().measure();
        }
    }

    fn join(&mut self, join: Join<E>) {
        Self::join(self, join);
    }

    fn begin(&mut self) -> Option<Begun<E>> {
        Self::begin(self)
    }

    fn complete(&mut self, begun: Begun<E>, asking: Asking) {
        Self::complete(self, begun, asking);
    }

    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        Self::mark(self, marker)
    }

    fn passed(&mut self) -> Option<Marker> {
        self.pending_markers.passed()
    }

    #[inline]
    fn has_pending_work(&self) -> bool {
        !self.joins.is_empty() || !self.pending_markers.is_empty()
    }

    #[inline]
    fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    #[inline]
    fn in_hand(&self) -> usize {
        self.held
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
            if (incoming.paused || self.paused) && waiting > 0 {
                diagnosis.paused.push(incoming.link.subscription().producer());
            }
        }
    }

    fn close(&mut self, reason: &ExitReason) {
        Self::close(self, reason);
    }
}
