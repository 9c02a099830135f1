//! The steps that drop some of the events.

use super::step::step;
use super::{Chain, InOf, StampOf};

step! {
    /// Keeps the events for which a function returns `true`.
    Filter
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

step! {
    /// Maps events with a function that may drop them.
    FilterMap
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
