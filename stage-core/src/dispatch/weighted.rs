//! The weighted dispatcher: distributes events in proportion to weights, evenly spread.

use super::tables::slots::Slots;
use super::tables::total::Total;
use super::{Dispatcher, Outbox, SubscriptionKey};
use crate::base::error::SubscribeError;
use crate::credit::demand::Demand;
use crate::dispatch::options::DispatchOptions;

/// Distributes events in proportion to [`DispatchOptions::weight`] among the subscribers with demand. The
/// events of one dispatch for one subscriber form one message.
///
/// The algorithm is nginx's smooth weighted round robin (Maxim Dounin, 2012, changeset "Upstream: smooth
/// weighted round-robin balancing"): in every turn, each subscriber gains its weight; the one with the most
/// is served and pays the sum of the weights. Weights 5, 1, 1 give *a a b a c a a*. A turn takes one step per
/// subscriber with demand; subscribers without demand cost nothing.
///
/// ```
/// use stage_core::Demand;
/// use stage_core::dispatch::{Dispatcher, Outbox, DispatchOptions, SubscriptionKey, WeightedDispatcher};
///
/// let (a, b) = (SubscriptionKey::new(0), SubscriptionKey::new(1));
/// let mut dispatcher = WeightedDispatcher::new();
/// let mut outbox = Outbox::new();
/// for (key, weight) in [(a, 2), (b, 1)] {
///     dispatcher.subscribe(key, DispatchOptions::<u32>::new().weight(weight))?;
///     dispatcher.ask(key, Demand::new(100).unwrap(), &mut outbox);
/// }
/// dispatcher.dispatch(&mut vec![1, 2, 3, 4, 5, 6], &mut outbox);
/// assert_eq!(outbox.drain().collect::<Vec<_>>(), [(a, vec![1, 3, 4, 6]), (b, vec![2, 5])]);
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
#[derive(Debug, Default)]
pub struct WeightedDispatcher {
    shares: Slots<Share>,
    /// The subscribers with credit.
    ready: Vec<Turn>,
    /// The sum of their weights.
    weights: i64,
    credit: Total,
}

#[derive(Debug)]
struct Share {
    credit: usize,
    weight: i64,
    /// The balance when it last had demand: weight gained minus weight paid.
    gained: i64,
}

/// A subscriber with demand.
#[derive(Debug)]
struct Turn {
    key: SubscriptionKey,
    weight: i64,
    gained: i64,
}

impl WeightedDispatcher {
    /// Creates a dispatcher without subscribers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the index in `ready` of the subscriber whose turn it is, after it has paid for the turn.
    fn next(&mut self) -> Option<usize> {
        let mut first = None;
        let mut most = i64::MIN;
        for (place, turn) in self.ready.iter_mut().enumerate() {
            turn.gained += turn.weight;
            if turn.gained > most {
                most = turn.gained;
                first = Some(place);
            }
        }
        self.ready[first?].gained -= self.weights;
        first
    }

    /// Accounts for `events` sent to the subscriber at `place`.
    fn account(&mut self, place: usize, events: usize) {
        self.credit.less(events);
        let Some(share) = self.shares.get_mut(self.ready[place].key) else { return };
        share.credit -= events;
        if share.credit == 0 {
            self.rest(place);
        }
    }

    /// Removes the subscriber at `place` from `ready`, because it has no demand for now.
    fn rest(&mut self, place: usize) {
        let turn = self.ready.remove(place);
        self.weights -= turn.weight;
        if let Some(share) = self.shares.get_mut(turn.key) {
            share.gained = turn.gained;
        }
    }
}

impl<E> Dispatcher<E> for WeightedDispatcher {
    fn subscribe(&mut self, key: SubscriptionKey, options: DispatchOptions<E>) -> Result<(), SubscribeError> {
        let weight = i64::from(options.weight.get());
        self.shares.insert(key, Share { credit: 0, weight, gained: 0 });
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey, _outbox: &mut Outbox<E>) {
        if let Some(place) = self.ready.iter().position(|turn| turn.key == key) {
            self.rest(place);
        }
        self.credit.less(self.shares.remove(key).map_or(0, |share| share.credit));
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, _outbox: &mut Outbox<E>) {
        let Some(share) = self.shares.get_mut(key) else { return };
        if share.credit == 0 {
            self.ready.push(Turn { key, weight: share.weight, gained: share.gained });
            self.weights += share.weight;
        }
        self.credit.ask(&mut share.credit, demand.get());
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        if let [Turn { key, .. }] = self.ready[..]
            && !events.is_empty()
        {
            let count = self.credit.get().min(events.len());
            outbox.send(key, events, count);
            self.account(0, count);
            return;
        }
        let taken = self.credit.get().min(events.len());
        for event in events.drain(..taken) {
            if let Some(place) = self.next() {
                outbox.push(self.ready[place].key, event);
                self.account(place, 1);
            }
        }
    }

    fn wanted(&self) -> usize {
        self.credit.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(weights: &[u32], events: usize) -> Vec<usize> {
        let mut dispatcher = WeightedDispatcher::new();
        let mut outbox = Outbox::new();
        for (key, weight) in weights.iter().enumerate() {
            let options = DispatchOptions::<u32>::new().weight(*weight);
            dispatcher.subscribe(SubscriptionKey(key), options).unwrap();
            Dispatcher::<u32>::ask(
                &mut dispatcher,
                SubscriptionKey(key),
                Demand::new(100).unwrap(),
                &mut outbox,
            );
        }
        let mut turns = Vec::new();
        for _ in 0..events {
            dispatcher.dispatch(&mut vec![0], &mut outbox);
            turns.extend(outbox.drain().map(|(key, _)| key.0));
        }
        turns
    }

    #[test]
    fn turns_are_spread_as_in_the_published_algorithm() {
        assert_eq!(turns(&[5, 1, 1], 7), [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn each_gets_its_share_in_every_round() {
        let turns = turns(&[4, 2, 3], 90);
        for round in turns.chunks(9) {
            let share = |key| round.iter().filter(|turn| **turn == key).count();
            assert_eq!([share(0), share(1), share(2)], [4, 2, 3]);
        }
    }
}
