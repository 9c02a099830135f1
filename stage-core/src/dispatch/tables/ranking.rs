//! Subscriptions ranked by priority, and by age among equals.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::dispatch::SubscriptionKey;

/// Returns the highest priority first; among equals, the subscription that has had it longest.
///
/// A heap with lazy removal: an entry whose age is not its subscription's current one is stale. Subscriptions
/// that are not ranked cost nothing.
#[derive(Debug)]
pub(crate) struct Ranking<P> {
    heap: BinaryHeap<(P, Reverse<u64>, SubscriptionKey)>,
    /// The age of the valid entry, by key; 0 if there is none.
    ages: Vec<u64>,
    age: u64,
    ranked: usize,
}

impl<P: Ord> Ranking<P> {
    /// Returns the number of ranked subscriptions.
    pub(crate) fn len(&self) -> usize {
        self.ranked
    }

    /// Ranks `key` behind others of equal priority.
    pub(crate) fn set(&mut self, key: SubscriptionKey, priority: P) {
        if self.ages.len() <= key.0 {
            self.ages.resize(key.0 + 1, 0);
        }
        self.age += 1;
        if std::mem::replace(&mut self.ages[key.0], self.age) == 0 {
            self.ranked += 1;
        }
        self.heap.push((priority, Reverse(self.age), key));
        self.forget_stale();
    }

    /// Removes `key` from the ranking.
    pub(crate) fn remove(&mut self, key: SubscriptionKey) {
        if let Some(age) = self.ages.get_mut(key.0)
            && std::mem::take(age) != 0
        {
            self.ranked -= 1;
        }
    }

    /// Removes and returns the first subscription.
    pub(crate) fn pop(&mut self) -> Option<SubscriptionKey> {
        while let Some((_, Reverse(age), key)) = self.heap.pop() {
            if self.ages[key.0] == age {
                self.remove(key);
                return Some(key);
            }
        }
        None
    }

    /// Rebuilds the heap when most of it is stale, so that its size stays proportional to the number ranked.
    fn forget_stale(&mut self) {
        if self.heap.len() > 2 * self.ranked + 16 {
            let ages = &self.ages;
            self.heap.retain(|(_, Reverse(age), key)| ages[key.0] == *age);
        }
    }
}

impl<P: Ord> Default for Ranking<P> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), ages: Vec::new(), age: 0, ranked: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heap_stays_in_proportion_to_those_ranked() {
        let mut ranking = Ranking::default();
        for credit in 0..1000 {
            ranking.set(SubscriptionKey(0), credit);
            ranking.set(SubscriptionKey(1), 10_000);
        }
        assert!(ranking.heap.len() <= 20, "{} entries", ranking.heap.len());
        assert_eq!(ranking.pop(), Some(SubscriptionKey(1)));
        assert_eq!(ranking.pop(), Some(SubscriptionKey(0)));
        assert_eq!(ranking.pop(), None);
    }
}
