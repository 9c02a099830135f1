//! The step that passes the first event of each key.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use super::{Chain, InOf, StampOf};
use crate::stats::Tally;

/// Passes events whose key has not been seen before in this stage and window.
pub struct UniqBy<C, F> {
    pub(crate) chain: C,
    pub(crate) function: Arc<F>,
    /// The maximum number of keys remembered.
    pub(crate) most: usize,
    pub(crate) evicted: Tally,
}

/// The keys that have been seen, and the state of the preceding chain.
pub struct Seen<K, S> {
    inner: S,
    keys: HashSet<K>,
    /// The keys in the order in which they were seen; kept only if there is a limit.
    order: VecDeque<K>,
}

impl<C: Clone, F> Clone for UniqBy<C, F> {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            function: Arc::clone(&self.function),
            most: self.most,
            evicted: self.evicted.clone(),
        }
    }
}

impl<C, F> fmt::Debug for UniqBy<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UniqBy").field("most", &self.most).finish_non_exhaustive()
    }
}

impl<K, S> fmt::Debug for Seen<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl<C, F, Q> Chain for UniqBy<C, F>
where
    C: Chain,
    F: Fn(&C::Out) -> Q + Send + Sync + 'static,
    Q: Clone + Eq + Hash + Send + 'static,
{
    type Origin = C::Origin;
    type Out = C::Out;
    type State = Seen<Q, C::State>;

    fn origin(&self) -> &C::Origin {
        self.chain.origin()
    }

    fn state(&self) -> Self::State {
        Seen { inner: self.chain.state(), keys: HashSet::new(), order: VecDeque::new() }
    }

    #[inline]
    fn push<K>(&self, state: &mut Self::State, stamp: StampOf<Self>, event: InOf<Self>, sink: &mut K)
    where
        K: FnMut(StampOf<Self>, Self::Out),
    {
        let Seen { inner, keys, order } = state;
        self.chain.push(inner, stamp, event, &mut |stamp, event| {
            let key = (self.function)(&event);
            if keys.contains(&key) {
                return;
            }
            if self.most < usize::MAX {
                if keys.len() >= self.most
                    && let Some(oldest) = order.pop_front()
                {
                    keys.remove(&oldest);
                    self.evicted.add(1);
                }
                order.push_back(key.clone());
            }
            keys.insert(key);
            sink(stamp, event);
        });
    }

    fn steps(&self, names: &mut Vec<&'static str>) {
        self.chain.steps(names);
        names.push("uniq");
    }
}
