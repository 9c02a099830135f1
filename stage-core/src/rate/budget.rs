//! A rate that several steps share and that can be changed while they run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

use super::bucket::{Bucket, Taken, Who};
use crate::base::rate::Rate;
use crate::sync::{Arc, Mutex, lock};
use crate::wire::operator::AdjustableRate;

/// The number of events that may pass per unit of time, for each key. Clones share the same budget.
///
/// Steps that wait for the same tokens get them in turn, one each.
///
/// ```
/// use std::time::Duration;
/// use stage_core::rate::{Budget, Rate};
///
/// // One limit for all steps together, and one for each user.
/// let all: Budget = Budget::new(Rate::new(1_000, Duration::from_secs(1))?);
/// let each: Budget<String> = Budget::new(Rate::new(10, Duration::from_secs(1))?);
/// # let _ = each;
///
/// // Later, while the pipeline runs:
/// all.set(Rate::new(50, Duration::from_secs(1))?);
/// # Ok::<(), stage_core::rate::RateError>(())
/// ```
pub struct Budget<K = ()> {
    shared: Arc<Mutex<Shared<K>>>,
}

struct Shared<K> {
    rate: Rate,
    epoch: Option<Instant>,
    buckets: HashMap<K, Bucket>,
    /// Number of buckets at which idle ones are dropped.
    prune_at: usize,
    watchers: BTreeMap<Who, Wake>,
    next: Who,
}

/// Makes a step check its budget again.
type Wake = Arc<dyn Fn() + Send + Sync>;

/// Smallest number of buckets at which idle ones are looked for.
const MANY: usize = 1024;

impl<K: Clone + Eq + Hash> From<Rate> for Budget<K> {
    fn from(rate: Rate) -> Self {
        Self::new(rate)
    }
}

impl<K: Clone + Eq + Hash> Budget<K> {
    /// Creates a budget with this rate for each key, starting with a full burst.
    pub fn new(rate: Rate) -> Self {
        let shared = Shared {
            rate,
            epoch: None,
            buckets: HashMap::new(),
            prune_at: MANY,
            watchers: BTreeMap::new(),
            next: 0,
        };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// Returns the current rate.
    pub fn rate(&self) -> Rate {
        lock(&self.shared).rate
    }

    /// Changes the rate for every key, effective immediately. Earned tokens are kept, up to the new burst;
    /// waiting steps use the new rate at once.
    pub fn set(&self, rate: Rate) {
        let mut shared = lock(&self.shared);
        let (old, now) = (shared.rate, shared.now());
        shared.rate = rate;
        shared.buckets.values_mut().for_each(|bucket| bucket.change(old, rate, now));
        let wake: Vec<_> = shared.watchers.values().cloned().collect();
        drop(shared);
        for wake in wake {
            wake();
        }
    }

    /// Adds a step to the budget; `wake` is called when a retry is worthwhile.
    pub(super) fn join(&self, wake: impl Fn() + Send + Sync + 'static) -> Share<K> {
        let mut shared = lock(&self.shared);
        shared.next += 1;
        let who = shared.next;
        shared.watchers.insert(who, Arc::new(wake));
        Share { budget: self.clone(), who, waits: HashSet::new() }
    }
}

impl<K: Clone + Eq + Hash> Shared<K> {
    /// Returns the time since the first use.
    fn now(&mut self) -> Duration {
        let now = Instant::now();
        now.saturating_duration_since(*self.epoch.get_or_insert(now))
    }

    fn prune(&mut self, now: Duration) {
        if self.buckets.len() >= self.prune_at {
            let rate = self.rate;
            self.buckets.retain(|_, bucket| !bucket.is_idle(rate, now));
            self.prune_at = MANY.max(2 * self.buckets.len());
        }
    }
}

/// The share of one step in a budget; leaves the budget when dropped.
pub(super) struct Share<K: Clone + Eq + Hash> {
    budget: Budget<K>,
    who: Who,
    /// The keys for whose tokens the step waits.
    waits: HashSet<K>,
}

impl<K: Clone + Eq + Hash> Share<K> {
    /// Takes tokens for up to `want` events with `key`; if they do not suffice, also returns the delay until
    /// a retry is worthwhile.
    pub(super) fn take(&mut self, key: &K, want: usize) -> Taken {
        let mut shared = lock(&self.budget.shared);
        let (rate, now) = (shared.rate, shared.now());
        if !shared.buckets.contains_key(key) {
            shared.prune(now);
        }
        let bucket = shared.buckets.entry(key.clone()).or_insert_with(|| Bucket::new(rate, now));
        let taken = bucket.take(rate, now, self.who, want);
        drop(shared);
        if taken.wait.is_none() {
            self.waits.remove(key);
        } else if !self.waits.contains(key) {
            self.waits.insert(key.clone());
        }
        taken
    }

    /// Returns unused tokens to the budget.
    pub(super) fn give_back(&mut self, key: &K, tokens: usize) {
        let shared = &mut *lock(&self.budget.shared);
        if let Some(bucket) = shared.buckets.get_mut(key) {
            bucket.give_back(shared.rate, tokens);
        }
    }

    /// Stops waiting for tokens; other waiting steps may be served earlier.
    pub(super) fn give_up(&mut self) {
        if self.waits.is_empty() {
            return;
        }
        let mut shared = lock(&self.budget.shared);
        let (rate, mut left) = (shared.rate, false);
        for key in self.waits.drain() {
            left |= shared.buckets.get_mut(&key).is_some_and(|bucket| bucket.leave(rate, self.who));
        }
        let others = shared.watchers.iter().filter(|(who, _)| left && **who != self.who);
        let wake: Vec<_> = others.map(|(_, wake)| Arc::clone(wake)).collect();
        drop(shared);
        for wake in wake {
            wake();
        }
    }
}

impl<K: Clone + Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        self.give_up();
        lock(&self.budget.shared).watchers.remove(&self.who);
    }
}

impl<K: Clone + Eq + Hash + Send> AdjustableRate for Budget<K> {
    fn rate(&self) -> Rate {
        Self::rate(self)
    }

    fn set(&self, rate: Rate) {
        Self::set(self, rate);
    }

    fn id(&self) -> usize {
        Arc::as_ptr(&self.shared) as usize
    }
}

impl<K> Clone for Budget<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K> fmt::Debug for Budget<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("rate", &lock(&self.shared).rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(events: u32) -> Rate {
        Rate::new(events, Duration::from_secs(1)).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_are_idle_take_no_memory_for_long() {
        let budget = Budget::new(rate(10));
        let mut share = budget.join(|| {});
        for second in 0..10 {
            for key in 0..MANY {
                assert_eq!(share.take(&(second, key), 1).wait, None);
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(lock(&budget.shared).buckets.len() <= 2 * MANY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_that_is_dropped_leaves_nothing_behind() {
        let woken = Arc::new(Mutex::new(0));
        let count = Arc::clone(&woken);
        let budget: Budget = Budget::new(rate(1));
        let (mut first, mut second) = (budget.join(|| {}), budget.join(move || *lock(&count) += 1));
        assert_eq!(first.take(&(), 1).wait, None);
        assert!(first.take(&(), 1).wait.is_some());
        assert_eq!(second.take(&(), 1).wait, Some(Duration::from_secs(2)));
        drop(first);
        assert_eq!(*lock(&woken), 1, "the next waiter looks again");
        assert_eq!(second.take(&(), 1).wait, Some(Duration::from_secs(1)));
        assert_eq!(lock(&budget.shared).watchers.len(), 1);
    }
}
