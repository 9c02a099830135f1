//! The two ways events travel in a pipeline: plain, or as deliveries.

use crate::ack::{Delivery, Token};

/// How events of one pipeline travel: [`Plain`] or [`Acknowledged`]. Sealed.
pub trait Carry: sealed::Sealed + Send + 'static {
    /// The type that travels for an event of type `T`.
    type Of<T: Send + 'static>: Send + 'static;

    #[doc(hidden)]
    fn open<T: Send + 'static>(carried: Self::Of<T>) -> (T, Token);

    #[doc(hidden)]
    fn close<T: Send + 'static>(event: T, token: Token) -> Self::Of<T>;
}

/// Events travel as plain values; a failed event is counted as discarded.
#[derive(Clone, Copy, Debug)]
pub enum Plain {}

/// Events travel as deliveries; a failed delivery is rejected.
#[derive(Clone, Copy, Debug)]
pub enum Acknowledged {}

impl Carry for Plain {
    type Of<T: Send + 'static> = T;

    fn open<T: Send + 'static>(carried: T) -> (T, Token) {
        (carried, Token::untracked())
    }

    fn close<T: Send + 'static>(event: T, _: Token) -> T {
        event
    }
}

impl Carry for Acknowledged {
    type Of<T: Send + 'static> = Delivery<T>;

    fn open<T: Send + 'static>(carried: Delivery<T>) -> (T, Token) {
        carried.into_parts()
    }

    fn close<T: Send + 'static>(event: T, token: Token) -> Delivery<T> {
        token.with(event)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Plain {}
    impl Sealed for super::Acknowledged {}
}
