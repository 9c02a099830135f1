//! The trait of all chains of steps.

use crate::plan::{NodeOf, Origin};
use crate::time::Time;

/// Whether the events of a chain carry time.
pub(crate) type TimeOf<C> = <<C as Chain>::Origin as Origin>::Time;
/// The stamp of the events of a chain.
pub(crate) type StampOf<C> = <TimeOf<C> as Time>::Stamp;
/// The input of a chain.
pub(crate) type InOf<C> = <<C as Chain>::Origin as Origin>::Item;

/// The output of a chain, with its stamp.
pub(crate) type CarriedOf<C> = <TimeOf<C> as Time>::Of<<C as Chain>::Out>;
/// Clones an input event, if its type allows it.
pub(crate) type CopyOf<C> = Option<fn(&InOf<C>) -> InOf<C>>;

/// The steps of one layer: the type parameter of [`Flow`](crate::Flow).
///
/// Sealed; a function over flows has it as a bound, which states the type of the events:
/// `Flow<impl Chain<Out = u64>>`.
///
/// ```
/// use flow::{Chain, Flow};
///
/// fn squares(numbers: Flow<impl Chain<Out = u64>>) -> Flow<impl Chain<Out = u64>> {
///     numbers.map(|number| number * number)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// assert_eq!(squares(Flow::from_items([1, 2, 3])).count().await?, 3);
/// # Ok(())
/// # }
/// ```
pub trait Chain: sealed::Sealed + Clone + Send + Sync + 'static {
    /// The origin of the events.
    type Origin: Origin;
    /// The type of the resulting events.
    type Out: Send + 'static;
    /// The state of the steps, within one window of one stage.
    type State: Send + 'static;

    /// Returns the origin of the events.
    #[doc(hidden)]
    fn origin(&self) -> &Self::Origin;

    /// Returns the initial state of the steps.
    #[doc(hidden)]
    fn state(&self) -> Self::State;

    /// Takes one event through the steps; passes the results to `sink`, in order.
    #[doc(hidden)]
    fn push<K>(&self, state: &mut Self::State, stamp: StampOf<Self>, event: InOf<Self>, sink: &mut K)
    where
        K: FnMut(StampOf<Self>, Self::Out);

    /// Adds the names of the steps, in order.
    #[doc(hidden)]
    fn steps(&self, names: &mut Vec<&'static str>);

    /// Returns the stages before, if there are no steps and a subscriber can receive from those stages
    /// directly without loss.
    #[doc(hidden)]
    fn node(&self) -> Option<NodeOf<CarriedOf<Self>>> {
        None
    }
}

mod sealed {
    use crate::chain::{Filter, FilterMap, FlatMap, Inspect, Map, Start, UniqBy};

    pub trait Sealed {}

    impl<O> Sealed for Start<O> {}
    impl<C, F> Sealed for Filter<C, F> {}
    impl<C, F> Sealed for FilterMap<C, F> {}
    impl<C, F> Sealed for FlatMap<C, F> {}
    impl<C, F> Sealed for Inspect<C, F> {}
    impl<C, F> Sealed for Map<C, F> {}
    impl<C, F> Sealed for UniqBy<C, F> {}
}
