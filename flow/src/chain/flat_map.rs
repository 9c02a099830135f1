//! The step that turns each event into any number of events.

use super::step::step;
use super::{Chain, InOf, StampOf};

step! {
    /// Maps each event to several, which follow one after the other.
    FlatMap
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
