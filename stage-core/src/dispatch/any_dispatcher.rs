//! The dispatcher of a stage: the demand dispatcher, whose type is known, or any other.

use std::any::Any;

use super::supply::sole_subscriber::DispatcherState;
use super::{DemandDispatcher, Dispatcher};

/// A dispatcher of any type. The demand dispatcher is a variant of its own, because the engine serves its sole
/// subscriber without calling it.
pub(crate) enum AnyDispatcher<E> {
    Demand(DemandDispatcher),
    Custom(Box<dyn Dispatcher<E>>),
}

impl<E> AnyDispatcher<E> {
    pub(crate) fn new<D: Dispatcher<E> + 'static>(dispatcher: D) -> Self {
        let mut demand = DemandDispatcher::default();
        match (&mut demand as &mut dyn Any).downcast_mut::<D>() {
            Some(same) => {
                *same = dispatcher;
                Self::Demand(demand)
            }
            None => Self::Custom(Box::new(dispatcher)),
        }
    }

    /// Returns the dispatcher as a group of subscribers needs it.
    pub(crate) fn boxed(self) -> Box<dyn Dispatcher<E>> {
        match self {
            Self::Demand(dispatcher) => Box::new(dispatcher),
            Self::Custom(dispatcher) => dispatcher,
        }
    }

    pub(super) fn get(&self) -> &dyn Dispatcher<E> {
        match self {
            Self::Demand(dispatcher) => dispatcher,
            Self::Custom(dispatcher) => &**dispatcher,
        }
    }

    pub(super) fn get_mut(&mut self) -> &mut dyn Dispatcher<E> {
        match self {
            Self::Demand(dispatcher) => dispatcher,
            Self::Custom(dispatcher) => &mut **dispatcher,
        }
    }

    /// Returns the state that a supply needs after each call.
    pub(super) fn state(&self) -> DispatcherState {
        match self {
            Self::Demand(dispatcher) => dispatcher.state(),
            Self::Custom(dispatcher) => {
                DispatcherState { wanted: dispatcher.wanted(), kept: dispatcher.kept(), sole: None }
            }
        }
    }

    /// Sets the credit of the sole subscriber, whose asks and events the supply accounted for by itself.
    pub(super) fn catch_up(&mut self, credit: usize) {
        match self {
            Self::Demand(dispatcher) => dispatcher.catch_up(credit),
            // Only the demand dispatcher reports a sole subscriber.
            Self::Custom(_) => {}
        }
    }
}

impl<E> Default for AnyDispatcher<E> {
    fn default() -> Self {
        Self::Demand(DemandDispatcher::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::FairDispatcher;

    #[test]
    fn the_demand_dispatcher_is_told_apart_with_its_options() {
        let AnyDispatcher::<u32>::Demand(shuffled) = AnyDispatcher::new(DemandDispatcher::new().shuffled(42))
        else {
            panic!("its type is known");
        };
        assert_eq!(format!("{shuffled:?}"), format!("{:?}", DemandDispatcher::new().shuffled(42)));
        assert!(matches!(AnyDispatcher::<u32>::new(FairDispatcher::new()), AnyDispatcher::Custom(_)));
    }
}
