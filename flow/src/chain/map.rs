//! The step that turns each event into one other.

use super::step::step;
use super::{Chain, InOf, StampOf};

step! {
    /// Maps each event with a function.
    Map
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
