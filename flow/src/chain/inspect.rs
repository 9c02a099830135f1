//! The step that shows each event to a function.

use super::step::step;
use super::{Chain, InOf, StampOf};

step! {
    /// Passes each event on after a function has seen it.
    Inspect
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
