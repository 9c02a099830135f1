//! Some events pass, others do not.

use std::fmt;
use std::sync::Arc;

use super::{Chain, InOf, StampOf};

/// The events for which a function says so.
pub struct Filter<C, F> {
    pub(crate) chain: C,
    pub(crate) function: Arc<F>,
}

impl<C: Clone, F> Clone for Filter<C, F> {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), function: Arc::clone(&self.function) }
    }
}

impl<C, F> fmt::Debug for Filter<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").finish_non_exhaustive()
    }
}

impl<C, F> Chain for Filter<C, F>
where
    C: Chain,
    F: Fn(&C::Out) -> bool + Send + Sync + 'static,
{
    type Origin = C::Origin;
    type Out = C::Out;
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
        self.chain.push(state, stamp, event, &mut |stamp, event| {
            if function(&event) {
                sink(stamp, event);
            }
        });
    }

    fn steps(&self, names: &mut Vec<&'static str>) {
        self.chain.steps(names);
        names.push("filter");
    }
}

/// What a function makes of some events.
pub struct FilterMap<C, F> {
    pub(crate) chain: C,
    pub(crate) function: Arc<F>,
}

impl<C: Clone, F> Clone for FilterMap<C, F> {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), function: Arc::clone(&self.function) }
    }
}

impl<C, F> fmt::Debug for FilterMap<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterMap").finish_non_exhaustive()
    }
}

impl<C, F, U> Chain for FilterMap<C, F>
where
    C: Chain,
    F: Fn(C::Out) -> Option<U> + Send + Sync + 'static,
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
        self.chain.push(state, stamp, event, &mut |stamp, event| {
            if let Some(made) = function(event) {
                sink(stamp, made);
            }
        });
    }

    fn steps(&self, names: &mut Vec<&'static str>) {
        self.chain.steps(names);
        names.push("filter_map");
    }
}
