//! The outlet as the output side of a stage.

use std::collections::VecDeque;

use super::{Discarded, Outlet, SubscriberChange};
use crate::base::error::ExitReason;
use crate::base::options::DemandMode;
use crate::base::progress::Progress;
use crate::base::stats::Counters;
use crate::dispatch::supply::buffer::Buffer;
use crate::dispatch::{Marker, Supply};
use crate::engine::sides::{Output, OutputControl, OutputParts};
use crate::stage::downcast;
use crate::sync::Arc;
use crate::wire::diagnosis::Diagnosis;
use crate::wire::protocol::{AnySubscribe, Closed};
use crate::wire::subscription::Subscription;

impl<E: Send + 'static> Output for Outlet<E> {
    type Event = E;

    fn assemble(parts: OutputParts<E>, counters: Arc<Counters>) -> Self {
        let OutputParts { dispatcher, capacity, keep, subscribers, on_cancel, mode, rejected } = parts;
        let supply = Supply::new(dispatcher, Buffer::new(capacity, keep));
        let mut outlet = Self::new(supply, counters, subscribers);
        (outlet.core.on_cancel, outlet.rejected) = (on_cancel, rejected);
        if mode == DemandMode::Accumulate {
            outlet.core.chosen = mode;
            outlet.core.accumulated = Some(VecDeque::new());
        }
        outlet
    }

    #[inline]
    fn slots(&self) -> usize {
        self.links.len()
    }

    #[inline]
    fn look(&mut self, slot: usize) {
        Self::look(self, slot);
    }

    #[inline]
    fn emit(&mut self, events: &mut Vec<E>) {
        Self::emit(self, events);
    }

    #[inline]
    fn has_pending_work(&self) -> bool {
        self.core.has_pending_work()
    }

    #[inline]
    fn has_had_enough(&self) -> bool {
        Self::has_had_enough(self)
    }

    #[inline]
    fn tells_demand(&self) -> bool {
        Self::tells_demand(self)
    }

    #[inline]
    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }

    fn take_rest(&mut self) -> Vec<E> {
        Self::take_rest(self)
    }

    fn reject(&mut self, events: Vec<E>) {
        Self::reject(self, events);
    }

    fn discard_at_end(&self, discarded: usize) {
        self.core.discard_at_end(discarded);
    }

    fn close(&mut self, closed: &Closed) {
        Self::close(self, closed);
    }
}

impl<E: Send + 'static> OutputControl for Outlet<E> {
    fn subscribe(&mut self, subscribe: Box<dyn AnySubscribe>) {
        if let Some(subscribe) = downcast(subscribe.into_any()) {
            Self::subscribe(self, subscribe);
        }
    }

    fn cancel(&mut self, subscription: &Subscription, reason: ExitReason) {
        Self::cancel(self, subscription, reason);
    }

    fn set_mode(&mut self, mode: DemandMode) {
        Self::set_mode(self, mode);
    }

    fn set_paused(&mut self, paused: bool) {
        Self::set_paused(self, paused);
    }

    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        Self::mark(self, marker)
    }

    fn next_fired(&mut self) -> Option<Marker> {
        self.core.fired.pop_front()
    }

    fn next_change(&mut self) -> Option<SubscriberChange> {
        self.core.changes.pop_front()
    }

    fn take_discarded(&mut self) -> Option<Discarded> {
        let discarded = std::mem::take(&mut self.core.discarded);
        (discarded != Discarded::default()).then_some(discarded)
    }

    #[inline]
    fn broken(&self) -> Option<&ExitReason> {
        self.core.broken.as_ref()
    }

    #[inline]
    fn wanted(&self) -> usize {
        Self::wanted(self)
    }

    #[inline]
    fn buffered(&self) -> usize {
        Self::buffered(self)
    }

    fn mode(&self) -> DemandMode {
        self.core.mode()
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        self.core.subscriptions()
    }

    fn diagnose(&self, diagnosis: &mut Diagnosis) {
        diagnosis.buffered = Self::buffered(self);
        diagnosis.wanted = Self::wanted(self);
        self.core.diagnose(diagnosis);
    }

    fn announce_progress(&mut self, latest: Progress) {
        Self::announce_progress(self, latest);
    }
}
