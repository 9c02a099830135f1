//! The channel of one subscription: batches travel down, credit and emptied buffers travel back up.
//!
//! ```text
//!   producer  ── LinkTx ══ batches ══════════════▶ LinkRx ──  consumer
//!                       ◀══ credit + empty buffer ══
//! ```
//!
//! It consists of two rings, each with one writer and one reader. A send never waits: when a ring is full,
//! batches go to a locked spill queue, whose length is limited by credit. Beside the batches a link carries the
//! latest progress of the producer.
//!
//! Invariants:
//! 1. The consumer sees the end of the producer's half after everything that was sent (rule 2).
//! 2. Every batch sent is received, taken back by the producer, or counted as lost by the half that ends
//!    last. An ending half first publishes its end and then checks for that of the other (sequentially
//!    consistent); unreceived batches lie in one place that only one half can empty.
//! 3. The consumer sees a progress after everything that was sent before it, and before everything sent after
//!    it, or not at all: then later events or a later progress supersede it.

mod state;

use std::collections::VecDeque;

pub(crate) use self::state::LinkState;
use self::state::Note;
use crate::base::progress::Progress;
use crate::base::stats::LinkCounters;
use crate::sync::{Arc, Mutex, Ordering, lock, ring};
use crate::wire::protocol::{Batch, Closed, Credited};
use crate::wire::signal::Slot;
use crate::wire::subscription::{Cancellation, Subscription};

/// The number of batches a ring holds before it spills.
const RING: usize = if cfg!(stage_loom) { 1 } else { 32 };

/// The batches that are not in the ring.
#[derive(Debug)]
struct Aside<E> {
    /// Batches that found the ring full. While there are any, later batches follow them here.
    spill: Mutex<VecDeque<Batch<E>>>,
    /// The batches that the consumer had not received when it ended.
    unreceived: Mutex<Option<Unreceived<E>>>,
}

/// The consumer's end of the batches: those taken over from the spill, and the ring.
#[derive(Debug)]
struct Unreceived<E> {
    rest: VecDeque<Batch<E>>,
    batches: ring::Consumer<Batch<E>>,
}

impl<E> Aside<E> {
    /// Takes everything that was sent and not received, once the consumer has ended. Only the first call gets
    /// it.
    fn take_unreceived(&self) -> Vec<E> {
        let Some(Unreceived { rest, mut batches }) = lock(&self.unreceived).take() else {
            return Vec::new();
        };
        let mut spill = std::mem::take(&mut *lock(&self.spill));
        let (mut rest, mut all) = (rest, Vec::new());
        while let Some(mut batch) = rest.pop_front() {
            all.append(&mut batch.events);
        }
        while let Ok(mut batch) = batches.pop() {
            all.append(&mut batch.events);
        }
        while let Some(mut batch) = spill.pop_front() {
            all.append(&mut batch.events);
        }
        all
    }
}

/// The producer's half of a link.
#[derive(Debug)]
pub(crate) struct LinkTx<E> {
    batches: ring::Producer<Batch<E>>,
    credits: ring::Consumer<Credited<E>>,
    state: Arc<LinkState>,
    aside: Arc<Aside<E>>,
    counters: Arc<LinkCounters>,
}

/// The consumer's half of a link.
#[derive(Debug)]
pub(crate) struct LinkRx<E> {
    batches: ring::Consumer<Batch<E>>,
    credits: ring::Producer<Credited<E>>,
    state: Arc<LinkState>,
    aside: Arc<Aside<E>>,
    /// Batches taken over from the spill, older than all in the ring.
    rest: VecDeque<Batch<E>>,
    counters: Arc<LinkCounters>,
}

/// A message that the producer receives from the consumer.
#[derive(Debug)]
pub(crate) enum FromConsumer<E> {
    Credited(Credited<E>),
    Nothing,
    Cancelled(Cancellation),
}

/// A message that the consumer receives from the producer.
#[derive(Debug)]
pub(crate) enum FromProducer<E> {
    Batch(Batch<E>),
    Nothing,
    Progress(Progress),
    Closed(Closed),
}

/// Creates a link for `subscription` between two stages' slots; messages are cut into batches of `chunk`
/// events.
pub(crate) fn link<E>(
    producer: Slot,
    consumer: Slot,
    chunk: usize,
    subscription: Subscription,
) -> (LinkTx<E>, LinkRx<E>) {
    let (batches_tx, batches_rx) = ring::RingBuffer::new(RING);
    let (credits_tx, credits_rx) = ring::RingBuffer::new(RING);
    let state = LinkState::new(producer, consumer, chunk, subscription);
    let aside = Arc::new(Aside { spill: Mutex::default(), unreceived: Mutex::new(None) });
    let counters = Arc::clone(state.counters());
    let tx = LinkTx {
        batches: batches_tx,
        credits: credits_rx,
        state: Arc::clone(&state),
        aside: Arc::clone(&aside),
        counters: Arc::clone(&counters),
    };
    let rx =
        LinkRx { batches: batches_rx, credits: credits_tx, state, aside, rest: VecDeque::new(), counters };
    (tx, rx)
}

impl<E> LinkTx<E> {
    /// Returns the most events per batch.
    #[inline]
    pub(crate) fn chunk(&self) -> usize {
        self.state.chunk.load(Ordering::Relaxed)
    }

    pub(crate) fn subscription(&self) -> &Subscription {
        &self.state.subscription
    }

    #[inline]
    pub(crate) fn counters(&self) -> &Arc<LinkCounters> {
        &self.counters
    }

    /// Returns the part of the link that does not depend on its events.
    #[inline]
    pub(crate) fn state(&self) -> &Arc<LinkState> {
        &self.state
    }

    /// Returns the producer's slot of this subscription.
    pub(crate) fn slot(&self) -> usize {
        self.state.producer.index()
    }

    /// Sends a batch without waiting. [`announce`](Self::announce) notifies the consumer.
    #[inline]
    pub(crate) fn send(&mut self, batch: Batch<E>) {
        if self.state.spilled.load(Ordering::Acquire) == 0 {
            match self.batches.push(batch) {
                Ok(()) => {}
                Err(ring::PushError::Full(batch)) => self.spill(batch),
            }
        } else {
            self.spill(batch);
        }
    }

    #[cold]
    fn spill(&self, batch: Batch<E>) {
        let mut spill = lock(&self.aside.spill);
        spill.push_back(batch);
        self.state.spilled.store(spill.len(), Ordering::Release);
    }

    /// Notifies the consumer of the batches sent.
    #[inline]
    pub(crate) fn announce(&self) {
        self.state.consumer.mark();
    }

    /// Receives the next message of the consumer.
    #[inline]
    pub(crate) fn receive(&mut self) -> FromConsumer<E> {
        if let Ok(credited) = self.credits.pop() {
            return FromConsumer::Credited(credited);
        }
        let ask = self.state.take_credit();
        if ask > 0 {
            return FromConsumer::Credited(Credited { buffer: Vec::new(), ask });
        }
        self.state.cancellation().map_or(FromConsumer::Nothing, FromConsumer::Cancelled)
    }

    /// Takes back the events that a consumer which ended had not received, in order.
    pub(crate) fn take_back(&self) -> Vec<E> {
        self.aside.take_unreceived()
    }

    /// Ends the subscription after everything that was sent. Returns the number of events lost because the
    /// consumer had ended before.
    pub(crate) fn close(self, closed: Closed) -> usize {
        self.state.close(closed);
        self.leave()
    }

    fn leave(&self) -> usize {
        if self.state.end_producer() { self.take_back().len() } else { 0 }
    }
}

/// A half that is dropped without being closed was cut off.
impl<E> Drop for LinkTx<E> {
    fn drop(&mut self) {
        self.state.cut_off();
        self.leave();
    }
}

impl<E> LinkRx<E> {
    /// Receives the next batch, unless it spilled.
    #[inline]
    pub(crate) fn receive_batch(&mut self) -> Option<Batch<E>> {
        if self.rest.is_empty() { self.batches.pop().ok() } else { None }
    }

    /// Receives the next message of the producer.
    #[inline]
    pub(crate) fn receive(&mut self) -> FromProducer<E> {
        if let Some(batch) = self.rest.pop_front() {
            return FromProducer::Batch(batch);
        }
        // In this order, so that everything sent before the value just read is visible to the next read.
        let notes = self.state.notes();
        let spilled = self.state.spilled.load(Ordering::Acquire) > 0;
        if let Ok(batch) = self.batches.pop() {
            return FromProducer::Batch(batch);
        }
        if spilled {
            return self.unspill();
        }
        if notes == 0 {
            return FromProducer::Nothing;
        }
        match self.state.read(notes) {
            Note::Nothing => FromProducer::Nothing,
            Note::Progress(progress) => FromProducer::Progress(progress),
            Note::Closed(closed) => FromProducer::Closed(closed),
        }
    }

    /// Takes over the spilled batches; the ring has been emptied since the spill began.
    #[cold]
    fn unspill(&mut self) -> FromProducer<E> {
        let mut spill = lock(&self.aside.spill);
        std::mem::swap(&mut self.rest, &mut spill);
        self.state.spilled.store(0, Ordering::Release);
        drop(spill);
        self.rest.pop_front().map_or(FromProducer::Nothing, FromProducer::Batch)
    }

    /// Puts a received batch back, to be received next.
    pub(crate) fn put_back(&mut self, batch: Batch<E>) {
        self.rest.push_front(batch);
    }

    /// Returns whether a batch can be received.
    #[inline]
    pub(crate) fn has_batch(&self) -> bool {
        !self.rest.is_empty() || !self.batches.is_empty() || self.state.spilled.load(Ordering::Acquire) > 0
    }

    /// Returns whether a batch, the producer's progress or the end can be received. Later arrivals are
    /// announced.
    #[inline]
    pub(crate) fn has_more(&self) -> bool {
        self.has_batch() || self.state.notes() != 0
    }

    /// Returns the number of batches that can be received.
    pub(crate) fn waiting(&self) -> usize {
        self.rest.len() + self.batches.slots() + self.state.spilled.load(Ordering::Acquire)
    }

    pub(crate) fn subscription(&self) -> &Subscription {
        &self.state.subscription
    }

    #[inline]
    pub(crate) fn counters(&self) -> &LinkCounters {
        &self.counters
    }

    /// Returns the part of the link that does not depend on its events.
    #[inline]
    pub(crate) fn state(&self) -> &LinkState {
        &self.state
    }

    /// Returns an emptied buffer to the producer, and asks for `ask` events unless it is zero.
    #[inline]
    pub(crate) fn give_back(&mut self, buffer: Vec<E>, ask: usize) {
        if ask > 0 {
            self.counters.asked(ask);
        }
        let credited = Credited { buffer, ask };
        if let Err(ring::PushError::Full(credited)) = self.credits.push(credited) {
            self.state.credit(credited.ask);
        }
        if ask > 0 {
            self.state.producer.mark_credit();
        }
    }

    /// Ends the subscription from this side; events not received return to the producer. Returns the number
    /// of events lost because the producer had ended before.
    pub(crate) fn cancel(mut self, cancellation: Cancellation) -> usize {
        self.state.cancel(cancellation);
        self.leave()
    }

    fn leave(&mut self) -> usize {
        if self.state.has_left() {
            return 0;
        }
        let (_, nothing) = ring::RingBuffer::new(1);
        let batches = std::mem::replace(&mut self.batches, nothing);
        *lock(&self.aside.unreceived) = Some(Unreceived { rest: std::mem::take(&mut self.rest), batches });
        if self.state.end_consumer() { self.aside.take_unreceived().len() } else { 0 }
    }
}

/// A half that is dropped without being cancelled was cut off.
impl<E> Drop for LinkRx<E> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(all(test, stage_loom))]
mod models;

#[cfg(test)]
mod tests;
