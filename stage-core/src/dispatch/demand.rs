//! Each event to one subscriber: the one that wants most (GenStage's default).

use super::ranking::Ranking;
use super::slots::Slots;
use super::total::Total;
use super::{Dispatcher, Notice, Outbox, SubscriptionKey};
use crate::demand::Demand;
use crate::error::SubscribeError;
use crate::subscriber::SubscriberOptions;

/// Gives each emission to the subscriber with the most credit, as much as it asked for, then to the
/// next. Equal credits are served in the order in which they came about.
///
/// It balances emissions, not events: a subscriber that asks for more than the others is served before
/// them. So an ask beyond `max_demand`, or else beyond the first ask, is [noticed](Notice::LargeAsk).
///
/// ```
/// use stage_core::dispatch::DemandDispatcher;
///
/// let dispatcher = DemandDispatcher::new().max_demand(1000).shuffled(42);
/// ```
#[derive(Debug, Default)]
pub struct DemandDispatcher {
    /// The only subscriber, which needs no rank: its credit is that of all.
    sole: Option<SubscriptionKey>,
    /// What each of several subscribers asked for and did not get.
    credits: Slots<usize>,
    /// Those with credit, by credit.
    ranking: Ranking<usize>,
    /// What all have together.
    credit: Total,
    subscribers: usize,
    /// The largest ask that is nothing special.
    max: Option<usize>,
    /// The seed of the order of the first dispatch, until then.
    shuffle: Option<u64>,
}

impl DemandDispatcher {
    /// A dispatcher that takes the first ask as the largest one to expect.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects asks of at most `max_demand` events; larger ones are served and noticed.
    pub fn max_demand(mut self, max_demand: usize) -> Self {
        self.max = Some(max_demand);
        self
    }

    /// Serves subscribers in a random order the first time, so that many like stages do not all begin
    /// with the same one. The order depends on `seed` only.
    pub fn shuffled(mut self, seed: u64) -> Self {
        self.shuffle = Some(seed);
        self
    }

    /// Sets `key`'s credit and ranks it behind those of equal credit.
    fn rank(&mut self, key: SubscriptionKey, credit: usize) {
        self.credits.insert(key, credit);
        if credit > 0 {
            self.ranking.set(key, credit);
        }
    }

    /// Gives `key` what it asked for of `events`.
    fn serve<E>(&mut self, key: SubscriptionKey, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        let credit = self.credits.get(key).copied().unwrap_or(0);
        let count = credit.min(events.len());
        if count > 0 {
            outbox.send(key, events, count);
            self.credit.less(count);
        }
        self.rank(key, credit - count);
    }

    /// Gives the only subscriber what it asked for of `events`.
    fn serve_sole<E>(&mut self, key: SubscriptionKey, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        let count = self.credit.get().min(events.len());
        if count > 0 {
            self.shuffle = None;
            outbox.send(key, events, count);
            self.credit.less(count);
        }
    }

    /// The first dispatch: only those with credit take part in the shuffle, so nothing waits for one
    /// without.
    fn serve_shuffled<E>(&mut self, seed: u64, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        let mut keys: Vec<_> = std::iter::from_fn(|| self.ranking.pop()).collect();
        shuffle(&mut keys, seed);
        for key in keys {
            self.serve(key, events, outbox);
        }
    }
}

/// Fisher and Yates' shuffle (Durstenfeld, 1964), driven by `SplitMix64` (Steele, Lea and Flood, 2014).
fn shuffle<T>(items: &mut [T], mut state: u64) {
    for last in (1..items.len()).rev() {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut random = state;
        random = (random ^ (random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        random = (random ^ (random >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        random ^= random >> 31;
        let other = random % (last as u64 + 1);
        items.swap(last, usize::try_from(other).unwrap_or(last));
    }
}

impl<E> Dispatcher<E> for DemandDispatcher {
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        _options: SubscriberOptions<E>,
    ) -> Result<(), SubscribeError> {
        self.subscribers += 1;
        if self.subscribers == 1 {
            self.sole = Some(key);
            return Ok(());
        }
        if let Some(first) = self.sole.take() {
            self.rank(first, self.credit.get());
        }
        self.credits.insert(key, 0);
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey, _outbox: &mut Outbox<E>) {
        if self.sole == Some(key) {
            (self.sole, self.credit, self.subscribers) = (None, Total::default(), 0);
        } else if let Some(credit) = self.credits.remove(key) {
            self.subscribers -= 1;
            self.ranking.remove(key);
            self.credit.less(credit);
            if self.subscribers == 1
                && let Some((last, _)) = self.credits.take_first()
            {
                self.ranking.remove(last);
                self.sole = Some(last);
            }
        }
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>) {
        let is_sole = self.sole == Some(key);
        let credit = if is_sole { Some(self.credit.get()) } else { self.credits.get(key).copied() };
        let Some(mut credit) = credit else { return };
        let (asked, max) = (demand.get(), *self.max.get_or_insert(demand.get()));
        if asked > max {
            outbox.notice(Notice::LargeAsk { from: key, asked, max });
        }
        self.credit.ask(&mut credit, asked);
        if !is_sole {
            self.rank(key, credit);
        }
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        if let Some(key) = self.sole {
            return self.serve_sole(key, events, outbox);
        }
        if self.ranking.len() > 0
            && !events.is_empty()
            && let Some(seed) = self.shuffle.take()
        {
            self.serve_shuffled(seed, events, outbox);
        }
        while !events.is_empty() {
            let Some(key) = self.ranking.pop() else { return };
            self.serve(key, events, outbox);
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
    fn a_subscriber_that_was_alone_keeps_its_credit_when_others_come_and_go() {
        let mut bench = Bench::new(&[(A, 4)]);
        assert_eq!(bench.emit(1), (vec![(A, 1)], 0));
        Dispatcher::<u32>::subscribe(&mut bench.dispatcher, B, SubscriberOptions::new()).unwrap();
        bench.ask(B, 2);
        assert_eq!(bench.emit(2), (vec![(A, 2)], 0), "it has 3, the other 2");
        bench.dispatcher.cancel(A, &mut bench.outbox);
        bench.ask(B, 1);
        assert_eq!(bench.emit(5), (vec![(B, 3)], 2), "alone again");
        bench.dispatcher.cancel(B, &mut bench.outbox);
        assert_eq!(Dispatcher::<u32>::wanted(&bench.dispatcher), 0);
        bench.ask(B, 1);
        assert_eq!(bench.emit(1), (vec![], 1), "who has left asks for nothing");
    }

    #[test]
    fn a_cancelled_subscriber_gets_nothing_and_wants_nothing() {
        let mut bench = Bench::new(&[(A, 10), (B, 2)]);
        bench.dispatcher.cancel(A, &mut bench.outbox);
        assert_eq!(Dispatcher::<u32>::wanted(&bench.dispatcher), 2);
        assert_eq!(bench.emit(5), (vec![(B, 2)], 3));
    }
}
