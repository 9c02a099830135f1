//! What one stage knows of each key before stages put together what they know.
//!
//! 1. A key is hashed once in each stage that has events of it; its hash goes through the exchange with it.
//! 2. What goes through the exchange is one [`Shard`] for each stage and partition, not one event for each key.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;

/// One value for each key that was seen here.
pub struct Partials<Q, A> {
    table: HashTable<(Q, A)>,
}

/// What one stage knew of the keys of one partition.
pub struct Shard<Q, A> {
    pub(crate) partition: usize,
    /// With the hash of each key.
    entries: Vec<(u64, Q, A)>,
}

/// One value for each key of a stage.
pub(super) struct Merged<Q, A> {
    table: HashTable<(Q, A)>,
}

fn hash_of<B: Hash + ?Sized>(key: &B) -> u64 {
    FxBuildHasher.hash_one(key)
}

impl<Q: Eq + Hash, A> Partials<Q, A> {
    /// The value of a key, made by `init` if there is none.
    #[inline]
    pub fn of_or(&mut self, key: Q, init: impl FnOnce() -> A) -> &mut A {
        let hash = hash_of(&key);
        match self.table.entry(hash, |(known, _)| *known == key, |(known, _)| hash_of(known)) {
            Entry::Occupied(known) => &mut known.into_mut().1,
            Entry::Vacant(new) => &mut new.insert((key, init())).into_mut().1,
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
        match self.table.entry(hash, |(known, _)| known.borrow() == lent, |(known, _)| hash_of(known)) {
            Entry::Occupied(known) => &mut known.into_mut().1,
            Entry::Vacant(new) => &mut new.insert((lent.into(), A::default())).into_mut().1,
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
        let expected = self.table.len() / partitions + self.table.len() / 16;
        let shard = |partition| Shard { partition, entries: Vec::with_capacity(expected) };
        let mut shards: Vec<_> = (0..partitions).map(shard).collect();
        for (key, value) in self.table.drain() {
            let hash = hash_of(&key);
            shards[partition_of(hash, partitions)].entries.push((hash, key, value));
        }
        shards.retain(|shard| !shard.entries.is_empty());
        shards
    }
}

/// Of sixteen bits in the middle, as the table uses the highest and the lowest.
fn partition_of(hash: u64, partitions: usize) -> usize {
    let bits = usize::from(u16::try_from(hash >> 40 & 0xFFFF).unwrap_or_default());
    (bits * partitions) >> 16
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

impl<Q, A> fmt::Debug for Shard<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (partition, keys) = (&self.partition, self.entries.len());
        f.debug_struct("Shard").field("partition", partition).field("keys", &keys).finish_non_exhaustive()
    }
}

impl<Q, A> Default for Merged<Q, A> {
    fn default() -> Self {
        Self { table: HashTable::new() }
    }
}

impl<Q: Eq + Hash, A> Merged<Q, A> {
    /// Puts the values of a shard together with those that are known.
    pub(super) fn merge(&mut self, shard: Shard<Q, A>, merge: impl Fn(&mut A, A)) {
        if self.table.is_empty() {
            self.table.reserve(shard.entries.len(), |(key, _)| hash_of(key));
        }
        for (hash, key, value) in shard.entries {
            match self.table.entry(hash, |(known, _)| *known == key, |(known, _)| hash_of(known)) {
                Entry::Occupied(mut known) => merge(&mut known.get_mut().1, value),
                Entry::Vacant(new) => {
                    new.insert((key, value));
                }
            }
        }
    }

    /// The keys with their values.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (Q, A)> {
        self.table.into_iter()
    }
}

#[cfg(test)]
mod tests {
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
