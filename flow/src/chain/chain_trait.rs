//! What every chain of steps can do.

use crate::plan::{NodeOf, Origin};
use crate::time::Time;

/// What the events of a chain carry.
pub(crate) type TimeOf<C> = <<C as Chain>::Origin as Origin>::Time;
/// The stamp of the events of a chain.
pub(crate) type StampOf<C> = <TimeOf<C> as Time>::Stamp;
/// What goes into a chain.
pub(crate) type InOf<C> = <<C as Chain>::Origin as Origin>::Item;

/// What comes out of a chain, with its stamp.
pub(crate) type CarriedOf<C> = <TimeOf<C> as Time>::Of<<C as Chain>::Out>;
/// Copies what goes into a chain, where that can be done.
pub(crate) type CopyOf<C> = Option<fn(&InOf<C>) -> InOf<C>>;

/// Steps of one layer.
pub trait Chain: Clone + Send + Sync + 'static {
    /// Where the events come from.
    type Origin: Origin;
    /// What comes of them.
    type Out: Send + 'static;
    /// What the steps remember within one window of one stage.
    type State: Send + 'static;

    /// Where the events come from.
    #[doc(hidden)]
    fn origin(&self) -> &Self::Origin;

    /// What the steps remember at first.
    #[doc(hidden)]
    fn state(&self) -> Self::State;

    /// Takes one event through the steps; `sink` gets what comes of it, in order.
    #[doc(hidden)]
    fn push<K>(&self, state: &mut Self::State, stamp: StampOf<Self>, event: InOf<Self>, sink: &mut K)
    where
        K: FnMut(StampOf<Self>, Self::Out);

    /// The names of the steps, in order.
    #[doc(hidden)]
    fn steps(&self, names: &mut Vec<&'static str>);

    /// The stages before, if there are no steps and nothing is lost when what follows subscribes to them.
    #[doc(hidden)]
    fn node(&self) -> Option<NodeOf<CarriedOf<Self>>> {
        None
    }
}
