//! Live statistics of one link: three counts that only grow, from which all other numbers follow.
//!
//! ```text
//!   unmet demand = asked − sent      what the consumer still wants
//!   in flight    = sent − handled    what is on its way, or in the hands of the consumer
//! ```

use std::sync::OnceLock;
// These are std atomics, invisible to the model checker: no decision depends on what the other side of a link
// wrote here.
use std::sync::atomic::{AtomicU64, Ordering};

use super::link_numbers::{LinkNumbers, NumbersByName};
use super::link_waits::LinkWaits;
use crate::credit::demand::Window;
use crate::sync::{Arc, Mutex, lock};
use crate::timed::Histogram;

const OTHERS: &str = "others";

/// Counts of one link. Each has one writer: the producer for `sent` and `seen`, the consumer for the others.
#[derive(Debug, Default)]
pub(crate) struct LinkCounters {
    producer: OfProducer,
    consumer: OfConsumer,
    /// The waits, once the consumer is measured.
    waits: OnceLock<Box<LinkWaits>>,
}

/// Aligned, so that producer and consumer do not write to the same cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct OfProducer {
    sent: AtomicU64,
    /// The part of `asked` that the producer has received.
    seen: AtomicU64,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct OfConsumer {
    asked: AtomicU64,
    handled: AtomicU64,
    max: AtomicU64,
    min: AtomicU64,
}

/// Adds without read-modify-write, because there is only one writer; returns the sum.
#[inline]
fn add(counter: &AtomicU64, amount: usize) -> u64 {
    let sum = counter.load(Ordering::Relaxed).saturating_add(amount as u64);
    counter.store(sum, Ordering::Relaxed);
    sum
}

impl LinkCounters {
    #[inline]
    pub(crate) fn sent(&self, events: usize) {
        let sent = add(&self.producer.sent, events);
        if let Some(waits) = self.waits.get() {
            waits.sent(sent);
        }
    }

    #[inline]
    pub(crate) fn seen(&self, ask: usize) {
        add(&self.producer.seen, ask);
    }

    #[inline]
    pub(crate) fn asked(&self, ask: usize) {
        add(&self.consumer.asked, ask);
    }

    #[inline]
    pub(crate) fn handled(&self, events: usize) {
        let handled = add(&self.consumer.handled, events);
        if let Some(waits) = self.waits.get() {
            waits.handled(handled);
        }
    }

    /// Begins to record waits.
    pub(crate) fn measure(&self) {
        self.waits.get_or_init(|| Box::new(LinkWaits::start()));
    }

    /// Returns the number of events sent. Exact for the producer, which is the only writer.
    pub(crate) fn all_sent(&self) -> u64 {
        self.producer.sent.load(Ordering::Relaxed)
    }

    /// Returns the number of events handled. Exact for the consumer, which is the only writer.
    pub(crate) fn all_handled(&self) -> u64 {
        self.consumer.handled.load(Ordering::Relaxed)
    }

    /// Sets the window by which the consumer asks.
    pub(crate) fn set_window(&self, window: Window) {
        self.consumer.max.store(window.max() as u64, Ordering::Relaxed);
        self.consumer.min.store(window.min() as u64, Ordering::Relaxed);
    }

    /// Returns the demand that the producer has not yet received.
    fn unseen(&self) -> u64 {
        let seen = self.producer.seen.load(Ordering::Acquire);
        self.consumer.asked.load(Ordering::Relaxed).saturating_sub(seen)
    }

    /// Returns the current numbers. The counts are read in an order in which none is ahead of those it
    /// depends on.
    #[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    fn read(&self) -> LinkNumbers {
        let handled = self.consumer.handled.load(Ordering::Acquire);
        let sent = self.producer.sent.load(Ordering::Acquire).max(handled);
        let asked = self.consumer.asked.load(Ordering::Acquire).max(sent);
        let max = self.consumer.max.load(Ordering::Relaxed);
        let in_flight = sent - handled;
        let fill = if max == 0 { 0.0 } else { in_flight as f64 / max as f64 };
        LinkNumbers {
            links: 1,
            asked,
            sent,
            handled,
            unmet: asked - sent,
            in_flight,
            min: self.consumer.min.load(Ordering::Relaxed),
            max,
            fullest: fill,
        }
    }
}

/// How the demands of several subscribers combine into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Each event goes to one of them: demands add up.
    OneEach,
    /// Each event goes to all of them: the lowest demand counts.
    All,
}

/// The links from one stage to its subscribers.
#[derive(Debug, Default)]
pub(crate) struct Links {
    records: Mutex<LinkRecords>,
}

#[derive(Debug, Default)]
struct LinkRecords {
    /// The open links, by the producer's slot.
    live: Vec<Option<OpenLink>>,
    /// The links that the producer has ended, and whose consumers may still handle what was sent.
    ending: Vec<OpenLink>,
    /// The totals of ended links, by the name of the consumer.
    past: NumbersByName,
    /// The waits on ended links, by the name of the consumer.
    past_waits: Vec<(Arc<str>, Arc<Histogram>)>,
}

#[derive(Debug)]
struct OpenLink {
    consumer: Arc<str>,
    counters: Arc<LinkCounters>,
}

impl Links {
    pub(crate) fn open(&self, slot: usize, consumer: Arc<str>, counters: &Arc<LinkCounters>) {
        let live = &mut lock(&self.records).live;
        if live.len() <= slot {
            live.resize_with(slot + 1, || None);
        }
        live[slot] = Some(OpenLink { consumer, counters: Arc::clone(counters) });
    }

    pub(crate) fn close(&self, slot: usize) {
        let records = &mut *lock(&self.records);
        records.ending.extend(records.live.get_mut(slot).and_then(Option::take));
        records.remember_ended();
    }

    pub(crate) fn close_all(&self) {
        let records = &mut *lock(&self.records);
        records.ending.extend(records.live.drain(..).flatten());
        records.remember_ended();
    }

    /// Returns the combined demand that the producer has not yet received.
    pub(crate) fn unseen(&self, sharing: Sharing) -> u64 {
        let records = lock(&self.records);
        let unseen = records.live.iter().flatten().map(|live| live.counters.unseen());
        match sharing {
            Sharing::OneEach => unseen.fold(0, u64::saturating_add),
            Sharing::All => unseen.min().unwrap_or(0),
        }
    }

    /// Returns the numbers of all links to each consumer, by the consumer's name.
    #[inline]
    pub(crate) fn read(&self) -> NumbersByName {
        let records = &mut *lock(&self.records);
        records.remember_ended();
        let mut all = records.past.clone();
        for OpenLink { consumer, counters } in &records.ending {
            all.add(consumer, &counters.read().ending());
        }
        for OpenLink { consumer, counters } in records.live.iter().flatten() {
            all.add(consumer, &counters.read());
        }
        all
    }

    /// Returns the waits on the links to consumers that are, or were, measured; several for a name if it has
    /// several links.
    #[inline]
    pub(crate) fn waits(&self) -> Vec<(Arc<str>, Arc<Histogram>)> {
        let records = &mut *lock(&self.records);
        records.remember_ended();
        let past = records.past_waits.iter().map(|(name, waits)| (Arc::clone(name), Arc::clone(waits)));
        let open = records.ending.iter().chain(records.live.iter().flatten()).filter_map(|open| {
            let waits = open.counters.waits.get()?;
            Some((Arc::clone(&open.consumer), Arc::clone(waits.histogram())))
        });
        past.chain(open).collect()
    }
}

impl LinkRecords {
    /// Adds to the totals the links that neither side uses any more.
    fn remember_ended(&mut self) {
        let ended = |live: &mut OpenLink| Arc::strong_count(&live.counters) == 1;
        for live in self.ending.extract_if(.., ended).collect::<Vec<_>>() {
            self.remember(live);
        }
    }

    fn remember(&mut self, OpenLink { consumer, counters }: OpenLink) {
        let name = if self.past.has_room_for(&consumer) { &*consumer } else { OTHERS };
        if let Some(waits) = counters.waits.get() {
            let known = self.past_waits.iter().find(|(known, _)| **known == *name);
            match known {
                Some((_, past)) => past.absorb(waits.histogram()),
                None => self.past_waits.push((name.into(), Arc::clone(waits.histogram()))),
            }
        }
        self.past.add(name, &counters.read().ended());
    }
}

#[cfg(test)]
mod tests {
    use super::super::link_numbers::NAMES;
    use super::*;

    fn link(max: usize, asked: usize, sent: usize, handled: usize) -> Arc<LinkCounters> {
        let counters = Arc::<LinkCounters>::default();
        counters.set_window(Window::with_max(max).unwrap());
        counters.asked(asked);
        counters.sent(sent);
        counters.handled(handled);
        counters
    }

    fn read(links: &Links, name: &str) -> LinkNumbers {
        let all = links.read();
        all.iter().find(|(known, _)| **known == *name).expect("the consumer is known").1
    }

    #[test]
    fn demand_and_events_in_flight_follow_from_three_counts() {
        let numbers = link(10, 15, 12, 9).read();
        assert_eq!((numbers.unmet, numbers.in_flight), (3, 3));
        assert!((numbers.fullest - 0.3).abs() < 1e-9);
    }

    #[test]
    fn the_counts_of_a_consumer_do_not_fall_when_it_resubscribes() {
        let links = Links::default();
        links.open(1, "sink/0".into(), &link(10, 15, 12, 9));
        links.close(1);
        links.open(1, "sink/0".into(), &link(10, 10, 2, 1));
        let numbers = read(&links, "sink/0");
        assert_eq!((numbers.links, numbers.asked, numbers.sent, numbers.handled), (1, 25, 14, 10));
        assert_eq!((numbers.unmet, numbers.in_flight), (8, 1));
    }

    #[test]
    fn events_that_are_handled_after_the_end_of_their_producer_count() {
        let links = Links::default();
        let counters = link(10, 15, 12, 9);
        links.open(1, "sink/0".into(), &counters);
        links.close(1);
        let numbers = read(&links, "sink/0");
        assert_eq!((numbers.links, numbers.handled, numbers.in_flight), (0, 9, 3));
        counters.handled(2);
        let numbers = read(&links, "sink/0");
        assert_eq!((numbers.handled, numbers.in_flight), (11, 1));
        // The consumer is gone, and has lost one.
        drop(counters);
        let numbers = read(&links, "sink/0");
        assert_eq!((numbers.sent, numbers.handled, numbers.in_flight), (12, 11, 0));
    }

    #[test]
    fn open_demand_is_the_sum_or_the_minimum_of_the_subscribers() {
        let links = Links::default();
        for (slot, asked, seen) in [(1, 10, 4), (2, 10, 8)] {
            let counters = link(10, asked, 0, 0);
            counters.seen(seen);
            links.open(slot, format!("sink/{slot}").into(), &counters);
        }
        assert_eq!((links.unseen(Sharing::OneEach), links.unseen(Sharing::All)), (8, 2));
    }

    #[test]
    fn consumers_that_come_and_go_under_ever_new_names_are_not_kept_one_by_one() {
        let links = Links::default();
        for name in 0..10_000 {
            links.open(1, format!("visitor {name}").into(), &link(1, 1, 1, 1));
            links.close(1);
        }
        let all = links.read();
        assert_eq!(all.iter().len(), NAMES + 1);
        assert_eq!(all.iter().map(|(_, numbers)| numbers.handled).sum::<u64>(), 10_000);
    }
}
