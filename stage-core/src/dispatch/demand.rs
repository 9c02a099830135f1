//! The demand dispatcher: sends each event to the subscriber with the most demand (GenStage's default).

use super::supply::sole_subscriber::{DispatcherState, SoleSubscriber};
use super::tables::ranking::Ranking;
use super::tables::slots::Slots;
use super::tables::total::Total;
use super::{DispatchWarning, Dispatcher, Outbox, SubscriptionKey};
use crate::base::error::SubscribeError;
use crate::base::random::SplitMix64;
use crate::credit::demand::Demand;
use crate::dispatch::options::DispatchOptions;

/// Sends each emission to the subscriber with the most credit, as much as it asked for, then to the next.
/// Subscribers with equal credit are served in the order in which they reached it.
///
/// It balances emissions, not events: a subscriber that asks for more than the others is served before them.
/// An ask above `max_demand` (by default, above the first ask) is therefore reported as a
/// [warning](DispatchWarning::LargeAsk), unless a subscriber [said](DispatchOptions::largest_ask) that it would
/// ask for so many.
///
/// ```
/// use stage_core::dispatch::DemandDispatcher;
///
/// let dispatcher = DemandDispatcher::new().max_demand(1000).shuffled(42);
/// ```
#[derive(Debug, Default)]
pub struct DemandDispatcher {
    /// The unmet demand of each subscriber.
    credits: Slots<usize>,
    /// The subscribers with credit, by credit.
    ranking: Ranking<usize>,
    credit: Total,
    subscribers: usize,
    /// The subscriber, while there is only one.
    sole: Option<SubscriptionKey>,
    /// The largest ask that causes no warning.
    max: Option<usize>,
    /// The seed for the order of the first dispatch, until it happened.
    shuffle: Option<u64>,
}

impl DemandDispatcher {
    /// Creates a dispatcher that expects no ask to exceed the first one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects asks of at most `max_demand` events; larger ones are served and cause a warning.
    pub fn max_demand(mut self, max_demand: usize) -> Self {
        self.max = Some(max_demand);
        self
    }

    /// Serves subscribers in random order the first time, so that several identical stages do not all start
    /// with the same one. The order depends only on `seed`.
    pub fn shuffled(mut self, seed: u64) -> Self {
        self.shuffle = Some(seed);
        self
    }

    /// Sets `key`'s credit and ranks it behind others of equal credit.
    fn rank(&mut self, key: SubscriptionKey, credit: usize) {
        self.credits.insert(key, credit);
        if credit > 0 {
            self.ranking.set(key, credit);
        }
    }

    /// Adds a subscriber, which may ask for `largest_ask` events at once.
    fn add(&mut self, key: SubscriptionKey, largest_ask: Option<usize>) {
        if let Some(largest) = largest_ask {
            self.max = Some(self.max.map_or(largest, |max| max.max(largest)));
        }
        self.credits.insert(key, 0);
        self.subscribers += 1;
        self.sole = (self.subscribers == 1).then_some(key);
    }

    /// Removes a subscriber and its credit.
    fn remove(&mut self, key: SubscriptionKey) {
        let Some(credit) = self.credits.remove(key) else { return };
        self.ranking.remove(key);
        self.credit.less(credit);
        self.subscribers -= 1;
        self.sole = if self.subscribers == 1 { self.credits.first() } else { None };
    }

    /// Adds to the credit of a subscriber; returns a warning if it asks for more than expected.
    fn asked(&mut self, key: SubscriptionKey, demand: Demand) -> Option<DispatchWarning> {
        let mut credit = self.credits.get(key).copied()?;
        let (asked, max) = (demand.get(), *self.max.get_or_insert(demand.get()));
        self.credit.ask(&mut credit, asked);
        self.rank(key, credit);
        (asked > max).then_some(DispatchWarning::LargeAsk { from: key, asked, max })
    }

    /// Returns the subscriber with the most credit, and how many of `events` events it receives, at least one.
    fn next_share(&mut self, events: usize) -> Option<(SubscriptionKey, usize)> {
        let key = self.ranking.pop()?;
        Some((key, self.share(key, events)))
    }

    /// Takes from the credit of `key` what it receives of `events` events.
    fn share(&mut self, key: SubscriptionKey, events: usize) -> usize {
        let credit = self.credits.get(key).copied().unwrap_or(0);
        let count = credit.min(events);
        if count > 0 {
            self.credit.less(count);
        }
        self.rank(key, credit - count);
        count
    }

    /// Returns the state that a supply needs after each call.
    pub(super) fn state(&self) -> DispatcherState {
        // The first ask sets the limit of an ask, and the first dispatch may be shuffled.
        let may_go_by = self.shuffle.is_none().then_some(self.max).flatten();
        let sole = may_go_by.and_then(|most| Some(SoleSubscriber { key: self.sole?, most }));
        DispatcherState { wanted: self.credit.get(), kept: 0, sole }
    }

    /// Sets the credit of the sole subscriber, whose asks and events the supply accounted for by itself.
    pub(super) fn catch_up(&mut self, credit: usize) {
        if let Some(key) = self.sole {
            let mut all = 0;
            self.credit = Total::default();
            self.credit.ask(&mut all, credit);
            self.ranking.remove(key);
            self.rank(key, credit);
        }
    }

    /// Performs the first dispatch.
    #[cold]
    fn dispatch_shuffled<E>(&mut self, seed: u64, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        for key in self.shuffled_subscribers(seed) {
            let count = self.share(key, events.len());
            if count > 0 {
                outbox.send(key, events, count);
            }
        }
    }

    /// Takes the subscribers out of the ranking, in the random order of the first dispatch. Only those with credit
    /// are shuffled, so that events do not wait for one without.
    fn shuffled_subscribers(&mut self, seed: u64) -> Vec<SubscriptionKey> {
        let mut keys: Vec<_> = std::iter::from_fn(|| self.ranking.pop()).collect();
        shuffle(&mut keys, seed);
        keys
    }
}

/// Fisher and Yates' shuffle (Durstenfeld, 1964).
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut random = SplitMix64::new(seed);
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
}

// Only what touches the events is here; the rest is compiled once.
impl<E> Dispatcher<E> for DemandDispatcher {
    fn subscribe(&mut self, key: SubscriptionKey, options: DispatchOptions<E>) -> Result<(), SubscribeError> {
        self.add(key, options.largest_ask);
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey, _outbox: &mut Outbox<E>) {
        self.remove(key);
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>) {
        if let Some(warning) = self.asked(key, demand) {
            outbox.warn(warning);
        }
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        if self.ranking.len() > 0
            && !events.is_empty()
            && let Some(seed) = self.shuffle.take()
        {
            self.dispatch_shuffled(seed, events, outbox);
        }
        while !events.is_empty() {
            let Some((key, count)) = self.next_share(events.len()) else { return };
            outbox.send(key, events, count);
        }
    }

    fn wanted(&self) -> usize {
        self.credit.get()
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
                Dispatcher::<u32>::subscribe(&mut bench.dispatcher, *key, DispatchOptions::new()).unwrap();
                bench.ask(*key, *asked);
            }
            bench
        }

        fn ask(&mut self, key: SubscriptionKey, asked: usize) {
            self.dispatcher.ask(key, Demand::new(asked).unwrap(), &mut self.outbox);
        }

        /// Emits `count` events; returns how many each subscriber received, and how many were left over.
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
    fn events_without_demand_are_left_over() {
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
        bench.dispatcher.cancel(A, &mut bench.outbox);
        assert_eq!(Dispatcher::<u32>::wanted(&bench.dispatcher), 2);
        assert_eq!(bench.emit(5), (vec![(B, 2)], 3));
    }
}
