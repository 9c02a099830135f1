//! A map whose keys are in the slot that their hash selects, in a neighbouring slot, or in an overflow table.
//!
//! A look-up that finds its key in its own slot compares one key and usually fetches one cache line, whereas
//! a hash table fetches control bytes first. Frequent keys tend to come early, and so they have their own
//! slots. (Direct-mapped, with a few more ways, like processor caches.) Large keys and values are in the
//! table only, which was faster for them; so are keys that own memory elsewhere, as a slot stores no part of
//! the hash that would avoid fetching that memory for a comparison.
//!
//! 1. There are no slots, or a power of two of them, in blocks of four.
//! 2. A key is in the first slot that was empty when it came: its own, or another one of its block.
//! 3. A key is in the table if its block was full, so no look-up checks more than four slots, however poor
//!    the hashes are.
//! 4. All keys are removed at once, so a search can stop at an empty slot.

use std::hash::Hash;

use hashbrown::HashTable;

use super::shard::hash_of;

/// The number of slots a key may be in: its own, and those that share a block with it.
const BLOCK: usize = 4;
/// The number of slots allocated for the first key.
const FEWEST: usize = 16;
/// The factor by which the number of slots grows when three quarters of them are taken.
const GROWTH: usize = 4;
/// The maximum size of all slots, in bytes: room for as many small keys as a stage keeps.
const MOST_BYTES: usize = 4 << 20;
/// The maximum size of a slot, in bytes: with 32, counting words ran at 0.97 times the speed of the table.
const LARGEST: usize = 24;

/// One value for each key.
pub(super) struct Slots<Q, A> {
    /// Empty before the first key, then a power of two.
    places: Vec<Slot<Q, A>>,
    /// The number of slots that have a key.
    taken: usize,
    /// The keys for which no slot was left.
    rest: HashTable<(Q, A)>,
}

/// Smaller than an `Option` of a pair: the discriminant fits into the space before a small key.
enum Slot<Q, A> {
    Empty,
    Known(Q, A),
}

impl<Q, A> Slot<Q, A> {
    /// The maximum number of slots: zero, or a power of two.
    const MOST: usize = match size_of::<Self>() {
        _ if std::mem::needs_drop::<Q>() => 0,
        size @ 1..=LARGEST => 1 << (MOST_BYTES / size).ilog2(),
        _ => 0,
    };

    /// Returns the value of a slot that has a key.
    #[inline]
    fn value(&mut self) -> &mut A {
        match self {
            Self::Known(_, value) => value,
            Self::Empty => unreachable!("a slot that was found or filled has a value"),
        }
    }

    fn take(&mut self) -> Option<(Q, A)> {
        match std::mem::replace(self, Self::Empty) {
            Self::Known(key, value) => Some((key, value)),
            Self::Empty => None,
        }
    }
}

impl<Q, A> Slots<Q, A> {
    /// Returns the number of keys.
    pub(super) fn len(&self) -> usize {
        self.taken + self.rest.len()
    }

    /// Returns the index of a key's own slot, by its hash. (There is none before the first key.)
    #[inline]
    fn own(&self, hash: u64) -> usize {
        usize::try_from(hash & (self.places.len() as u64).wrapping_sub(1)).unwrap_or_default()
    }

    /// Returns the first slot of the key's block that is empty or has the `same` key.
    fn slot(&self, hash: u64, same: impl Fn(&Q) -> bool) -> Option<usize> {
        let own = self.own(hash);
        let fits = |slot: &Slot<Q, A>| match slot {
            Slot::Empty => true,
            Slot::Known(known, _) => same(known),
        };
        (0..BLOCK).map(|beside| own ^ beside).find(|slot| fits(&self.places[*slot]))
    }
}

impl<Q: Hash, A> Slots<Q, A> {
    /// Returns the value of the key with this hash that is the `same` as `key`, inserting an entry made from
    /// `key` if there is none.
    #[inline]
    pub(super) fn of<K>(
        &mut self,
        hash: u64,
        key: K,
        same: impl Fn(&Q, &K) -> bool,
        new: impl FnOnce(K) -> (Q, A),
    ) -> &mut A {
        if Slot::<Q, A>::MOST == 0 {
            return of_table(&mut self.rest, hash, key, same, new);
        }
        let own = self.own(hash);
        if matches!(self.places.get(own), Some(Slot::Known(known, _)) if same(known, &key)) {
            return self.places[own].value();
        }
        self.elsewhere(hash, key, same, new)
    }

    /// Returns the value of a key that is not in its own slot.
    #[cold]
    #[inline(never)]
    fn elsewhere<K>(
        &mut self,
        hash: u64,
        key: K,
        same: impl Fn(&Q, &K) -> bool,
        new: impl FnOnce(K) -> (Q, A),
    ) -> &mut A {
        if self.len() >= self.places.len() / 4 * 3 && self.places.len() < Slot::<Q, A>::MOST {
            self.grow();
        }
        let Some(slot) = self.slot(hash, |known| same(known, &key)) else {
            return of_table(&mut self.rest, hash, key, same, new);
        };
        if matches!(self.places[slot], Slot::Empty) {
            return self.fill(slot, new(key));
        }
        self.places[slot].value()
    }

    /// Puts a key into an empty slot.
    fn fill(&mut self, slot: usize, (key, value): (Q, A)) -> &mut A {
        self.taken += 1;
        self.places[slot] = Slot::Known(key, value);
        self.places[slot].value()
    }

    /// Inserts a key that is not in the map yet.
    fn settle(&mut self, hash: u64, known: (Q, A)) {
        match self.slot(hash, |_| false) {
            Some(slot) => self.fill(slot, known),
            None => insert(&mut self.rest, hash, known),
        };
    }

    /// Adds slots. Keys in their own slots stay in theirs, as no two of these share a new slot; others may
    /// move to their own.
    fn grow(&mut self) {
        let slots = (self.places.len() * GROWTH).clamp(FEWEST, Slot::<Q, A>::MOST);
        let mut old = std::mem::take(self);
        self.places.resize_with(slots, || Slot::Empty);
        let mut others = Vec::new();
        for slot in 0..old.places.len() {
            let Some(known) = old.places[slot].take() else { continue };
            let hash = hash_of(&known.0);
            if old.own(hash) == slot {
                self.settle(hash, known);
            } else {
                others.push((hash, known));
            }
        }
        let rest = old.rest.into_iter().map(|known| (hash_of(&known.0), known));
        for (hash, known) in others.into_iter().chain(rest) {
            self.settle(hash, known);
        }
    }

    /// Removes all keys with their values, those in slots first. The iterator must be run to its end to leave
    /// the map empty.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Q, A)> {
        let taken = std::mem::take(&mut self.taken);
        self.places.iter_mut().filter_map(Slot::take).take(taken).chain(self.rest.drain())
    }
}

/// Returns the value of a key in a table, as [`Slots::of`] does.
#[inline]
pub(super) fn of_table<Q: Hash, A, K>(
    table: &mut HashTable<(Q, A)>,
    hash: u64,
    key: K,
    same: impl Fn(&Q, &K) -> bool,
    new: impl FnOnce(K) -> (Q, A),
) -> &mut A {
    // Most keys exist: space for insertion is reserved only if the key is new.
    match table.find_entry(hash, |(known, _)| same(known, &key)) {
        Ok(known) => &mut known.into_mut().1,
        Err(unknown) => insert(unknown.into_table(), hash, new(key)),
    }
}

/// Inserts a new key with its value.
#[cold]
#[inline(never)]
fn insert<Q: Hash, A>(table: &mut HashTable<(Q, A)>, hash: u64, new: (Q, A)) -> &mut A {
    &mut table.insert_unique(hash, new, |(known, _)| hash_of(known)).into_mut().1
}

impl<Q, A> Default for Slots<Q, A> {
    fn default() -> Self {
        Self { places: Vec::new(), taken: 0, rest: HashTable::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// A key with a poor hash: the value itself.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Poor {
        key: u32,
        hashed: u32,
    }

    impl Hash for Poor {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            self.hashed.hash(state);
        }
    }

    fn count<Q: Hash + Eq>(slots: &mut Slots<Q, u64>, key: Q) {
        *slots.of(hash_of(&key), key, |known, key| known == key, |key| (key, 0)) += 1;
    }

    proptest::proptest! {
        #[test]
        fn every_key_has_one_value_however_poor_its_hash_is(
            keys in proptest::collection::vec(0..200_u32, 0..1000),
            hashes in 1..200_u32,
            again in proptest::collection::vec(0..200_u32, 0..100),
        ) {
            let mut slots = Slots::default();
            for keys in [keys, again] {
                let mut expected = HashMap::new();
                for key in &keys {
                    count(&mut slots, Poor { key: *key, hashed: key % hashes });
                    *expected.entry(*key).or_insert(0) += 1;
                }
                proptest::prop_assert_eq!(slots.len(), expected.len());
                let mut counted: Vec<_> = slots.drain().map(|(Poor { key, .. }, count)| (key, count)).collect();
                proptest::prop_assert_eq!(slots.len(), 0);
                counted.sort_unstable();
                let mut expected: Vec<_> = expected.into_iter().collect();
                expected.sort_unstable();
                proptest::prop_assert_eq!(counted, expected);
            }
        }
    }

    #[test]
    fn most_keys_have_slots_under_even_hashes_and_no_search_leaves_its_block() {
        let mut slots = Slots::default();
        (0..100_000_u32).for_each(|key| count(&mut slots, key));
        assert!(slots.rest.len() < 5_000, "{} of 100,000 keys have no slot", slots.rest.len());
        let mut poor = Slots::default();
        (0..1000).for_each(|key| count(&mut poor, Poor { key, hashed: 7 }));
        assert_eq!((poor.taken, poor.rest.len()), (BLOCK, 1000 - BLOCK));
    }

    #[test]
    fn keys_that_own_memory_are_only_in_the_table() {
        let mut slots = Slots::default();
        (0..1000).for_each(|key| count(&mut slots, Box::<str>::from(key.to_string())));
        assert_eq!((slots.places.len(), slots.len()), (0, 1000));
    }

    #[test]
    fn large_keys_and_values_are_only_in_the_table() {
        let mut slots = Slots::<u32, [u64; 4]>::default();
        for _ in 0..2 {
            for key in 0..1000_u32 {
                slots.of(hash_of(&key), key, |known, key| known == key, |key| (key, [0; 4]))[3] += 1;
            }
        }
        assert_eq!((slots.places.len(), slots.len()), (0, 1000));
        assert!(slots.drain().all(|(_, value)| value == [0, 0, 0, 2]));
    }

    #[test]
    fn slots_take_no_more_memory_than_allowed() {
        let mut slots = Slots::<u32, (u64, u64)>::default();
        for round in 1..=2 {
            for key in 0..300_000_u32 {
                let value = slots.of(hash_of(&key), key, |known, key| known == key, |key| (key, (0, 0)));
                value.0 += 1;
                assert_eq!(value.0, round);
            }
        }
        let bytes = slots.places.len() * size_of::<Slot<u32, (u64, u64)>>();
        assert!((MOST_BYTES / 2..=MOST_BYTES).contains(&bytes), "{bytes} bytes of slots");
        assert_eq!(slots.drain().count(), 300_000);
    }

    #[test]
    fn the_marker_of_an_empty_slot_fits_before_a_small_key() {
        assert_eq!(size_of::<Slot<u32, (u64, u64)>>(), size_of::<(u32, (u64, u64))>());
    }
}
