//! Looking at each event.

use std::fmt;
use std::sync::Arc;

use super::{Chain, InOf, StampOf};

/// Each event, after a function has looked at it.
pub struct Inspect<C, F> {
    pub(crate) chain: C,
    pub(crate) function: Arc<F>,
}

impl<C: Clone, F> Clone for Inspect<C, F> {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), function: Arc::clone(&self.function) }
    }
}

impl<C, F> fmt::Debug for Inspect<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspect").finish_non_exhaustive()
    }
}

impl<C, F> Chain for Inspect<C, F>
where
    C: Chain,
    F: Fn(&C::Out) + Send + Sync + 'static,
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
            function(&event);
            sink(stamp, event);
        });
    }

    fn steps(&self, names: &mut Vec<&'static str>) {
        self.chain.steps(names);
        names.push("inspect");
    }
}
