//! Each event to one subscriber: the one that wants most (GenStage's default).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Dispatcher, Outbox, SubscriptionKey};
use crate::demand::Demand;
use crate::error::SubscribeError;
use crate::subscriber::SubscriberOptions;

/// Gives each emission to the subscriber with the most credit, as much as it asked for, then to the
/// next. Equal credits are served in the order in which they came about.
#[derive(Debug, Default)]
pub(crate) struct DemandDispatcher {
    /// Credit and the age of the valid entry in `order`, by key; `None` where nobody is subscribed.
    subscribers: Vec<Option<Subscriber>>,
    live: usize,
    /// The most credit first; entries whose age is not the subscriber's current one are stale.
    order: BinaryHeap<(usize, Reverse<u64>, SubscriptionKey)>,
    age: u64,
    credit: usize,
}

#[derive(Clone, Copy, Debug)]
struct Subscriber {
    credit: usize,
    age: u64,
}

impl DemandDispatcher {
    fn subscriber(&mut self, key: SubscriptionKey) -> Option<&mut Subscriber> {
        self.subscribers.get_mut(key.0)?.as_mut()
    }

    /// Sets `key`'s credit and puts it behind those of equal credit.
    fn rank(&mut self, key: SubscriptionKey, credit: usize) {
        self.age += 1;
        let age = self.age;
        if let Some(subscriber) = self.subscriber(key) {
            *subscriber = Subscriber { credit, age };
            if credit > 0 {
                self.order.push((credit, Reverse(age), key));
            }
        }
        self.forget_stale();
    }

    /// Rebuilds the order when most of it is stale, so that it stays in proportion to the subscribers.
    fn forget_stale(&mut self) {
        if self.order.len() <= 2 * self.live + 16 {
            return;
        }
        let subscribers = &self.subscribers;
        self.order.retain(|(_, Reverse(age), key)| {
            subscribers[key.0].is_some_and(|subscriber| subscriber.age == *age)
        });
    }

    /// The subscriber with the most credit, taken out of the order.
    fn most(&mut self) -> Option<(SubscriptionKey, usize)> {
        while let Some((_, Reverse(age), key)) = self.order.pop() {
            match self.subscribers[key.0] {
                Some(subscriber) if subscriber.age == age => return Some((key, subscriber.credit)),
                Some(_) | None => {}
            }
        }
        None
    }
}

impl<E> Dispatcher<E> for DemandDispatcher {
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        _options: SubscriberOptions<E>,
    ) -> Result<(), SubscribeError> {
        if self.subscribers.len() <= key.0 {
            self.subscribers.resize(key.0 + 1, None);
        }
        self.subscribers[key.0] = Some(Subscriber { credit: 0, age: 0 });
        self.live += 1;
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey) {
        if let Some(left) = self.subscribers.get_mut(key.0).and_then(Option::take) {
            self.credit -= left.credit;
            self.live -= 1;
        }
    }

    fn take_back(&mut self, _key: SubscriptionKey, _events: &mut Vec<E>) {}

    fn finish(&mut self, key: SubscriptionKey, _outbox: &mut Outbox<E>) {
        Dispatcher::<E>::cancel(self, key);
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, _outbox: &mut Outbox<E>) {
        let Some(subscriber) = self.subscriber(key) else { return };
        let credit = subscriber.credit + demand.get();
        self.credit += demand.get();
        self.rank(key, credit);
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        while !events.is_empty() {
            let Some((key, credit)) = self.most() else { return };
            let count = credit.min(events.len());
            outbox.send(key, events, count);
            self.credit -= count;
            self.rank(key, credit - count);
        }
    }

    fn wanted(&self) -> usize {
        self.credit
    }

    fn kept(&self) -> usize {
        0
    }

    fn discard(&mut self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SubscriptionKey = SubscriptionKey(0);
    const B: SubscriptionKey = SubscriptionKey(1);
    const C: SubscriptionKey = SubscriptionKey(2);

    struct Bench {
        dispatcher: DemandDispatcher,
        outbox: Outbox<u32>,
        next: u32,
    }

    impl Bench {
        fn new(asks: &[(SubscriptionKey, usize)]) -> Self {
            let mut bench = Self { dispatcher: DemandDispatcher::default(), outbox: Outbox::new(), next: 0 };
            for (key, asked) in asks {
                Dispatcher::<u32>::subscribe(&mut bench.dispatcher, *key, SubscriberOptions::new()).unwrap();
                bench.ask(*key, *asked);
            }
            bench
        }

        fn ask(&mut self, key: SubscriptionKey, asked: usize) {
            self.dispatcher.ask(key, Demand::new(asked).unwrap(), &mut self.outbox);
        }

        /// Emits `count` events; who got how many, and how many were left over.
        fn emit(&mut self, count: u32) -> (Vec<(SubscriptionKey, usize)>, usize) {
            let mut events: Vec<u32> = (self.next..self.next + count).collect();
            self.next += count;
            self.dispatcher.dispatch(&mut events, &mut self.outbox);
            let mut sent = Vec::new();
            self.outbox.swap(&mut sent);
            (sent.iter().map(|delivery| (delivery.to, delivery.events.len())).collect(), events.len())
        }
    }

    #[test]
    fn the_subscriber_with_the_most_credit_comes_first() {
        let mut bench = Bench::new(&[(A, 4), (B, 2), (C, 3)]);
        bench.ask(C, 2);
        bench.ask(B, 4);
        assert_eq!(bench.emit(15), (vec![(B, 6), (C, 5), (A, 4)], 0));
    }

    #[test]
    fn what_nobody_asked_for_is_left_over() {
        let mut bench = Bench::new(&[(A, 3), (B, 2)]);
        assert_eq!(bench.emit(5), (vec![(A, 3), (B, 2)], 0));
        assert_eq!(bench.emit(3), (vec![], 3));
    }

    #[test]
    fn equal_credits_take_turns() {
        let mut bench = Bench::new(&[(A, 3), (B, 3)]);
        assert_eq!(bench.emit(2), (vec![(A, 2)], 0));
        assert_eq!(bench.emit(2), (vec![(B, 2)], 0));
        assert_eq!(bench.emit(3), (vec![(A, 1), (B, 1)], 1));
    }

    #[test]
    fn small_emissions_are_balanced_per_emission() {
        let mut bench = Bench::new(&[(A, 4), (B, 4)]);
        let to: Vec<_> = [1, 1, 1, 3, 2].into_iter().flat_map(|count| bench.emit(count).0).collect();
        assert_eq!(to, [(A, 1), (B, 1), (A, 1), (B, 3), (A, 2)]);
        assert_eq!(bench.emit(2), (vec![], 2));
    }

    #[test]
    fn a_cancelled_subscriber_gets_nothing_and_wants_nothing() {
        let mut bench = Bench::new(&[(A, 10), (B, 2)]);
        Dispatcher::<u32>::cancel(&mut bench.dispatcher, A);
        assert_eq!(Dispatcher::<u32>::wanted(&bench.dispatcher), 2);
        assert_eq!(bench.emit(5), (vec![(B, 2)], 3));
    }

    #[test]
    fn the_order_stays_in_proportion_to_the_subscribers() {
        let mut bench = Bench::new(&[(A, 1), (B, 1000)]);
        for _ in 0..1000 {
            bench.ask(A, 1);
        }
        assert!(bench.dispatcher.order.len() <= 20, "{} entries", bench.dispatcher.order.len());
        assert_eq!(bench.emit(2001), (vec![(A, 1001), (B, 1000)], 0));
    }
}
