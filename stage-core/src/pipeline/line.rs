//! The declaration that a branch starts from: a chain of events, or a chain of deliveries whose functions
//! take the events.

use super::acknowledged::Acknowledged;
use super::chain::Chain;
use crate::ack::Delivery;
use crate::dispatch::options::Selector;

/// A declaration in progress: a [`Chain`] or an [`Acknowledged`] chain. The trait is sealed.
pub trait Line: sealed::Sealed + Sized {
    /// The type of events that the last step so far emits.
    type Event: Send + 'static;
    /// The type that functions take.
    type Value;

    #[doc(hidden)]
    fn from_chain(chain: Chain<Self::Event>) -> Self;

    #[doc(hidden)]
    fn into_chain(self) -> Chain<Self::Event>;

    #[doc(hidden)]
    fn selector(selects: impl Fn(&Self::Value) -> bool + Send + Sync + 'static) -> Selector<Self::Event>;
}

impl<E: Send + 'static> Line for Chain<E> {
    type Event = E;
    type Value = E;

    fn from_chain(chain: Self) -> Self {
        chain
    }

    fn into_chain(self) -> Self {
        self
    }

    fn selector(selects: impl Fn(&E) -> bool + Send + Sync + 'static) -> Selector<E> {
        Selector::new(selects)
    }
}

impl<T: Send + 'static> Line for Acknowledged<T> {
    type Event = Delivery<T>;
    type Value = T;

    fn from_chain(chain: Chain<Delivery<T>>) -> Self {
        Self { chain }
    }

    fn into_chain(self) -> Chain<Delivery<T>> {
        self.chain
    }

    fn selector(selects: impl Fn(&T) -> bool + Send + Sync + 'static) -> Selector<Delivery<T>> {
        Selector::new(move |delivery: &Delivery<T>| selects(delivery.peek()))
    }
}

mod sealed {
    pub trait Sealed {}
    impl<E> Sealed for super::Chain<E> {}
    impl<T> Sealed for super::Acknowledged<T> {}
}
