//! The beginning of a chain: the input of the layer, unchanged.

use super::{Chain, InOf, StampOf};
use crate::plan::{NodeOf, Origin};
use crate::time::Time;

/// A chain without steps.
#[derive(Clone, Debug)]
pub struct Start<O> {
    pub(crate) origin: O,
}

impl<O: Origin> Chain for Start<O> {
    type Origin = O;
    type Out = O::Item;
    type State = ();

    fn origin(&self) -> &O {
        &self.origin
    }

    fn state(&self) {}

    #[inline]
    fn push<K>(&self, _state: &mut (), stamp: StampOf<Self>, event: InOf<Self>, sink: &mut K)
    where
        K: FnMut(StampOf<Self>, O::Item),
    {
        sink(stamp, event);
    }

    fn node(&self) -> Option<NodeOf<<O::Time as Time>::Of<O::Item>>> {
        self.origin.node()
    }

    fn steps(&self, _names: &mut Vec<&'static str>) {}
}
