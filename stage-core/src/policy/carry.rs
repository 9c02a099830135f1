//! The two ways events travel in a pipeline: plain, or as deliveries.

use super::handle_each::HandleEach;
use super::skip::Skip;
use crate::ack::{Delivery, Token};
use crate::dispatch::{Dispatcher, GroupDispatcher, SubscriberGroup};
use crate::stage::{Consumer, ForEach, LetGo, MapEach, Nothing, ProducerConsumer, Sinking, Then};

/// How the events of a chain travel: [`Plain`] or [`Acknowledged`]. Sealed.
pub trait Carry: sealed::Sealed + Send + 'static {
    /// Whether events are deliveries.
    #[doc(hidden)]
    const ACKNOWLEDGED: bool;

    /// The type that travels for an event of type `T`.
    type Of<T: Send + 'static>: Send + 'static;

    #[doc(hidden)]
    fn open<T: Send + 'static>(carried: Self::Of<T>) -> (T, Token);

    #[doc(hidden)]
    fn close<T: Send + 'static>(event: T, token: Token) -> Self::Of<T>;

    #[doc(hidden)]
    fn peek<T: Send + 'static>(carried: &Self::Of<T>) -> &T;

    #[doc(hidden)]
    fn map<T, U>(carried: Self::Of<T>, function: impl FnOnce(T) -> U) -> Self::Of<U>
    where
        T: Send + 'static,
        U: Send + 'static;

    /// Joins events into one.
    #[doc(hidden)]
    fn join<T: Send + 'static>(batch: Vec<Self::Of<T>>) -> Self::Of<Vec<T>>;

    /// Returns the ways in which a stage lets go of an event.
    #[doc(hidden)]
    fn let_go<T: Send + 'static>() -> LetGo<Self::Of<T>>;

    /// Creates a dispatcher that sends every event to every group.
    #[doc(hidden)]
    fn to_every<T>(groups: Vec<SubscriberGroup<Self::Of<T>>>) -> Box<dyn Dispatcher<Self::Of<T>>>
    where
        T: Clone + Send + 'static;

    /// Creates a consumer, of a step that is fed by key or not, that calls a function with each event.
    #[doc(hidden)]
    fn each<T, F>(function: F, keyed: bool) -> impl Consumer<Event = Self::Of<T>>
    where
        T: Send + 'static,
        F: FnMut(T) + Send + 'static;

    /// Like [`each`](Self::each), fused with the function before it.
    #[doc(hidden)]
    fn each_after<In, T, G, F>(first: G, function: F) -> impl ProducerConsumer<In = In, Out = Nothing>
    where
        In: Send + 'static,
        T: Send + 'static,
        G: FnMut(In) -> Self::Of<T> + Send + 'static,
        F: FnMut(T) + Send + 'static;
}

/// Events travel as plain values; a failed event is counted as discarded.
#[derive(Clone, Copy, Debug)]
pub enum Plain {}

/// Events travel as [deliveries](crate::ack); a failed delivery is rejected.
#[derive(Clone, Copy, Debug)]
pub enum Acknowledged {}

impl Carry for Plain {
    const ACKNOWLEDGED: bool = false;
    type Of<T: Send + 'static> = T;

    fn open<T: Send + 'static>(carried: T) -> (T, Token) {
        (carried, Token::untracked())
    }

    fn close<T: Send + 'static>(event: T, _: Token) -> T {
        event
    }

    #[inline]
    fn peek<T: Send + 'static>(carried: &T) -> &T {
        carried
    }

    #[inline]
    fn map<T, U>(carried: T, function: impl FnOnce(T) -> U) -> U
    where
        T: Send + 'static,
        U: Send + 'static,
    {
        function(carried)
    }

    fn join<T: Send + 'static>(batch: Vec<T>) -> Vec<T> {
        batch
    }

    fn let_go<T: Send + 'static>() -> LetGo<T> {
        LetGo::default()
    }

    fn to_every<T: Clone + Send + 'static>(groups: Vec<SubscriberGroup<T>>) -> Box<dyn Dispatcher<T>> {
        Box::new(GroupDispatcher::every(groups))
    }

    fn each<T, F>(function: F, _: bool) -> impl Consumer<Event = T>
    where
        T: Send + 'static,
        F: FnMut(T) + Send + 'static,
    {
        ForEach::new(function)
    }

    // One function of both: an event passes through them before the next one does.
    fn each_after<In, T, G, F>(mut first: G, mut function: F) -> impl ProducerConsumer<In = In, Out = Nothing>
    where
        In: Send + 'static,
        T: Send + 'static,
        G: FnMut(In) -> T + Send + 'static,
        F: FnMut(T) + Send + 'static,
    {
        Sinking(ForEach::new(move |event: In| function(first(event))))
    }
}

impl Carry for Acknowledged {
    const ACKNOWLEDGED: bool = true;
    type Of<T: Send + 'static> = Delivery<T>;

    fn open<T: Send + 'static>(carried: Delivery<T>) -> (T, Token) {
        carried.into_parts()
    }

    fn close<T: Send + 'static>(event: T, token: Token) -> Delivery<T> {
        token.with(event)
    }

    #[inline]
    fn peek<T: Send + 'static>(carried: &Delivery<T>) -> &T {
        carried.peek()
    }

    #[inline]
    fn map<T, U>(carried: Delivery<T>, function: impl FnOnce(T) -> U) -> Delivery<U>
    where
        T: Send + 'static,
        U: Send + 'static,
    {
        carried.map(function)
    }

    fn join<T: Send + 'static>(batch: Vec<Delivery<T>>) -> Delivery<Vec<T>> {
        Delivery::join(batch)
    }

    fn let_go<T: Send + 'static>() -> LetGo<Delivery<T>> {
        LetGo::new(Delivery::acknowledge, |delivery| delivery.into_parts().1.give_back())
    }

    /// A delivery that no group selects is acknowledged.
    fn to_every<T>(groups: Vec<SubscriberGroup<Delivery<T>>>) -> Box<dyn Dispatcher<Delivery<T>>>
    where
        T: Clone + Send + 'static,
    {
        Box::new(GroupDispatcher::every_leaving(groups, Delivery::acknowledge))
    }

    fn each<T, F>(function: F, keyed: bool) -> impl Consumer<Event = Delivery<T>>
    where
        T: Send + 'static,
        F: FnMut(T) + Send + 'static,
    {
        HandleEach::new(function, Skip::in_step(keyed))
    }

    fn each_after<In, T, G, F>(first: G, function: F) -> impl ProducerConsumer<In = In, Out = Nothing>
    where
        In: Send + 'static,
        T: Send + 'static,
        G: FnMut(In) -> Delivery<T> + Send + 'static,
        F: FnMut(T) + Send + 'static,
    {
        Then::new(MapEach::new(first), Sinking(HandleEach::new(function, Skip::DeadWholes)))
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Plain {}
    impl Sealed for super::Acknowledged {}
}
