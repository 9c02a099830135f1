//! Both sides of one window of a join, by key: emits pairs on arrival, and unmatched events at the end.

use std::collections::VecDeque;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::{JoinKind, Side};

/// Both sides of one window.
pub(super) struct Sides<Q, L, R> {
    keys: FxHashMap<Q, Entry<L, R>>,
    /// The number of events held.
    held: usize,
    /// The number of the next key.
    next: u64,
}

/// The two sides of one key.
struct Entry<L, R> {
    /// The position of the key in arrival order; keys are emitted in this order.
    number: u64,
    lefts: Kept<L>,
    rights: Kept<R>,
}

/// The events of one side of one key, in arrival order.
struct Kept<T> {
    events: VecDeque<T>,
    /// The number of events, from the front, that have had a partner. The rest arrived when the other side
    /// was empty and have had none since.
    met: usize,
}

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Left,
    Right,
}

impl<T> Kept<T> {
    fn new() -> Self {
        Self { events: VecDeque::new(), met: 0 }
    }

    /// Adds an event, which marks all events of the other side as matched.
    fn push<U>(&mut self, event: T, others: &mut Kept<U>) {
        self.events.push_back(event);
        if !others.events.is_empty() {
            (self.met, others.met) = (self.events.len(), others.events.len());
        }
    }

    /// Removes the oldest event; returns it if it has had no partner.
    fn pop(&mut self) -> Option<T> {
        let first = self.events.pop_front();
        if self.met > 0 {
            self.met -= 1;
            return None;
        }
        first
    }

    fn alone(self) -> impl Iterator<Item = T> {
        self.events.into_iter().skip(self.met)
    }
}

impl<Q, L, R> Default for Sides<Q, L, R> {
    fn default() -> Self {
        Self { keys: FxHashMap::default(), held: 0, next: 0 }
    }
}

impl<Q: Eq + Hash, L: Clone, R: Clone> Sides<Q, L, R> {
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Adds one event; passes its pairs to `sink`, the youngest partner first.
    pub(super) fn take_in<J: JoinKind<L, R>, K: FnMut(J::Out)>(&mut self, side: Side<Q, L, R>, sink: &mut K) {
        self.held += 1;
        match side {
            Side::Left(key, left) => {
                let Entry { lefts, rights, .. } = self.entry(key);
                for right in rights.events.iter().rev() {
                    sink(J::pair(left.clone(), right.clone()));
                }
                lefts.push(left, rights);
            }
            Side::Right(key, right) => {
                let Entry { lefts, rights, .. } = self.entry(key);
                for left in lefts.events.iter().rev() {
                    sink(J::pair(left.clone(), right.clone()));
                }
                rights.push(right, lefts);
            }
        }
    }

    fn entry(&mut self, key: Q) -> &mut Entry<L, R> {
        let next = &mut self.next;
        self.keys.entry(key).or_insert_with(|| {
            *next += 1;
            Entry { number: *next, lefts: Kept::new(), rights: Kept::new() }
        })
    }

    /// Evicts the oldest event of this side of a key; passes it to `sink` if it has had no partner.
    pub(super) fn evict<J: JoinKind<L, R>, K: FnMut(J::Out)>(&mut self, key: &Q, which: Which, sink: &mut K) {
        let Some(entry) = self.keys.get_mut(key) else { return };
        self.held -= 1;
        let alone = match which {
            Which::Left => entry.lefts.pop().and_then(J::left),
            Which::Right => entry.rights.pop().and_then(J::right),
        };
        if entry.lefts.events.is_empty() && entry.rights.events.is_empty() {
            self.keys.remove(key);
        }
        alone.into_iter().for_each(sink);
    }

    /// Passes the events without a partner to `sink`: first all of the left side, then those of the right.
    pub(super) fn end<J: JoinKind<L, R>, K: FnMut(J::Out)>(self, sink: &mut K) {
        let mut entries: Vec<_> = self.keys.into_values().collect();
        entries.sort_unstable_by_key(|entry| entry.number);
        let mut others = Vec::new();
        for Entry { lefts, rights, .. } in entries {
            lefts.alone().filter_map(J::left).for_each(&mut *sink);
            others.extend(rights.alone());
        }
        others.into_iter().filter_map(J::right).for_each(sink);
    }
}

#[cfg(test)]
mod tests {
    use super::super::FullOuter;
    use super::*;

    type Out = (Option<char>, Option<u8>);

    #[test]
    fn evicted_events_meet_no_later_event_and_are_alone_only_if_they_met_no_earlier_one() {
        let (mut sides, mut out) = (Sides::default(), Vec::<Out>::new());
        let left = |key, left| Side::Left(key, left);
        let right = |key, right| Side::Right(key, right);
        for side in [left(1, 'a'), right(1, 10), left(2, 'b'), left(1, 'c')] {
            sides.take_in::<FullOuter, _>(side, &mut |pair| out.push(pair));
        }
        assert_eq!(out, [(Some('a'), Some(10)), (Some('c'), Some(10))]);
        out.clear();
        for (key, which) in [(1, Which::Left), (1, Which::Right), (2, Which::Left)] {
            sides.evict::<FullOuter, _>(&key, which, &mut |alone| out.push(alone));
        }
        assert_eq!((out.as_slice(), sides.held()), ([(Some('b'), None)].as_slice(), 1));
        // `c` has matched a partner that is evicted; the next event matches only `c`.
        out.clear();
        for side in [left(1, 'd'), left(2, 'e')] {
            sides.take_in::<FullOuter, _>(side, &mut |pair| out.push(pair));
        }
        sides.end::<FullOuter, _>(&mut |alone| out.push(alone));
        assert_eq!(out, [(Some('d'), None), (Some('e'), None)]);
    }
}
