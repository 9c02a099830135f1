//! One group of a group dispatcher: its subscribers, its queue, and the markers that passed it.

use super::group::SubscriberGroup;
use super::guard::guarded;
use super::tables::passed_markers::{PassedMarkers, Ticket};
use super::{DispatchWarning, Dispatcher, MarkedQueue, Marker, Outbox, SubscriptionKey};
use crate::base::error::SubscribeError;
use crate::credit::demand::Demand;
use crate::dispatch::options::{DispatchOptions, Selector};

/// The subscribers of a group, and the events queued for them.
///
/// While events are queued, the group's dispatcher has no demand.
pub(super) struct Members<E> {
    /// The number of the first subscriber, and the number of subscribers.
    first: usize,
    size: usize,
    selector: Option<Selector<E>>,
    dispatcher: Box<dyn Dispatcher<E>>,
    queue: MarkedQueue<E, Ticket>,
    /// Events on their way from the queue to the dispatcher; empty between calls.
    scratch: Vec<E>,
    /// The number of subscribers that have finished.
    finished: usize,
}

impl<E> Members<E> {
    pub(super) fn new(first: usize, group: SubscriberGroup<E>) -> Self {
        let SubscriberGroup { size, selector, dispatcher } = group;
        let (queue, scratch) = (MarkedQueue::new(), Vec::new());
        Self { first, size, selector, dispatcher, queue, scratch, finished: 0 }
    }

    /// Returns one more than the number of the last subscriber.
    pub(super) fn end(&self) -> usize {
        self.first.saturating_add(self.size)
    }

    /// Returns whether any subscriber may still ask.
    pub(super) fn is_open(&self) -> bool {
        self.finished < self.size
    }

    pub(super) fn has_selector(&self) -> bool {
        self.selector.is_some()
    }

    /// Returns whether the group accepts `event`, or `None` if the selector panicked.
    pub(super) fn selects(&self, event: &E, outbox: &mut Outbox<E>) -> Option<bool> {
        let Some(selector) = &self.selector else { return Some(true) };
        match guarded(|| selector.selects(event)) {
            Ok(selects) => Some(selects),
            Err(panicked) => {
                outbox.discard(1);
                outbox.warn(DispatchWarning::Unroutable { events: 1, why: panicked.to_string() });
                None
            }
        }
    }

    pub(super) fn subscribe(
        &mut self,
        key: SubscriptionKey,
        number: usize,
        options: DispatchOptions<E>,
    ) -> Result<(), SubscribeError> {
        self.dispatcher.subscribe(key, options.partition(number - self.first))
    }

    pub(super) fn cancel(
        &mut self,
        key: SubscriptionKey,
        passed: &mut PassedMarkers,
        outbox: &mut Outbox<E>,
    ) {
        passed.watch(outbox, |outbox| self.dispatcher.cancel(key, outbox));
        self.serve(passed, outbox);
    }

    pub(super) fn finish(
        &mut self,
        key: SubscriptionKey,
        passed: &mut PassedMarkers,
        outbox: &mut Outbox<E>,
    ) {
        self.finished += 1;
        passed.watch(outbox, |outbox| self.dispatcher.finish(key, outbox));
        self.serve(passed, outbox);
        if !self.is_open() {
            outbox.discard(self.queue.clear() + self.dispatcher.discard());
            self.pass(passed, outbox);
        }
    }

    pub(super) fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) -> usize {
        let lost = self.dispatcher.take_back(key, events);
        self.queue.put_back(events);
        lost
    }

    pub(super) fn ask(
        &mut self,
        key: SubscriptionKey,
        demand: Demand,
        passed: &mut PassedMarkers,
        outbox: &mut Outbox<E>,
    ) {
        passed.watch(outbox, |outbox| self.dispatcher.ask(key, demand, outbox));
        self.serve(passed, outbox);
    }

    /// Hands out `events`, and queues those without demand.
    pub(super) fn give(&mut self, events: &mut Vec<E>, passed: &mut PassedMarkers, outbox: &mut Outbox<E>) {
        if self.queue.is_empty() {
            passed.watch(outbox, |outbox| self.dispatcher.dispatch(events, outbox));
        }
        self.queue.extend(events.drain(..));
    }

    /// Hands out queued events, as far as there is demand.
    fn serve(&mut self, passed: &mut PassedMarkers, outbox: &mut Outbox<E>) {
        loop {
            let count = self.queue.run(self.dispatcher.wanted());
            if count == 0 {
                return;
            }
            self.scratch.extend(self.queue.drain(count));
            passed.watch(outbox, |outbox| self.dispatcher.dispatch(&mut self.scratch, outbox));
            let left = self.scratch.len();
            self.queue.put_back(&mut self.scratch);
            self.pass(passed, outbox);
            if left == count {
                // A dispatcher that violates D3 waits for the next ask instead of spinning here.
                return;
            }
        }
    }

    /// Passes on the markers that are no longer behind queued events.
    fn pass(&mut self, passed: &mut PassedMarkers, outbox: &mut Outbox<E>) {
        while let Some(ticket) = self.queue.passed() {
            if let Some(marker) = self.dispatcher.mark(Marker::new(ticket)) {
                passed.passed(marker.number(), outbox);
            }
        }
    }

    /// Places a marker behind the group's events; returns whether there are any.
    pub(super) fn is_before(&mut self, ticket: Ticket) -> bool {
        if self.queue.is_empty() {
            return self.dispatcher.mark(Marker::new(ticket)).is_none();
        }
        self.queue.mark(ticket);
        true
    }

    pub(super) fn wanted(&self) -> usize {
        if self.queue.is_empty() { self.dispatcher.wanted() } else { 0 }
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn kept(&self) -> usize {
        self.queue.len() + self.dispatcher.kept()
    }

    pub(super) fn discard(&mut self) -> usize {
        self.queue.clear() + self.dispatcher.discard()
    }

    pub(super) fn take_kept(&mut self, into: &mut Vec<E>) -> usize {
        let dropped = self.dispatcher.take_kept(into);
        self.queue.take_all(into);
        dropped
    }
}

impl<E> std::fmt::Debug for Members<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members")
            .field("size", &self.size)
            .field("finished", &self.finished)
            .field("queued", &self.queue.len())
            .finish_non_exhaustive()
    }
}
