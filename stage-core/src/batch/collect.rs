//! The open batches: assigns events to batches and closes batches. Pure; time is an argument.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use tokio::time::Instant;

/// Batches that are not full yet, one per key.
#[derive(Debug)]
pub(super) struct Collection<K, E> {
    max_count: usize,
    max_weight: usize,
    max_open: usize,
    open: HashMap<K, Open<E>>,
    /// The keys by the age of their batches, oldest first.
    by_age: BTreeMap<u64, K>,
    opened: u64,
    events: usize,
}

#[derive(Debug)]
struct Open<E> {
    age: u64,
    events: Vec<E>,
    weight: usize,
    due: Option<Instant>,
}

impl<K: Clone + Eq + Hash, E> Collection<K, E> {
    /// `None` means no limit on the count or the weight.
    pub(super) fn new(count: Option<usize>, weight: Option<usize>, max_open: usize) -> Self {
        Self {
            max_count: count.unwrap_or(usize::MAX),
            max_weight: weight.unwrap_or(usize::MAX),
            max_open,
            open: HashMap::new(),
            by_age: BTreeMap::new(),
            opened: 0,
            events: 0,
        }
    }

    /// Adds an event to the batch of its key; a batch opened by the event is due at `due`. Passes each batch
    /// that closes to `closed`: the batch that the event no longer fits into, or the oldest one if too many
    /// are open, and then the batch that the event fills.
    pub(super) fn add(
        &mut self,
        (key, event): (K, E),
        weight: usize,
        due: Option<Instant>,
        mut closed: impl FnMut((K, Vec<E>)),
    ) {
        match self.open.get(&key) {
            Some(open) if open.weight.saturating_add(weight) > self.max_weight => {
                closed(self.close(key.clone()));
            }
            None if self.open.len() >= self.max_open => {
                self.take_oldest().into_iter().for_each(&mut closed);
            }
            Some(_) | None => {}
        }
        let open = self.open.entry(key.clone()).or_insert_with(|| {
            self.opened += 1;
            self.by_age.insert(self.opened, key.clone());
            Open { age: self.opened, events: Vec::new(), weight: 0, due }
        });
        open.events.push(event);
        self.events += 1;
        open.weight = open.weight.saturating_add(weight);
        if open.events.len() >= self.max_count || open.weight >= self.max_weight {
            closed(self.close(key));
        }
    }

    fn close(&mut self, key: K) -> (K, Vec<E>) {
        let events = self.open.remove(&key).map_or_else(Vec::new, |open| {
            self.by_age.remove(&open.age);
            self.events -= open.events.len();
            open.events
        });
        (key, events)
    }

    /// Closes the oldest batch.
    pub(super) fn take_oldest(&mut self) -> Option<(K, Vec<E>)> {
        let (_, key) = self.by_age.first_key_value()?;
        Some(self.close(key.clone()))
    }

    /// Closes the oldest batch, if it is due by `now`.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(K, Vec<E>)> {
        self.next_due().filter(|due| *due <= now)?;
        self.take_oldest()
    }

    /// Returns when the oldest batch is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let (_, key) = self.by_age.first_key_value()?;
        self.open.get(key)?.due
    }

    /// Returns the number of events in open batches.
    pub(super) fn events(&self) -> usize {
        self.events
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Returns the batches closed by these events, `(key, weight)`, one by one, and the batches still open
    /// afterwards.
    fn closed(
        (count, weight, open): (Option<usize>, Option<usize>, usize),
        events: &[(char, usize)],
    ) -> (Vec<(char, Vec<usize>)>, usize) {
        let mut collection = Collection::new(count, weight, open);
        let mut closed = Vec::new();
        for (key, weight) in events {
            collection.add((*key, *weight), *weight, None, |batch| closed.push(batch));
        }
        (closed, collection.events())
    }

    #[test]
    fn a_batch_closes_at_its_count() {
        let events = [('a', 1), ('a', 2), ('a', 3), ('a', 4), ('a', 5)];
        assert_eq!(closed((Some(2), None, 1), &events), (vec![('a', vec![1, 2]), ('a', vec![3, 4])], 1));
    }

    #[test]
    fn a_batch_never_weighs_more_than_its_limit_unless_one_event_does() {
        let events = [('a', 4), ('a', 5), ('a', 2), ('a', 20), ('a', 10), ('a', 1)];
        let expected = [vec![4, 5], vec![2], vec![20], vec![10]].map(|batch| ('a', batch));
        assert_eq!(closed((None, Some(10), 1), &events), (expected.to_vec(), 1));
    }

    #[test]
    fn a_key_too_many_pushes_the_oldest_batch_out() {
        let events = [('a', 1), ('b', 2), ('a', 3), ('c', 4), ('a', 5)];
        assert_eq!(closed((Some(9), None, 2), &events), (vec![('a', vec![1, 3]), ('b', vec![2])], 2));
    }

    #[test]
    fn the_oldest_batch_is_due_first_from_its_first_event_on() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut collection = Collection::new(Some(2), None, 9);
        let mut add = |key, due| {
            collection.add((key, key), 0, Some(at(due)), |_| {});
            collection.next_due()
        };
        assert_eq!(add('a', 10), Some(at(10)));
        assert_eq!(add('b', 11), Some(at(10)));
        // The batch of `a` is full; a batch that opens now is the youngest.
        assert_eq!(add('a', 12), Some(at(11)));
        assert_eq!(add('a', 13), Some(at(11)));
        assert_eq!(collection.take_due(at(10)), None);
        assert_eq!(collection.take_due(at(11)), Some(('b', vec!['b'])));
        assert_eq!(collection.take_due(at(12)), None);
        assert_eq!(collection.take_oldest(), Some(('a', vec!['a'])));
        assert_eq!((collection.take_oldest(), collection.events()), (None, 0));
    }
}
