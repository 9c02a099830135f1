//! The consuming half of a stage: receives batches, and asks for more once they are handled.

use std::collections::VecDeque;

use crate::demand::{Credit, Window};
use crate::error::{ExitReason, SubscribeError};
use crate::link::{FromProducer, LinkRx, link};
use crate::mailbox::Subscribable;
use crate::protocol::{Batch, Closed, Subscribe};
use crate::signal::{Signal, Slot};
use crate::stats::Counters;
use crate::subscriber::SubscriberOptions;
use crate::sync::Arc;

/// A producer this stage subscribes to when it starts.
pub(crate) struct Source<E> {
    pub(crate) producer: Arc<dyn Subscribable<E>>,
    pub(crate) options: SubscriberOptions<E>,
}

/// Subscriptions to producers.
pub(crate) struct Inlet<E> {
    signal: Arc<Signal>,
    window: Window,
    sources: Vec<Known<E>>,
    /// By slot.
    links: Vec<Option<Subscription<E>>>,
    /// Slots that may have something to receive, in turn.
    ready: VecDeque<usize>,
    ended: usize,
    /// Events in the hands of a callback.
    held: usize,
    counters: Arc<Counters>,
}

/// A source, and how the subscription to it stands.
struct Known<E> {
    source: Source<E>,
    state: State,
    /// Whether it was restarted while the old subscription still held events.
    back: bool,
}

/// How a subscription to one source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is there.
    Open,
    /// The producer failed and will be back.
    Lost,
    /// The producer has nothing more, ever.
    Ended,
}

struct Subscription<E> {
    link: LinkRx<E>,
    credit: Credit,
    source: usize,
    listed: bool,
}

/// What the inlet received.
pub(crate) enum Received<E> {
    /// A batch of the subscription with this slot.
    Batch(usize, Batch<E>),
    /// Nothing is there now.
    Nothing,
    /// A producer did not take this stage's subscription in.
    Refused(SubscribeError),
}

impl<E: Send + 'static> Inlet<E> {
    pub(crate) fn new(
        signal: &Arc<Signal>,
        window: Window,
        sources: impl IntoIterator<Item = Source<E>>,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            signal: Arc::clone(signal),
            window,
            sources: sources
                .into_iter()
                .map(|source| Known { source, state: State::Lost, back: false })
                .collect(),
            links: Vec::new(),
            ready: VecDeque::new(),
            ended: 0,
            held: 0,
            counters,
        }
    }

    /// One more than the highest slot in use.
    pub(crate) fn slots(&self) -> usize {
        self.links.len()
    }

    /// Subscribes to every source.
    pub(crate) fn open(&mut self) {
        for source in 0..self.sources.len() {
            self.subscribe(source);
        }
    }

    /// Subscribes to a source and asks for the first events; if a subscription to it still stands, as
    /// soon as that has been read to its end.
    pub(crate) fn subscribe(&mut self, source: usize) {
        let Some(known) = self.sources.get_mut(source) else { return };
        match known.state {
            State::Ended => return,
            State::Open => {
                known.back = true;
                return;
            }
            State::Lost => {}
        }
        let Source { producer, options } = &known.source;
        let (tx, mut rx) = link(producer.claim(), Slot::claim(&self.signal), self.window.chunk());
        let (credit, ask) = Credit::open(self.window);
        rx.give_back(Vec::new(), ask.get());
        producer.subscribe(Subscribe { link: tx, options: options.clone() });
        known.state = State::Open;
        let slot = rx.slot();
        if self.links.len() <= slot {
            self.links.resize_with(slot + 1, || None);
        }
        self.links[slot] = Some(Subscription { link: rx, credit, source, listed: false });
        self.look(slot);
    }

    /// Notes that the producer of `slot` sent something.
    pub(crate) fn look(&mut self, slot: usize) {
        if let Some(subscription) = self.links.get_mut(slot).and_then(Option::as_mut)
            && !subscription.listed
        {
            subscription.listed = true;
            self.ready.push_back(slot);
        }
    }

    /// The next batch, from the producers in turn; a message in several batches comes in one go.
    pub(crate) fn receive(&mut self) -> Received<E> {
        while let Some(&slot) = self.ready.front() {
            let Some(subscription) = self.links.get_mut(slot).and_then(Option::as_mut) else {
                self.ready.pop_front();
                continue;
            };
            match subscription.link.receive() {
                FromProducer::Batch(batch) => {
                    if !batch.more {
                        self.ready.rotate_left(1);
                    }
                    self.held = batch.events.len();
                    return Received::Batch(slot, batch);
                }
                FromProducer::Nothing => {
                    subscription.listed = false;
                    self.ready.pop_front();
                }
                FromProducer::Closed(Closed::Refused(error)) => return Received::Refused(error),
                FromProducer::Closed(closed) => {
                    self.ready.pop_front();
                    self.lose(slot, &closed);
                }
            }
        }
        Received::Nothing
    }

    fn lose(&mut self, slot: usize, closed: &Closed) {
        let Some(Subscription { source, .. }) = self.links[slot].take() else { return };
        let known = &mut self.sources[source];
        match closed {
            Closed::End => {
                self.ended += 1;
                known.state = State::Ended;
            }
            Closed::Cancelled(_) | Closed::Refused(_) => {
                tracing::debug!(slot, ?closed, "producer gone");
                known.state = State::Lost;
                if std::mem::take(&mut known.back) {
                    self.subscribe(source);
                }
            }
        }
    }

    /// The batch that was received was handled: its emptied buffer goes back, with credit if it is time.
    pub(crate) fn handled(&mut self, slot: usize, mut buffer: Vec<E>) {
        buffer.clear();
        let events = std::mem::take(&mut self.held);
        self.counters.handled(events);
        if let Some(subscription) = self.links.get_mut(slot).and_then(Option::as_mut) {
            let ask = subscription.credit.settle(events).map_or(0, crate::demand::Demand::get);
            subscription.link.give_back(buffer, ask);
        }
    }

    /// Whether something may be there to be received.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether a callback has a batch in its hands.
    pub(crate) fn is_holding(&self) -> bool {
        self.held > 0
    }

    /// Whether every producer has ended and everything it sent was received.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended == self.sources.len()
    }
}

impl<E> Inlet<E> {
    /// Ends every subscription for `reason`. Events that were not received go back to their producers;
    /// those in the hands of a callback that failed are discarded.
    pub(crate) fn close(&mut self, reason: &ExitReason) {
        let mut lost = std::mem::take(&mut self.held);
        for subscription in self.links.drain(..).flatten() {
            lost += subscription.link.cancel(reason.clone());
        }
        self.ready.clear();
        if lost == 0 {
            return;
        }
        self.counters.discarded(lost);
        if reason.is_normal() {
            tracing::debug!(discarded = lost, %reason, "events discarded: the stage wanted no more");
        } else {
            tracing::warn!(discarded = lost, %reason, "events discarded: the stage ended before it handled them");
        }
    }
}

/// A stage that was cut off had no chance to close.
impl<E> Drop for Inlet<E> {
    fn drop(&mut self) {
        self.close(&ExitReason::Aborted);
    }
}
