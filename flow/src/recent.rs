//! A map that keeps the most recently used keys, so that the state of a reducer does not grow without limit.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::stats::Tally;

/// A map with a limited number of keys. Beyond the limit, the least recently used key is evicted with its
/// value, and counted.
///
/// Use it as the value of a reducer: its entries are emitted in the order of use, the least recently used key
/// first.
///
/// ```
/// use flow::{Flow, Recent, Tally};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let evicted = Tally::new();
/// let forgotten = evicted.clone();
/// let counts = Flow::from_items(["a", "b", "a", "c", "a"])
///     .stages(1)
///     .reduce(
///         move || Recent::new(2, &forgotten),
///         |counts, word| *counts.entry(word, || 0) += 1,
///     )
///     .emit();
/// assert_eq!(counts.collect::<Vec<_>>().await?, [("c", 1), ("a", 3)]);
/// assert_eq!(evicted.get(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Recent<Q, A> {
    most: usize,
    evicted: Tally,
    /// The time of the last use of each key, and its value.
    values: FxHashMap<Q, (u64, A)>,
    /// The keys by the time of their last use.
    touched: BTreeMap<u64, Q>,
    next: u64,
}

impl<Q, A> Recent<Q, A> {
    /// Creates a map that keeps at most `most` keys, at least 1, and counts the evicted ones.
    ///
    /// # Panics
    ///
    /// Panics if `most` is 0: a key must be present while its value is changed.
    #[track_caller]
    pub fn new(most: usize, evicted: &Tally) -> Self {
        assert!(most > 0, "`Recent::new` cannot keep 0 keys: it must keep at least 1");
        Self {
            most,
            evicted: evicted.clone(),
            values: FxHashMap::default(),
            touched: BTreeMap::new(),
            next: 0,
        }
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<Q: Clone + Eq + Hash, A> Recent<Q, A> {
    /// Returns the value of a key, inserting `init()` if there is none; counts as a use of the key.
    pub fn entry(&mut self, key: Q, init: impl FnOnce() -> A) -> &mut A {
        let now = self.next;
        self.next += 1;
        if let Some((at, _)) = self.values.get_mut(&key) {
            self.touched.remove(at);
            *at = now;
        } else if self.values.len() >= self.most
            && let Some((_, oldest)) = self.touched.pop_first()
        {
            self.values.remove(&oldest);
            self.evicted.add(1);
        }
        self.touched.insert(now, key.clone());
        &mut self.values.entry(key).or_insert_with(|| (now, init())).1
    }

    /// Returns the value of a key; does not count as a use of the key.
    pub fn get(&self, key: &Q) -> Option<&A> {
        self.values.get(key).map(|(_, value)| value)
    }
}

impl<Q: fmt::Debug, A> fmt::Debug for Recent<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { most, evicted, values, .. } = self;
        f.debug_struct("Recent")
            .field("most", most)
            .field("evicted", evicted)
            .field("keys", &values.len())
            .finish_non_exhaustive()
    }
}

impl<Q: Eq + Hash, A> IntoIterator for Recent<Q, A> {
    type Item = (Q, A);
    type IntoIter = std::vec::IntoIter<(Q, A)>;

    fn into_iter(mut self) -> Self::IntoIter {
        let with_value = |key| self.values.remove(&key).map(|(_, value)| (key, value));
        self.touched.into_values().filter_map(with_value).collect::<Vec<_>>().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_was_touched_longest_ago_is_forgotten() {
        let evicted = Tally::new();
        let mut recent = Recent::new(3, &evicted);
        for key in ["a", "b", "c", "a", "d", "b"] {
            *recent.entry(key, || 0) += 1;
            assert!(recent.len() <= 3 && !recent.is_empty());
        }
        // `d` evicted `b`, and `b` evicted `c`.
        assert_eq!((recent.get(&"a"), recent.get(&"c"), evicted.get()), (Some(&2), None, 2));
        assert_eq!(recent.into_iter().collect::<Vec<_>>(), [("a", 2), ("d", 1), ("b", 1)]);
    }
}
