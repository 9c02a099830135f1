//! The output side of a stage that emits nothing.

use super::outlet::{Discarded, SubscriberChange};
use super::sides::{Output, OutputControl, OutputParts};
use crate::base::error::ExitReason;
use crate::base::options::DemandMode;
use crate::base::progress::Progress;
use crate::base::stats::Counters;
use crate::dispatch::Marker;
use crate::stage::{Nothing, downcast};
use crate::sync::Arc;
use crate::wire::diagnosis::Diagnosis;
use crate::wire::link::{FromConsumer, LinkTx};
use crate::wire::protocol::{AnySubscribe, Closed, Subscribe};
use crate::wire::subscription::Subscription;

/// Only the subscriptions that wait for the end of the stage: there are no events.
pub(crate) struct NoOutput {
    links: Vec<LinkTx<Nothing>>,
    mode: DemandMode,
    paused: bool,
    counters: Arc<Counters>,
}

impl Output for NoOutput {
    type Event = Nothing;

    fn assemble(parts: OutputParts<Nothing>, counters: Arc<Counters>) -> Self {
        Self { links: Vec::new(), mode: parts.mode, paused: false, counters }
    }

    #[inline]
    fn slots(&self) -> usize {
        0
    }

    #[inline]
    fn look(&mut self, slot: usize) {
        if !self.links.is_empty() {
            self.forget(slot);
        }
    }

    #[inline]
    fn emit(&mut self, _events: &mut Vec<Nothing>) {}

    #[inline]
    fn has_pending_work(&self) -> bool {
        false
    }

    #[inline]
    fn has_had_enough(&self) -> bool {
        false
    }

    #[inline]
    fn tells_demand(&self) -> bool {
        false
    }

    #[inline]
    fn is_empty(&self) -> bool {
        true
    }

    #[inline]
    fn take_rest(&mut self) -> Vec<Nothing> {
        Vec::new()
    }

    fn reject(&mut self, _events: Vec<Nothing>) {}

    fn discard_at_end(&self, _discarded: usize) {}

    fn close(&mut self, closed: &Closed) {
        for link in self.links.drain(..) {
            link.close(closed.clone());
        }
        self.counters.links.close_all();
        self.counters.hold(0, 0);
    }
}

impl OutputControl for NoOutput {
    fn subscribe(&mut self, subscribe: Box<dyn AnySubscribe>) {
        let Some(Subscribe::<Nothing> { link, .. }) = downcast(subscribe.into_any()) else { return };
        self.counters.links.open(link.slot(), link.subscription().consumer(), link.counters());
        self.links.push(link);
    }

    fn cancel(&mut self, subscription: &Subscription, reason: ExitReason) {
        if let Some(index) = self.links.iter().position(|link| link.subscription() == subscription) {
            let link = self.links.swap_remove(index);
            self.counters.links.close(link.slot());
            link.close(Closed::Cancelled(reason));
        }
    }

    fn set_mode(&mut self, mode: DemandMode) {
        self.mode = mode;
    }

    fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    #[inline]
    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        Some(marker)
    }

    #[inline]
    fn next_fired(&mut self) -> Option<Marker> {
        None
    }

    #[inline]
    fn next_change(&mut self) -> Option<SubscriberChange> {
        None
    }

    #[inline]
    fn take_discarded(&mut self) -> Option<Discarded> {
        None
    }

    #[inline]
    fn broken(&self) -> Option<&ExitReason> {
        None
    }

    #[inline]
    fn wanted(&self) -> usize {
        0
    }

    #[inline]
    fn buffered(&self) -> usize {
        0
    }

    fn mode(&self) -> DemandMode {
        if self.paused { DemandMode::Accumulate } else { self.mode }
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        self.links.iter().map(|link| link.subscription().clone()).collect()
    }

    fn diagnose(&self, diagnosis: &mut Diagnosis) {
        diagnosis.mode = self.mode();
        diagnosis.consumers = self.links.iter().map(|link| link.subscription().consumer()).collect();
    }

    fn announce_progress(&mut self, _latest: Progress) {}
}

impl NoOutput {
    /// Forgets the subscription of `slot`, if its consumer has left.
    #[cold]
    fn forget(&mut self, slot: usize) {
        let Some(index) = self.links.iter().position(|link| link.slot() == slot) else { return };
        loop {
            match self.links[index].receive() {
                FromConsumer::Credited(_) => {}
                FromConsumer::Nothing => return,
                FromConsumer::Cancelled(_) => break,
            }
        }
        self.links.swap_remove(index);
        self.counters.links.close(slot);
    }
}

/// A stage that was cut off could not close its sides itself.
impl Drop for NoOutput {
    fn drop(&mut self) {
        self.close(&Closed::Down(ExitReason::Aborted));
    }
}
