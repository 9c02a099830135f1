//! What one stage knows of each key before stages put together what they know.
//!
//! 1. A key is hashed once in each stage that has events of it; its hash goes through the exchange with it.
//! 2. What goes through the exchange is one [`Shard`] for each stage and partition, not one event for each key.
//! 3. Keys and values lie in the table itself: numbers for values that are elsewhere, so that the table is smaller
//!    or the first keys are together, were slower.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;

use hashbrown::HashTable;

use super::shard::{Shard, hash_of, partition_of};

/// One value for each key that was seen here.
pub struct Partials<Q, A> {
    table: HashTable<(Q, A)>,
}

impl<Q: Eq + Hash, A> Partials<Q, A> {
    /// The value of a key, made by `init` if there is none.
    #[inline]
    pub fn of_or(&mut self, key: Q, init: impl FnOnce() -> A) -> &mut A {
        let hash = hash_of(&key);
        // Most keys are known: no place is looked for before one is not.
        match self.table.find_entry(hash, |(known, _)| *known == key) {
            Ok(known) => &mut known.into_mut().1,
            Err(unknown) => insert(unknown.into_table(), hash, key, init()),
        }
    }

    /// The value of a key.
    #[inline]
    pub fn of(&mut self, key: Q) -> &mut A
    where
        A: Default,
    {
        self.of_or(key, A::default)
    }

    /// The value of a key that is only lent: a key of its own is made of it if it is new, and nothing is
    /// allocated if it is not.
    #[inline]
    pub fn of_lent<'b, B>(&mut self, lent: &'b B) -> &mut A
    where
        Q: Borrow<B>,
        B: Eq + Hash + ?Sized,
        &'b B: Into<Q>,
        A: Default,
    {
        let hash = hash_of(lent);
        match self.table.find_entry(hash, |(known, _)| known.borrow() == lent) {
            Ok(known) => &mut known.into_mut().1,
            Err(unknown) => insert(unknown.into_table(), hash, lent.into(), A::default()),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Everything, to be sent to so many partitions; nothing is left here.
    pub(crate) fn take_shards(&mut self, partitions: usize) -> Vec<Shard<Q, A>> {
        // Hashes are even: a shard has seldom an eighth more than its share.
        let even = self.table.len() / partitions;
        let shard = |partition| Shard { partition, entries: Vec::with_capacity(even + even / 8 + 1) };
        let mut shards: Vec<_> = (0..partitions).map(shard).collect();
        for (key, value) in self.table.drain() {
            let hash = hash_of(&key);
            shards[partition_of(hash, partitions)].entries.push((hash, key, value));
        }
        shards.retain(|shard| !shard.entries.is_empty());
        shards
    }
}

/// A key that is not there yet, with its value.
#[cold]
#[inline(never)]
fn insert<Q: Hash, A>(table: &mut HashTable<(Q, A)>, hash: u64, key: Q, value: A) -> &mut A {
    &mut table.insert_unique(hash, (key, value), |(key, _)| hash_of(key)).into_mut().1
}

impl<Q, A> Default for Partials<Q, A> {
    fn default() -> Self {
        Self { table: HashTable::new() }
    }
}

impl<Q, A> fmt::Debug for Partials<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partials").field("keys", &self.table.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::shard::Merged;
    use super::*;

    #[test]
    fn a_lent_key_is_kept_once_and_found_by_either() {
        let mut partials = Partials::<Box<str>, u32>::default();
        for word in ["a", "b", "a"] {
            *partials.of_lent(word) += 1;
        }
        *partials.of("a".into()) += 1;
        assert_eq!((partials.len(), *partials.of_lent("a")), (2, 3));
    }

    #[test]
    fn shards_put_together_are_the_whole() {
        for partitions in [1, 2, 7] {
            let mut merged: Vec<Merged<u32, u32>> = (0..partitions).map(|_| Merged::default()).collect();
            for _ in 0..3 {
                let mut partials = Partials::default();
                (0..1000).for_each(|key| *partials.of(key) += key);
                for shard in partials.take_shards(partitions) {
                    merged[shard.partition].merge(shard, |value, other| *value += other);
                }
                assert!(partials.is_empty());
            }
            let mut all: Vec<_> = merged.into_iter().flat_map(Merged::into_entries).collect();
            all.sort_unstable();
            assert_eq!(all, (0..1000).map(|key| (key, 3 * key)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_partition_gets_its_share() {
        let mut partials = Partials::<_, u32>::default();
        (0..10_000_u64).for_each(|key| *partials.of(key) += 1);
        for shard in partials.take_shards(4) {
            assert!((2_000..3_000).contains(&shard.entries.len()), "{}", shard.entries.len());
        }
    }
}
