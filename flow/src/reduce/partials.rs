//! The partial values that one stage has for each key, before the stages merge theirs.
//!
//! 1. A key is hashed once in each stage that has events of it; its hash goes through the exchange with it.
//! 2. One [`Shard`] for each stage and partition goes through the exchange, not one event for each key.
//! 3. Keys and values are stored inline in the slots or the table: an index to values stored elsewhere, which
//!    makes the table smaller or keeps the first keys together, was slower.
//! 4. A key that was looked up in two ways may be in two tables, so a partition may get two shards from one
//!    stage. Each shard has every key at most once.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;

use super::byte_key::ByteKey;
use super::shard::{Shard, hash_of, partition_of};
use super::short::{Short, ShortKeys};
use super::slots::Slots;

/// One value for each key seen by this stage.
///
/// ```
/// use flow::{Flow, Partials};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let orders = Flow::from_items([("ann", 3), ("ben", 5), ("ann", 4)]);
/// let totals = orders.combining(|totals: &mut Partials<String, u32>, (name, amount)| {
///     *totals.of_lent(name) += amount;
///     *totals.of("all".to_owned()) += amount;
///     let largest = totals.of_or("largest".to_owned(), || 0);
///     *largest = amount.max(*largest);
/// });
/// let totals = totals.merged(|total, other| *total += other).collect::<Vec<_>>().await?;
/// assert!(totals.contains(&("ann".to_owned(), 7)) && totals.contains(&("all".to_owned(), 12)));
/// # Ok(())
/// # }
/// ```
pub struct Partials<Q, A> {
    slots: Slots<Q, A>,
    short: ShortKeys<Q, A>,
}

impl<Q: Eq + Hash, A> Partials<Q, A> {
    /// Returns the value of a key, inserting the result of `init` if there is none.
    #[inline]
    pub fn of_or(&mut self, key: Q, init: impl FnOnce() -> A) -> &mut A {
        let hash = hash_of(&key);
        self.slots.of(hash, key, |known, key| known == key, |key| (key, init()))
    }

    /// Returns the value of a key, inserting the default if there is none.
    #[inline]
    pub fn of(&mut self, key: Q) -> &mut A
    where
        A: Default,
    {
        self.of_or(key, A::default)
    }

    /// Returns the value of a borrowed key, inserting the default if there is none. Allocates an owned key
    /// only if the key is new.
    #[inline]
    pub fn of_lent<'b, B>(&mut self, lent: &'b B) -> &mut A
    where
        Q: Borrow<B>,
        B: Eq + Hash + ?Sized,
        &'b B: Into<Q>,
        A: Default,
    {
        let hash = hash_of(lent);
        self.slots.of(hash, lent, |known, lent| known.borrow() == *lent, |lent| (lent.into(), A::default()))
    }

    /// Returns the value of a borrowed key of bytes or text, inserting the default if there is none: the
    /// fastest way to count words. Keys of up to fifteen bytes are stored beside their value, so a look-up
    /// finds both at once; [`of_lent`](Self::of_lent) has to fetch the key from elsewhere in memory to
    /// compare it. Owned keys are created only when the values of the stages are merged.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let lines = Flow::from_items(["short and long", "an extraordinarily_long word and a short one"]);
    /// let counts = lines.combining(|counts, line| {
    ///     for word in line.split(' ') {
    ///         *counts.of_bytes(word) += 1;
    ///     }
    /// });
    /// let counts: Vec<(String, u32)> = counts.merged(|count, other| *count += other).collect().await?;
    /// assert!(counts.contains(&("short".into(), 2)));
    /// assert!(counts.contains(&("extraordinarily_long".into(), 1)));
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn of_bytes(&mut self, lent: &Q::Lent) -> &mut A
    where
        Q: ByteKey,
        A: Default,
    {
        if let Some(short) = Short::of(Q::bytes_of(lent)) {
            return self.short.of(short);
        }
        let hash = hash_of(lent);
        let new = |lent| (Q::from_bytes(Q::bytes_of(lent)), A::default());
        self.slots.of(hash, lent, |known, lent| known.borrow() == *lent, new)
    }

    /// Returns the number of keys. A key that was looked up by [`of_bytes`](Self::of_bytes) and in another
    /// way as well may count twice.
    pub fn len(&self) -> usize {
        self.slots.len() + self.short.len()
    }

    /// Returns whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes all keys and values, split into shards for this number of partitions; leaves this empty.
    pub(crate) fn take_shards(&mut self, partitions: usize) -> Vec<Shard<Q, A>> {
        let short = self.short.len();
        let mut shards = dealt(self.short.drain(), short, partitions);
        let others = self.slots.len();
        shards.extend(dealt(self.slots.drain(), others, partitions));
        shards
    }
}

/// Groups `count` keys and their values by partition.
fn dealt<Q: Hash, A>(
    keys: impl Iterator<Item = (Q, A)>,
    count: usize,
    partitions: usize,
) -> Vec<Shard<Q, A>> {
    if count == 0 {
        return Vec::new();
    }
    // Hashes are evenly distributed: a shard rarely exceeds its share by an eighth.
    let even = count / partitions;
    let shard = |partition| Shard { partition, entries: Vec::with_capacity(even + even / 8 + 1) };
    let mut shards: Vec<_> = (0..partitions).map(shard).collect();
    for (key, value) in keys {
        let hash = hash_of(&key);
        shards[partition_of(hash, partitions)].entries.push((hash, key, value));
    }
    shards.retain(|shard| !shard.entries.is_empty());
    shards
}

impl<Q, A> Default for Partials<Q, A> {
    fn default() -> Self {
        Self { slots: Slots::default(), short: ShortKeys::default() }
    }
}

impl<Q, A> fmt::Debug for Partials<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partials")
            .field("keys", &(self.slots.len() + self.short.len()))
            .finish_non_exhaustive()
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
    fn a_key_looked_up_in_every_way_has_one_entry() {
        let (mut partials, mut merged) = (Partials::<String, u32>::default(), Merged::default());
        for word in ["a", "a word of sixteen", "a", ""] {
            *partials.of_bytes(word) += 1;
            *partials.of_lent(word) += 10;
            *partials.of(word.to_owned()) += 100;
        }
        for shard in partials.take_shards(1) {
            merged.merge(shard, |value, other| *value += other);
        }
        assert!(partials.is_empty());
        let mut all: Vec<_> = merged.into_entries().collect();
        all.sort_unstable();
        let one = |word: &str, value| (word.to_owned(), value);
        assert_eq!(all, [one("", 111), one("a", 222), one("a word of sixteen", 111)]);
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
