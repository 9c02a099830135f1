//! Shards: the keys of one partition from one stage, sent through the exchange in one piece.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;

/// The entries that one stage has for the keys of one partition.
pub struct Shard<Q, A> {
    pub(crate) partition: usize,
    /// The hash, the key and the value of each entry.
    pub(super) entries: Vec<(u64, Q, A)>,
}

/// The merged values of a stage, one for each key.
///
/// Each partition has a table of its own: a shard belongs to one partition, so the table it is merged into
/// stays in the core's private cache.
pub(super) struct Merged<Q, A> {
    tables: Vec<HashTable<(Q, A)>>,
}

/// Returns the hash of a key, or of its borrowed form.
#[inline]
pub(super) fn hash_of<B: Hash + ?Sized>(key: &B) -> u64 {
    FxBuildHasher.hash_one(key)
}

/// Uses sixteen bits in the middle of the hash, as hash tables use the highest and the lowest ones.
#[inline]
pub(super) fn partition_of(hash: u64, partitions: usize) -> usize {
    let bits = usize::from(u16::try_from(hash >> 40 & 0xFFFF).unwrap_or_default());
    (bits * partitions) >> 16
}

impl<Q, A> fmt::Debug for Shard<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (partition, keys) = (&self.partition, self.entries.len());
        f.debug_struct("Shard").field("partition", partition).field("keys", &keys).finish_non_exhaustive()
    }
}

impl<Q, A> Default for Merged<Q, A> {
    fn default() -> Self {
        Self { tables: Vec::new() }
    }
}

impl<Q: Eq + Hash, A> Merged<Q, A> {
    /// Merges the values of a shard, which has each key once, into the existing values.
    pub(super) fn merge(&mut self, shard: Shard<Q, A>, merge: impl Fn(&mut A, A)) {
        let Shard { partition, entries } = shard;
        if self.tables.len() <= partition {
            self.tables.resize_with(partition + 1, HashTable::new);
        }
        let table = &mut self.tables[partition];
        let rehash = |(key, _): &(Q, A)| hash_of(key);
        if table.is_empty() {
            table.reserve(entries.len(), rehash);
            for (hash, key, value) in entries {
                table.insert_unique(hash, (key, value), rehash);
            }
            return;
        }
        for (hash, key, value) in entries {
            match table.entry(hash, |(known, _)| *known == key, rehash) {
                Entry::Occupied(mut known) => merge(&mut known.get_mut().1, value),
                Entry::Vacant(new) => {
                    new.insert((key, value));
                }
            }
        }
    }

    /// Returns the value of a key with this hash in this partition.
    #[inline]
    pub(super) fn find(&self, partition: usize, hash: u64, key: &Q) -> Option<&A> {
        let known = self.tables.get(partition)?.find(hash, |(known, _)| known == key);
        known.map(|(_, value)| value)
    }

    /// Returns the keys with their values.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (Q, A)> {
        self.tables.into_iter().flatten()
    }
}
