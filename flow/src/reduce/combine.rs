//! Prepares events for the exchange in the stage that has them: folds them by key, or groups them by
//! partition.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use super::partials::Partials;
use super::shard::{Shard, hash_of, partition_of};
use super::{Accumulate, Bulk, NoAlarms, Reducer};

/// The number of keys that a stage keeps before it sends its partial values on.
const MOST_PARTIAL: usize = 1 << 17;
/// The number of events of a partition that a stage keeps before it sends them on.
const MOST_DEALT: usize = 1024;

/// Folds events into the values of the keys that `fold` looks up; sends the partial values on when a stage
/// holds too many keys.
pub(crate) struct FoldPartials<Q, A, F> {
    fold: Arc<F>,
    partitions: usize,
    makes: PhantomData<fn() -> (Q, A)>,
}

/// Groups events by partition, each with its key and the hash of the key.
pub(crate) struct Deal<Q, T, F> {
    key: Arc<F>,
    partitions: usize,
    makes: PhantomData<fn() -> (Q, T)>,
}

/// The events that one stage keeps.
pub(crate) struct Dealt<Q, T> {
    partitions: Vec<Vec<(u64, Q, T)>>,
}

macro_rules! shared {
    ($name:ident, $function:ident) => {
        impl<Q, A, F> $name<Q, A, F> {
            pub(crate) fn new($function: Arc<F>, partitions: usize) -> Self {
                Self { $function, partitions, makes: PhantomData }
            }
        }

        impl<Q, A, F> Clone for $name<Q, A, F> {
            fn clone(&self) -> Self {
                Self::new(Arc::clone(&self.$function), self.partitions)
            }
        }

        impl<Q, A, F> fmt::Debug for $name<Q, A, F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

shared!(FoldPartials, fold);
shared!(Deal, key);

impl<Q, A, F> Accumulate for FoldPartials<Q, A, F>
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Send + Sync + 'static,
{
    type Acc = Partials<Q, A>;
    type Alarms = NoAlarms;

    fn acc(&self, _alarms: &mut NoAlarms) -> Partials<Q, A> {
        Partials::default()
    }
}

impl<T, Q, A, F> Reducer<T, Shard<Q, A>> for FoldPartials<Q, A, F>
where
    Q: Eq + Hash + Send + 'static,
    A: Send + 'static,
    F: Fn(&mut Partials<Q, A>, T) + Send + Sync + 'static,
{
    #[inline]
    fn reduce<K: FnMut(Shard<Q, A>)>(
        &self,
        values: &mut Partials<Q, A>,
        _alarms: &mut NoAlarms,
        event: T,
        _sink: &mut K,
    ) {
        (self.fold)(values, event);
    }

    fn settle<K: FnMut(Shard<Q, A>)>(&self, values: &mut Partials<Q, A>, sink: &mut K) {
        if values.len() >= MOST_PARTIAL {
            values.take_shards(self.partitions).into_iter().for_each(sink);
        }
    }
}

impl<Q, T, F> Accumulate for Deal<Q, T, F>
where
    Q: Send + 'static,
    T: Send + 'static,
    F: Send + Sync + 'static,
{
    type Acc = Dealt<Q, T>;
    type Alarms = NoAlarms;

    fn acc(&self, _alarms: &mut NoAlarms) -> Dealt<Q, T> {
        Dealt { partitions: (0..self.partitions).map(|_| Vec::new()).collect() }
    }
}

impl<T, Q, A, F> Reducer<T, Bulk<Q, A, T>> for Deal<Q, T, F>
where
    Q: Hash + Send + 'static,
    T: Send + 'static,
    F: Fn(&T) -> Q + Send + Sync + 'static,
{
    #[inline]
    fn reduce<K: FnMut(Bulk<Q, A, T>)>(
        &self,
        dealt: &mut Dealt<Q, T>,
        _alarms: &mut NoAlarms,
        event: T,
        sink: &mut K,
    ) {
        let key = (self.key)(&event);
        let hash = hash_of(&key);
        let partition = partition_of(hash, self.partitions);
        let entries = &mut dealt.partitions[partition];
        entries.push((hash, key, event));
        if entries.len() >= MOST_DEALT {
            let entries = std::mem::replace(entries, Vec::with_capacity(MOST_DEALT));
            sink(Bulk::Events(Shard { partition, entries }));
        }
    }
}

impl<Q, T> Dealt<Q, T> {
    /// Takes all events, leaving this empty.
    pub(crate) fn take<A>(&mut self) -> Vec<Bulk<Q, A, T>> {
        let all = self.partitions.iter_mut().map(std::mem::take).enumerate();
        let some = all.filter(|(_, entries)| !entries.is_empty());
        some.map(|(partition, entries)| Bulk::Events(Shard { partition, entries })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_dealt_out_whole_and_by_key() {
        let deal = Deal::new(Arc::new(|event: &u32| event % 100), 4);
        let (mut dealt, mut bulks) = (deal.acc(&mut NoAlarms), Vec::<Bulk<u32, (), u32>>::new());
        for event in 0..10_000 {
            deal.reduce(&mut dealt, &mut NoAlarms, event, &mut |bulk| bulks.push(bulk));
        }
        assert!(!bulks.is_empty(), "a large bulk is passed on early");
        bulks.extend(dealt.take());
        assert!(dealt.take::<()>().is_empty());
        let (mut of_key, mut all) = (std::collections::HashMap::new(), Vec::new());
        for bulk in bulks {
            let Bulk::Events(Shard { partition, entries }) = bulk else { panic!("nothing was folded") };
            assert!(entries.len() <= MOST_DEALT);
            for (hash, key, event) in entries {
                assert_eq!((hash, key), (hash_of(&key), event % 100));
                assert_eq!(*of_key.entry(key).or_insert(partition), partition);
                all.push(event);
            }
        }
        all.sort_unstable();
        assert_eq!(all, (0..10_000).collect::<Vec<_>>());
    }
}
