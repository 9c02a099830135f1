//! One event in, any number out.

use std::fmt;
use std::sync::Arc;

use super::{Chain, InOf, StampOf};

/// What a function makes of each event, one after the other.
pub struct FlatMap<C, F> {
    pub(crate) chain: C,
    pub(crate) function: Arc<F>,
}

impl<C: Clone, F> Clone for FlatMap<C, F> {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), function: Arc::clone(&self.function) }
    }
}

impl<C, F> fmt::Debug for FlatMap<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlatMap").finish_non_exhaustive()
    }
}

impl<C, F, I> Chain for FlatMap<C, F>
where
    C: Chain,
    F: Fn(C::Out) -> I + Send + Sync + 'static,
    I: IntoIterator<Item: Send + 'static>,
{
    type Origin = C::Origin;
    type Out = I::Item;
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
            for made in function(event) {
                sink(stamp, made);
            }
        });
    }

    fn steps(&self, names: &mut Vec<&'static str>) {
        self.chain.steps(names);
        names.push("flat_map");
    }
}
