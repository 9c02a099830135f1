//! One event in, one out.

use std::fmt;
use std::sync::Arc;

use super::{Chain, InOf, StampOf};

/// Each event through a function.
pub struct Map<C, F> {
    pub(crate) chain: C,
    pub(crate) function: Arc<F>,
}

impl<C: Clone, F> Clone for Map<C, F> {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), function: Arc::clone(&self.function) }
    }
}

impl<C, F> fmt::Debug for Map<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").finish_non_exhaustive()
    }
}

impl<C, F, U> Chain for Map<C, F>
where
    C: Chain,
    F: Fn(C::Out) -> U + Send + Sync + 'static,
    U: Send + 'static,
{
    type Origin = C::Origin;
    type Out = U;
    type State = C::State;

    fn origin(&self) -> &C::Origin {
        self.chain.origin()
    }

    fn state(&self) -> C::State {
        self.chain.state()
    }

    #[inline]
    fn push<K>(&self, state: &mut C::State, stamp: StampOf<Self>, event: InOf<Self>, sink: &mut K)
    where
        K: FnMut(StampOf<Self>, Self::Out),
    {
        let function = &*self.function;
        self.chain.push(state, stamp, event, &mut |stamp, event| sink(stamp, function(event)));
    }

    fn steps(&self, names: &mut Vec<&'static str>) {
        self.chain.steps(names);
        names.push("map");
    }
}
