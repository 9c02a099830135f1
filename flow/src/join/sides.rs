//! Both sides of one window of a join, by key: emits pairs on arrival, and each unmatched event once it can match no
//! more.

use std::hash::{BuildHasher, Hash};

use hashbrown::{HashTable, hash_table};
use rustc_hash::FxBuildHasher;

use super::few::{Few, pair_up};
use super::{JoinKind, Side};

/// Both sides of one window.
pub(super) struct Sides<Q, L, R> {
    /// The keys in the order of their arrival, with those that have lost all their events.
    entries: Vec<Entry<Q, L, R>>,
    /// The places of the entries, by key: small slots, as many of them are empty.
    places: HashTable<usize>,
    /// The number of entries without events.
    empty: usize,
    /// The number of events held.
    held: usize,
}

/// The two sides of one key.
struct Entry<Q, L, R> {
    key: Q,
    lefts: Kept<L>,
    rights: Kept<R>,
}

/// The events of one side of one key, in arrival order.
struct Kept<T> {
    events: Few<T>,
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
    const fn new() -> Self {
        Self { events: Few::None, met: 0 }
    }

    /// Adds an event, which marks all events of the other side as matched.
    #[inline]
    fn push<U>(&mut self, event: T, others: &mut Kept<U>) {
        self.events.push(event);
        if !others.events.is_empty() {
            (self.met, others.met) = (self.events.len(), others.events.len());
        }
    }

    /// Removes the oldest event; returns it, and whether it has had a partner.
    fn pop(&mut self) -> Option<(T, bool)> {
        let first = self.events.pop()?;
        let has_met = self.met > 0;
        self.met -= usize::from(has_met);
        Some((first, has_met))
    }

    /// Removes all events; returns their number, and passes those without a partner to `sink`.
    fn end(&mut self, sink: impl FnMut(T)) -> usize {
        let Self { events, met } = std::mem::replace(self, Self::new());
        let held = events.len();
        events.into_iter().skip(met).for_each(sink);
        held
    }
}

impl<Q, L, R> Entry<Q, L, R> {
    fn is_empty(&self) -> bool {
        self.lefts.events.is_empty() && self.rights.events.is_empty()
    }
}

impl<Q, L, R> Default for Sides<Q, L, R> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: HashTable::new(), empty: 0, held: 0 }
    }
}

fn hash_of<Q: Hash>(key: &Q) -> u64 {
    FxBuildHasher.hash_one(key)
}

impl<Q: Eq + Hash, L: Clone, R: Clone> Sides<Q, L, R> {
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Adds one event; passes its pairs to `sink`, the youngest partner first. If the other side has ended
    /// (`ended`), the event can match no more and is not kept. Returns whether it is.
    pub(super) fn take_in<J: JoinKind<L, R>, K: FnMut(J::Out)>(
        &mut self,
        side: Side<Q, L, R>,
        ended: Option<Which>,
        sink: &mut K,
    ) -> bool {
        match (&side, ended) {
            (Side::Left(..), Some(Which::Right)) | (Side::Right(..), Some(Which::Left)) => {
                self.look_up::<J, K>(side, sink);
                return false;
            }
            _ => {}
        }
        self.held += 1;
        match side {
            Side::Left(key, left) => {
                let Entry { lefts, rights, .. } = self.entry(key);
                rights.events.youngest_first(|right| sink(J::pair(left.clone(), right.clone())));
                lefts.push(left, rights);
            }
            Side::Right(key, right) => {
                let Entry { lefts, rights, .. } = self.entry(key);
                lefts.events.youngest_first(|left| sink(J::pair(left.clone(), right.clone())));
                rights.push(right, lefts);
            }
        }
        true
    }

    /// Passes the results of an event that is not kept to `sink`.
    fn look_up<J: JoinKind<L, R>, K: FnMut(J::Out)>(&mut self, side: Side<Q, L, R>, sink: &mut K) {
        let found = self.place(side.key());
        match side {
            Side::Left(_, left) => match found.map(|place| &mut self.entries[place].rights) {
                Some(rights) if !rights.events.is_empty() => {
                    rights.met = rights.events.len();
                    pair_up(left, &rights.events, |left, right| sink(J::pair(left, right.clone())));
                }
                _ => J::left(left).into_iter().for_each(sink),
            },
            Side::Right(_, right) => match found.map(|place| &mut self.entries[place].lefts) {
                Some(lefts) if !lefts.events.is_empty() => {
                    lefts.met = lefts.events.len();
                    pair_up(right, &lefts.events, |right, left| sink(J::pair(left.clone(), right)));
                }
                _ => J::right(right).into_iter().for_each(sink),
            },
        }
    }

    fn place(&self, key: &Q) -> Option<usize> {
        let entries = &self.entries;
        let found = self.places.find(hash_of(key), |place| entries[*place].key == *key);
        found.copied()
    }

    fn entry(&mut self, key: Q) -> &mut Entry<Q, L, R> {
        let Self { entries, places, empty, .. } = self;
        let hash = |place: &usize| hash_of(&entries[*place].key);
        let place = match places.entry(hash_of(&key), |place| entries[*place].key == key, hash) {
            hash_table::Entry::Occupied(known) => {
                let place = *known.get();
                *empty -= usize::from(entries[place].is_empty());
                place
            }
            hash_table::Entry::Vacant(vacant) => {
                let place = entries.len();
                vacant.insert(place);
                entries.push(Entry { key, lefts: Kept::new(), rights: Kept::new() });
                place
            }
        };
        &mut entries[place]
    }

    /// Evicts the oldest event of this side of a key; passes it to `sink` if it has had no partner.
    pub(super) fn evict<J: JoinKind<L, R>, K: FnMut(J::Out)>(&mut self, key: &Q, which: Which, sink: &mut K) {
        let Some(place) = self.place(key) else { return };
        let entry = &mut self.entries[place];
        let alone = match which {
            Which::Left => entry.lefts.pop().map(|(left, met)| if met { None } else { J::left(left) }),
            Which::Right => entry.rights.pop().map(|(right, met)| if met { None } else { J::right(right) }),
        };
        let Some(alone) = alone else { return };
        self.held -= 1;
        self.empty += usize::from(entry.is_empty());
        alone.into_iter().for_each(sink);
        if self.empty > 64 && self.empty > self.entries.len() / 2 {
            self.compact();
        }
    }

    /// Removes the entries without events; the others keep their order.
    fn compact(&mut self) {
        self.entries.retain(|entry| !entry.is_empty());
        self.entries.shrink_to_fit();
        self.empty = 0;
        let entries = &self.entries;
        self.places.clear();
        self.places.shrink_to(entries.len(), |place| hash_of(&entries[*place].key));
        for (place, entry) in entries.iter().enumerate() {
            self.places.insert_unique(hash_of(&entry.key), place, |place| hash_of(&entries[*place].key));
        }
    }

    /// The side `which` has ended: the events of the other one match no more. Removes them, and passes those
    /// without a partner to `sink`.
    pub(super) fn end_side<J: JoinKind<L, R>, K: FnMut(J::Out)>(&mut self, which: Which, sink: &mut K) {
        for entry in &mut self.entries {
            self.held -= match which {
                Which::Left => entry.rights.end(|right| J::right(right).into_iter().for_each(&mut *sink)),
                Which::Right => entry.lefts.end(|left| J::left(left).into_iter().for_each(&mut *sink)),
            };
        }
        self.compact();
    }

    /// Passes the events without a partner to `sink`: first all of the left side, then those of the right.
    pub(super) fn end<J: JoinKind<L, R>, K: FnMut(J::Out)>(mut self, sink: &mut K) {
        for which in [Which::Right, Which::Left] {
            for entry in &mut self.entries {
                match which {
                    Which::Right => entry.lefts.end(|left| J::left(left).into_iter().for_each(&mut *sink)),
                    Which::Left => entry.rights.end(|right| J::right(right).into_iter().for_each(&mut *sink)),
                };
            }
        }
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
            sides.take_in::<FullOuter, _>(side, None, &mut |pair| out.push(pair));
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
            sides.take_in::<FullOuter, _>(side, None, &mut |pair| out.push(pair));
        }
        sides.end::<FullOuter, _>(&mut |alone| out.push(alone));
        assert_eq!(out, [(Some('d'), None), (Some('e'), None)]);
    }

    #[test]
    fn events_match_no_more_once_the_other_side_has_ended() {
        let (mut sides, mut out) = (Sides::default(), Vec::<Out>::new());
        for side in [
            Side::Left(1, 'a'),
            Side::Right(1, 10),
            Side::Left(2, 'b'),
            Side::Right(3, 30),
            Side::Right(3, 31),
        ] {
            assert!(sides.take_in::<FullOuter, _>(side, None, &mut |pair| out.push(pair)));
        }
        assert_eq!(std::mem::take(&mut out), [(Some('a'), Some(10))]);
        sides.end_side::<FullOuter, _>(Which::Right, &mut |alone| out.push(alone));
        assert_eq!((std::mem::take(&mut out).as_slice(), sides.held()), ([(Some('b'), None)].as_slice(), 3));
        for side in [Side::Left(3, 'c'), Side::Left(2, 'd')] {
            assert!(!sides.take_in::<FullOuter, _>(side, Some(Which::Right), &mut |pair| out.push(pair)));
        }
        assert_eq!(
            std::mem::take(&mut out),
            [(Some('c'), Some(31)), (Some('c'), Some(30)), (Some('d'), None)]
        );
        sides.end::<FullOuter, _>(&mut |alone| out.push(alone));
        assert_eq!(out, [], "all rights have matched");
    }

    #[test]
    fn keys_that_were_evicted_leave_no_memory_behind() {
        let (mut sides, mut alone) = (Sides::<u32, u32, u32>::default(), 0);
        for key in 0..10_000 {
            sides.take_in::<FullOuter, _>(Side::Left(key, key), None, &mut |_| {});
            if key >= 10 {
                sides.evict::<FullOuter, _>(&(key - 10), Which::Left, &mut |_| alone += 1);
            }
            assert!(sides.entries.len() < 200);
        }
        assert_eq!((alone, sides.held()), (9990, 10));
        let mut rest = Vec::new();
        sides.end::<FullOuter, _>(&mut |(left, _)| rest.extend(left));
        assert!(rest.into_iter().eq(9990..10_000));
    }
}
