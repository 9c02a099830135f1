//! The consuming half of a stage: receives batches and asks for more once they are handled.

mod core;
mod ends;
mod requested;
mod side;
mod subscribing;
mod terms;
mod tuning;

use std::collections::VecDeque;
use std::time::Duration;

use self::core::Core;
pub(super) use self::ends::discard_unhandled;
use self::terms::Terms;
pub(super) use self::tuning::reading;
use super::sources::Sources;
use crate::base::error::{ExitReason, SubscribeError};
use crate::base::options::CancelMode;
use crate::base::progress::Progress;
use crate::base::stats::Counters;
use crate::credit::demand::Demand;
use crate::credit::tuner::Tuner;
use crate::dispatch::Marker;
use crate::stage::Erased;
use crate::sync::Arc;
use crate::wire::link::{FromProducer, LinkRx};
use crate::wire::mailbox::Join;
use crate::wire::protocol::Batch;
use crate::wire::signal::Signal;
use crate::wire::subscription::{Cancellation, Reach, Subscription, Tell, What};

/// The subscriptions of a stage to its producers.
pub(crate) struct Inlet<E> {
    core: Core,
    /// Indexed by slot.
    links: Vec<Option<Incoming<E>>>,
    /// Slots that may have something to receive, in round-robin order.
    ready: VecDeque<usize>,
    /// The progress of a producer that was received last, with its slot.
    progress: Option<(usize, Progress)>,
    /// Number of events that the running callback holds.
    held: usize,
    /// Whether an operator paused the stage.
    paused: bool,
}

struct Incoming<E> {
    link: LinkRx<E>,
    terms: Terms,
}

/// A subscription that ended.
#[derive(Debug)]
pub(crate) struct LostSubscription {
    pub(crate) subscription: Subscription,
    pub(crate) cancellation: Cancellation,
    /// The stage's reaction to the end; `None` if the pipeline decides.
    pub(crate) mode: Option<CancelMode>,
    /// The reason for which the stage ends with the subscription, if the pipeline decides so.
    pub(crate) ends: Option<ExitReason>,
    /// Why the producer refused the subscription.
    pub(crate) refused: Option<SubscribeError>,
    /// Whether the producer had ended for good before the subscription reached it.
    pub(crate) late: bool,
    /// The tuner that chose its window.
    pub(crate) tuner: Option<Tuner>,
    /// The replacement subscription, a `Join`, and the delay before it is made.
    pub(crate) resubscribe: Option<(Duration, Erased)>,
}

/// The outcome of [`Inlet::receive`].
pub(crate) enum Received {
    /// A batch of the subscription with this slot, whose events are in the given buffer.
    Batch { slot: usize, more: bool },
    /// A subscription ended, and everything that its producer sent was received.
    Lost(Box<LostSubscription>),
    /// A producer announced its progress behind everything that was received of it; see
    /// [`Inlet::take_progress`].
    Progress,
    /// Nothing is available now.
    Nothing,
}

/// The kinds of items that the stage is ready to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appetite {
    /// Batches and ends.
    All,
    /// Only ends that no batch precedes.
    Ends,
}

impl<E: Send + 'static> Inlet<E> {
    pub(crate) fn new(
        signal: &Arc<Signal>,
        stage: Arc<dyn Reach>,
        sources: Sources,
        counters: Arc<Counters>,
    ) -> Self {
        let core = Core::new(signal, stage, sources, counters);
        Self { core, links: Vec::new(), ready: VecDeque::new(), progress: None, held: 0, paused: false }
    }

    /// Returns the highest slot in use plus one.
    pub(crate) fn slots(&self) -> usize {
        self.links.len()
    }

    /// Schedules a subscription to every source of the pipeline.
    pub(crate) fn open(&mut self) {
        self.core.open();
    }

    /// Schedules the subscription `join`.
    pub(crate) fn join(&mut self, join: Join) {
        self.core.join(join);
    }

    /// Notes that the producer of `slot` sent something.
    #[inline]
    pub(crate) fn look(&mut self, slot: usize) {
        if let Some(incoming) = self.links.get_mut(slot).and_then(Option::as_mut)
            && !incoming.terms.listed
        {
            incoming.terms.listed = true;
            self.ready.push_back(slot);
        }
    }

    /// Applies a request to the subscription that it names.
    pub(crate) fn tell(&mut self, tell: &Tell) {
        let slot = tell.subscription.consumer_slot();
        let place = self.links.get_mut(slot);
        let Some(incoming) =
            place.and_then(Option::as_mut).filter(|it| *it.link.subscription() == tell.subscription)
        else {
            return;
        };
        if let What::Detach = tell.what {
            self.detach(slot);
        } else {
            let ask = incoming.terms.tell(incoming.link.state(), &tell.what);
            incoming.ask(ask);
        }
    }

    /// Queues `marker` behind all received and unhandled batches; returns it if there are none.
    pub(crate) fn mark(&mut self, marker: Marker) -> Option<Marker> {
        let waiting = |(slot, incoming): (usize, &Option<Incoming<E>>)| {
            let batches = incoming.as_ref()?.link.waiting();
            (batches > 0).then_some((slot, batches))
        };
        let batches = self.links.iter().enumerate().filter_map(waiting).collect();
        self.core.pending_markers.add(marker, batches)
    }

    /// Receives the next item that `appetite` allows, from the producers in turn; the batches of one message
    /// are received without interleaving. The events of a batch replace `events`, where they stay until they
    /// are handled: moving a batch between two calls costs more than the calls.
    #[inline]
    pub(crate) fn receive(&mut self, appetite: Appetite, events: &mut Vec<E>) -> Received {
        if self.ready.is_empty() && self.core.left.is_empty() {
            return Received::Nothing;
        }
        self.receive_next(appetite, events)
    }

    fn receive_next(&mut self, appetite: Appetite, events: &mut Vec<E>) -> Received {
        if let Some(gone) = self.core.left.pop_front() {
            return Received::Lost(Box::new(gone));
        }
        let mut skipped = 0;
        while skipped < self.ready.len() {
            let slot = self.ready[0];
            let Some(incoming) = self.links.get_mut(slot).and_then(Option::as_mut) else {
                self.ready.pop_front();
                continue;
            };
            if incoming.terms.paused || self.paused || appetite == Appetite::Ends && incoming.link.has_batch()
            {
                self.ready.rotate_left(1);
                skipped += 1;
                continue;
            }
            if appetite == Appetite::All
                && let Some(batch) = incoming.link.receive_batch()
            {
                let more = batch.more();
                // Read before the move: a part of what was just written in larger pieces is read with a stall.
                self.held = batch.events.len();
                *events = batch.events;
                incoming.received(more, &mut self.ready);
                return Received::Batch { slot, more };
            }
            match incoming.link.receive() {
                FromProducer::Batch(batch) if appetite == Appetite::Ends => incoming.link.put_back(batch),
                FromProducer::Batch(batch) => {
                    let more = batch.more();
                    *events = batch.events;
                    self.held = events.len();
                    incoming.received(more, &mut self.ready);
                    return Received::Batch { slot, more };
                }
                FromProducer::Nothing => {
                    incoming.terms.listed = false;
                    self.ready.pop_front();
                }
                FromProducer::Progress(progress) => {
                    self.progress = Some((slot, progress));
                    return Received::Progress;
                }
                FromProducer::Closed(closed) => {
                    self.ready.pop_front();
                    if let Some(gone) = self.lose(slot, closed) {
                        return Received::Lost(Box::new(gone));
                    }
                }
            }
        }
        Received::Nothing
    }

    /// Notes that the received batch was handled: returns its emptied buffer to the producer, with credit if
    /// it is due.
    #[inline]
    pub(crate) fn handled(&mut self, slot: usize, mut buffer: Vec<E>) {
        buffer.clear();
        let events = std::mem::take(&mut self.held);
        self.core.counters.handled(events);
        if !self.core.pending_markers.is_empty() {
            self.core.pending_markers.handled(slot);
        }
        if let Some(incoming) = self.links.get_mut(slot).and_then(Option::as_mut) {
            let Incoming { link, terms } = incoming;
            if let Some((resubscribe, _)) = &mut terms.resubscribe {
                resubscribe.succeeded();
            }
            link.counters().handled(events);
            terms.tune(events, link.state(), &self.core.counters);
            let ask = terms.credit.as_mut().and_then(|credit| credit.settle(events));
            link.give_back(buffer, ask.map_or(0, Demand::get));
        }
    }

    /// Removes and returns the progress that was received last, with the subscription that it came by.
    pub(crate) fn take_progress(&mut self) -> Option<(Subscription, Progress)> {
        let (slot, progress) = self.progress.take()?;
        Some((self.subscription(slot)?.clone(), progress))
    }

    /// Returns the subscription with this slot.
    pub(crate) fn subscription(&self, slot: usize) -> Option<&Subscription> {
        self.links.get(slot)?.as_ref().map(|incoming| incoming.link.subscription())
    }

    /// Returns whether every producer of the pipeline has ended and everything that it sent was received.
    pub(crate) fn has_ended(&self) -> bool {
        self.core.sources.have_ended()
    }

    /// Returns whether the stage was asked to leave, and has received everything that it was sent.
    #[inline]
    pub(crate) fn has_left(&self) -> bool {
        self.core.leaving && self.is_empty()
    }

    #[cold]
    fn is_empty(&self) -> bool {
        self.core.left.is_empty() && self.links.iter().all(Option::is_none)
    }
}

impl<E> Incoming<E> {
    /// Moves its slot, the first one in `ready`, to the place that it has after the batch just received.
    #[inline]
    fn received(&mut self, more: bool, ready: &mut VecDeque<usize>) {
        if !self.link.has_more() {
            self.terms.listed = false;
            ready.pop_front();
        } else if !more && ready.len() > 1 {
            ready.rotate_left(1);
        }
    }

    /// Asks for `events` events, unless it is zero.
    fn ask(&mut self, events: usize) {
        if events > 0 {
            self.link.give_back(Vec::new(), events);
        }
    }
}

impl<E> Inlet<E> {
    /// Puts the unhandled part of the current batch back; it is received next.
    pub(crate) fn put_back(&mut self, slot: usize, events: Vec<E>) {
        let held = std::mem::take(&mut self.held);
        let handled = held.saturating_sub(events.len());
        self.core.counters.handled(handled);
        if let Some(incoming) = self.links.get_mut(slot).and_then(Option::as_mut) {
            incoming.link.counters().handled(handled);
            if !events.is_empty() {
                incoming.link.put_back(Batch::new(events, false));
            }
        }
    }
}

/// Closes the inlet of a stage that was aborted and could not close it itself.
impl<E> Drop for Inlet<E> {
    fn drop(&mut self) {
        self.close(&ExitReason::Aborted);
    }
}
